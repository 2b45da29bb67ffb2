"""One run at one moment: every text and picture of it is derived from this."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mla_core.config import ExperimentConfig
from mla_core.records import Evaluation, History, Summary
from mla_core.session import TrainingSession
from widgets.charts.map_chart import MapView
from widgets.charts.marks import Mark


@dataclass(frozen=True, eq=False)
class Run:
    """One run as far as it is trained, and the moment of it that is shown.

    Attributes
    ----------
    config : ExperimentConfig
    history : History
        Nobody changes it any more.
    step, total : int
        Sub-steps taken, and those of the whole run.
    moments : tuple of int
        After how many sub-steps one can look at it again; the last one is now.
    marks : tuple of Mark
        What changed on the way, in order.
    since : int
        Where it begins: a branch has its past in common with the first run.
    then : History or None
        The run as it was at an earlier moment, when that is what is shown.
    view : MapView or None
        The map of `look`.
    """

    config: ExperimentConfig
    history: History
    step: int
    total: int
    moments: tuple[int, ...]
    marks: tuple[Mark, ...] = ()
    since: int = 0
    then: History | None = None
    view: MapView | None = None

    @property
    def shown(self) -> History:
        """The run as far as it is shown: as it was then, or now."""
        return self.then or self.history

    @property
    def look(self) -> Evaluation | None:
        """The newest look at the probe set at the moment shown."""
        return self.shown.latest

    @property
    def summary(self) -> Summary | None:
        """The numbers of `look`."""
        return self.shown.summaries[-1] if self.shown.summaries else None

    @property
    def drawing(self) -> tuple[object, ...]:
        """What decides the curves: while it stays the same, nothing needs to be drawn."""
        last = self.history.steps[-1] if self.history.steps else None
        return last, self.history.latest, self.then, self.marks


def run_of(session: TrainingSession, marks: Sequence[Mark] = (), since: int = 0) -> Run:
    """Return a session as it is now; `marks` are those that its history does not know.

    Examples
    --------
    >>> session = TrainingSession(ExperimentConfig(dataset="gaussian"))
    >>> _ = session.advance(steps=2)
    >>> session.reconfigure(alpha=0.01)
    >>> run = run_of(session)
    >>> run.step, run.moments, run.marks
    (2, (0, 2), (Mark(step=2, name='alpha 0.1 → 0.01'),))
    """
    history = session.history.copy()
    changes = [
        Mark(c.step, f"{c.field} {c.before} → {c.after}")
        for c in history.changes
        if c.step >= since and c.field != "instruments"  # who watches changes nothing
    ]
    step = history.steps[-1].step + 1 if history.steps else 0
    looks = [look for look in session.recording.steps if look < step]
    return Run(
        config=session.config,
        history=history,
        step=step,
        total=session.steps_per_epoch * session.config.epochs,
        moments=(*looks, step),
        marks=tuple(sorted([*changes, *marks])),
        since=since,
    )
