"""AGM: the encoders' gradients are steered so that modalities keep the distances they used to have."""

from __future__ import annotations

import torch
from torch import Tensor

from mla_core.language import later
from mla_core.methods.balance import cross_entropies, scale_gradients
from mla_core.methods.base import Position
from mla_core.methods.concat import Concat
from mla_core.methods.instruments import Instrument
from mla_core.methods.joint import Joint

MOST = 10.0  # difference of ratios that counts, as published


class Agm(Concat):
    """Adaptive gradient modulation: a modality ahead of its own past is slowed, one behind sped up.

    With l_m the batch's mean cross-entropy of modality m's own logits and l their mean over
    modalities, ``r_m = exp(M / (M - 1) (l - l_m))`` is above 1 where m is ahead. t_m is the same of
    the running means of all l_m before this step. What reaches m's logits on the way back is
    multiplied by ``k_m = exp(strength * min(t_m - r_m, 10))``: that is m's encoder and its slice of
    the head (Li et al., ICCV 2023; ``strength`` published as 1 to 1.5). The paper's own logits are
    Shapley values over all subsets of modalities; of a linear head these are its slices
    ``W_m z_m + b / M``, exactly, so that no further pass is needed. The bias, which everybody has
    the same share of, is multiplied by the mean of the k_m. With absent parts M is the number of
    modalities that the batch has.

    Options: ``strength``, at 0 of which this is `concat`; ``variant``: ``"paper"``, or
    ``"benchmark"``, as in BalanceBenchmark: r_m and t_m have the sign the other way round, so that
    who pulls ahead is sped up, and the head's gradient is left alone.

    Examples
    --------
    >>> ratios(torch.tensor([0.5, 1.5])).tolist()  # exp(+-2 * 0.5)
    [2.718..., 0.367...]
    """

    least_modalities = 2
    options = {**Joint.options, "strength": 1.0, "variant": "paper"}  # noqa: RUF012
    choices = {**Joint.choices, "variant": ("paper", "benchmark")}  # noqa: RUF012
    instruments = {  # noqa: RUF012
        **Joint.instruments,
        "ratio": Instrument(
            later("Lead in the batch (ratio)"),
            later(
                "How far a modality's loss is below the mean of all, as a ratio: above 1 it leads."
            ),
        ),
        "factor": Instrument(
            later("Factor of gradients"),
            later(
                "What a modality's gradients are multiplied by, so that it keeps the lead that it "
                "used to have. There is none in the first step."
            ),
        ),
    }

    def modulate(
        self, features: Tensor, labels: Tensor, present: Tensor, position: Position
    ) -> None:
        """Multiply gradients, then let the running means move on."""
        losses = cross_entropies(self.modality_logits(features, present), labels, present)
        here = ~losses.isnan()
        seen = self.remembered.get("seen", torch.zeros(len(losses)))
        means = self.remembered.get("losses", torch.zeros(len(losses)))
        if bool((seen[here] > 0).all()) and int(here.sum()) > 1:
            sign = 1 if self.option["variant"] == "paper" else -1
            ahead = ratios(losses[here], sign)
            gone = (ratios(means[here], sign) - ahead).clamp_max(MOST)
            factors = torch.full_like(losses, torch.nan)
            self.note(
                "ratio",
                lambda: losses.new_full(losses.shape, torch.nan).masked_scatter(here, ahead),
            )
            factors[here] = torch.exp(float(self.option["strength"]) * gone)
            self.note("factor", factors)
            scale_gradients(self.model.encoders.values(), factors)
            if self.option["variant"] == "paper":
                self._scale_head(torch.where(here, factors, 1.0), float(factors[here].mean()))
        self.remembered["seen"] = seen + here
        moved = means + (losses - means) / (seen + 1)
        self.remembered["losses"] = torch.where(here, moved, means)

    def _scale_head(self, factors: Tensor, mean: float) -> None:
        head = self.joint_head
        if head.weight.grad is not None and head.bias.grad is not None:
            head.weight.grad *= factors.repeat_interleave(self.feature_size)
            head.bias.grad *= mean


def ratios(losses: Tensor, sign: int = 1) -> Tensor:
    """Return ``exp(sign * M / (M - 1) (mean_j l_j - l_m))`` of losses (M,)."""
    m = len(losses)
    return torch.exp(sign * m / (m - 1) * (losses.mean() - losses))
