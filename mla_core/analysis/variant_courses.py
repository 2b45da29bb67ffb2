"""Variants of the head gradient side by side: from one starting point, the same sub-steps each."""

from __future__ import annotations

import time

from torch import Tensor

from mla_core.analysis.head_watch import HeadStep, Seen, watch_step
from mla_core.analysis.slow_motion import why_no_projection
from mla_core.errors import ConfigError, TrainingDivergedError
from mla_core.head import spectrum
from mla_core.methods import Alternating
from mla_core.records import StepRecord
from mla_core.session import TrainingSession
from mla_core.threads import compute_threads


class VariantCourse:
    """How one variant goes on from where a session stands.

    Weights, optimiser, batches and what forgetting is measured on are the session's; P is the
    identity at first, for the session's own variant as for any other, so that all start alike.

    Parameters
    ----------
    session : TrainingSession
        Stays where it is.
    variant : str
        A key of `mla_core.head.gradient.VARIANTS`.

    Attributes
    ----------
    variant : str
    records : list of StepRecord
    seen : list of Seen or None
        For each record, what the mean feature of the modality trained before saw of the step; None
        while there is none.
    failure : str
        Why it cannot go on, empty while it can.

    Raises
    ------
    ConfigError
        For an unknown variant, or a method that shares no head between modalities.

    Examples
    --------
    >>> from mla_core import ExperimentConfig
    >>> session = TrainingSession(ExperimentConfig(dataset="gaussian"))
    >>> off, paper = VariantCourse(session, "off"), VariantCourse(session, "paper")
    >>> off.advance(steps=6) == paper.advance(steps=6) == 6
    True
    >>> off.plasticity[-1], paper.plasticity[-1] < 1
    (1.0, True)
    """

    def __init__(self, session: TrainingSession, variant: str) -> None:
        if not isinstance(session.method, Alternating):
            raise ConfigError(why_no_projection(session))
        self.variant = variant
        self.records: list[StepRecord] = []
        self.seen: list[Seen | None] = []
        self.failure = ""
        self._session = session.fork(head_gradient="off")  # forgets P, whatever the variant
        self._session.reconfigure(head_gradient=variant)

    def advance(self, *, steps: int, seconds: float | None = None) -> int:
        """Take at most so many sub-steps more, until `seconds` have passed; return how many.

        Fewer where the training is over or has diverged; `failure` says which.
        """
        start, first = time.monotonic(), len(self.records)
        while len(self.records) - first < steps and not self.failure:
            if self._session.finished:
                self.failure = f"the training is over after {self._session.step} sub-steps"
                break
            try:
                with compute_threads():
                    self._note(watch_step(self._session))
            except TrainingDivergedError as error:
                self.failure = str(error)
            if seconds is not None and time.monotonic() - start >= seconds:
                break
        return len(self.records) - first

    @property
    def plasticity(self) -> list[float]:
        """trace(P)/s after each sub-step."""
        return [record.plasticity for record in self.records]

    @property
    def forgetting(self) -> dict[str, list[float]]:
        """What the others' steps added to each modality's loss so far (nats), after each step."""
        names = list(self._session.data.modalities)
        total: dict[str, list[float]] = {name: [] for name in names}
        for record in self.records:
            for name, sums in total.items():
                sums.append((sums[-1] if sums else 0.0) + record.forgetting.get(name, 0.0))
        return total

    @property
    def spectrum(self) -> Tensor:
        """(s,), how strongly each direction passes now, the freest first; ones if all pass."""
        assert isinstance(self._session.method, Alternating)  # noqa: S101 - checked at the start
        return spectrum(self._session.method.hgm.transform)

    def accuracy(self) -> float:
        """Return the fused accuracy on the probe set, as it is now."""
        return self._session.evaluate(self._session.probe).accuracy

    def _note(self, step: HeadStep) -> None:
        self.records.append(step.record)
        known = step.previous in step.means
        self.seen.append(step.seen_by(str(step.previous)) if known else None)
