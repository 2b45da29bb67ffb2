"""Two stages: settings are chosen on val with a few seeds, and then run with new ones.

For every row of a table to be, stage one tries each candidate on its own seeds. The one with the best
mean on val is run in stage two, on seeds that stage one has not seen. Only stage two's runs are
collected, so only their numbers of test are read.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mla_core.config import ExperimentConfig
from mla_core.errors import ConfigError, one_of, quoted
from mla_core.results import is_finished, measure_of, read_run_files
from mla_core.runs.grids import Axes, allowed_settings, axes_in, check_table, configured, points

BY = ("val.accuracy", "val.nll")
MOST_SETTINGS = 2  # chosen beside the learning rate
MOST_VALUES = 3  # of each of them
OPTIONS = "method_options"
_ASKED = ("dataset", "dataset_options", "modalities", "missing", "label_noise", "method", "seed")


@dataclass(frozen=True)
class Candidate:
    """One combination of the values to choose from, and what it runs, but for the seed."""

    point: Mapping[str, Any]  # {"learning_rate": 0.1, "method_options.alpha": 0.5}
    config: ExperimentConfig

    def runs(self, seeds: Sequence[int]) -> list[ExperimentConfig]:
        """Return what it runs with these seeds."""
        return [self.config.replace(seed=seed) for seed in seeds]


@dataclass(frozen=True)
class Cell:
    """A row of a table to be: what all its runs share, the candidates, and the seeds of both stages."""

    settings: Mapping[str, Any]
    candidates: tuple[Candidate, ...]
    first: tuple[int, ...]
    second: tuple[int, ...]


@dataclass(frozen=True)
class Trial:
    """How a candidate did in stage one.

    Attributes
    ----------
    point : mapping
        Its values of what is chosen.
    runs : tuple of str
        Names of its runs.
    score : float
        The mean over its seeds; NaN when one diverged, has no such number, or is not there yet.
    diverged, waiting : tuple of str
        Names of the runs that diverged, and of those that are still to be run.
    """

    point: Mapping[str, Any]
    runs: tuple[str, ...]
    score: float
    diverged: tuple[str, ...]
    waiting: tuple[str, ...]


@dataclass(frozen=True)
class Choice:
    """What was chosen for a cell: the index of a trial; None where there is nothing to choose yet."""

    settings: Mapping[str, Any]
    trials: tuple[Trial, ...]
    chosen: int | None

    @property
    def waiting(self) -> tuple[str, ...]:
        """Names of the runs of stage one that are still to be run."""
        return tuple(run for trial in self.trials for run in trial.waiting)


@dataclass(frozen=True)
class Protocol:
    """How the settings of a table's rows are chosen.

    Attributes
    ----------
    by : {"val.accuracy", "val.nll"}
        The highest mean accuracy, or the lowest negative log-likelihood.
    cells : tuple of Cell
    part : (int, int)
        Which part of stage two's runs is wanted, counted from 1, and of how many.
    """

    by: str
    cells: tuple[Cell, ...]
    part: tuple[int, int] = (1, 1)

    def first(self) -> tuple[ExperimentConfig, ...]:
        """Return the runs of stage one, each once."""
        runs = (
            config
            for cell in self.cells
            for one in cell.candidates
            for config in one.runs(cell.first)
        )
        return tuple({config.hash: config for config in runs}.values())

    def choose(self, out: Path, diverged: Mapping[str, str]) -> list[Choice]:
        """Choose for each cell from the runs that are finished in the folder `out`.

        Parameters
        ----------
        out : Path
        diverged : mapping of str to str
            Names of runs that diverged -> the error. Their candidates are out of the race.

        Returns
        -------
        list of Choice
            One per cell. Nothing is chosen before all runs of a cell are finished or have diverged.
        """
        return [self._choice(cell, out, diverged) for cell in self.cells]

    def _choice(self, cell: Cell, out: Path, diverged: Mapping[str, str]) -> Choice:
        trials = tuple(
            self._trial(one.point, one.runs(cell.first), out, diverged) for one in cell.candidates
        )
        sign = measure_of(self.by).sign
        scores = [(sign * t.score, -i) for i, t in enumerate(trials) if not math.isnan(t.score)]
        whole = not any(trial.waiting for trial in trials)
        chosen = -max(scores)[1] if whole and scores else None  # the first of equals
        return Choice(cell.settings, trials, chosen)

    def _trial(
        self,
        point: Mapping[str, Any],
        configs: Sequence[ExperimentConfig],
        out: Path,
        diverged: Mapping[str, str],
    ) -> Trial:
        runs = tuple(config.hash for config in configs)
        finished = [run for run in runs if is_finished(out / run)]
        lost = tuple(run for run in runs if run in diverged and run not in finished)
        waiting = tuple(run for run in runs if run not in (*finished, *lost))
        score = math.nan
        if len(finished) == len(runs):
            score = math.fsum(_number(out / run, self.by) for run in runs) / len(runs)
        return Trial(point, runs, score, lost, waiting)

    def second(self, chosen: Sequence[int | None]) -> tuple[ExperimentConfig, ...]:
        """Return the runs of stage two, given the index of each cell's chosen candidate, if any.

        Which part a run belongs to hangs on its place among all of stage two, so that parts agree
        before everything is chosen.
        """
        index, count = self.part
        found, place = dict[str, ExperimentConfig](), 0
        for cell, which in zip(self.cells, chosen, strict=True):
            for seed in cell.second:
                if which is not None and place % count == index - 1:
                    config = cell.candidates[which].config.replace(seed=seed)
                    found.setdefault(config.hash, config)
                place += 1
        return tuple(found.values())

    @property
    def size(self) -> int:
        """How many runs stage two has, in all parts."""
        return sum(len(cell.second) for cell in self.cells)

    @property
    def size_of_part(self) -> int:
        """How many of them are in this part."""
        index, count = self.part
        return len(range(index - 1, self.size, count))

    def record(self, choices: Sequence[Choice]) -> dict[str, Any]:
        """Return the choices and the table of stage one as plain JSON values."""
        seeds = {seed for cell in self.cells for seed in cell.first}
        return {
            "by": self.by,
            "seeds": sorted(seeds),
            "runs": len(self.first()),
            "cells": [
                {
                    "settings": dict(choice.settings),
                    "chosen": None
                    if (i := choice.chosen) is None
                    else dict(choice.trials[i].point),
                    "runs": []
                    if i is None
                    else [run.hash for run in cell.candidates[i].runs(cell.second)],
                    "tried": [_told(trial) for trial in choice.trials],
                }
                for cell, choice in zip(self.cells, choices, strict=True)
            ],
        }

    def recorded(self, record: Mapping[str, Any]) -> tuple[ExperimentConfig, ...]:
        """Return the runs of stage two from what `record` wrote.

        Raises
        ------
        ConfigError
            When that is a record of another specification.
        """
        noted = record.get("cells", ())
        if len(noted) != len(self.cells):
            msg = f"choices are noted for {len(noted)} cells, but the specification has {len(self.cells)}"
            raise ConfigError(msg)
        chosen = [
            _index(cell, one.get("chosen")) for cell, one in zip(self.cells, noted, strict=True)
        ]
        return self.second(chosen)


def _index(cell: Cell, values: object) -> int | None:
    if values is None:
        return None
    for i, one in enumerate(cell.candidates):
        if dict(one.point) == values:
            return i
    msg = f"{quoted(values)} was chosen, but is no candidate of the specification"
    raise ConfigError(msg)


def _number(run: Path, name: str) -> float:
    """Return one number of a finished run; the others, those of test among them, are not read."""
    value: Any = read_run_files(run)[1]
    for word in name.split("."):
        value = value.get(word) if isinstance(value, dict) else None
    return math.nan if value is None else float(value)


def _told(trial: Trial) -> dict[str, Any]:
    score = None if math.isnan(trial.score) else trial.score
    told = {"values": dict(trial.point), "score": score, "runs": [*trial.runs]}
    return told | ({"diverged": [*trial.diverged]} if trial.diverged else {})


# ------------------------------------------------------------------------------------ reading


class Reader:
    """What ``[choose]`` says, to be read together with each ``[[grid]]``.

    Parameters
    ----------
    table : object
        ``seed`` and ``by`` of stage one, and what is chosen for every grid.
    """

    def __init__(self, table: object) -> None:
        entry = "[choose]"
        given = dict(check_table(table, entry))
        self.by = given.pop("by", BY[0])
        one_of(f"{entry} by", self.by, BY)
        if "seed" not in given:
            msg = f"{entry} needs the seeds of stage one, such as seed = [100, 101, 102]"
            raise ConfigError(msg)
        self._seeds = axes_in({"seed": given.pop("seed")}, entry, ["seed"])["seed"]
        self._common = axes_to_choose(given, entry)

    def tried(self, own: object, entry: str) -> Axes:
        """Return what is chosen in one grid, whose own ``choose`` overrides what is common."""
        tried = self._common | axes_to_choose(own, f"{entry}: choose")
        _check_budget(tried, entry)
        return tried

    def size(self, axes: Axes, tried: Axes) -> int:
        """Return how many runs one grid has in stage one, but for those that are the same."""
        lengths = (len(v) for name, v in {**axes, **tried}.items() if name != "seed")
        return len(self._seeds) * math.prod(lengths)

    def cells(self, axes: Axes, tried: Axes, entry: str) -> Iterator[Cell]:
        """Yield the cells of one grid.

        Parameters
        ----------
        axes : dict
            What does not need to be chosen; ``seed`` is that of stage two.
        tried : dict
            What is chosen.
        entry : str
            Its name in errors.
        """
        if twice := [name for name in tried if name in axes]:
            msg = f"{entry}: {twice[0]} is given, and to be chosen, too: leave one out"
            raise ConfigError(msg)
        seeds = axes.get("seed", [0])
        if again := [seed for seed in seeds if seed in self._seeds]:
            msg = (
                f"{entry}: stage two must run new seeds, but {quoted(again[0])} is one of stage one"
            )
            raise ConfigError(msg)
        for place in points({name: v for name, v in axes.items() if name != "seed"}):
            varying = {name: v for name, v in place.items() if len(axes[name]) > 1}
            found: dict[str, Candidate] = {}
            for values in points(tried):
                settings = _merged(place, values)
                runs = [
                    _run(settings | {"seed": seed}, entry, varying | values | {"seed": seed})
                    for seed in (*self._seeds, *seeds)
                    if not found or seed == self._seeds[0]  # the others differ in nothing else
                ]
                found.setdefault(runs[0].hash, Candidate(values, runs[0]))
            yield Cell(place, tuple(found.values()), tuple(self._seeds), tuple(seeds))


def axes_to_choose(table: object, entry: str) -> Axes:
    """Return what is to be chosen; an option of the method is named ``method_options.alpha``."""
    table = dict(check_table(table, entry))
    options = check_table(table.pop(OPTIONS, {}), f"{entry}: {OPTIONS}")
    allowed = [name for name in allowed_settings(None) if name not in _ASKED]
    axes = axes_in(table, entry, allowed)
    own = axes_in(options, f"{entry}: {OPTIONS}", list(options))
    return axes | {f"{OPTIONS}.{name}": values for name, values in own.items()}


def _check_budget(tried: Axes, entry: str) -> None:
    """Give no method more tries than another may have."""
    if not tried:
        msg = f"{entry}: [choose] names nothing to choose, such as learning_rate = [0.01, 0.1]"
        raise ConfigError(msg)
    others = [name for name in tried if name != "learning_rate"]
    if len(others) > MOST_SETTINGS:
        msg = (
            f"{entry}: beside the learning rate at most {MOST_SETTINGS} settings are chosen, not "
            f"{len(others)} ({', '.join(others)}): a method that is tuned more looks better"
        )
        raise ConfigError(msg)
    for name in others:
        if len(tried[name]) > MOST_VALUES:
            msg = f"{entry}: {name} has {len(tried[name])} values to choose from, but at most {MOST_VALUES} are taken"
            raise ConfigError(msg)


def _merged(place: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a candidate; chosen options of the method join those that are given."""
    start = f"{OPTIONS}."
    options = {k.removeprefix(start): v for k, v in values.items() if k.startswith(start)}
    plain = {k: v for k, v in values.items() if not k.startswith(start)}
    given = place.get(OPTIONS, {})
    own = {OPTIONS: {**given, **options}} if options and isinstance(given, dict) else {}
    return {**place, **plain, **own}


def _run(settings: dict[str, Any], entry: str, told: Mapping[str, Any]) -> ExperimentConfig:
    config = configured(settings, None, entry, told)
    assert isinstance(config, ExperimentConfig)  # noqa: S101 - there is no notebook
    return config
