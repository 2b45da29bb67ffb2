"""ARL: asymmetric representation learning, encoders sped up by the inverse of their uncertainty."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from mla_core.fusion import predictive_entropy
from mla_core.language import later
from mla_core.methods.balance import mean_over_present, scale_gradients, scores
from mla_core.methods.base import Position
from mla_core.methods.instruments import Instrument
from mla_core.methods.uniform import Uniform

LEAST_ENTROPY = 0.3  # as a share of log C, as published


class Arl(Uniform):
    """``CE(z) + w sum_m CE(z_m)``, each encoder's gradient multiplied by ``1 + strength a_m``.

    In a batch, H_m is the mean entropy of modality m's own logits as a share of log C, at least
    0.3, ``q_m = 1 / H_m`` its precision, and s_m its mean probability of the right class. For two
    modalities ``(a_1, a_2) = softmax(T q_1 / q_2, T s_1 / s_2)``: who is more precise than the
    fused prediction leans on it learns faster (Wei et al., ICCV 2025). More than two, here: the
    softmax over m of ``T x_m / mean_j x_j`` with ``x_m = q_m / s_m``, in the same order.

    Options: ``unimodal_weight``, w, and ``sharpness``, T, published as 4 and 8 for CREMA-D;
    ``strength``, 1 in the paper, at 0 of which this is `uniform` with weight w; ``heads``; and
    ``variant``: ``"paper"``, or ``"released"``: in the authors' code the a_m never reach the
    gradients, where they stay 1/2, so that all encoders learn 1.5 times as fast.

    Examples
    --------
    >>> shares(torch.tensor([2.0, 1.0]), torch.tensor([0.5, 0.5]), 1.0).tolist()  # of 2 and 1
    [0.731..., 0.268...]
    """

    least_modalities = 2
    options = {  # noqa: RUF012
        **Uniform.options,
        "unimodal_weight": 4.0,
        "sharpness": 8.0,
        "strength": 1.0,
        "variant": "paper",
    }
    choices = {**Uniform.choices, "variant": ("paper", "released")}  # noqa: RUF012
    instruments = {  # noqa: RUF012
        **Uniform.instruments,
        "factor": Instrument(
            later("Factor of encoders' gradients"),
            later(
                "What an encoder's gradient is multiplied by: the more precise its modality is for "
                "what the fused prediction makes of it, the larger."
            ),
        ),
    }

    def modulate(
        self, features: Tensor, labels: Tensor, present: Tensor, position: Position
    ) -> None:
        """Multiply the encoders' gradients."""
        logits = self.modality_logits(features, present)
        scored = scores(logits, labels, present)  # (M,)
        entropies = predictive_entropy(logits) / math.log(max(2, logits.shape[-1]))
        precise = 1 / mean_over_present(entropies, present).clamp_min(LEAST_ENTROPY)
        a = shares(precise, scored, float(self.option["sharpness"]))
        if self.option["variant"] == "released":
            a = torch.full_like(a, 0.5)
        factors = 1 + float(self.option["strength"]) * a
        self.note("factor", factors)
        scale_gradients(self.model.encoders.values(), factors)


def shares(precise: Tensor, scored: Tensor, sharpness: float) -> Tensor:
    """Return a_m (M,) for precisions and scores (M,), NaN where one is not there or all alone."""
    a = torch.full_like(scored, torch.nan)
    here = ~scored.isnan()
    q, s = precise[here], scored[here].clamp_min(1e-12)
    if len(q) < 2:
        return a
    if len(scored) == len(q) == 2:
        x = torch.stack([q[0] / q[1], s[0] / s[1]])
    else:
        x = q / s
        x = x / x.mean()
    a[here] = torch.softmax(sharpness * x, 0)
    return a
