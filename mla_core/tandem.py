"""A run and a branch of it, trained beside each other in lock step."""

from __future__ import annotations

from dataclasses import dataclass

from mla_core.session import TrainingSession


@dataclass(eq=False)
class Tandem:
    """One session, or two that go on together; whichever is behind catches up first.

    Attributes
    ----------
    trunk : TrainingSession
    branch : TrainingSession or None
        Usually ``trunk.fork(...)``: it may have left the trunk long before where that is now.
    since : int
        After how many sub-steps the branch left the trunk.
    at_work : TrainingSession
        The one that trained last: the one to blame when training failed.

    Examples
    --------
    >>> from mla_core import ExperimentConfig
    >>> trunk = TrainingSession(ExperimentConfig(dataset="gaussian"))
    >>> _ = trunk.advance(steps=4)
    >>> pair = Tandem(trunk, trunk.fork(trunk.recording.at(0).snapshot, head_gradient="off"))
    >>> pair.advance(steps=10), trunk.step, pair.branch.step
    (4, 4, 4)
    >>> pair.advance(steps=10), trunk.step, pair.branch.step
    (10, 14, 14)
    """

    trunk: TrainingSession
    branch: TrainingSession | None = None

    def __post_init__(self) -> None:
        self.at_work = self.trunk
        self.since = 0 if self.branch is None else self.branch.step

    @property
    def sessions(self) -> list[TrainingSession]:
        """The trunk, and the branch if there is one."""
        return [self.trunk] if self.branch is None else [self.trunk, self.branch]

    @property
    def unfinished(self) -> list[TrainingSession]:
        """Those that have epochs left, the one that is behind first."""
        left = [session for session in self.sessions if not session.finished]
        return sorted(left, key=lambda session: session.step)

    @property
    def lag(self) -> int:
        """How many sub-steps one is behind the other."""
        steps = [session.step for session in self.sessions]
        return max(steps) - min(steps)

    def advance(self, *, steps: int | None = None, seconds: float | None = None) -> int:
        """Train the one that is behind, or both by equally many sub-steps.

        Parameters
        ----------
        steps : int, optional
            At most this many.
        seconds : float, optional
            For about this long; at least one sub-step is taken.

        Returns
        -------
        int
            Sub-steps by which this went on, counted once where both took them.
        """
        left = self.unfinished
        if not left:
            return 0
        if len(left) == 2 and self.lag == 0:
            taken = self._train(self.trunk, steps, None if seconds is None else seconds / 2)
            self._train(left[1], taken, None)
            return taken
        behind = left[0]
        gap = max(session.step for session in self.sessions) - behind.step
        if gap > 0:
            steps = gap if steps is None else min(steps, gap)
        return self._train(behind, steps, seconds)

    def rewind(self) -> None:
        """Take the one that failed back to where all was well."""
        self.at_work.rewind()

    def _train(self, session: TrainingSession, steps: int | None, seconds: float | None) -> int:
        self.at_work = session
        return len(session.advance(steps=steps, seconds=seconds))
