"""InfoReg: while encoders learn most, the modality that runs ahead is held near where it was."""

from __future__ import annotations

import torch
from torch import Tensor

from mla_core.language import later
from mla_core.methods.balance import scores
from mla_core.methods.base import Position
from mla_core.methods.concat import Concat
from mla_core.methods.instruments import Instrument
from mla_core.methods.joint import Joint


class InfoReg(Concat):
    """`concat` with leaders pulled back, as long as the Fisher information of their encoders grows.

    ``Tr F_m`` of an epoch is the mean over its steps of the squared length of encoder m's gradient.
    The window of modality m is open in an epoch if ``(Tr_1 - Tr_2) / Tr_1 > threshold``, 1 and 2
    being the last epoch and the one before; so nothing happens in the first two. With s_m the mean
    probability that m's own logits give to the right class in the batch, its lead D_m is the mean
    of ``s_m - s_j`` over the modalities j below it. While its window is open, ``strength
    exp(sharpness tanh D_m) (w - w_0)`` is added to the gradient of a leader's weights w, w_0 being
    those at the start of the epoch (Huang et al., CVPR 2025, whose loss is the fused one alone;
    the mean over all below holds for any number of modalities). The weights w_0 are in every
    snapshot, which makes these larger by the encoders.

    Options: ``strength``, at 0 of which this is `concat`; ``sharpness``, here 1; ``threshold``, 0.05
    in the public code, which replaces the factors by numbers of its own (0.95 for sound, 0.1 for
    pictures) and trains `uniform`'s loss.

    Examples
    --------
    >>> lead(torch.tensor([0.75, 0.5, 0.25])).tolist()
    [0.375, 0.25, 0.0]
    """

    least_modalities = 2
    options = {**Joint.options, "strength": 1.0, "sharpness": 1.0, "threshold": 0.05}  # noqa: RUF012
    instruments = {  # noqa: RUF012
        **Joint.instruments,
        "lead": Instrument(
            later("Lead (probability)"),
            later(
                "How much more a modality gives to the right class than those below it, in the "
                "batch."
            ),
        ),
        "pull": Instrument(
            later("Pull to first weights"),
            later(
                "What a leader's way since the start of the epoch is multiplied by, and added to "
                "its gradient; 0 where nothing is added."
            ),
        ),
    }

    def modulate(
        self, features: Tensor, labels: Tensor, present: Tensor, position: Position
    ) -> None:
        """Note how long the gradients are, and pull leaders back."""
        if position.epoch_progress == 0:
            self._start()
        self._note_lengths()
        ahead = lead(scores(self.modality_logits(features, present), labels, present))
        last, older = self.remembered["trace.last"], self.remembered["trace.older"]
        grows = (last - older) / last > float(self.option["threshold"])  # False where NaN
        strength = float(self.option["strength"])
        factors = strength * torch.exp(float(self.option["sharpness"]) * torch.tanh(ahead))
        acts = grows & (ahead > 0)
        self.note("lead", ahead)
        self.note("pull", lambda: factors * acts)
        for name, factor, now in zip(self.modalities, factors.tolist(), acts.tolist(), strict=True):
            if not now or strength == 0:
                continue
            for key, p in self.model.encoders[name].named_parameters():
                if p.grad is not None:
                    p.grad += factor * (p - self.remembered[f"start.{name}.{key}"].to(p.device))

    def _start(self) -> None:
        """Let the epochs' traces move on, and keep the weights as they are now."""
        none = torch.full((len(self.modalities),), torch.nan)
        self.remembered["trace.older"] = self.remembered.get("trace.last", none)
        if "trace.sum" in self.remembered:
            self.remembered["trace.last"] = (
                self.remembered["trace.sum"] / self.remembered["trace.steps"]
            )
        else:
            self.remembered["trace.last"] = none
        self.remembered["trace.sum"] = torch.zeros(len(self.modalities))
        self.remembered["trace.steps"] = torch.zeros(len(self.modalities))
        for name, encoder in self.model.encoders.items():
            for key, p in encoder.named_parameters():
                if p.requires_grad:
                    self.remembered[f"start.{name}.{key}"] = p.detach().clone()

    def _note_lengths(self) -> None:
        total, steps = self.remembered["trace.sum"].clone(), self.remembered["trace.steps"].clone()
        for m, encoder in enumerate(self.model.encoders.values()):
            gradients = [p.grad for p in encoder.parameters() if p.grad is not None]
            if gradients:
                total[m] += sum(float(g.square().sum()) for g in gradients)
                steps[m] += 1
        self.remembered["trace.sum"], self.remembered["trace.steps"] = total, steps


def lead(scored: Tensor) -> Tensor:
    """Return D_m (M,) for scores (M,): how far m is above those below it; 0 where NaN or last."""
    apart = scored[:, None] - scored  # (m, j)
    below = apart > 0
    return torch.where(below, apart, 0.0).sum(1) / below.sum(1).clamp_min(1)
