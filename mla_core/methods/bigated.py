"""Bilinear-gated fusion: the last modality's features, gated by those before it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mla_core.methods.heads import linear
from mla_core.methods.joint import Joint


class BiGated(Joint):
    """``g(V z_M * prod_{m<M} sigmoid(U_m z_m))`` (Kiela et al., AAAI 2018, there for M = 2).

    A modality's own logits are the head's when the others' features are zero.
    """

    least_modalities = 2

    def build_head(self, modalities: Sequence[str], n_classes: int) -> nn.Module:
        """Gates, value and head."""
        return GatedHead(len(modalities), self.feature_size, n_classes, self.config.seed)


class GatedHead(nn.Module):
    """(M, B, s) -> (B, C).

    Parameters
    ----------
    n_modalities, size, n_classes : int
        M >= 2, s and C.
    seed : int
    """

    def __init__(self, n_modalities: int, size: int, n_classes: int, seed: int) -> None:
        super().__init__()
        self.gates = nn.ModuleList(
            linear(size, size, seed, "gate", m) for m in range(n_modalities - 1)
        )
        self.value = linear(size, size, seed, "value")
        self.out = linear(size, n_classes, seed, "head")

    def forward(self, features: Tensor) -> Tensor:
        """Gate the last modality by the others."""
        value = self.value(features[-1])  # (B, s)
        for gate, z in zip(self.gates, features[:-1], strict=True):
            value = value * torch.sigmoid(gate(z))
        logits: Tensor = self.out(value)
        return logits
