"""Whether a table of results can be repeated: rows of it are computed anew and compared."""

from __future__ import annotations

import tempfile
import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from mla_core import results
from mla_core.config import ExperimentConfig
from mla_core.errors import ConfigError, DataError, TrainingDivergedError
from mla_core.files import read_json
from mla_core.named_data import can_change
from mla_core.references import from_elsewhere
from mla_core.runs.experiment import run_experiment
from mla_core.runs.same_data import data_as_noted
from mla_core.runs.specification import Specification, specify
from mla_core.seeding import generator
from mla_core.threads import USUAL, threads

_TOLD = ("versions", "commit", "platform", "threads")  # of what a table notes, what may change bits
_ANEW = "write the table anew with `mla-lab sweep ... --results`"


@dataclass(frozen=True)
class Difference:
    """A column whose cell was not repeated, with the texts of both."""

    column: str
    old: str
    new: str


@dataclass(frozen=True)
class Repetition:
    """What came of repeating one row.

    Attributes
    ----------
    run : str
        The name of the run, as the row has it.
    settings : dict
        Its settings, as plain JSON values.
    differences : tuple of Difference
        Cells that came out otherwise.
    unknown : tuple of str
        Columns with a number in this row that the version here does not write.
    reason : str
        Why the row could not be repeated at all; empty when it was.
    """

    run: str
    settings: Mapping[str, Any]
    differences: tuple[Difference, ...] = ()
    unknown: tuple[str, ...] = ()
    reason: str = ""

    @property
    def holds(self) -> bool:
        """Whether every cell of the row came out as it stands there."""
        return not (self.differences or self.unknown or self.reason)


@dataclass(frozen=True)
class Committed:
    """A table of results as it stands in its two files.

    Attributes
    ----------
    path : Path
        The CSV.
    rows : list of dict
        Its rows, every cell a text.
    specification : Specification
        What the JSON beside it says was run.
    provenance : dict
        All that the JSON says.
    """

    path: Path
    rows: list[dict[str, str]]
    specification: Specification
    provenance: Mapping[str, Any]

    @cached_property
    def runs(self) -> frozenset[str]:
        """The names of the runs that the JSON says were collected."""
        return frozenset(self.specification.collected(results.choices_beside(self.path)))

    def sample(self, size: int, seed: int = 0) -> list[dict[str, str]]:
        """Return so many rows drawn at random, in the table's order; all where there are fewer.

        Raises
        ------
        ConfigError
            When the size is no positive number.
        """
        if size < 1:
            msg = f"the sample must be at least 1 row, not {size}"
            raise ConfigError(msg)
        drawn = torch.randperm(len(self.rows), generator=generator(seed, "rows to verify"))
        return [self.rows[i] for i in sorted(drawn[:size].tolist())]

    def elsewhere(self) -> list[str]:
        """Return, one phrase each, what is not here as it was where the table was made."""
        now = results.machine()
        then = {name: self.provenance[name] for name in _TOLD if name in self.provenance}
        return [
            f"{name} {old} then, {new} now"
            for name, (old, new) in _pairs(then, now).items()
            if old != new
        ]


def read_committed(path: str | Path) -> Committed:
    """Read a table of results and what stands beside it about how it was made.

    Raises
    ------
    ConfigError
        When it is no such table, or the JSON beside it holds no specification that can be read.
    DataError
        When there is no JSON beside it, or it is damaged.
    """
    path = results.check_csv(path)
    rows = results.read_texts(path)
    beside = path.with_suffix(".json")
    provenance = read_json(beside, _ANEW)
    text = provenance.get("specification")
    try:
        if not isinstance(text, str):
            msg = f"it must be the text of a TOML file, not {text!r}"
            raise ConfigError(msg)
        with from_elsewhere():
            specification = specify(path.stem, tomllib.loads(text), text, path)
    except (ValueError, RecursionError) as error:
        msg = f"the specification in {str(beside)!r} cannot be read here: {error}"
        raise ConfigError(msg) from error
    results.choices_beside(path)  # damaged, they are told before anything is trained
    return Committed(path, rows, specification, provenance)


def repetitions(
    table: Committed, rows: Collection[Mapping[str, str]], *, progress: bool = False
) -> Iterator[Repetition]:
    """Train the runs of these rows anew, and compare what comes out with what stands there.

    Compared are the texts of all cells but the versions': the numbers with the six digits that a
    table holds, so that a difference in any of them shows.

    Parameters
    ----------
    table : Committed
    rows : collection of mapping
        Some of its rows.
    progress : bool
        Show a bar for each run.

    Yields
    ------
    Repetition
        For each row, as soon as it is known.
    """
    for row in rows:
        settings = results.settings_of(row)
        try:
            config = _configuration(table, row, settings)
            new = _computed(config, progress=progress)
        except (ConfigError, DataError, TrainingDivergedError) as error:
            yield Repetition(row["run"], settings, reason=str(error))
            continue
        old = {name: text for name, text in row.items() if not name.startswith("versions.")}
        yield Repetition(
            row["run"],
            settings,
            tuple(
                Difference(name, text, new[name])
                for name, text in old.items()
                if name in new and new[name] != text
            ),
            tuple(name for name, text in old.items() if text and name not in new),
        )


def _configuration(
    table: Committed, row: Mapping[str, str], settings: Mapping[str, Any]
) -> ExperimentConfig:
    """Return what a row says was run, if the specification says so, too."""
    run = row["run"]
    if table.specification.notebook is not None:
        msg = "it was run by a notebook, which may do more than train"
        raise ConfigError(msg)
    if run not in table.runs:
        msg = f"the specification beside the table has no run {run!r}: the two are not of one sweep"
        raise ConfigError(msg)
    config = ExperimentConfig.from_dict(settings)
    then = table.provenance.get("threads", USUAL)
    if config.hash != run and then != threads():
        msg = (
            f"it was computed with {then} threads, here are {threads()}: set MLA_LAB_THREADS={then}"
        )
        raise ConfigError(msg)
    if config.hash != run:
        msg = f"its settings are those of the run {config.hash!r} here: the row was changed, or made by other code"
        raise ConfigError(msg)
    if can_change(config):
        data_as_noted(f"the row of {run!r}", config, row.get("data"))
    return config


def _computed(config: ExperimentConfig, *, progress: bool) -> dict[str, str]:
    """Return the row of a run that is computed now, in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="mla-lab-") as folder:
        run = run_experiment(config, folder, progress=progress)
        again = Path(folder) / "again.csv"
        results.write(results.collect(folder, [run.name]), again, {})
        return results.read_texts(again)[0]


def _pairs(then: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return what was noted and what is, by name; what stands in a mapping by its own name."""
    found: dict[str, tuple[Any, Any]] = {}
    for name, old in then.items():
        new = now.get(name)
        if isinstance(old, dict) and isinstance(new, dict):
            found |= _pairs(old, new)
        else:
            found[name] = old, new
    return found
