"""One sub-step in slow motion: forward, loss, gradient, projection, update, with its numbers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from mla_core.analysis.head_watch import HeadStep, watch_step
from mla_core.data.samples import Split
from mla_core.errors import ConfigError
from mla_core.head import HeadGradientModification
from mla_core.language import tr
from mla_core.methods import Alternating, Method, Prediction
from mla_core.references import from_elsewhere
from mla_core.session import TrainingSession
from mla_core.threads import compute_threads

STAGES = ("forward", "loss", "gradient", "projection", "update")


@dataclass(frozen=True, eq=False)
class Projection:
    """What happened to P in the sub-step, and with which numbers (eq. 5).

    Attributes
    ----------
    variant : str
    before, after : Tensor
        P, (s, s) float64; `before` is the identity where P started afresh.
    afresh : bool
        Whether the setting ``reset`` made P the identity in this sub-step.
    mean : Tensor or None
        (s,) float64 that P took in; None where it took nothing in.
    alpha : float or None
        As its schedule had it, None together with `mean`.
    denominator : float or None
        ``alpha + h^T P h``; None also for the published variants, where each entry has its own.
    transforms : tuple of Tensor
        What a gradient is multiplied by, (s, s), before and after.
    """

    variant: str
    before: Tensor
    after: Tensor
    afresh: bool
    mean: Tensor | None
    alpha: float | None
    denominator: float | None
    transforms: tuple[Tensor, Tensor]

    @property
    def plasticity(self) -> tuple[float, float]:
        """trace(P)/s before and after."""
        return tuple(float(P.trace()) / len(P) for P in (self.before, self.after))  # type: ignore[return-value]


@dataclass(frozen=True, eq=False)
class SlowStep:
    """One sub-step that a fork has taken; the session it was forked from has not moved.

    All numbers are those of the sub-step itself, in which networks with dropout or batch
    normalisation compute otherwise than in a look.

    Attributes
    ----------
    ids : tuple of str
        B sample ids.
    labels : Tensor
        (B,).
    features : Tensor
        (B, s) of the modality that was trained; where all learn at once, (M, B, s).
    logits : Tensor
        (B, C) before the update; where all learn at once, the fused ones.
    losses : Tensor
        (B,) cross-entropies of `logits`, nats. Their mean is the loss for one modality at a time;
        some joint methods add terms of their own.
    head : HeadStep
        Gradient, what the update follows, and the update.
    projection : Projection or None
    reason : str
        Why there is no projection; empty where there is one.
    after : TrainingSession
        The fork, one sub-step later: going on with it is going on with the session.
    """

    ids: tuple[str, ...]
    labels: Tensor
    features: Tensor
    logits: Tensor
    losses: Tensor
    head: HeadStep
    projection: Projection | None
    reason: str
    after: TrainingSession

    @property
    def stages(self) -> tuple[str, ...]:
        """The stages that this sub-step has, in order."""
        return tuple(s for s in STAGES if s != "projection" or self.projection is not None)


def slow_step(session: TrainingSession, **changes: Any) -> SlowStep:
    """Take the coming sub-step in a fork, and return everything that happened on the way.

    Parameters
    ----------
    session : TrainingSession
        Stays where it is.
    **changes
        Live fields of the configuration that hold from this sub-step on.

    Raises
    ------
    ConfigError
        When the training is over, or for a bad change.

    Examples
    --------
    >>> from mla_core import ExperimentConfig
    >>> session = TrainingSession(ExperimentConfig(dataset="gaussian"))
    >>> slow = slow_step(session)
    >>> slow.head.record == session.advance(steps=1)[0], slow.logits.shape
    (True, torch.Size([64, 10]))
    """
    with compute_threads():
        return _walked(session.fork(**changes))


def _walked(twin: TrainingSession) -> SlowStep:
    """Let `twin` take the step."""
    samples = twin.next_samples
    if samples is None:
        msg = f"the training is over after {twin.step} sub-steps: choose more epochs"
        raise ConfigError(msg)
    modality, method, projection = twin.next_modality, twin.method, None
    with _forward(method, samples, modality) as noted:
        if isinstance(method, Alternating):
            hgm, before = method.hgm, (method.hgm.P.clone(), method.hgm.transform)
            head = watch_step(twin)
            projection = _projection(hgm, before, method.hgm)
        else:
            head = watch_step(twin)
    if not noted:
        msg = (
            f"method {twin.config.method!r} cannot be watched: its sub-step does not read features "
            "through model.encode_samples"
        )
        raise ConfigError(msg)
    features, logits = noted[0].features, noted[0].fused
    if modality is not None:
        row = list(samples.inputs).index(modality)
        features, logits = features[row], noted[0].logits[row]
    return SlowStep(
        ids=samples.ids,
        labels=samples.labels,
        features=features,
        logits=logits,
        losses=F.cross_entropy(logits, samples.labels, reduction="none"),
        head=head,
        projection=projection,
        reason=why_no_projection(twin),
        after=twin,
    )


@contextmanager
def _forward(method: Method, samples: Split, modality: str | None) -> Iterator[list[Prediction]]:
    """Note what the coming sub-step's forward pass gives, while nothing has been updated yet."""
    awaited = set(samples.inputs if modality is None else [modality])
    seen: dict[str, Tensor] = {}
    noted: list[Prediction] = []

    def note(_: torch.nn.Module, given: tuple[Any, ...], features: Tensor) -> None:
        seen[given[0]] = features.detach().cpu()
        if seen.keys() == awaited and not noted:
            nothing = torch.zeros_like(seen[given[0]])
            z = torch.stack([seen.get(name, nothing) for name in samples.inputs])  # (M, B, s)
            noted.append(method.read(z, samples.present))

    hook = method.model.register_forward_hook(note)
    try:
        yield noted
    finally:
        hook.remove()


