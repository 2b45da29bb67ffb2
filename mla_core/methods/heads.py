"""What turns features into logits: one linear layer, or one for each modality."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from mla_core.seeding import drawing_alone, generator


def linear(
    inputs: int, outputs: int, seed: int, *name: object, fan: int | None = None
) -> nn.Linear:
    """Return a linear layer drawn from its own named stream, with zero bias.

    Parameters
    ----------
    inputs, outputs : int
    seed : int
    *name
        Of the stream.
    fan : int, optional
        Weights are uniform in ``+-1/sqrt(fan)``; by default `inputs`.

    Examples
    --------
    >>> linear(3, 2, 0, "head").weight.shape
    torch.Size([2, 3])
    """
    with drawing_alone():  # torch's own initialisation draws, and is replaced
        layer = nn.Linear(inputs, outputs)
    bound = (fan or inputs) ** -0.5
    nn.init.uniform_(layer.weight, -bound, bound, generator=generator(seed, *name))
    nn.init.zeros_(layer.bias)
    return layer


class OwnHeads(nn.Module):
    """One linear head per modality: (M, B, s) -> (M, B, C).

    Parameters
    ----------
    modalities : iterable of str
        M names; each draws from its own stream, so that a head is the same whoever stands beside.
    size, n_classes : int
        s and C.
    seed : int
    """

    def __init__(self, modalities: Iterable[str], size: int, n_classes: int, seed: int) -> None:
        super().__init__()
        self.each = nn.ModuleDict(
            {name: linear(size, n_classes, seed, "head", name) for name in modalities}
        )

    def __getitem__(self, modality: str) -> nn.Linear:
        head = self.each[modality]
        assert isinstance(head, nn.Linear)  # noqa: S101 - for the type checker
        return head

    def forward(self, features: Tensor) -> Tensor:
        """Return every modality's logits (M, B, C) for its features (M, B, s)."""
        return torch.stack([head(z) for head, z in zip(self.each.values(), features, strict=True)])


class JointAndOwnHeads(nn.Module):
    """A linear head for all features side by side, and beside it one for each modality.

    Parameters
    ----------
    joint : Linear
        (B, M s) -> (B, C): what calling this does.
    own : OwnHeads
        (M, B, s) -> (M, B, C).
    """

    def __init__(self, joint: nn.Linear, own: OwnHeads) -> None:
        super().__init__()
        self.joint, self.own = joint, own

    def forward(self, features: Tensor) -> Tensor:
        """Return the joint head's logits (B, C) for features (B, M s)."""
        logits: Tensor = self.joint(features)
        return logits
