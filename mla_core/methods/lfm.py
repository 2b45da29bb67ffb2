"""LFM: modalities are made to agree first, and to classify more and more."""

from __future__ import annotations

from itertools import combinations

import torch
from torch import Tensor

from mla_core.methods.balance import jensen_shannon
from mla_core.methods.concat import Concat
from mla_core.methods.instruments import Instrument
from mla_core.methods.joint import Joint


class Lfm(Concat):
    """Learning to fit modalities' gap: ``(1 - a) CE(z) + a JS``, a falling from ``strength`` to 0.

    JS is the Jensen-Shannon divergence between the answers p_m of two modalities, the mean over
    the samples that have both and over all pairs: for two modalities the agreement term of Yang et
    al. (NeurIPS 2024) on CREMA-D, but for a factor 2 of the whole loss. Option ``schedule``:
    ``"falling"``, a linear in the progress of the run; or ``"constant"``. The paper also learns a by
    an implicit gradient; its code takes one number of one Hessian-vector product for that, or
    replays a curve fitted to an earlier run, which this straight line stands for. At ``strength`` 0
    this is `concat`.

    Examples
    --------
    >>> logits = torch.tensor([[[9.0, -9.0]], [[-9.0, 9.0]]])  # sure, and of two minds: log 2
    >>> disagreement(logits, torch.ones(2, 1).bool()).item()
    0.693...
    """

    least_modalities = 2
    options = {**Joint.options, "strength": 0.8, "schedule": "falling"}  # noqa: RUF012
    choices = {**Joint.choices, "schedule": ("falling", "constant")}  # noqa: RUF012
    instruments = {  # noqa: RUF012
        **Joint.instruments,
        "agreement": Instrument(
            "Weight of agreement",
            "a, what the modalities' agreement has of the loss; the rest is to classify.",
            each=False,
            lines=("agreement",),
        ),
    }

    def loss(self, features: Tensor, labels: Tensor, present: Tensor, samples: Tensor) -> Tensor:
        """Return the mixture."""
        plain = super().loss(features, labels, present, samples)
        a = min(float(self.option["strength"]), 1.0)
        if self.option["schedule"] == "falling":
            a *= 1 - self.now.run_progress
        self.note("agreement", torch.tensor([a]))
        if a == 0:
            return plain
        apart = disagreement(self.modality_logits(features, present), present)
        return (1 - a) * plain + a * apart


def disagreement(logits: Tensor, present: Tensor) -> Tensor:
    """Return the mean Jensen-Shannon divergence between pairs of modalities, in nats.

    Parameters
    ----------
    logits : Tensor
        (M, B, C).
    present : Tensor
        (M, B) bool.
    """
    found = []
    for a, b in combinations(range(len(logits)), 2):
        both = present[a] & present[b]
        if both.any():
            found.append(jensen_shannon(logits[a, both], logits[b, both]).mean())
    return torch.stack(found).mean() if found else logits.new_zeros(())
