"""LFM: modalities are made to agree first, and to classify more and more."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mla_core.data.samples import Split
from mla_core.language import later
from mla_core.methods.balance import gradients_of, jensen_shannon
from mla_core.methods.base import Position
from mla_core.methods.concat import Concat
from mla_core.methods.conflict import encoded
from mla_core.methods.instruments import Instrument
from mla_core.methods.joint import Joint
from mla_core.methods.schedule import learning_rate_at
from mla_core.seeding import generator

LEAST, MOST = 0.05, 0.95  # of a weight that is learned, as published
ASKED = 256  # samples of either split


class Lfm(Concat):
    """Learning to fit modalities' gap: ``(1 - a) CE(z) + a JS``, a falling from ``strength`` to 0.

    JS is the Jensen-Shannon divergence between the answers p_m of two modalities, the mean over
    the samples that have both and over all pairs: for two modalities the agreement term of Yang et
    al. (NeurIPS 2024) on CREMA-D, but for a factor 2 of the whole loss. Option ``schedule``:

    - ``"falling"``: a is linear in the progress of the run. The public code replays a curve fitted
      to an earlier run, which this straight line stands for.
    - ``"constant"``.
    - ``"learned"``: from ``strength`` on, a follows the gradient of the cross-entropy L on val,
      behind every epoch: ``a <- a + pace eta <grad JS - grad CE, grad L>``, between 0.05 and 0.95.
      That is the paper's implicit gradient ``-(d^2 l / da dw) H^-1 grad L`` with the learning rate
      eta times the identity for the inverse Hessian: one step of training, differentiated. (Its
      code takes one number of one Hessian-vector product instead.) Of train and val up to 256
      samples are asked, drawn anew each time; their way back counts as two forward.

    At ``strength`` 0 this is `concat`.

    Examples
    --------
    >>> logits = torch.tensor([[[9.0, -9.0]], [[-9.0, 9.0]]])  # sure, and of two minds: log 2
    >>> disagreement(logits, torch.ones(2, 1).bool()).item()
    0.693...
    """

    least_modalities = 2
    options = {**Joint.options, "strength": 0.8, "schedule": "falling", "pace": 1.0}  # noqa: RUF012
    choices = {**Joint.choices, "schedule": ("falling", "constant", "learned")}  # noqa: RUF012
    instruments = {  # noqa: RUF012
        **Joint.instruments,
        "agreement": Instrument(
            later("Weight of agreement"),
            later("a, what the modalities' agreement has of the loss; the rest is to classify."),
            each=False,
            lines=(later("agreement"),),
        ),
    }

    @property
    def weight(self) -> float:
        """a, as it is now."""
        a = min(float(self.option["strength"]), 1.0)
        if self.option["schedule"] == "falling":
            a *= 1 - self.now.run_progress
        learned = self.remembered.get("weight")
        return a if learned is None else float(learned)

    def loss(self, features: Tensor, labels: Tensor, present: Tensor, samples: Tensor) -> Tensor:
        """Return the mixture."""
        plain = super().loss(features, labels, present, samples)
        a = self.weight
        self.note("agreement", lambda: torch.tensor([a]))
        if a == 0:
            return plain
        apart = disagreement(self.modality_logits(features, present), present)
        return (1 - a) * plain + a * apart

    def end_epoch(self, train: Split, val: Split, coming: Position) -> int:
        """Learn a, where that is asked for."""
        asked = self.option["schedule"] == "learned" and self.option["strength"] > 0
        if not asked or coming.run_progress >= 1:
            return 0
        sides = [self._drawn(side, coming.epoch) for side in (train, val)]
        with self.model.evaluating():
            classify, apart = self._terms(train, sides[0])
            held_out, _ = self._terms(val, sides[1])
            trained = [p for p in self.model.parameters() if p.requires_grad]
            pull = _product(gradients_of([apart - classify], trained), held_out, trained)
        schedule, rate = self.config.learning_rate_schedule, self.config.learning_rate
        eta = learning_rate_at(schedule, rate, coming.run_progress)
        a = self.weight + float(self.option["pace"]) * eta * pull
        self.remembered["weight"] = torch.tensor(min(max(a, LEAST), MOST), dtype=torch.float64)
        return 3 * len(self.modalities) * sum(map(len, sides))

    def _drawn(self, side: Split, epoch: int) -> Tensor:
        some = self.counted(side.present).any(0).nonzero().flatten()
        source = generator(self.config.seed, "lfm", side.name, epoch)
        return some[torch.randperm(len(some), generator=source)[:ASKED]]

    def _terms(self, side: Split, chosen: Tensor) -> tuple[Tensor, Tensor]:
        """Return CE and JS of some samples of a split."""
        features, present = encoded(self, side, chosen)
        plain = F.cross_entropy(self.fused_logits(features, present), side.labels[chosen])
        return plain, disagreement(self.modality_logits(features, present), present)


def _product(
    first: Sequence[Sequence[Tensor | None]], loss: Tensor, parameters: Sequence[nn.Parameter]
) -> float:
    """Return the inner product of one row of gradients with those of a loss."""
    both = zip(first[0], gradients_of([loss], parameters)[0], strict=True)
    return sum(float((a * b).sum()) for a, b in both if a is not None and b is not None)


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
