"""OPM: on-the-fly prediction modulation, the leading modality's features dropped at random."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from mla_core.language import later
from mla_core.methods.balance import DISCREPANCY, leads, scores
from mla_core.methods.base import Position
from mla_core.methods.concat import Concat
from mla_core.methods.instruments import Instrument
from mla_core.methods.joint import Joint
from mla_core.seeding import generator


class Opm(Concat):
    """`concat` in which a sample now and then has to do without the modality that leads.

    With ``rho_m`` as in `ogm_ge`, taken from the batch before, ``q_m = min(1, base (1 + gain
    tanh(rho_m - 1)))`` where ``rho_m > 1``, else 0. With probability ``often`` per batch, each
    sample loses the features of modality m with probability q_m; all features are divided by
    ``1 - theta``, theta the mean of q_m over modalities (each has s features), as much as is
    dropped on average; samples that lost everything leave the batch (Wei et al., TPAMI 2024). The
    mean over j in ``rho_m`` is the paper's for more than two modalities.

    Options: ``base``, at 0 of which this is `concat`; ``gain``, ``often``: published as 0.4 to 0.5,
    0.5 and 0.7.

    Examples
    --------
    >>> chances(torch.tensor([2.0, 0.5]), 0.5, 0.5).tolist()
    [0.690..., 0.0]
    """

    least_modalities = 2
    options = {**Joint.options, "base": 0.5, "gain": 0.5, "often": 0.7}  # noqa: RUF012
    instruments = {  # noqa: RUF012
        **Joint.instruments,
        "ratio": DISCREPANCY,
        "chance": Instrument(
            later("Chance to be dropped"),
            later(
                "With what probability a sample of the next batch loses a modality's features, in "
                "those batches in which any are dropped: above 0 it leads."
            ),
        ),
    }

    def loss(self, features: Tensor, labels: Tensor, present: Tensor, samples: Tensor) -> Tensor:
        """Return the cross-entropy of what is left of the batch."""
        kept, stretch = self._kept(present)
        some = kept.any(0)
        if bool((kept == present).all()) or not some.any():
            return super().loss(features, labels, present, samples)
        left = (features * kept[..., None])[:, some] * stretch
        return F.cross_entropy(self.fused_logits(left, kept[:, some]), labels[some])

    def _kept(self, present: Tensor) -> tuple[Tensor, float]:
        """Return which parts stay (M, B), and what the features are multiplied by."""
        q = self.remembered.get("chances")
        source = generator(self.config.seed, "opm", self.now.step)
        acts = float(torch.rand((), generator=source)) < float(self.option["often"])
        if q is None or not acts:
            return present, 1.0
        dropped = torch.rand(present.shape, generator=source) < q[:, None]
        return present & ~dropped, 1 / (1 - min(float(q.mean()), 0.99))

    def modulate(
        self, features: Tensor, labels: Tensor, present: Tensor, position: Position
    ) -> None:
        """Leave the gradients alone, and note who leads for the next batch."""
        rho = leads(scores(self.modality_logits(features, present), labels, present))
        base, gain = float(self.option["base"]), float(self.option["gain"])
        found = self.remembered["chances"] = chances(rho, base, gain)
        self.note("ratio", rho)
        self.note("chance", found)


def chances(rho: Tensor, base: float, gain: float) -> Tensor:
    """Return the probability q_m (M,) that a sample loses modality m, for ratios (M,)."""
    q = (base * (1 + gain * torch.tanh(rho - 1))).clamp_max(1.0)
    return torch.where(rho > 1, q, 0.0)
