"""Joint training on the sum of features, through one shared head."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from mla_core.methods.heads import linear
from mla_core.methods.joint import Joint


class Sum(Joint):
    """``g(sum_m z_m)`` with one head g (C, s): MLA's head, trained jointly.

    Public code often sums the logits of one head per modality instead. That is the function
    `concat` computes, under another initialisation, so it is not a method of its own here.
    """

    head = "shared"

    def build_head(self, modalities: Sequence[str], n_classes: int) -> nn.Module:
        """One head (C, s) for all."""
        return linear(self.feature_size, n_classes, self.config.seed, "head")

    def fused_logits(self, features: Tensor, present: Tensor) -> Tensor:
        """Return the head's logits for the summed features."""
        logits: Tensor = self.model.head(features.sum(0))
        return logits
