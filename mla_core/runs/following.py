"""A run seen from outside: how far it is, and what has become of it, from its files alone."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from mla_core.config import ExperimentConfig
from mla_core.errors import ConfigError, DataError
from mla_core.evaluation import Replay
from mla_core.files import read_json
from mla_core.outside import path_of
from mla_core.records import LOOKS, Evaluation, History, JournalReader, name_of_look, read_look
from mla_core.results import AGAIN, is_finished
from mla_core.runs.finished import read_run
from mla_core.runs.places import find_runs
from mla_core.runs.unfinished import finished_of, hidden_of, is_unfinished, standing_of


@dataclass(frozen=True, eq=False)
class Course:
    """What is known of a run at one moment; what is not known yet is empty.

    Attributes
    ----------
    folder : Path
        Where its results are, or will be.
    state : str
        As in `Standing`, or ``"finished"``, or ``"gone"`` when nothing is left of it.
    error : str
        Why it failed.
    problem : str
        What of its files could not be read.
    config : ExperimentConfig or None
    modalities, classes : tuple of str
        M and C names.
    total : int
        Sub-steps of the whole run.
    history : History
        Its `latest` is the look of the newest summary, where that is at hand.
    replay : Replay or None
        Of a finished run.
    """

    folder: Path
    state: str
    error: str = ""
    problem: str = ""
    config: ExperimentConfig | None = None
    modalities: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    total: int = 0
    history: History = field(default_factory=History)
    replay: Replay | None = None

    @property
    def step(self) -> int:
        """Sub-steps that are known of."""
        return self.history.steps[-1].step + 1 if self.history.steps else 0


class Follower:
    """Follows a run that another process trains, or has trained.

    Parameters
    ----------
    run : str or Path
        ``runs/ID``, its folder when it is finished. Where there is no such folder ``runs`` here, it
        is looked for in the folders above, up to that of the lab.

    Raises
    ------
    ConfigError
        When there is no such run, finished or not.

    Examples
    --------
    >>> from mla_core import run_experiment
    >>> config = ExperimentConfig(dataset="gaussian", epochs=1)
    >>> course = Follower(run_experiment(config, getfixture("tmp_path"))).read()
    >>> course.state, course.step == course.total, course.modalities
    ('finished', True, ('m0', 'm1', 'm2'))
    """

    def __init__(self, run: str | Path) -> None:
        path = path_of("the run", run)
        if is_unfinished(path):
            path = finished_of(path)
        self.folder = find_runs(path.parent) / path.name
        hidden = hidden_of(self.folder)
        if hidden is None and not is_finished(self.folder):
            msg = (
                f"there is no run {str(self.folder)!r}, finished or not: `mla-lab list "
                f"{self.folder.parent}` says which there are"
            )
            raise ConfigError(msg)
        self._known = Course(self.folder, "unknown")
        self._reader: JournalReader | None = None
        self._look: Evaluation | None = None

    def read(self) -> Course:
        """Return what is known of the run by now; it is read anew, so it may take a moment."""
        if self._known.state != "finished":
            self._known = self._read()
        return self._known

    def _read(self) -> Course:
        hidden = hidden_of(self.folder)
        if hidden is None:
            if is_finished(self.folder):
                return self._finished()
            return replace(self._known, state="gone")
        course, grew = self._journal(hidden, self._known)
        standing = standing_of(hidden)
        state = standing.state
        if not hidden.is_dir():  # it has gone on meanwhile, and what its lock says is of no worth
            return self._read()
        if grew and state in {"cut off", "unknown"}:
            state = "training"  # somebody writes, where locks do not reach: another machine
        return replace(course, state=state, error=standing.error)

    def _journal(self, hidden: Path, before: Course) -> tuple[Course, bool]:
        """Return the course with what has been written since, and whether it grew under our eyes."""
        reader, problem, grew = self._reader, "", False
        if reader is None or reader.folder != hidden:
            reader = JournalReader(hidden)
        config = before.config
        try:
            if config is None and (hidden / "config.json").is_file():
                given = read_json(hidden / "config.json", AGAIN)
                config = ExperimentConfig.to_look_at(given)
            grew = reader.read() and self._reader is not None
        except (ConfigError, DataError, TypeError) as error:
            problem = str(error)
        about = reader.about
        if about is None:
            return replace(before, config=config, problem=problem), grew
        self._reader = reader
        history = reader.history.copy()
        history.latest = self._newest_look(hidden, history)
        course = Course(
            self.folder,
            "unknown",
            problem=problem,
            config=config,
            modalities=about.modalities,
            classes=about.classes,
            total=about.total,
            history=history,
        )
        return course, grew

    def _newest_look(self, hidden: Path, history: History) -> Evaluation | None:
        if not history.summaries:
            return None
        step = history.summaries[-1].step
        if self._look is None or self._look.step != step:
            path = hidden / LOOKS / name_of_look(history.summaries.indices[-1])
            try:
                self._look = read_look(path, AGAIN)
            except (
                DataError
            ):  # another one has taken its place meanwhile, of which we hear next time
                return None
        return self._look if self._look.step == step else None

    def _finished(self) -> Course:
        try:
            run = read_run(self.folder)
            history, replay = run.history(), run.replay()
        except DataError as error:
            return replace(self._known, state="finished", problem=str(error))
        total = history.steps[-1].step + 1 if history.steps else 0
        return Course(
            self.folder,
            "finished",
            config=run.config,
            modalities=run.modalities,
            classes=replay.classes,
            total=total,
            history=history,
            replay=replay,
        )
