"""Late fusion: a head per modality, each with its own loss, logits averaged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mla_core.fusion import fuse, uniform_weights
from mla_core.methods.heads import OwnHeads
from mla_core.methods.joint import Joint


class LateFusion(Joint):
    """The sum of the modalities' cross-entropies in one step; the plain mean of logits at test.

    With complete data this trains the same networks as `ensemble`; the two differ in the fusion,
    and in what absent parts do when ``absent="zeros"``.
    """

    head = "own"
    weighs = True

    def build_head(self, modalities: Sequence[str], n_classes: int) -> nn.Module:
        """One head (C, s) per modality."""
        return OwnHeads(modalities, self.feature_size, n_classes, self.config.seed)

    def modality_logits(self, features: Tensor, present: Tensor) -> Tensor:
        """Return each head's logits."""
        logits: Tensor = cast("OwnHeads", self.model.head)(features)
        return logits

    def fused_logits(self, features: Tensor, present: Tensor) -> Tensor:
        """Return the mean over the present modalities."""
        logits = self.modality_logits(features, present)
        return fuse(logits, uniform_weights(logits, present))

    def loss(self, features: Tensor, labels: Tensor, present: Tensor, samples: Tensor) -> Tensor:
        """Return the sum of the modalities' mean cross-entropies, absent parts left out."""
        return unimodal_losses(self.modality_logits(features, present), labels, present).sum()

    def unused(self, modality: str) -> None:
        """Leave its head alone, too."""
        super().unused(modality)
        cast("OwnHeads", self.model.head)[modality].zero_grad()


def unimodal_losses(logits: Tensor, labels: Tensor, present: Tensor) -> Tensor:
    """Return the mean cross-entropies (M',) of the M' modalities that some sample has.

    Parameters
    ----------
    logits : Tensor
        (M, B, C).
    labels : Tensor
        (B,).
    present : Tensor
        (M, B) bool.

    Examples
    --------
    >>> unimodal_losses(torch.zeros(2, 3, 4), torch.arange(3), torch.ones(2, 3).bool()).tolist()
    [1.3862943649291992, 1.3862943649291992]
    """
    return torch.stack(
        [
            F.cross_entropy(row[here], labels[here])
            for row, here in zip(logits, present, strict=True)
            if here.any()
        ]
    )
