"""ReconBoost: each modality learns what the others leave over."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional as F

from mla_core.methods.ensemble import Ensemble
from mla_core.methods.schedule import Batch
from mla_core.methods.turn import Turn

OWN, OTHERS = 5.0, 1.0  # the published code's weights of label and residual on CREMA-D


class ReconBoost(Ensemble):
    """Alternation in which a sub-step boosts the sum of the other modalities (Hua et al., ICML 2024).

    With ``z_m`` the logits of the modality whose turn it is, ``c_j`` the constant logits that
    modality j last gave the same sample in training (0 before it did, or where the part is absent)
    and ``Z = sum_{j != m} c_j``, the option ``variant`` says what a sub-step makes smaller:

    - ``"residual"``: ``(1 - strength) CE(z_m) + strength CE(z_m + Z)``. Where the others are right
      already, the second term's gradient fades: stagewise additive modelling (Friedman, Hastie and
      Tibshirani, 2000). This is ours: the method's idea, without its joint phase, at the compute
      of `ensemble`, since nothing is encoded twice. For any number of modalities.
    - ``"released"``: the mean of ``-(5 - softmax(Z)_y) log softmax(z_m)_y / C``, plus ``agreement``
      times ``|softmax(z_m) - softmax(Z)|^2``, as the public code has it. The residual is then no
      more than a weight between 4 and 5 of each sample, the factor 1/C a smaller learning rate,
      and the agreement is taken between constants: it has no gradient, whatever its weight. (The
      public code's phases of joint training between the stages are left out here.)

    Until the share ``warm_up`` of the run it is an ensemble, as it is with ``strength=0``.

    Examples
    --------
    >>> from mla_core import ExperimentConfig, TrainingSession
    >>> config = ExperimentConfig(dataset="gaussian", method="reconboost")
    >>> [r.modality for r in TrainingSession(config).advance(steps=3)]
    ['m0', 'm1', 'm2']
    """

    head_moves_alone = True
    options = {  # noqa: RUF012 - `Method` declares the type
        "variant": "residual",
        "strength": 0.5,
        "warm_up": 1 / 3,
        "agreement": 0.5,
    }
    choices = {"variant": ("residual", "released")}  # noqa: RUF012

    def setup(self) -> None:
        """Make room for the training samples' last logits."""
        self._last = torch.zeros(0)  # (M, N, C) from the first sub-step on

    def objective(self, turn: Turn) -> Tensor:
        """Return the loss beside what the other modalities say of the same samples."""
        strength = float(self.option["strength"])
        if turn.position.run_progress < self.option["warm_up"] or strength == 0:
            return turn.loss
        others = self._others(turn.batch, turn.logits)
        if self.option["variant"] == "released":
            return released_objective(turn.logits, others, turn.labels, self.option["agreement"])
        left = F.cross_entropy(turn.logits + others, turn.labels)
        return (1 - strength) * turn.loss + strength * left

    def remember(self, turn: Turn) -> None:
        """Keep the logits, those before this sub-step's update."""
        if not self._last.numel():
            classes = turn.logits.shape[-1]
            self._last = torch.zeros(len(self.modalities), len(turn.train), classes)
        row = self.modalities.index(str(turn.batch.modality))
        self._last[row, turn.batch.indices] = turn.logits.detach()

    def state_dict(self) -> dict[str, Tensor]:
        """Also the last logits."""
        return super().state_dict() | {"reconboost.last": self._last.clone()}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take all of it back."""
        super().load_state_dict(state)
        self._last = state["reconboost.last"].clone()

    def _others(self, batch: Batch, logits: Tensor) -> Tensor:
        """Return the sum (B, C) of the other modalities' last logits."""
        if not self._last.numel():
            return torch.zeros_like(logits)
        row = self.modalities.index(str(batch.modality))
        others = [m for m in range(len(self.modalities)) if m != row]
        return self._last[others][:, batch.indices].sum(0)


def released_objective(logits: Tensor, others: Tensor, labels: Tensor, agreement: float) -> Tensor:
    """Return what the public code makes smaller, see `ReconBoost`.

    Parameters
    ----------
    logits, others : Tensor
        (B, C) of the modality itself, and the sum of the other ones'.
    labels : Tensor
        (B,).
    agreement : float
        Its weight changes the value, and no gradient.

    Examples
    --------
    >>> even = torch.zeros(1, 2)
    >>> released_objective(even, even, torch.tensor([0]), 0.5).item()  # (5 - 1/2) log(2) / 2
    1.559...
    """
    right = F.one_hot(labels, logits.shape[-1])  # (B, C)
    target = OWN * right - OTHERS * right * torch.softmax(others, -1)
    loss = -(target * torch.log_softmax(logits, -1)).mean()
    apart = torch.softmax(logits.detach(), -1) - torch.softmax(others, -1)
    return loss + agreement * apart.square().mean()
