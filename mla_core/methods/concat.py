"""Joint training on concatenated features: the baseline in which modalities get lazy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from mla_core.methods.heads import linear
from mla_core.methods.joint import Joint


class Concat(Joint):
    """One head (C, M s) reads all features side by side.

    A modality's own logits are the head's slice for it plus its share of the bias,
    ``W_m z_m + b / M``, so that they add up to the fused logits; this is the literature's way to
    look inside, and it understates what the encoder knows (`mla_core.evaluation.linear_probe` says more).
    """

    def build_head(self, modalities: Sequence[str], n_classes: int) -> nn.Module:
        """One head (C, M s)."""
        size = self.feature_size
        width = size * len(modalities)
        return linear(width, n_classes, self.config.seed, "head", fan=size)

    def fused_logits(self, features: Tensor, present: Tensor) -> Tensor:
        """Return the head's logits for the features side by side."""
        logits: Tensor = self.model.head(torch.cat(list(features), -1))
        return logits

    def modality_logits(self, features: Tensor, present: Tensor) -> Tensor:
        """Return the head's slices."""
        return self.slice_logits(features)

    @property
    def joint_head(self) -> nn.Linear:
        """The layer that reads all features side by side."""
        return cast("nn.Linear", self.model.head)

    def slice_logits(self, features: Tensor) -> Tensor:
        """Return ``W_m z_m + b / M`` (M, B, C) for features (M, B, s); they add up to the fused."""
        head = self.joint_head
        slices = head.weight.view(len(head.weight), len(features), -1)  # (C, M, s)
        return torch.einsum("cms,mns->mnc", slices, features) + head.bias / len(features)
