"""One modality's sub-step, between the way forward and the way back."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from mla_core.data.samples import Split
from mla_core.methods.base import Position
from mla_core.methods.schedule import Batch


@dataclass(frozen=True, eq=False)
class Turn:
    """One modality's sub-step, between the way forward and the way back.

    Attributes
    ----------
    loss : Tensor
        The mean cross-entropy of `logits`, which the record tells whatever is made smaller.
    logits, features : Tensor
        (B, C) and (B, s).
    labels : Tensor
        (B,).
    batch : Batch
    train : Split
    position : Position
    """

    loss: Tensor
    logits: Tensor
    features: Tensor
    labels: Tensor
    batch: Batch
    train: Split
    position: Position
