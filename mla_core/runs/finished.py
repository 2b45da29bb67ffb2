"""Finished runs: what their folders hold, and where their configurations differ."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mla_core.checksums import check_seal, check_sum
from mla_core.config import ExperimentConfig, config_differences
from mla_core.errors import ConfigError, DataError
from mla_core.evaluation import Replay
from mla_core.files import read_json
from mla_core.outside import path_of
from mla_core.records import History
from mla_core.results import AGAIN, ANEW, is_finished, is_run, read_run_files
from mla_core.runs.unfinished import describe, finished_of, is_unfinished, standing_of


@dataclass(frozen=True, eq=False)
class Run:
    """One finished run; what is large is read only when asked for.

    Attributes
    ----------
    folder : Path
    name : str
        Of the folder; with the sweep's before it, when it lies in one: ``rates/0123456789ab``.
    config : ExperimentConfig
    metrics : dict
        The content of ``metrics.json``.
    """

    folder: Path
    name: str
    config: ExperimentConfig
    metrics: dict[str, Any]

    def accuracy(self, side: str) -> float | None:
        """Return the fused accuracy on ``val`` or ``test``, None when it was not measured."""
        value = self.metrics[side]["accuracy"]
        return None if value is None else float(value)

    @property
    def label(self) -> str:
        """Method, data set and seed, for a legend."""
        return f"{self.config.method} on {self.config.dataset}, seed {self.config.seed}"

    def history(self) -> History:
        """Read the curves.

        Raises
        ------
        DataError
            When the file is missing or damaged, or is of another run than the numbers.
        """
        check_sum(self.folder, "history.npz", ANEW)
        history = History.load(self.folder / "history.npz", ANEW)
        looks = history.summaries
        self._check_modalities("history.npz", list(looks[-1].unimodal_accuracy) if looks else [])
        return history

    def replay(self) -> Replay:
        """Read the map over time; raises `DataError` as `history`."""
        check_sum(self.folder, "replay.npz", ANEW)
        replay = Replay.load(self.folder / "replay.npz")
        self._check_modalities("replay.npz", replay.modalities)
        return replay

    @property
    def modalities(self) -> tuple[str, ...]:
        """Their names, in the order of the data."""
        return tuple(self.metrics["test"]["unimodal_accuracy"])

    def _check_modalities(self, file: str, found: Sequence[str]) -> None:
        if set(found) != set(self.modalities):
            msg = (
                f"{str(self.folder / file)!r} tells of the modalities {list(found)}, but "
                f"metrics.json of {list(self.modalities)}: {ANEW}"
            )
            raise DataError(msg)


@dataclass(frozen=True)
class Begun:
    """One run that is not finished.

    Attributes
    ----------
    folder : Path
        Where its results will be.
    name : str
        As that of a `Run`.
    state : str
        As in `Standing`.
    config : ExperimentConfig or None
        None where it cannot be read, or is not written yet.
    """

    folder: Path
    name: str
    state: str
    config: ExperimentConfig | None


def read_run(folder: str | Path, name: str = "") -> Run:
    """Read one run folder.

    Parameters
    ----------
    folder : str or Path
    name : str, optional
        What to call it instead of the folder's own name.

    Raises
    ------
    ConfigError
        When `folder` is no path.
    DataError
        In one sentence: the folder is missing, half written, damaged or of another version. Code
        that it names is not imported.

    Examples
    --------
    >>> from mla_core import run_experiment
    >>> config = ExperimentConfig(dataset="gaussian", epochs=1)
    >>> run = read_run(run_experiment(config, getfixture("tmp_path")))
    >>> run.label, run.config == config, run.accuracy("test") > 0.5
    ('mla on gaussian, seed 0', True, True)
    """
    folder = path_of("the run folder", folder)
    if not folder.is_dir():
        msg = f"there is no run folder {str(folder)!r}"
        raise DataError(msg)
    settings, metrics = read_run_files(folder)
    try:
        config = ExperimentConfig.to_look_at(settings)
    except (ConfigError, TypeError) as error:
        path = str(folder / "config.json")
        msg = f"{path!r} is of another version of MLA Lab, or damaged: {error}"
        raise DataError(msg) from error
    for side in ("val", "test"):
        if not _measured(metrics.get(side)):
            msg = (
                f"{str(folder / 'metrics.json')!r} says nothing about {side!r}: it is damaged or "
                f"was written by another version of MLA Lab; {AGAIN}"
            )
            raise DataError(msg)
    if set(metrics["val"]["unimodal_accuracy"]) != set(metrics["test"]["unimodal_accuracy"]):
        path = str(folder / "metrics.json")
        msg = f"{path!r} names other modalities for 'val' than for 'test': it is damaged; {AGAIN}"
        raise DataError(msg)
    return Run(folder, name or folder.name, config, metrics)


def read_runs(folder: str | Path) -> tuple[list[Run], list[str]]:
    """Read the run folders in `folder`, and those of sweeps, one level further down.

    Returns
    -------
    runs : list of Run
        In the order of their names.
    problems : list of str
        One sentence for everything that looks like a run and cannot be read, and for every run that
        is being computed, was stopped or cut off, or failed.

    Raises
    ------
    ConfigError
        When there is no such folder.

    Examples
    --------
    >>> read_runs(getfixture("tmp_path"))
    ([], [])
    """
    runs, _, problems = read_all_runs(folder)
    return runs, problems


def read_all_runs(folder: str | Path) -> tuple[list[Run], list[Begun], list[str]]:
    """Read as `read_runs` does; return also what is known of the runs that are not finished."""
    folder = path_of("the folder of runs", folder)
    if not folder.is_dir():
        msg = f"there is no folder {str(folder)!r}: give one that holds runs, such as 'runs'"
        raise ConfigError(msg)
    runs, begun, problems = list[Run](), list[Begun](), list[str]()
    for name, path in candidates(folder):
        if path.name.startswith("."):
            standing = standing_of(path)
            begun.append(_read_begun(path, standing.state, folder))
            problems.append(describe(path, standing))
            continue
        try:
            runs.append(read_run(path, name))
        except DataError as error:
            problems.append(str(error))
    return runs, begun, problems


def candidates(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield what looks like a run in a folder, finished or not, and in those of sweeps in it.

    With its name: ``name``, or ``sweep/name``.
    """
    for path in sorted(folder.iterdir()):
        if not path.is_dir():
            continue
        if is_unfinished(path) or is_run(path):
            yield path.name, path
        elif not path.name.startswith("."):
            for inner in sorted(path.iterdir()):
                if is_unfinished(inner) or is_run(inner):
                    yield f"{path.name}/{inner.name}", inner


