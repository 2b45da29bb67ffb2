"""Gradient blending: losses weighted by how much each still gains, and how little it overfits."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from mla_core.data.samples import Split
from mla_core.methods.balance import cross_entropies
from mla_core.methods.base import Position
from mla_core.methods.instruments import Instrument
from mla_core.methods.uniform import Uniform


class GBlending(Uniform):
    """``w_0 CE(z) + sum_m w_m CE(z_m)``, the weights taken anew after every ``every`` epochs.

    Over these epochs G is what a loss has come down on the validation split, and O by how much its
    distance between validation and training has grown; ``w ~ G / O^2`` (Wang et al., CVPR 2020), here
    scaled to M + 1 in sum, so that equal weights, those before the first estimate, are `uniform`. A
    loss that did not come down has weight 0; where none did, the weights stay. The published
    estimate trains M + 1 copies, each on one loss alone; here the network watches its own losses,
    through heads of their own, which costs one way forward through both splits per estimate
    instead of M + 1 times the training. Nothing is learned from the validation split but M + 1
    numbers; it is also what epochs are chosen on.

    Options: ``every``, 0 for never, which is `uniform`; published code takes 10; and those of
    `uniform`, whose ``unimodal_weight`` multiplies ``w_1 .. w_M``.

    Examples
    --------
    >>> blend(torch.tensor([0.75, 0.25]), torch.tensor([0.5, 0.5])).tolist()
    [1.5, 0.5]
    """

    options = {**Uniform.options, "heads": "own", "every": 3}  # noqa: RUF012
    instruments = {  # noqa: RUF012
        **Uniform.instruments,
        "weight": Instrument(
            "Weight of a loss",
            "What each loss is multiplied by since the last estimate; 1 before the first.",
            lambda method, _: method.weights_of_losses,
            lines=("fused",),
        ),
    }
    least_modalities = 2

    @property
    def weights_of_losses(self) -> Tensor:
        """w_1 .. w_M, and w_0 of the fused loss, as they are now."""
        w = self.remembered.get("weights", torch.ones(len(self.modalities) + 1))
        return w.roll(-1)

    def loss(self, features: Tensor, labels: Tensor, present: Tensor, samples: Tensor) -> Tensor:
        """Return the weighted sum of the losses."""
        w = self.remembered.get("weights")
        if w is None or self.option["unimodal_weight"] == 0:
            return super().loss(features, labels, present, samples)
        fused = F.cross_entropy(self.fused_logits(features, present), labels)
        own = cross_entropies(self.modality_logits(features, present), labels, present)
        shown = torch.where(own.isnan(), 0.0, own * w[1:])
        total: Tensor = w[0] * fused + float(self.option["unimodal_weight"]) * shown.sum()
        return total

    @torch.no_grad()
    def end_epoch(self, train: Split, val: Split, coming: Position) -> int:
        """Weigh the losses where it is time for it, but not behind the last epoch."""
        every = int(self.option["every"])
        first, last = coming.epoch == 1, coming.run_progress >= 1
        if every == 0 or last or (coming.epoch % every and not first):
            return 0
        now = torch.stack([self._losses(side) for side in (train, val)])  # (2, M + 1)
        if (before := self.remembered.get("losses")) is not None:
            gain = before[1] - now[1]
            overfit = (now[1] - now[0]) - (before[1] - before[0])
            if bool((gain > 0).any()):
                self.remembered["weights"] = blend(gain, overfit)
        self.remembered["losses"] = now
        return len(self.modalities) * (len(train) + len(val))

    def _losses(self, side: Split) -> Tensor:
        """Return the mean cross-entropies of the fused logits and of every modality's own."""
        present = self._counted(side.present)
        features = self.model.features(side.inputs) * present[..., None]
        some = present.any(0)
        fused = F.cross_entropy(self.fused_logits(features, present)[some], side.labels[some])
        own = cross_entropies(self.modality_logits(features, present), side.labels, present)
        return torch.cat([fused[None], own])


def blend(gain: Tensor, overfit: Tensor) -> Tensor:
    """Return ``G / O^2`` (K,) scaled to K in sum, for gains of which at least one is above 0.

    O counts at least a hundredth of the largest gain, so that a loss that does not overfit at all
    does not take everything.
    """
    raw = gain.nan_to_num(0.0).clamp_min(0)
    w = raw / overfit.nan_to_num(0.0).abs().clamp_min(float(raw.max()) / 100).square()
    return w * (len(w) / w.sum())
