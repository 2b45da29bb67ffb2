"""AMCo: adaptive mask co-optimisation, class logits of the leading modality blanked more and more."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from mla_core.language import later
from mla_core.methods.balance import mean_over_present
from mla_core.methods.base import Position
from mla_core.methods.instruments import Instrument
from mla_core.methods.uniform import Uniform
from mla_core.seeding import generator


class Amco(Uniform):
    """`uniform`, but the fused loss sees the leading modality's logits through a random mask.

    All modalities' logits side by side go through one softmax over M C entries; a modality leads if
    its classes have more than ``sigma`` of the mass, in the mean over the batch. Then for each
    sample ``round(p C)`` of its C logits, drawn at random, are 0 in the sum ``z = sum_m z_m``, with
    ``p = sin(pi / 2 min(eps, t) / eps)`` and t the progress of the run (Zhou et al., ICASSP 2023,
    as BalanceBenchmark writes it down, whose t begins anew with every epoch). More than half of the
    mass leaves room for one leader among any number of modalities. A modality's own loss sees no
    mask, nor does a prediction.

    Options: ``sigma``, published as 0.5, at 1 of which this is `uniform`; ``eps``, 0.3; and those of
    `uniform`.

    Examples
    --------
    >>> masses(torch.tensor([[[9.0, 0.0]], [[0.0, 0.0]]]), torch.ones(2, 1).bool()).tolist()
    [0.99..., 0.00...]
    """

    least_modalities = 2
    options = {**Uniform.options, "sigma": 0.5, "eps": 0.3}  # noqa: RUF012
    instruments = {  # noqa: RUF012
        **Uniform.instruments,
        "mass": Instrument(
            later("Mass of logits"),
            later(
                "What a modality has of one softmax over all modalities' logits, in the batch: "
                "above `sigma` it is masked."
            ),
        ),
    }

    def loss(self, features: Tensor, labels: Tensor, present: Tensor, samples: Tensor) -> Tensor:
        """Return all losses, the fused one's leader masked."""
        slices = self.slice_logits(features) * present[..., None]  # (M, B, C), each with b / M
        mass = masses(slices.detach(), present)
        self.note("mass", mass)
        leader = int(mass.nan_to_num(0.0).argmax())
        blanked = round(masked_share(self.now, float(self.option["eps"])) * slices.shape[-1])
        if mass[leader] <= float(self.option["sigma"]) or blanked == 0:
            return super().loss(features, labels, present, samples)
        source = generator(self.config.seed, "amco", self.now.step)
        ranks = torch.rand(slices.shape[1:], generator=source).argsort(-1).argsort(-1)
        seen = self.fused_logits(features, present) - slices[leader] * (ranks < blanked)
        own = self.own_losses(features, labels, present)
        return F.cross_entropy(seen, labels) + float(self.option["unimodal_weight"]) * own


def masked_share(position: Position, eps: float) -> float:
    """Return p, how many of the leader's logits are blanked, from 0 to 1."""
    return math.sin(math.pi / 2 * min(1.0, position.run_progress / max(eps, 1e-9)))


def masses(logits: Tensor, present: Tensor) -> Tensor:
    """Return the mass (M,) that each modality has in one softmax over all, NaN where nobody has it.

    Parameters
    ----------
    logits : Tensor
        (M, B, C).
    present : Tensor
        (M, B) bool; an absent part has no share.
    """
    m, b, c = logits.shape
    shown = logits.masked_fill(~present[..., None], -torch.inf)
    p = torch.softmax(shown.transpose(0, 1).reshape(b, m * c), -1)
    return mean_over_present(p.view(b, m, c).sum(-1).T, present)