def check_finished(folder: Path, config: ExperimentConfig | None) -> None:
    """Raise an error unless a folder that bears the name of a run holds it, as it was left.

    Parameters
    ----------
    folder : Path
    config : ExperimentConfig or None
        What the run must be of; None for that of a notebook.

    Raises
    ------
    ConfigError
        When it was not finished there, or is of other settings.
    DataError
        When a file is missing, damaged or changed.
    """
    if not is_finished(folder):
        msg = (
            f"{str(folder)!r} stands where a finished run would, but holds no metrics.json: "
            "remove it, or choose another folder for runs"
        )
        raise ConfigError(msg)
    check_seal(folder, ANEW)
    if config is None:
        read_json(folder / "notebook.json", ANEW)
        return
    found = read_run(folder).config
    if differing := config_differences([config, found]):
        told = ", ".join(f"{name} is {b!r}, not {a!r}" for name, (a, b) in differing.items())
        msg = f"{str(folder)!r} holds a run of other settings ({told}): {ANEW}"
        raise ConfigError(msg)


def _read_begun(hidden: Path, state: str, runs: Path) -> Begun:
    config, folder = None, finished_of(hidden)
    with suppress(ConfigError, DataError, TypeError):
        config = ExperimentConfig.to_look_at(read_json(hidden / "config.json", AGAIN))
    return Begun(folder, folder.relative_to(runs).as_posix(), state, config)


def _measured(numbers: Any) -> bool:
    if not isinstance(numbers, dict) or "accuracy" not in numbers:
        return False
    each = numbers.get("unimodal_accuracy")
    return isinstance(each, dict) and all(map(_is_share, [numbers["accuracy"], *each.values()]))


def _is_share(value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return value is None or (number and 0 <= value <= 1)
