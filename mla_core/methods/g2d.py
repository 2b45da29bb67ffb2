"""G2D: unimodal teachers guide a joint network, the weakest modality first."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mla_core.data.samples import Split
from mla_core.methods.balance import scores
from mla_core.methods.base import Position, strip_prefix
from mla_core.methods.concat import Concat
from mla_core.methods.heads import OwnHeads
from mla_core.methods.instruments import Instrument
from mla_core.methods.joint import Joint
from mla_core.methods.late_fusion import unimodal_losses
from mla_core.methods.model import MultimodalModel
from mla_core.methods.schedule import Batch
from mla_core.records import StepRecord


class G2d(Concat):
    """`concat` after its own unimodal teachers (G2D; Rakib and Bagavathi, ICCV 2025).

    Until the share ``teachers`` of the run, every modality is trained alone, with a head of its
    own, as by `late_fusion`. These networks then become the teachers t, which stay as they are, and
    the encoders start once more from their first weights, as students of a joint head. Per batch
    the student makes smaller::

        CE(z) + strength sum_m ( KL(t_m || softmax(z)) + |f_m - f_m^t|^2 / s )

    each term over the samples that have the part. Until the share ``prioritised`` of what is then
    left of the run, the leaders wait: ordered by the probability that their teachers give the
    right classes of the batch, at first only the weakest modality's encoder learns, then the two
    weakest, and so on, in M - 1 spans of equal length. For two modalities this is as published;
    the order of more is ours, and that who waits is left alone by momentum and weight decay, too.

    All of it happens within one run, so that the teachers' compute counts. Their answers to the
    training samples are computed once (`StepRecord.forward_passes`). While they train, each
    modality's own logits are its teacher's, but the fused ones are the student's, whose head has
    learned nothing yet: so no table takes the teachers for it. With ``teachers=0`` there are none,
    and this is `concat`.

    Attributes
    ----------
    since : int
        The epoch from which on there are teachers; -1 while they train.

    Examples
    --------
    >>> from mla_core import ExperimentConfig, TrainingSession
    >>> config = ExperimentConfig(dataset="gaussian", method="g2d", epochs=3)
    >>> session = TrainingSession(config)
    >>> _ = session.advance(epochs=1)
    >>> session.method.since
    1
    """

    least_modalities = 2
    options = {  # noqa: RUF012 - `Method` declares the type
        **Joint.options,
        "teachers": 1 / 3,
        "strength": 1.0,
        "prioritised": 0.5,
    }
    instruments = {  # noqa: RUF012
        **Joint.instruments,
        "learns": Instrument(
            "Encoder learns (1) or waits (0)",
            "Whether a modality's encoder learns from this batch: of those whose teachers are surest "
            "the gradient is 0 for a while. While there are only teachers, all learn.",
        ),
    }

    def setup(self) -> None:
        """Keep the encoders' first weights; there are no teachers yet."""
        self.since = -1
        self._first = copy.deepcopy(self.model.encoders.state_dict())
        self._teacher: MultimodalModel | None = None
        self._answers: tuple[Tensor, Tensor] | None = None  # features (M, N, s), logits (M, N, C)
        self._waiting: list[str] = []  # in the step at hand

    def build_head(self, modalities: Sequence[str], n_classes: int) -> nn.Module:
        """Return the head of `concat`, which carries those of the teachers along."""
        head = super().build_head(modalities, n_classes)
        head.add_module("own", self._own_heads(modalities, n_classes))
        return head

    @property
    def teaching(self) -> bool:
        """Whether those who train just now are the teachers."""
        return self._teacher is None and self.option["teachers"] > 0

    def modality_logits(self, features: Tensor, present: Tensor) -> Tensor:
        """Return the head's slices; the teachers' own logits while these train."""
        if not self.teaching:
            return super().modality_logits(features, present)
        logits: Tensor = _own(self.model)(features)
        return logits

    def loss(self, features: Tensor, labels: Tensor, present: Tensor, samples: Tensor) -> Tensor:
        """Return the teachers' losses, or the student's with what the teachers say."""
        if self.teaching:
            return unimodal_losses(self.modality_logits(features, present), labels, present).sum()
        loss = super().loss(features, labels, present, samples)
        if self._answers is None:
            return loss
        taught, said = (x[:, samples] for x in self._answers)
        fused = self.fused_logits(features, present)
        strength = float(self.option["strength"])
        return loss + strength * distillation(fused, said, features, taught, present)

    def step(self, batch: Batch, train: Split, position: Position) -> StepRecord:
        """As `concat`; who waits is decided by what the teachers say of the batch."""
        self._waiting = []
        if self._teacher is not None:
            if self._answers is None:  # after a restore
                self._answers = self._ask(self._teacher, train)
            present = self._counted(train.present[:, batch.indices])
            said = self._answers[1][:, batch.indices]
            learning = self._learning(position)
            order = weakest_first(said, train.labels[batch.indices], present)
            self._waiting = [self.modalities[m] for m in order[learning:]]
        return super().step(batch, train, position)

    def modulate(
        self, features: Tensor, labels: Tensor, present: Tensor, position: Position
    ) -> None:
        """Let the encoders of those that wait be."""
        learns = [float(name not in self._waiting) for name in self.modalities]
        self.note("learns", torch.tensor(learns))
        for name in self._waiting:
            self.model.encoders[name].zero_grad()

    def unused(self, modality: str) -> None:
        """Leave its teacher's head alone, too."""
        super().unused(modality)
        _own(self.model)[modality].zero_grad()

    def end_epoch(self, train: Split, val: Split, coming: Position) -> int:
        """Make teachers of what was trained, when it is time for it."""
        over = coming.run_progress >= self.option["teachers"]
        if not self.teaching or not over or coming.epoch >= self.config.epochs:
            return 0
        self.since = coming.epoch
        self._teacher = self._copied()
        self._answers = self._ask(self._teacher, train)
        self.model.encoders.load_state_dict(self._first)
        for parameter in self.model.encoders.parameters():
            for value in self.optimizer.state.get(parameter, {}).values():
                value.zero_()
        return len(self.modalities) * len(train)

    def state_dict(self) -> dict[str, Tensor]:
        """Also the teachers; what they say can be computed anew."""
        state = super().state_dict() | {"g2d.since": torch.tensor(self.since)}
        if self._teacher is None:
            return state
        still = {name for name, p in self.model.named_parameters() if not p.requires_grad}
        teacher = self._teacher.state_dict().items()
        return state | {
            f"teacher.{k}": v.to("cpu", copy=True) for k, v in teacher if k not in still
        }

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take all of it back."""
        super().load_state_dict(state)
        self.since, self._answers, self._teacher = int(state["g2d.since"]), None, None
        if self.since >= 0:
            self._teacher = self._copied()
            still = {k: p for k, p in self.model.named_parameters() if not p.requires_grad}
            self._teacher.load_state_dict({**still, **strip_prefix(state, "teacher.")})

    def _own_heads(self, modalities: Sequence[str], n_classes: int) -> OwnHeads:
        return OwnHeads(modalities, self.feature_size, n_classes, self.config.seed)

    def _copied(self) -> MultimodalModel:
        """Return a copy of the network as it is; not of whoever watches it."""
        encoders = dict(copy.deepcopy(self.model.encoders).items())
        return MultimodalModel(encoders, copy.deepcopy(self.model.head), self.model.placement)

    @torch.no_grad()
    def _ask(self, teacher: MultimodalModel, train: Split) -> tuple[Tensor, Tensor]:
        features = teacher.features(train.inputs)
        return features, _own(teacher)(features)

    def _learning(self, position: Position) -> int:
        """Return how many modalities' encoders learn, the weakest ones."""
        epochs, m = self.config.epochs, len(self.modalities)
        done = position.run_progress * epochs - self.since + 1e-9  # in epochs, less rounding
        span = (epochs - self.since) * float(self.option["prioritised"])
        return m if done >= span else 1 + int(done / span * (m - 1))


