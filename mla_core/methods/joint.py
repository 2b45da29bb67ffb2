"""What joint methods share: all modalities in every step, one loss, one update."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

import torch
from torch import Tensor
from torch.nn import functional as F

from mla_core.catalogue import rule_in_force
from mla_core.data.samples import Split
from mla_core.fusion import fused_by_rule, uniform_weights
from mla_core.methods.base import Method, Position, Prediction, check_finite, strip_prefix
from mla_core.methods.conflict import CONFLICT
from mla_core.methods.schedule import Batch, joint_epoch
from mla_core.records import StepRecord


class Joint(Method):
    """All encoders and the head learn together; a subclass says how features become logits.

    The option ``absent`` decides what an absent part is to the network: ``"left_out"``, features
    of zero that touch neither encoder nor loss; or ``"zeros"``, an input of zeros that is encoded,
    trained on and fused like any other, as the methods' public code does.

    Training samples without any part at all are left out of the epochs.
    """

    options = {"absent": "left_out"}  # noqa: RUF012 - `Method` declares the type
    choices = {"absent": ("left_out", "zeros")}  # noqa: RUF012
    instruments = {**Method.instruments, "conflict": CONFLICT}  # noqa: RUF012

    now: Position  # of the sub-step at hand

    def plan(self, train: Split, epoch: int) -> list[Batch]:
        """All modalities in every step."""
        config = self.config
        return joint_epoch(train, epoch, seed=config.seed, batch_size=config.batch_size)

    def fused_logits(self, features: Tensor, present: Tensor) -> Tensor:
        """Return the fused logits (B, C) for features (M, B, s), zero where absent: the head's."""
        logits: Tensor = self.model.head(features)
        return logits

    def modality_logits(self, features: Tensor, present: Tensor) -> Tensor:
        """Return each modality's own logits (M, B, C): by default, of the head given it alone."""
        alone = []
        for m in range(len(features)):
            only = torch.zeros_like(present)
            only[m] = present[m]
            alone.append(self.fused_logits(features * only[..., None], only))
        return torch.stack(alone)

    def weights(self, logits: Tensor, present: Tensor) -> Tensor:
        """Return how much each modality counts (M, B); most joint methods weigh nothing."""
        return uniform_weights(logits, present)

    def loss(self, features: Tensor, labels: Tensor, present: Tensor, samples: Tensor) -> Tensor:
        """Return the training loss of a batch, by default the fused prediction's cross-entropy.

        Parameters
        ----------
        features : Tensor
            (M, B, s).
        labels, samples : Tensor
            (B,) classes, and indices in the training split.
        present : Tensor
            (M, B) bool.
        """
        return F.cross_entropy(self.fused_logits(features, present), labels)

    def modulate(
        self, features: Tensor, labels: Tensor, present: Tensor, position: Position
    ) -> None:
        """Change the encoders' gradients before the update; most methods leave them alone."""

    def backward(self, loss: Tensor, features: Tensor, labels: Tensor, present: Tensor) -> None:
        """Give every parameter its gradient, by default that of the loss.

        A method with gradients of several losses makes them anew from `features`, whose graph
        still reaches into the encoders.
        """
        loss.backward()

    @cached_property
    def remembered(self) -> dict[str, Tensor]:
        """What a method remembers from step to step by name, part of its state.

        It is changed in `modulate`, when a step can no longer be refused, or between epochs.
        """
        return {}

    def state_dict(self) -> dict[str, Tensor]:
        """Also what is remembered."""
        memory = {
            f"memory.{k}": v.detach().to("cpu", copy=True) for k, v in self.remembered.items()
        }
        return super().state_dict() | memory

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take all of it back."""
        super().load_state_dict(state)
        self.remembered.clear()
        self.remembered.update({k: v.clone() for k, v in strip_prefix(state, "memory.").items()})

    def unused(self, modality: str) -> None:
        """Clear the gradients of what only this modality uses: nobody in the batch has it."""
        self.model.encoders[modality].zero_grad()

    def step(self, batch: Batch, train: Split, position: Position) -> StepRecord:
        """Update every encoder and the head."""
        self.now = position
        self.noted()  # of a step that was refused
        labels = train.labels[batch.indices]
        rate = self.learning_rate(position)
        present = self.counted(train.present[:, batch.indices])  # (M, B)
        if batch.kept is not None:
            present = present & batch.kept
        features = torch.stack(
            [
                self.model.encode_samples(name, x, batch.indices, here)
                for (name, x), here in zip(train.inputs.items(), present, strict=True)
            ]
        )  # (M, B, s)
        features = features * present[..., None]
        loss = self.loss(features, labels, present, batch.indices)
        loss_value = float(loss.detach())
        check_finite("loss", loss_value, batch, position, train)
        self.clear_gradients()
        self.backward(loss, features, labels, present)
        norm = self._head_gradient_norm()
        check_finite("head's gradient", norm, batch, position, train)
        for name, here in zip(train.inputs, present, strict=True):
            if not here.any():  # also momentum and weight decay leave it alone
                self.unused(name)
        with torch.no_grad():
            self.modulate(features.detach(), labels, present, position)
            self.optimizer.step()
        return StepRecord(
            step=position.step,
            epoch=position.epoch,
            modality=None,
            samples=len(labels),
            loss=loss_value,
            learning_rate=rate,
            gradient_norm=norm,
            projected_norm=norm,
            instruments=self.noted(),
        )

    @torch.no_grad()
    def read(self, features: Tensor, present: Tensor) -> Prediction:
        """Fused logits as the method has them, or the product of the modalities' own answers."""
        present = self.counted(present)
        features = features * present[..., None]  # (M, N, s)
        logits = self.tempered(self.modality_logits(features, present))
        if rule_in_force(self.config.method, self.config.fusion) == "product":
            weights, fused = fused_by_rule("product", logits, present)
            return Prediction(features, logits, weights, fused)
        weights = self.weights(logits, present)
        fused = self.fused_logits(features, present) * present.any(0)[:, None]
        return Prediction(features, logits, weights, fused)

    def counted(self, present: Tensor) -> Tensor:
        """Return which parts are trained on (M, B): zeros that stand for absent ones, if asked for."""
        return torch.ones_like(present) if self.option["absent"] == "zeros" else present

    def _head_gradient_norm(self) -> float:
        gradients = [p.grad for p in self.model.head.parameters() if p.grad is not None]
        return float(torch.stack([g.norm() for g in gradients if g.ndim > 1]).norm())
