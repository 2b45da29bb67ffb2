"""Finished runs: what their folders hold, and where their configurations differ."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from mla_core.config import ExperimentConfig
from mla_core.errors import ConfigError, DataError
from mla_core.evaluation import Replay
from mla_core.records import History
from mla_core.results import AGAIN, is_finished, is_run, read_run_files
from mla_core.runs.unfinished import describe, is_unfinished


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
            When the file is missing or damaged.
        """
        path = self.folder / "history.npz"
        try:
            return History.load(path)
        except FileNotFoundError as error:
            msg = f"there is no {str(path)!r}, so the run has no curves: {AGAIN}"
            raise DataError(msg) from error
        except (OSError, ValueError, KeyError, TypeError, EOFError, BadZipFile) as error:
            msg = f"{str(path)!r} is damaged ({error}): {AGAIN}"
            raise DataError(msg) from error

    def replay(self) -> Replay:
        """Read the map over time; raises `DataError` as `Replay.load`."""
        return Replay.load(self.folder / "replay.npz")


def read_run(folder: str | Path, name: str = "") -> Run:
    """Read one run folder.

    Parameters
    ----------
    folder : str or Path
    name : str, optional
        What to call it instead of the folder's own name.

    Raises
    ------
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
    folder = Path(folder)
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
    return Run(folder, name or folder.name, config, metrics)


def read_runs(folder: str | Path) -> tuple[list[Run], list[str]]:
    """Read the run folders in `folder`, and those of sweeps, one level further down.

    Returns
    -------
    runs : list of Run
        In the order of their names.
    problems : list of str
        One sentence for everything that looks like a run and cannot be read, and for every run that
        is being computed, was cut off, or failed.

    Raises
    ------
    ConfigError
        When there is no such folder.

    Examples
    --------
    >>> read_runs(getfixture("tmp_path"))
    ([], [])
    """
    folder = Path(folder)
    if not folder.is_dir():
        msg = f"there is no folder {str(folder)!r}: give one that holds runs, such as 'runs'"
        raise ConfigError(msg)
    runs, problems = [], []
    for path in _candidates(folder):
        if path.name.startswith("."):
            problems.append(describe(path))
            continue
        try:
            runs.append(read_run(path, path.relative_to(folder).as_posix()))
        except DataError as error:
            problems.append(str(error))
    return runs, problems


def check_finished(folder: Path) -> None:
    """Raise `ConfigError` when a folder bears the name of a run that was not finished there."""
    if not is_finished(folder):
        msg = (
            f"{str(folder)!r} stands where a finished run would, but holds no metrics.json: "
            "remove it, or choose another folder for runs"
        )
        raise ConfigError(msg)


def _measured(numbers: Any) -> bool:
    if not isinstance(numbers, dict) or "accuracy" not in numbers:
        return False
    plain = numbers["accuracy"] is None or isinstance(numbers["accuracy"], int | float)
    return plain and isinstance(numbers.get("unimodal_accuracy"), dict)


def _candidates(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if not path.is_dir():
            continue
        if is_unfinished(path) or is_run(path):
            yield path
        elif not path.name.startswith("."):
            inside = sorted(path.iterdir())
            yield from (inner for inner in inside if is_unfinished(inner) or is_run(inner))