def going_on(session: TrainingSession) -> TrainingSession:
    """Return a fork of a session to walk on with; a finished one gets an epoch more.

    Parameters
    ----------
    session : TrainingSession

    Examples
    --------
    >>> from mla_core import ExperimentConfig
    >>> session = TrainingSession(ExperimentConfig(dataset="gaussian", epochs=1))
    >>> _ = session.advance(epochs=1)
    >>> going_on(session).config.epochs
    2
    """
    return session.fork(epochs=session.config.epochs + 1) if session.finished else session.fork()


def why_no_projection(session: TrainingSession) -> str:
    """Return a sentence that says why this session projects no gradient; empty where it does.

    Parameters
    ----------
    session : TrainingSession

    Examples
    --------
    >>> from mla_core import ExperimentConfig
    >>> session = TrainingSession(ExperimentConfig(dataset="gaussian", method="ensemble"))
    >>> why_no_projection(session)
    'The method ensemble gives each modality a head of its own: ...'
    """
    method = session.method
    name = session.config.method
    if not method.one_at_a_time:
        return tr(
            "The method {name} trains all modalities at once: there is no earlier modality whose "
            "answers a projection could protect.",
            name=name,
        )
    if not isinstance(method, Alternating) and method.head == "shared":
        return tr(
            "The method {name} lets every modality move the shared head: nothing is projected.",
            name=name,
        )
    if not isinstance(method, Alternating):
        return tr(
            "The method {name} gives each modality a head of its own: no step for one can harm "
            "another, and nothing is projected.",
            name=name,
        )
    if not method.hgm.active:
        return tr(
            "The variant {name} uses the head's gradient as it is: nothing is projected.",
            name=session.config.head_gradient,
        )
    return ""


def _projection(
    modification: HeadGradientModification,
    before: tuple[Tensor, Tensor],
    after: HeadGradientModification,
) -> Projection | None:
    """Compare before and after the sub-step; `before` are P and the transform as they were."""
    if not after.active:
        return None
    P, transform = before
    if afresh := after is not modification:
        with from_elsewhere():  # the code that runs, whatever its file says by now
            fresh = HeadGradientModification(after.dim, after.alpha, after.variant)
        P, transform = fresh.P, fresh.transform
    mean, alpha = after.taken_in or (None, None)
    denominator = None
    if mean is not None and alpha is not None and after.recursive:
        denominator = alpha + float(mean @ P @ mean)
    return Projection(
        after.variant,
        P,
        after.P.clone(),
        afresh,
        mean,
        alpha,
        denominator,
        (transform, after.transform),
    )