def _own(model: MultimodalModel) -> OwnHeads:
    return cast("OwnHeads", model.head.own)


def distillation(
    fused: Tensor, said: Tensor, features: Tensor, taught: Tensor, present: Tensor
) -> Tensor:
    """Return ``sum_m KL(t_m || softmax(z)) + |f_m - f_m^t|^2 / s``, means over samples.

    Parameters
    ----------
    fused : Tensor
        (B, C) z.
    said, taught : Tensor
        (M, B, C) and (M, B, s), the teachers' logits and features.
    features : Tensor
        (M, B, s).
    present : Tensor
        (M, B) bool; absent parts have no teacher.

    Examples
    --------
    >>> z, f = torch.zeros(1, 2), torch.ones(1, 1, 3)
    >>> distillation(z, z[None], f, 3 * f, torch.ones(1, 1).bool()).item()
    4.0
    """
    log_p = torch.log_softmax(fused, -1)  # (B, C)
    log_t = torch.log_softmax(said, -1)  # (M, B, C)
    apart = F.kl_div(log_p.expand_as(log_t), log_t, reduction="none", log_target=True).sum(-1)
    away = (features - taught).square().mean(-1)  # (M, B)
    parts = torch.where(present, apart + away, 0.0)
    total: Tensor = (parts.sum(1) / present.sum(1).clamp_min(1)).sum()
    return total


def weakest_first(said: Tensor, labels: Tensor, present: Tensor) -> list[int]:
    """Return the rows of the modalities, those first whose teachers are least right.

    Parameters
    ----------
    said : Tensor
        (M, B, C) the teachers' logits.
    labels : Tensor
        (B,).
    present : Tensor
        (M, B) bool; who has no part in the batch stands last.

    Examples
    --------
    >>> said = torch.tensor([[[2.0, 0.0]], [[1.0, 0.0]]])
    >>> weakest_first(said, torch.tensor([0]), torch.ones(2, 1).bool())
    [1, 0]
    """
    return scores(said, labels, present).argsort(stable=True).tolist()  # NaN sorts last
