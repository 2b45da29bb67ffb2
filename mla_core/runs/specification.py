"""What a sweep runs, read from a small TOML file and checked before anything runs."""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from mla_core.config import ExperimentConfig
from mla_core.errors import ConfigError, one_of, quoted
from mla_core.outside import path_of
from mla_core.results import is_finished
from mla_core.runs.grids import (
    Axes,
    What,
    allowed_settings,
    axes_in,
    configured,
    notebook_at,
    points,
)
from mla_core.runs.protocol import Cell, Choice, Protocol, Reader
from mla_core.runs.same_data import refuse_other_data

MOST_RUNS = 10_000  # of one specification
_ENTRIES = ("description", "notebook", "choose", "common", "grid")


@dataclass(frozen=True)
class Specification:
    """What a sweep runs.

    Attributes
    ----------
    name : str
        The file's name without its ending.
    description : str
        One sentence that names the question.
    notebook : Path or None
        What is run, instead of `run_experiment`.
    configurations : tuple
        One `ExperimentConfig` per run; of a notebook, a mapping with all its parameters. Where
        settings are chosen first, the runs of stage one.
    text : str
        The file as it stands.
    part : str
        Which part of the file's runs these are, such as ``"2-of-8"``; empty when all.
    protocol : Protocol or None
        How settings are chosen on val, before what counts is run.
    """

    name: str
    description: str
    notebook: Path | None
    configurations: tuple[ExperimentConfig | Mapping[str, Any], ...]
    text: str
    part: str = ""
    protocol: Protocol | None = None

    @cached_property
    def runs(self) -> dict[str, dict[str, Any]]:
        """The name of each run's folder -> its settings as plain JSON values."""
        return {_name(c, self.notebook): _settings(c) for c in self.configurations}

    @cached_property
    def varying(self) -> list[str]:
        """The settings that are not the same for all runs."""
        texts = [{k: _json(v) for k, v in run.items()} for run in self.runs.values()]
        return [
            name for name in (texts[0] if texts else ()) if len({text[name] for text in texts}) > 1
        ]

    def done(self, out: str | Path) -> list[str]:
        """Return the names of the runs that are finished in the folder `out`.

        Raises
        ------
        ConfigError
            When one of them was trained on other data than there are now.
        """
        finished = {
            Path(out) / name: what if isinstance(what, ExperimentConfig) else None
            for name, what in zip(self.runs, self.configurations, strict=True)
            if is_finished(Path(out) / name)
        }
        refuse_other_data(finished)
        return [folder.name for folder in finished]

    def shard(self, index: int, count: int) -> Specification:
        """Return every `count`-th configuration, from number `index` on, counted from 1.

        Calls with the same file and count share nothing but the folder, and between them run all.

        Raises
        ------
        ConfigError
            When there is no such part.

        Examples
        --------
        >>> configs = tuple(ExperimentConfig(dataset="gaussian", seed=seed) for seed in range(5))
        >>> whole = Specification("seeds", "", None, configs, "")
        >>> [c.seed for c in whole.shard(2, 3).configurations]
        [1, 4]
        """
        if not 1 <= index <= count:
            msg = f"there is no part {index}/{count}: the first is 1/{count}, the last {count}/{count}"
            raise ConfigError(msg)
        runs = len(self.configurations)
        if self.protocol is not None:
            runs = min(runs, self.protocol.size)
        if count > runs:
            msg = f"{count} parts of {runs} runs would leave some without any: make at most {runs}"
            raise ConfigError(msg)
        chosen = self.configurations[index - 1 :: count]
        protocol = self.protocol and replace(self.protocol, part=(index, count))
        part = f"{index}-of-{count}"
        return replace(self, configurations=chosen, part=part, protocol=protocol)

    def stage_one(self, without: Mapping[str, str]) -> Specification:
        """Return the runs of stage one alone, without those of the given names."""
        runs = zip(self.runs, self.configurations, strict=True)
        return self._stage("stage-one", tuple(what for name, what in runs if name not in without))

    def stage_two(self, choices: Sequence[Choice]) -> Specification:
        """Return the runs of stage two, as far as there is a choice."""
        runs = self.protocol.second([choice.chosen for choice in choices]) if self.protocol else ()
        return self._stage("stage-two", runs)

    def collected(self, choices: Mapping[str, Any] | None = None) -> list[str]:
        """Return the names of the runs whose numbers make the table of results.

        Parameters
        ----------
        choices : mapping, optional
            What `Protocol.record` wrote, where settings are chosen first.

        Raises
        ------
        ConfigError
            When those are choices of another specification.
        """
        if self.protocol is None:
            return [*self.runs]
        return [config.hash for config in self.protocol.recorded(choices or {})]

    def _stage(
        self, name: str, runs: tuple[ExperimentConfig | Mapping[str, Any], ...]
    ) -> Specification:
        part = "-".join(filter(None, (name, self.part)))
        return replace(self, configurations=runs, part=part, protocol=None)

    def label(self, run: str) -> str:
        """Return in words what sets a run apart from the others, ``method=mla seed=0``."""
        settings = self.runs[run]
        return "  ".join(f"{name}={_plain(settings[name])}" for name in self.varying)


