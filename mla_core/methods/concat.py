"""Joint training on concatenated features: the baseline in which modalities get lazy."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from mla_core.data.dataset import Split
from mla_core.fusion import uniform_weights
from mla_core.history import StepRecord
from mla_core.methods.base import Method, Position, Prediction, check_finite
from mla_core.schedule import Batch, joint_epoch


class Concat(Method):
    """All encoders and one head (C, M s) learn together from the same loss.

    An absent part contributes zero features. A modality's own logits are the head's slice for it
    plus its share of the bias, ``W_m z_m + b / M``, so that they add up to the fused logits; this
    is the literature's way to look inside, and it understates what the encoder knows.
    """

    joint_head = True

    def plan(self, train: Split, epoch: int) -> list[Batch]:
        """All modalities in every step."""
        config = self.config
        return joint_epoch(train, epoch, seed=config.seed, batch_size=config.batch_size)

    def step(self, batch: Batch, train: Split, position: Position) -> StepRecord:
        """Update every encoder and the head."""
        labels = train.labels[batch.indices]
        head = self.model.head
        rate = self.learning_rate(position)
        present = train.present[:, batch.indices]  # (M, B)
        features = [
            self.model.encode(name, x[batch.indices]) * present[m, :, None]
            for m, (name, x) in enumerate(train.inputs.items())
        ]
        loss = F.cross_entropy(head(torch.cat(features, -1)), labels)
        loss_value = float(loss.detach())
        check_finite("loss", loss_value, batch, position, train)
        self.clear_gradients()
        loss.backward()
        norm = float(head.weight.grad.norm())  # type: ignore[union-attr]
        check_finite("head's gradient", norm, batch, position, train)
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
        )

    def predict(self, split: Split) -> Prediction:
        """Fused logits from the whole head; each modality's own from its slice."""
        with torch.no_grad():
            features = self.model.features(split.inputs) * split.present[..., None]  # (M, N, s)
            head = self.model.head
            slices = head.weight.view(len(head.weight), len(features), -1)  # (C, M, s)
            logits = torch.einsum("cms,mns->mnc", slices, features) + head.bias / len(features)
            fused: Tensor = logits.sum(0)
            return Prediction(features, logits, uniform_weights(logits, split.present), fused)
