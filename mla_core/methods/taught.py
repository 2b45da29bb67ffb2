"""Joint training after its own unimodal teachers, within one run."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import cast

import torch
from torch import Tensor, nn

from mla_core.data.samples import Split
from mla_core.methods.base import Position, strip_prefix
from mla_core.methods.concat import Concat
from mla_core.methods.heads import OwnHeads
from mla_core.methods.late_fusion import unimodal_losses
from mla_core.methods.model import MultimodalModel
from mla_core.methods.schedule import Batch
from mla_core.records import StepRecord


class Taught(Concat):
    """`concat` whose encoders may have been teachers before, which a subclass learns from.

    Until the share ``teachers`` of the run, every modality is trained alone, with a head of its
    own, as by `late_fusion`. These networks then become the teachers, which stay as they are, and
    the encoders start once more from their first weights, as students of a joint head.

    All of it happens within one run, so that the teachers' compute counts. Their answers to the
    training samples are computed once (`StepRecord.forward_passes`). While they train, each
    modality's own logits are its teacher's, but the fused ones are the student's, whose head has
    learned nothing yet: so no table takes the teachers for it.

    Attributes
    ----------
    since : int
        The epoch from which on there are teachers; -1 while they train, or where none are wanted.
    taught : (Tensor, Tensor) or None
        The teachers' features (M, N, s) and logits (M, N, C) of all training samples.
    """

    @property
    def wants_teachers(self) -> bool:
        """Whether there are to be any."""
        return bool(self.option["teachers"] > 0)

    def setup(self) -> None:
        """Keep the encoders' first weights; there are no teachers yet."""
        self.since = -1
        self._first = copy.deepcopy(self.model.encoders.state_dict()) if self.wants_teachers else {}
        self._teacher: MultimodalModel | None = None
        self.taught: tuple[Tensor, Tensor] | None = None

    def build_head(self, modalities: Sequence[str], n_classes: int) -> nn.Module:
        """Return the head of `concat`, which carries those of the teachers along."""
        head = super().build_head(modalities, n_classes)
        if self.wants_teachers:
            own = OwnHeads(modalities, self.feature_size, n_classes, self.config.seed)
            head.add_module("own", own)
        return head

    @property
    def teaching(self) -> bool:
        """Whether those who train just now are the teachers."""
        return self._teacher is None and self.wants_teachers

    def modality_logits(self, features: Tensor, present: Tensor) -> Tensor:
        """Return the head's slices; the teachers' own logits while these train."""
        if not self.teaching:
            return super().modality_logits(features, present)
        logits: Tensor = own_heads(self.model)(features)
        return logits

    def loss(self, features: Tensor, labels: Tensor, present: Tensor, samples: Tensor) -> Tensor:
        """Return the teachers' losses while they train, else the student's."""
        if self.teaching:
            return unimodal_losses(self.modality_logits(features, present), labels, present).sum()
        return super().loss(features, labels, present, samples)

    def step(self, batch: Batch, train: Split, position: Position) -> StepRecord:
        """As `concat`, with what the teachers say at hand."""
        self.answers(train)
        return super().step(batch, train, position)

    def answers(self, train: Split) -> tuple[Tensor, Tensor] | None:
        """Return `taught`; after a restore the teachers are asked once more."""
        if self._teacher is not None and self.taught is None:
            self.taught = self._ask(self._teacher, train)
        return self.taught

    def unused(self, modality: str) -> None:
        """Leave its teacher's head alone, too."""
        super().unused(modality)
        if self.wants_teachers:
            own_heads(self.model)[modality].zero_grad()

    def end_epoch(self, train: Split, val: Split, coming: Position) -> int:
        """Make teachers of what was trained, when it is time for it."""
        over = coming.run_progress >= self.option["teachers"]
        if not self.teaching or not over or coming.epoch >= self.config.epochs:
            return 0
        self.since = coming.epoch
        self._teacher = self.model.twin()
        self.taught = self._ask(self._teacher, train)
        self.model.encoders.load_state_dict(self._first)
        for parameter in self.model.encoders.parameters():
            for value in self.optimizer.state.get(parameter, {}).values():
                value.zero_()
        return len(self.modalities) * len(train)

    def state_dict(self) -> dict[str, Tensor]:
        """Also the teachers; what they say can be computed anew."""
        state = super().state_dict()
        if self.wants_teachers:
            state["teachers.since"] = torch.tensor(self.since)
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
        since = int(state["teachers.since"]) if self.wants_teachers else -1
        self.since, self.taught, self._teacher = since, None, None
        if self.since >= 0:
            self._teacher = self.model.twin()
            still = {k: p for k, p in self.model.named_parameters() if not p.requires_grad}
            self._teacher.load_state_dict({**still, **strip_prefix(state, "teacher.")})

    @torch.no_grad()
    def _ask(self, teacher: MultimodalModel, train: Split) -> tuple[Tensor, Tensor]:
        features = teacher.features(train.inputs)
        return features, own_heads(teacher)(features)


def own_heads(model: MultimodalModel) -> OwnHeads:
    """Return the heads that the teachers have each to itself."""
    return cast("OwnHeads", model.head.own)
