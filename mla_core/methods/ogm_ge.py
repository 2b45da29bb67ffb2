"""OGM-GE: on-the-fly gradient modulation with generalisation enhancement, on `concat`."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mla_core.language import later
from mla_core.methods.balance import DISCREPANCY, leads, scores
from mla_core.methods.base import Position
from mla_core.methods.concat import Concat
from mla_core.methods.instruments import Instrument
from mla_core.methods.joint import Joint
from mla_core.seeding import generator


class OgmGe(Concat):
    """Slow the encoder of the modality that leads, and add noise to all encoders' gradients.

    Per batch, ``s_m`` is the sum over samples of the probability that modality m's own logits give
    to the right class, and ``rho_m`` the mean of ``s_m / s_j`` over the other modalities j. An
    encoder with ``rho_m > 1`` has its gradient multiplied by ``1 - tanh(strength * rho_m)``. Then
    noise as wide as each parameter's own gradient is added (Peng et al., CVPR 2022; for two
    modalities this is their eq. 7 to 11, the mean over j being the extension to more). Options:
    ``strength``, ``noise``, and ``until``, the share of the run in which gradients are modulated.
    Public code modulates convolutions alone; here it is every parameter of an encoder.
    """

    least_modalities = 2
    options = {**Joint.options, "strength": 0.5, "noise": True, "until": 0.5}  # noqa: RUF012
    instruments = {  # noqa: RUF012
        **Joint.instruments,
        "ratio": DISCREPANCY,
        "factor": Instrument(
            later("Factor of encoders' gradients"),
            later(
                "What an encoder's gradient is multiplied by: below 1 its modality leads. There is "
                "none after the share `until` of the run."
            ),
        ),
    }

    def modulate(
        self, features: Tensor, labels: Tensor, present: Tensor, position: Position
    ) -> None:
        """Multiply and perturb the encoders' gradients."""
        if position.run_progress >= self.option["until"]:
            return
        logits = self.modality_logits(features, present)
        self.note("ratio", lambda: leads(scores(logits, labels, present)))
        factors = modulation(logits, labels, present, self.option["strength"])
        self.note("factor", factors)
        noise = generator(self.config.seed, "ogm_ge", position.step)
        for encoder, factor in zip(self.model.encoders.values(), factors.tolist(), strict=True):
            for parameter in encoder.parameters():
                gradient = parameter.grad
                if gradient is None:
                    continue
                spread = gradient.std(correction=0)
                gradient *= factor
                if self.option["noise"]:
                    drawn = torch.randn(gradient.shape, generator=noise)
                    gradient += spread * drawn.to(gradient.device)
            for layer in encoder.modules():  # padding has no gradient, so no noise either
                if isinstance(layer, nn.Embedding) and (gradient := layer.weight.grad) is not None:
                    padding = layer.padding_idx
                    gradient[[] if padding is None else padding] = 0


def modulation(logits: Tensor, labels: Tensor, present: Tensor, strength: float) -> Tensor:
    """Return what each encoder's gradient is multiplied by (M,).

    Parameters
    ----------
    logits : Tensor
        (M, B, C).
    labels : Tensor
        (B,).
    present : Tensor
        (M, B) bool; absent parts do not count, nor do modalities that nobody in the batch has.
    strength : float
        0 modulates nothing.

    Examples
    --------
    >>> logits = torch.tensor([[[9.0, 0.0]], [[0.0, 0.0]]])
    >>> modulation(logits, torch.tensor([0]), torch.ones(2, 1).bool(), 0.5).tolist()
    [0.23..., 1.0]
    """
    rho = leads(scores(logits, labels, present))  # NaN, so no leader, where there is one alone
    return torch.where(rho > 1, 1 - torch.tanh(strength * rho), 1.0)