def read_specification(path: str | Path) -> Specification:
    r"""Read what to run from a TOML file, and check its settings before anything runs.

    What only files can tell, such as the name of a modality in a manifest, shows when they are
    loaded: such a run fails, and the others go on.

    Parameters
    ----------
    path : str or Path
        A file with a ``description``, settings for all runs in ``[common]``, and one or more
        ``[[grid]]`` whose products are joined, with at most `MOST_RUNS` points. A list is an axis;
        a setting that is itself a list is written inside a list; a table is one value. ``[[grid]]``
        overrides ``[common]``. With ``notebook = "path"``, relative to the current folder or to the
        folder above the file's, settings are that notebook's parameters.

        With ``[choose]`` there are two stages: its ``seed`` are those of stage one, ``by`` what is
        chosen by, and every other list what is chosen from, for each point of a grid anew:
        ``learning_rate`` and at most two more settings of at most three values each, options of
        the method as ``method_options.alpha = [0.1, 1.0]``. A grid's own ``choose`` overrides it.
        The ``seed`` of the grids are those of stage two.

    Returns
    -------
    Specification
        Every configuration once, in the order of the file, its last axis the fastest. Settings
        that a method does not obey are at their defaults, so they do not multiply its runs.

    Raises
    ------
    ConfigError
        Naming the file, the entry, and what is allowed.

    Examples
    --------
    >>> path = getfixture("tmp_path") / "rates.toml"
    >>> _ = path.write_text('''
    ... description = "Which learning rate suits the alternating method?"
    ... [common]
    ... dataset = "gaussian"
    ... [grid]
    ... learning_rate = [0.01, 0.1]
    ... seed = [0, 1, 2]
    ... ''')
    >>> specification = read_specification(path)
    >>> len(specification.configurations), specification.varying
    (6, ['seed', 'learning_rate'])
    """
    path = path_of("the specification", path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text in UTF-8"
        msg = f"cannot read the specification {str(path)!r}: {reason}"
        raise ConfigError(msg) from error
    try:
        return specify(path.stem, tomllib.loads(text), text, path)
    except (ValueError, RecursionError) as error:  # of TOML, or ours
        reason = "it has too many lists or tables inside one another"
        msg = f"{path}: {error if isinstance(error, ValueError) else reason}"
        raise ConfigError(msg) from error


def specify(
    name: str, content: Mapping[str, Any], text: str = "", path: Path = Path()
) -> Specification:
    """Return what to run from plain values, as a TOML file would hold them.

    Parameters
    ----------
    name : str
    content : mapping
        ``description``, ``choose``, ``common``, ``grid`` and ``notebook`` as for `read_specification`.
    text : str
        The file as it stands; by default the content as JSON.
    path : Path
        Of the file, where a notebook is looked for.

    Raises
    ------
    ConfigError
        Naming the entry, and what is allowed.

    Examples
    --------
    >>> grid = [{"method": ["mla", "ensemble"], "seed": [0, 1, 2]}]
    >>> question = specify("shared", {"description": "Does it help?", "grid": grid})
    >>> len(question.runs)
    6
    """
    if not isinstance(content, Mapping):
        msg = f"a specification must be a mapping of entries, not {quoted(content)}"
        raise ConfigError(msg)
    for entry in content:
        one_of("entry", entry, _ENTRIES)
    description = content.get("description")
    if not isinstance(description, str) or not description.strip():
        msg = f"description must be a sentence that names the question, not {quoted(description)}"
        raise ConfigError(msg)
    notebook = notebook_at(content["notebook"], path) if "notebook" in content else None
    grids = content.get("grid")
    grids = [grids] if isinstance(grids, dict) else grids
    if not isinstance(grids, list) or not grids or not all(isinstance(g, dict) for g in grids):
        msg = f"grid must be at least one table of settings, [[grid]], not {quoted(content.get('grid'))}"
        raise ConfigError(msg)
    text = text or json.dumps(dict(content), indent=2)
    common, allowed = content.get("common", {}), allowed_settings(notebook)
    if "choose" not in content:
        runs = _whole_grids(axes_in(common, "[common]", allowed), grids, notebook, allowed)
        return Specification(name, description, notebook, runs, text)
    if notebook is not None:
        msg = "[choose] is for settings of runs, not for parameters of a notebook: leave it out"
        raise ConfigError(msg)
    protocol = _protocol(content["choose"], axes_in(common, "[common]", allowed), grids, allowed)
    return Specification(name, description, None, protocol.first(), text, protocol=protocol)


def _whole_grids(
    common: Axes, grids: Sequence[Mapping[str, Any]], notebook: Path | None, allowed: list[str]
) -> tuple[What, ...]:
    """Return what every point of the grids runs, each once."""
    axes_of = {
        entry: common | axes_in(grid, entry, allowed) for entry, grid in _entries(grids).items()
    }
    _check_size(sum(math.prod(map(len, axes.values())) for axes in axes_of.values()))
    found: dict[str, What] = {}
    for entry, axes in axes_of.items():
        for settings in points(axes):
            told = {name: settings[name] for name, values in axes.items() if len(values) > 1}
            configuration = configured(settings, notebook, entry, told)
            found.setdefault(_name(configuration, notebook), configuration)
    return tuple(found.values())


def _protocol(
    choose: object, common: Axes, grids: Sequence[Mapping[str, Any]], allowed: list[str]
) -> Protocol:
    """Return the cells of the grids, in which settings are to be chosen."""
    reader = Reader(choose)
    read = {
        entry: (
            common | axes_in({k: v for k, v in grid.items() if k != "choose"}, entry, allowed),
            reader.tried(grid.get("choose", {}), entry),
        )
        for entry, grid in _entries(grids).items()
    }
    _check_size(sum(reader.size(*axes) for axes in read.values()))
    cells = dict[tuple[Any, ...], Cell]()
    for entry, axes in read.items():
        for cell in reader.cells(*axes, entry):
            cells.setdefault((*(one.config.hash for one in cell.candidates), cell.second), cell)
    return Protocol(reader.by, tuple(cells.values()))


def _entries(grids: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    return {f"[[grid]] number {n}": grid for n, grid in enumerate(grids, 1)}


def _check_size(runs: int) -> None:
    if runs > MOST_RUNS:
        msg = (
            f"the grid has {runs:,} points, but at most {MOST_RUNS:,} are taken: make several files"
        )
        raise ConfigError(msg)


def _settings(configuration: ExperimentConfig | Mapping[str, Any]) -> dict[str, Any]:
    if isinstance(configuration, ExperimentConfig):
        return configuration.to_dict()
    return dict(configuration)


def _name(configuration: ExperimentConfig | Mapping[str, Any], notebook: Path | None) -> str:
    if isinstance(configuration, ExperimentConfig):
        return configuration.hash
    if notebook is None:
        msg = f"parameters need a notebook: {configuration!r}"
        raise ConfigError(msg)
    from mla_core.runs.notebook import run_name

    return run_name(notebook, configuration)


def _json(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _plain(value: object) -> str:
    return value if isinstance(value, str) else _json(value)
