"""What one sub-step does to the head, noted while the training code does it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

from mla_core.errors import ConfigError
from mla_core.head import share_seen
from mla_core.methods import Alternating, OneAtATime
from mla_core.records import StepRecord
from mla_core.session import TrainingSession
from mla_core.threads import compute_threads


@dataclass(frozen=True)
class Seen:
    """How much of the head's step one modality's mean feature sees, from 0 (none) to 1.

    Attributes
    ----------
    modality : str
    gradient, followed, update : float
        ``|A h| / (|A| |h|)`` of the gradient G, of what P makes of it, and of the whole change of
        the weight; see `mla_core.head.geometry.share_seen`.
    """

    modality: str
    gradient: float
    followed: float
    update: float


@dataclass(frozen=True, eq=False)
class HeadStep:
    """The head in one sub-step that has been taken.

    Attributes
    ----------
    record : StepRecord
    gradient, followed : Tensor
        (C, K) of the head's weight: G as backpropagation gave it, and what the update follows,
        eq. 3. K = s for one modality at a time; where all learn at once, the head's matrices with
        C rows stand side by side.
    before, after : Tensor
        (C, K), the weight.
    means : mapping of str to Tensor
        (s,) float64 of every modality that a shared head has read, from its own last sub-step;
        the current batch's for the current one. Empty where no head is shared.
    previous : str or None
        The other modality that was trained last; None where there is none.
    """

    record: StepRecord
    gradient: Tensor
    followed: Tensor
    before: Tensor
    after: Tensor
    means: Mapping[str, Tensor]
    previous: str | None

    @property
    def update(self) -> Tensor:
        """(C, K), by which the weight changed."""
        return self.after - self.before

    @property
    def rest(self) -> float:
        """Share of the update that is not ``-rate * followed``: momentum and weight decay.

        ``|dW + rate * followed| / |dW|``; it may exceed 1 where the two pull apart. NaN where the
        weight does not move.
        """
        own = self.update + self.record.learning_rate * self.followed
        size = float(self.update.norm())
        return float(own.norm()) / size if size > 0 else math.nan

    def seen_by(self, modality: str) -> Seen:
        """Return what the mean feature of `modality`, a key of `means`, sees of this step."""
        mean = self.means[modality]
        return Seen(
            modality,
            *(share_seen(part, mean) for part in (self.gradient, self.followed, self.update)),
        )


def watch_step(session: TrainingSession) -> HeadStep:
    """Let a session take one sub-step, and return what the head did.

    The training code runs as always and is not repeated here: torch's own hooks tell the gradient.

    Parameters
    ----------
    session : TrainingSession

    Raises
    ------
    ConfigError
        When the training is over.

    Examples
    --------
    >>> from mla_core import ExperimentConfig
    >>> session = TrainingSession(ExperimentConfig(dataset="gaussian"))
    >>> step = watch_step(session)
    >>> abs(float(step.gradient.norm()) - step.record.gradient_norm) < 1e-6, session.step
    (True, 1)
    """
    if session.finished:
        msg = f"the training is over after {session.step} sub-steps: choose more epochs"
        raise ConfigError(msg)
    with compute_threads():
        return _watched(session)


def _watched(session: TrainingSession) -> HeadStep:
    method, modality = session.method, session.next_modality
    if isinstance(method, OneAtATime):
        weights: list[Tensor] = [method.head_of(str(modality)).weight]
    else:
        classes = len(session.data.classes)
        parameters = method.model.head.parameters()
        weights = [p for p in parameters if p.ndim == 2 and len(p) == classes]
    others = (r.modality for r in reversed(session.history.steps) if r.modality != modality)
    previous = next(others, None)
    before = _together(weights)
    with _gradients(weights) as gradients:
        (record,) = session.advance(steps=1)
    gradient = torch.cat(gradients, 1).cpu()
    shared = isinstance(method, Alternating)
    return HeadStep(
        record=record,
        gradient=gradient,
        followed=method.hgm.project(gradient) if isinstance(method, Alternating) else gradient,
        before=before,
        after=_together(weights),
        means=method.means() if isinstance(method, Alternating) else {},
        previous=previous if shared else None,
    )


def _together(weights: list[Tensor]) -> Tensor:
    return torch.cat([weight.detach() for weight in weights], 1).cpu()  # a copy


@contextmanager
def _gradients(weights: list[Tensor]) -> Iterator[list[Tensor]]:
    """Fill a list with each weight's next gradient, zero where nothing flows back."""
    found = [torch.zeros_like(weight) for weight in weights]

    def note(index: int) -> Callable[[Tensor], None]:
        def keep(gradient: Tensor) -> None:
            found[index] = gradient.detach().clone()

        return keep

    with ExitStack() as hooks:
        for index, weight in enumerate(weights):
            hooks.callback(weight.register_hook(note(index)).remove)
        yield found
