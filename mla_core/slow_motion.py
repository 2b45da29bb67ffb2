"""One sub-step in slow motion: forward, loss, gradient, projection, update, with its numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from mla_core.errors import ConfigError
from mla_core.head_geometry import share_seen
from mla_core.head_gradient import VARIANTS, alpha_at
from mla_core.head_watch import HeadWatch
from mla_core.history import StepRecord
from mla_core.methods.alternating import Alternating
from mla_core.methods.one_at_a_time import OneAtATime
from mla_core.session import TrainingSession, compute_threads

STAGES = ("forward", "loss", "gradient", "projection", "update")


@dataclass(frozen=True, eq=False)
class Projection:
    """What happened to P in the sub-step, and with which numbers (eq. 5).

    Attributes
    ----------
    variant : str
    alpha : float
        As its schedule has it in this sub-step.
    before, after : Tensor
        P, (s, s) float64.
    mean : Tensor or None
        (s,) that P took in; None where it took nothing in.
    q : Tensor or None
        (s,) ``P h / (alpha + h^T P h)``; None also for the published variants, where each entry has
        a denominator of its own.
    denominator : float or None
        ``alpha + h^T P h``.
    started_afresh : bool
        Whether P was the identity again before it took the mean in.
    """

    variant: str
    alpha: float
    before: Tensor
    after: Tensor
    mean: Tensor | None
    q: Tensor | None
    denominator: float | None
    started_afresh: bool


@dataclass(frozen=True)
class Seen:
    """How much of the head's step one modality's mean feature sees, each from 0 to 1.

    Attributes
    ----------
    modality : str
    now : bool
        It is the one being trained: the mean is the current batch's.
    previous : bool
        It was trained in the sub-step before.
    gradient, followed, update : float
        ``|A h| / (|A| |h|)`` of the gradient G, of what P makes of it, and of the whole change of
        W.
    """

    modality: str
    now: bool
    previous: bool
    gradient: float
    followed: float
    update: float


@dataclass(frozen=True, eq=False)
class SlowStep:
    """One sub-step that a fork has taken; the session itself has not moved.

    Attributes
    ----------
    session : TrainingSession
    changes : mapping of str to value
        Settings that hold from this sub-step on.
    record : StepRecord
        What the history will say.
    ids : tuple of str
        B sample ids.
    labels : Tensor
        (B,).
    features : mapping of str to Tensor
        (B, s) of each modality in the loss.
    logits : Tensor
        (B, C) before the update; where all learn at once, the fused ones.
    losses : Tensor
        (B,) cross-entropies of `logits`, nats. Their mean is ``record.loss`` for one modality at a
        time; some joint methods add terms of their own.
    gradient, followed : Tensor
        (C, K), K = s for one modality at a time: G, and what the update follows, eq. 3.
    weight_before, weight_after : Tensor
        (C, K).
    projection : Projection or None
    reason : str
        Why there is none; empty where there is.
    means : mapping of str to Tensor
        (s,) of each modality that the shared head knows, the current batch's for the current one.
    previous : str or None
        The modality of the sub-step before.
    """

    session: TrainingSession
    changes: Mapping[str, Any]
    record: StepRecord
    ids: tuple[str, ...]
    labels: Tensor
    features: Mapping[str, Tensor]
    logits: Tensor
    losses: Tensor
    gradient: Tensor
    followed: Tensor
    weight_before: Tensor
    weight_after: Tensor
    projection: Projection | None
    reason: str
    means: Mapping[str, Tensor]
    previous: str | None

    @property
    def stages(self) -> tuple[str, ...]:
        """The stages that this sub-step has, in order."""
        return tuple(s for s in STAGES if s != "projection" or self.projection is not None)

    @property
    def update(self) -> Tensor:
        """(C, K), by which the head's weight changes."""
        return self.weight_after - self.weight_before

    @property
    def rest(self) -> float:
        """Share of the update that is not ``-rate * followed``: momentum and weight decay.

        ``|dW + rate * followed| / |dW|``; it may exceed 1 where the two pull apart. NaN where W does
        not move.
        """
        own = self.update + self.record.learning_rate * self.followed
        size = float(self.update.norm())
        return float(own.norm()) / size if size > 0 else float("nan")

    def seen(self) -> list[Seen]:
        """Return, for every modality that the shared head knows, what its mean feature sees."""
        return [
            Seen(
                name,
                now=name == self.record.modality,
                previous=name == self.previous,
                gradient=share_seen(self.gradient, mean),
                followed=share_seen(self.followed, mean),
                update=share_seen(self.update, mean),
            )
            for name, mean in self.means.items()
        ]

    def apply(self) -> StepRecord:
        """Let the session take this very sub-step, with `changes` in force.

        Raises
        ------
        ConfigError
            When the session is no longer where it was; then nothing has changed.
        """
        session = self.session
        here = session.snapshot()
        record = self.record
        if here.step != record.step or here.history.steps != self._records():
            msg = (
                f"the session is at sub-step {here.step}, but this is sub-step {record.step} of "
                "another course: walk through the coming one instead"
            )
            raise ConfigError(msg)
        session.reconfigure(**self.changes)
        (taken,) = session.advance(steps=1)
        return taken

    def _records(self) -> list[StepRecord]:
        return self._past

    @property
    def _past(self) -> list[StepRecord]:
        raise AssertionError
