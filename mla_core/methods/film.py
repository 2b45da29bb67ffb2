"""FiLM: feature-wise linear modulation of the last modality by those before it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mla_core.methods.heads import linear
from mla_core.methods.joint import Joint


class Film(Joint):
    """``g(gamma * z_M + beta)`` with ``(gamma, beta)`` linear in the other features (B, (M-1) s).

    Perez et al., AAAI 2018, as the multimodal literature uses it for two modalities; with more,
    all but the last condition it together. A modality's own logits are the head's when the
    others' features are zero.
    """

    least_modalities = 2

    def build_head(self, modalities: Sequence[str], n_classes: int) -> nn.Module:
        """Conditioning layer and head."""
        return FilmHead(len(modalities), self.feature_size, n_classes, self.config.seed)


class FilmHead(nn.Module):
    """(M, B, s) -> (B, C).

    Parameters
    ----------
    n_modalities, size, n_classes : int
        M >= 2, s and C.
    seed : int
    """

    def __init__(self, n_modalities: int, size: int, n_classes: int, seed: int) -> None:
        super().__init__()
        self.condition = linear(size * (n_modalities - 1), 2 * size, seed, "film")
        self.out = linear(size, n_classes, seed, "head")

    def forward(self, features: Tensor) -> Tensor:
        """Modulate the last modality by the others."""
        gamma, beta = self.condition(torch.cat(list(features[:-1]), -1)).chunk(2, -1)  # (B, s)
        logits: Tensor = self.out(gamma * features[-1] + beta)
        return logits
