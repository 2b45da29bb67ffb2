"""Greedy learning, balanced: cross-talk of modalities that live on it is frozen for some steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mla_core.language import later
from mla_core.methods.base import Position
from mla_core.methods.heads import linear
from mla_core.methods.instruments import Instrument
from mla_core.methods.joint import Joint


class Greedy(Joint):
    """A joint head with cross-talk, and re-balancing steps by conditional learning speed.

    Squeeze and excitation across modalities (MMTM) gates each one's features by all of them:
    ``S = relu(W [z_1 .. z_M])``, ``z_m <- z_m * 2 sigmoid(U_m S)``, then one head reads them side by
    side. The conditional learning speed of a modality, ``log10`` of the mean ``|g|^2 / |w|^2`` of
    its U_m over that of its encoder, both summed over the steps so far, says how much more it
    learns from the others than by itself. When the speeds of two differ by more than ``threshold``,
    the gates of all but the slowest are replaced for ``steps`` steps by their running means, so
    that their own encoders have to learn (Wu et al., ICML 2022; for two modalities theirs, where one
    is frozen; more than two are ours). At test nothing is frozen. A modality's own logits are the
    head's when the others' features are zero.

    Options: ``threshold``, published as 0.01, in orders of magnitude; ``steps``, 5, at 0 of which
    this is joint training with cross-talk.

    Examples
    --------
    >>> speeds(torch.tensor([1e-2, 1e-4]), torch.tensor([1e-3, 1e-3])).tolist()
    [1.0..., -1.0...]
    """

    least_modalities = 2
    options = {**Joint.options, "threshold": 0.01, "steps": 5}  # noqa: RUF012
    instruments = {  # noqa: RUF012
        **Joint.instruments,
        "speed": Instrument(
            later("Learning speed (log10)"),
            later(
                "How much faster a modality learns from the others than by itself, in orders of "
                "magnitude; none while gates are frozen."
            ),
        ),
        "gate": Instrument(
            later("Gate"),
            later(
                "What the others multiply a modality's features by, from 0 to 2, in the mean over "
                "the batch and the features."
            ),
        ),
    }

    def build_head(self, modalities: Sequence[str], n_classes: int) -> nn.Module:
        """Gates and head."""
        return CrossTalk(len(modalities), self.feature_size, n_classes, self.config.seed)

    @property
    def cross_talk(self) -> CrossTalk:
        """The head."""
        return cast("CrossTalk", self.model.head)

    def loss(self, features: Tensor, labels: Tensor, present: Tensor, samples: Tensor) -> Tensor:
        """Return the cross-entropy, some gates perhaps frozen."""
        if float(self.remembered.get("left", torch.zeros(()))) == 0:
            return super().loss(features, labels, present, samples)
        gates = self.cross_talk.gates(features)  # (M, B, s)
        frozen = self.remembered["frozen"].bool()[:, None, None]
        gates = torch.where(frozen, self.remembered["gates"][:, None], gates)
        return F.cross_entropy(self.cross_talk.read(features * gates), labels)

    def modulate(
        self, features: Tensor, labels: Tensor, present: Tensor, position: Position
    ) -> None:
        """Leave gradients alone; note speeds and mean gates, and decide on the coming steps."""
        mean = torch.stack(
            [
                g[here].mean(0) if here.any() else torch.ones_like(g[0])
                for g, here in zip(self.cross_talk.gates(features), present, strict=True)
            ]
        )
        self.note("gate", lambda: torch.where(present.any(1), mean.mean(1), torch.nan))
        n = self.remembered.get("steps", torch.zeros(()))
        gates = self.remembered.get("gates", mean)
        self.remembered["gates"], self.remembered["steps"] = gates + (mean - gates) / (n + 1), n + 1
        left = self.remembered.get("left", torch.zeros(()))
        if float(left) > 0:
            self.remembered["left"] = left - 1
            return
        none = torch.zeros(len(self.modalities))
        between, alone = (
            self.remembered.get(key, none)
            + torch.tensor([relative_gradient(part) for part in parts])
            for key, parts in (
                ("between", self.cross_talk.excite),
                ("alone", self.model.encoders.values()),
            )
        )
        self.remembered["between"], self.remembered["alone"] = between, alone
        fast = speeds(between, alone)
        self.note("speed", fast)
        if float(fast.max() - fast.min()) > float(self.option["threshold"]):
            self.remembered["frozen"] = (fast > fast.min()).to(fast.dtype)
            self.remembered["left"] = torch.tensor(float(self.option["steps"]))


class CrossTalk(nn.Module):
    """(M, B, s) -> (B, C), each modality's features gated by all of them.

    Parameters
    ----------
    n_modalities, size, n_classes : int
        M >= 2, s and C. What is squeezed has M s / 4 numbers, as published.
    seed : int
    """

    def __init__(self, n_modalities: int, size: int, n_classes: int, seed: int) -> None:
        super().__init__()
        width, few = n_modalities * size, max(1, n_modalities * size // 4)
        self.squeeze = linear(width, few, seed, "squeeze")
        self.excite = nn.ModuleList(
            linear(few, size, seed, "excite", m) for m in range(n_modalities)
        )
        self.out = linear(width, n_classes, seed, "head", fan=size)

    def gates(self, features: Tensor) -> Tensor:
        """Return what each modality's features are multiplied by, (M, B, s) between 0 and 2."""
        squeezed = torch.relu(self.squeeze(torch.cat(list(features), -1)))
        return torch.stack([2 * torch.sigmoid(layer(squeezed)) for layer in self.excite])

    def read(self, gated: Tensor) -> Tensor:
        """Return logits for gated features."""
        logits: Tensor = self.out(torch.cat(list(gated), -1))
        return logits

    def forward(self, features: Tensor) -> Tensor:
        """Gate, and read."""
        return self.read(features * self.gates(features))


def relative_gradient(part: nn.Module) -> float:
    """Return ``|g|^2 / |w|^2`` over all parameters of a module that have a gradient."""
    with_gradient = [p for p in part.parameters() if p.grad is not None]
    g = sum(float(p.grad.square().sum()) for p in with_gradient if p.grad is not None)
    w = sum(float(p.square().sum()) for p in with_gradient)
    return g / w if w else 0.0


def speeds(between: Tensor, alone: Tensor) -> Tensor:
    """Return ``log10(between / alone)`` (M,), finite for any two numbers at least 0."""
    least = 1e-30
    return between.clamp_min(least).log10() - alone.clamp_min(least).log10()
