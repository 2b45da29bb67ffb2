"""What a sweep runs, read from a small TOML file and checked before anything runs."""

from __future__ import annotations

import itertools
import json
import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from mla_core.catalogue import idle_settings
from mla_core.config import ExperimentConfig, check_names
from mla_core.data import modalities_of
from mla_core.errors import ConfigError, DataError, one_of, quoted
from mla_core.outside import check_plain, path_of
from mla_core.results import is_finished
from mla_core.runs.same_data import refuse_other_data

MOST_RUNS = 10_000  # of one specification
_ENTRIES = ("description", "notebook", "common", "grid")


_DEFAULTS = ExperimentConfig()


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
        One `ExperimentConfig` per run; of a notebook, a mapping with all its parameters.
    text : str
        The file as it stands.
    part : str
        Which part of the file's runs these are, such as ``"2-of-8"``; empty when all.
    """

    name: str
    description: str
    notebook: Path | None
    configurations: tuple[ExperimentConfig | Mapping[str, Any], ...]
    text: str
    part: str = ""

    @cached_property
    def runs(self) -> dict[str, dict[str, Any]]:
        """The name of each run's folder -> its settings as plain JSON values."""
        return {_name(c, self.notebook): _settings(c) for c in self.configurations}

    @cached_property
    def varying(self) -> list[str]:
        """The settings that are not the same for all runs."""
        texts = [{k: _json(v) for k, v in run.items()} for run in self.runs.values()]
        return [name for name in texts[0] if len({text[name] for text in texts}) > 1]

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
        if count > (runs := len(self.configurations)):
            msg = f"{count} parts of {runs} runs would leave some without any: make at most {runs}"
            raise ConfigError(msg)
        chosen = self.configurations[index - 1 :: count]
        return replace(self, configurations=chosen, part=f"{index}-of-{count}")

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
        ``[[grid]]`` whose products are joined, with at most `MOST_RUNS` points. A list is an axis; a setting that is itself a list
        is written inside a list; a table is one value. ``[[grid]]`` overrides ``[common]``. With
        ``notebook = "path"``, relative to the current folder or to the folder above the file's,
        settings are that notebook's parameters.

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
        ``description``, ``common``, ``grid`` and ``notebook`` as for `read_specification`.
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
    notebook = _notebook(content["notebook"], path) if "notebook" in content else None
    grids = content.get("grid")
    grids = [grids] if isinstance(grids, dict) else grids
    if not isinstance(grids, list) or not grids or not all(isinstance(g, dict) for g in grids):
        msg = f"grid must be at least one table of settings, [[grid]], not {quoted(content.get('grid'))}"
        raise ConfigError(msg)
    allowed = _allowed(notebook)
    common = _axes(content.get("common", {}), "[common]", allowed)
    axes_of = {
        entry: common | _axes(grid, entry, allowed)
        for entry, grid in ((f"[[grid]] number {n}", grid) for n, grid in enumerate(grids, 1))
    }
    points = sum(math.prod(map(len, axes.values())) for axes in axes_of.values())
    if points > MOST_RUNS:
        msg = f"the grid has {points:,} points, but at most {MOST_RUNS:,} are taken: make several files"
        raise ConfigError(msg)
    found: dict[str, ExperimentConfig | dict[str, Any]] = {}
    for entry, axes in axes_of.items():
        for values in itertools.product(*axes.values()):
            settings = dict(zip(axes, values, strict=True))
            try:
                configuration = _configuration(settings, notebook)
            except (ConfigError, DataError) as error:
                point = ", ".join(
                    f"{k} = {quoted(settings[k])}" for k, v in axes.items() if len(v) > 1
                )
                msg = f"{entry}{point and f' with {point}'}: {error}"
                raise ConfigError(msg) from error
            found.setdefault(_name(configuration, notebook), configuration)
    return Specification(
        name,
        description,
        notebook,
        tuple(found.values()),
        text or json.dumps(dict(content), indent=2),
    )


def _notebook(given: object, specification: Path) -> Path:
    if not isinstance(given, str):
        msg = f"notebook must be the path of a notebook, not {quoted(given)}"
        raise ConfigError(msg)
    places = [path_of("notebook", given), specification.resolve().parent.parent / given]
    for place in places:
        if place.is_file():
            return place
    msg = f"there is no notebook {' or '.join(repr(str(place)) for place in places)}"
    raise ConfigError(msg)


def _allowed(notebook: Path | None) -> list[str]:
    if notebook is None:
        return [field.name for field in fields(ExperimentConfig)]
    from mla_core.runs.notebook import check_parameters
    from mla_core.runs.notebook_file import check_kernel

    check_kernel(notebook)
    return list(check_parameters(notebook, {}))


def _axes(table: object, entry: str, allowed: list[str]) -> dict[str, list[Any]]:
    if not isinstance(table, dict):
        msg = f"{entry} must be a table of settings, not {quoted(table)}"
        raise ConfigError(msg)
    for name, value in table.items():
        one_of(f"setting in {entry}:", name, allowed)
        if value == []:
            msg = f"{entry}: {name} is an empty list: give at least one value, or [[]] for a list"
            raise ConfigError(msg)
        check_plain(f"{entry}: {name}", value)  # TOML knows dates, and NaN
    return {name: v if isinstance(v, list) else [v] for name, v in table.items()}


def _configuration(
    settings: dict[str, Any], notebook: Path | None
) -> ExperimentConfig | dict[str, Any]:
    if notebook is None:
        check_names(settings)
        configuration = ExperimentConfig(**settings)  # who writes what to run may name code
        if names := modalities_of(configuration.dataset, configuration.dataset_options):
            configuration.check_modalities(names)
        # What the method does not obey must not make two runs of one.
        idle = idle_settings(configuration.method)
        return configuration.replace(**{name: getattr(_DEFAULTS, name) for name in idle})
    from mla_core.runs.notebook import check_parameters

    return check_parameters(notebook, settings)


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
