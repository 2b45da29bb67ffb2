"""Separately trained networks, fused at test time: the baseline at the same compute as MLA."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from torch import nn

from mla_core.methods.heads import OwnHeads
from mla_core.methods.one_at_a_time import OneAtATime


class Ensemble(OneAtATime):
    """As MLA, sub-step by sub-step, but each modality has a head of its own.

    Nothing is shared, so each network is trained as `unimodal` training of its modality does, and
    the order of the sub-steps does not matter. (With ``stopping="best"`` an ensemble reports the
    epoch that is best for the fused prediction, `unimodal` the one best for its modality.) What MLA
    does beyond this is what sharing the head does.
    """

    head = "own"
    head_moves_alone = head_travels = True

    def build_head(self, modalities: Sequence[str], n_classes: int) -> nn.Module:
        """One head (C, s) per modality."""
        return OwnHeads(modalities, self.feature_size, n_classes, self.config.seed)

    def head_of(self, modality: str) -> nn.Linear:
        """Return this modality's own head."""
        return cast("OwnHeads", self.model.head)[modality]
