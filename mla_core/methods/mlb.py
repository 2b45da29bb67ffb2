"""MLB: multi-loss balancing, encoders behind sped up and encoders ahead slowed, until none is."""

from __future__ import annotations

import torch
from torch import Tensor

from mla_core.language import later
from mla_core.methods.balance import scale_gradients, scores
from mla_core.methods.base import Position
from mla_core.methods.instruments import Instrument
from mla_core.methods.uniform import Uniform


class Mlb(Uniform):
    """`uniform`, with each encoder's gradient multiplied by how far its modality is from the others.

    s_m is the mean probability that modality m's own logits give to the right class in the batch,
    and r_m the mean of ``s_j / s_m`` over the other modalities j, above 1 where m is behind. The
    factor is ``k_m = 1 + (b_m - 1) tanh(strength (r_m - 1))`` with ``b_m = most`` where m is behind
    and 2 where it is ahead: between 1 - tanh(strength) and ``most``, and 1 as soon as all are equal
    (Kontras et al., 2024; a smooth kin of Yao & Mihalcea's modality-specific learning rates, 2022).
    The mean over j is published for any number of modalities.

    Options: ``strength``, at 0 of which this is `uniform`; ``most``, published as 2 to 10; and
    those of `uniform`.

    Examples
    --------
    >>> speeds(torch.tensor([0.8, 0.4]), 1.0, 3.0).tolist()  # tanh(-1/2), and tanh(1) twice
    [0.537..., 2.523...]
    """

    least_modalities = 2
    options = {**Uniform.options, "strength": 1.0, "most": 2.0}  # noqa: RUF012
    instruments = {  # noqa: RUF012
        **Uniform.instruments,
        "factor": Instrument(
            later("Factor of encoders' gradients"),
            later("What an encoder's gradient is multiplied by: above 1 its modality is behind."),
        ),
    }

    def modulate(
        self, features: Tensor, labels: Tensor, present: Tensor, position: Position
    ) -> None:
        """Multiply the encoders' gradients."""
        scored = scores(self.modality_logits(features, present), labels, present)
        factors = speeds(scored, float(self.option["strength"]), float(self.option["most"]))
        self.note("factor", factors)
        scale_gradients(self.model.encoders.values(), factors)


def speeds(scored: Tensor, strength: float, most: float) -> Tensor:
    """Return the factors k_m (M,) for scores (M,), NaN where nobody is compared; see `Mlb`."""
    factors = torch.full_like(scored, torch.nan)
    here = ~scored.isnan()
    s = scored[here].clamp_min(1e-12)
    behind = ((s / s[:, None]).sum(1) - 1) / (len(s) - 1)
    bound = torch.where(behind > 1, most, 2.0)
    factors[here] = 1 + (bound - 1) * torch.tanh(strength * (behind - 1))
    return factors
