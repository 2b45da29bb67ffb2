"""What MLA and separately trained networks share: one modality per sub-step (MLA, eq. 1 and 2)."""

from __future__ import annotations

import math
from abc import abstractmethod

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mla_core.data.samples import Split
from mla_core.fusion import fused_by_rule
from mla_core.methods.base import Method, Position, Prediction, check_finite
from mla_core.methods.schedule import Batch, alternating_epoch
from mla_core.records import StepRecord


class OneAtATime(Method):
    """Every sub-step trains one encoder and a head on the samples that have its modality.

    Absent parts are never read: nothing is filled in.
    """

    one_at_a_time = True
    weighs = True
    uses = frozenset({"fusion", "order", "pairing"})

    def plan(self, train: Split, epoch: int) -> list[Batch]:
        """One modality per sub-step (eq. 1)."""
        config = self.config
        return alternating_epoch(
            train,
            epoch,
            seed=config.seed,
            batch_size=config.batch_size,
            order=config.order,
            pairing=config.pairing,
        )

    @abstractmethod
    def head_of(self, modality: str) -> nn.Linear:
        """Return the head that reads this modality's features."""

    @property
    def plasticity(self) -> float:
        """How freely the head still moves, from 0 to 1."""
        return 1.0

    def move(self, modality: str, features: Tensor, position: Position, train: Split) -> Tensor:
        """Update the encoder and the head; return the gradient (C, s) that the head followed."""
        self.optimizer.step()
        return _gradient(self.head_of(modality))

    def forgetting(self, modality: str, features: Tensor, labels: Tensor) -> dict[str, float]:
        """Return how much the other modalities' losses grew; a head of one's own harms nobody."""
        return {}

    def step(self, batch: Batch, train: Split, position: Position) -> StepRecord:
        """Loss, gradient, update."""
        modality = str(batch.modality)
        labels = train.labels[batch.indices]
        head = self.head_of(modality)
        rate = self.learning_rate(position)

        features = self.model.encode_samples(
            modality, train.inputs[modality], batch.indices
        )  # (B, s)
        loss = F.cross_entropy(head(features), labels)  # eq. 2
        loss_value = float(loss.detach())
        check_finite("loss", loss_value, batch, position, train)
        self.clear_gradients()
        loss.backward()

        with torch.no_grad():
            gradient = _gradient(head)
            check_finite("head's gradient", float(gradient.sum()), batch, position, train)
            followed = self.move(modality, features, position, train)
            norm, projected_norm, angle = _compare(gradient, followed)
            forgetting = self.forgetting(modality, features, labels)
        return StepRecord(
            step=position.step,
            epoch=position.epoch,
            modality=modality,
            samples=len(labels),
            loss=loss_value,
            learning_rate=rate,
            gradient_norm=norm,
            projected_norm=projected_norm,
            angle=angle,
            plasticity=self.plasticity,
            forgetting=forgetting,
        )

    @torch.no_grad()
    def read(self, features: Tensor, present: Tensor) -> Prediction:
        """Each modality through its head, fused by the configured rule (eq. 6-8)."""
        logits = torch.stack(
            [self.head_of(name)(z) for name, z in zip(self.model.encoders, features, strict=True)]
        )  # (M, N, C)
        weights, fused = fused_by_rule(self.config.fusion, logits, present)
        return Prediction(features, logits, weights, fused)


def _gradient(head: nn.Linear) -> Tensor:
    gradient = head.weight.grad
    assert gradient is not None  # noqa: S101 - for the type checker
    return gradient


def _compare(gradient: Tensor, followed: Tensor) -> tuple[float, float, float]:
    """Return the two Frobenius norms and the angle between the matrices in degrees."""
    if followed is gradient:
        norm = float(gradient.norm())
        return norm, norm, 0.0
    both = torch.stack([gradient.flatten(), followed.flatten()]).double()  # (2, C s)
    (squared, product), (_, followed_squared) = (both @ both.T).tolist()
    norm, followed_norm = math.sqrt(squared), math.sqrt(followed_squared)
    cosine = product / max(norm * followed_norm, 1e-300)
    return norm, followed_norm, math.degrees(math.acos(min(1.0, max(-1.0, cosine))))
