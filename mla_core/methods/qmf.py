"""QMF: quality-aware multimodal fusion, weights that track each modality's loss."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional as F

from mla_core.data.samples import Split
from mla_core.errors import TrainingDivergedError, one_of
from mla_core.methods.base import Position
from mla_core.methods.joint import Joint
from mla_core.methods.late_fusion import LateFusion, unimodal_losses
from mla_core.methods.schedule import Batch
from mla_core.records import StepRecord

SCALE = 10.0  # of the energy, as published
MARGINS = ("paper", "released")
LEAST = 1e-3  # confidence stays above 0, so that weights exist


class Qmf(LateFusion):
    """Late fusion with weights ``u_m = logsumexp(logits_m) / 10`` (Zhang et al., ICML 2023).

    The loss adds up the cross-entropies of every modality, of ``sum_m u_m logits_m`` and, times
    the option ``regularisation``, a ranking loss: of two samples, the one whose loss was larger so
    far must get the smaller confidence. The published code draws its pairs as neighbours in the
    batch; so does this.

    The option ``margin`` says whose formula that is. With u the confidences, l_i the losses of
    sample i so far, k those scaled to 0..1 over the training set, and ``g = sign(k_i - k_j)``:

    - ``"paper"``: ``max(0, g (u_i - u_j) + |k_i - k_j|)``, k from the MEAN of l_i. The confidences
      must differ by a margin.
    - ``"released"``: ``max(0, g (u_i - u_j) - |k_i - k_j|)``, k from the SUM of l_i, as the authors'
      code and its copies have it. Confidences in the wrong order cost nothing until they differ by
      more than the margin, and a sample that was seen more often counts as harder.
    """

    options = {**Joint.options, "regularisation": 1.0, "margin": "paper"}  # noqa: RUF012
    choices = {**Joint.choices, "margin": MARGINS}  # noqa: RUF012

    def setup(self) -> None:
        """Make room for the samples' losses so far."""
        self._loss_sum = torch.zeros(len(self.modalities), 0)  # (M, N) over the training split
        self._seen = torch.zeros(len(self.modalities), 0)

    def fused_logits(self, features: Tensor, present: Tensor) -> Tensor:
        """Return the sum over the present modalities of confidence times logits."""
        return _fused(self.modality_logits(features, present), present)

    def weights(self, logits: Tensor, present: Tensor) -> Tensor:
        """Return the confidences as shares; a sample without any part has none."""
        sure = confidence(logits) * present
        shares: Tensor = sure / sure.sum(0).clamp_min(LEAST)
        return torch.where(present.any(0), shares, 0.0)

    def step(self, batch: Batch, train: Split, position: Position) -> StepRecord:
        """As any joint method; a step that is refused leaves no losses behind either."""
        before = self._loss_sum, self._seen
        if self._seen.numel():
            self._loss_sum, self._seen = self._loss_sum.clone(), self._seen.clone()
        else:
            self._loss_sum = torch.zeros(len(train.inputs), len(train))
            self._seen = torch.zeros(len(train.inputs), len(train))
        try:
            return super().step(batch, train, position)
        except TrainingDivergedError:
            self._loss_sum, self._seen = before
            raise

    def loss(self, features: Tensor, labels: Tensor, present: Tensor, samples: Tensor) -> Tensor:
        """Return cross-entropies of all parts and of the whole, and the ranking loss."""
        logits = self.modality_logits(features, present)  # (M, B, C)
        fused = F.cross_entropy(_fused(logits, present), labels)
        total = unimodal_losses(logits, labels, present).sum() + fused
        self._remember(logits.detach(), labels, present, samples)
        return total + float(self.option["regularisation"]) * self._ranking(
            logits, present, samples
        )

    def state_dict(self) -> dict[str, Tensor]:
        """Also the samples' losses so far."""
        losses = {"qmf.loss_sum": self._loss_sum.clone(), "qmf.seen": self._seen.clone()}
        return super().state_dict() | losses

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take all of it back."""
        super().load_state_dict(state)
        self._loss_sum = state["qmf.loss_sum"].clone()
        self._seen = state["qmf.seen"].clone()

    def _remember(self, logits: Tensor, labels: Tensor, present: Tensor, samples: Tensor) -> None:
        losses = torch.stack([F.cross_entropy(row, labels, reduction="none") for row in logits])
        self._loss_sum[:, samples] += torch.where(present, losses, 0.0)
        self._seen[:, samples] += present

    def _ranking(self, logits: Tensor, present: Tensor, samples: Tensor) -> Tensor:
        margin = str(self.option["margin"])
        past = self._loss_sum  # (M, N)
        if margin == "paper":
            past = past / self._seen.clamp_min(1)
        low, high = past.amin(1, keepdim=True), past.amax(1, keepdim=True)
        hard = ((past - low) / (high - low).clamp_min(1e-12))[:, samples]  # (M, B)
        total = logits.new_zeros(())
        for sure, level, here in zip(confidence(logits), hard, present, strict=True):
            total = total + ranking_loss(sure[here], level[here], margin)
        return total


def _fused(logits: Tensor, present: Tensor) -> Tensor:
    weights = (confidence(logits) * present).detach()  # (M, B): the fusion does not train them
    return (weights[..., None] * logits).sum(0)


def confidence(logits: Tensor) -> Tensor:
    """Return ``logsumexp(logits) / 10`` (...,) of logits (..., C), at least a little above 0.

    Examples
    --------
    >>> confidence(torch.tensor([[0.0, 0.0], [9.0, 0.0]])).tolist()
    [0.069..., 0.900...]
    """
    sure: Tensor = torch.logsumexp(logits, -1) / SCALE
    return sure.clamp_min(LEAST)


def ranking_loss(confidences: Tensor, hardness: Tensor, margin: str = "paper") -> Tensor:
    """Return the mean of ``max(0, g (u_i - u_j) + |k_i - k_j|)`` over neighbours i, j in a batch.

    Parameters
    ----------
    confidences, hardness : Tensor
        (B,) u and k; g is the sign of ``k_i - k_j``.
    margin : {"paper", "released"}
        ``"released"`` takes ``|k_i - k_j|`` away instead, see `Qmf`.

    Examples
    --------
    >>> ranking_loss(torch.tensor([0.9, 0.1]), torch.tensor([0.2, 0.8])).item()
    0.0
    >>> ranking_loss(torch.tensor([0.1, 0.9]), torch.tensor([0.2, 0.8])).item()
    1.399...
    >>> ranking_loss(torch.tensor([0.1, 0.9]), torch.tensor([0.2, 0.8]), "released").item()
    0.199...
    """
    one_of("margin", margin, MARGINS)
    if len(confidences) < 2:
        return confidences.new_zeros(())
    surplus = confidences - confidences.roll(-1)
    apart = hardness - hardness.roll(-1)
    least = apart.abs() if margin == "paper" else -apart.abs()
    return torch.relu(apart.sign() * surplus + least).mean()
