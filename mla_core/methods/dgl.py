"""DGL: unimodal losses teach the encoders, the joint loss teaches the head, and nothing else."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from mla_core.methods.concat import Concat
from mla_core.methods.joint import Joint
from mla_core.methods.late_fusion import unimodal_losses


class Dgl(Concat):
    """Disentangled gradients: ``CE(g(sg z_1, .., sg z_M)) + strength * sum_m CE(sg g(0, .., z_m, .., 0))``.

    ``sg`` stops the gradient: the first term moves the head g alone, the others move one encoder
    each, through a head that they leave as it is (Wei et al., ICCV 2025). Every encoder learns as
    if alone, as in `ensemble`, but through the head that the joint loss makes. A modality's own
    logits are the head's when the others' features are zero, whole bias included. As published it
    holds for any number of modalities; a sample has no term for a part that it lacks.

    Option ``strength``, published as 4 for CREMA-D: with SGD it is a factor of the encoders'
    learning rate. With one modality and strength 1 this is `concat`.

    Examples
    --------
    >>> from mla_core import ExperimentConfig, TrainingSession
    >>> session = TrainingSession(ExperimentConfig(dataset="gaussian", method="dgl"))
    >>> session.advance(steps=1)[0].modality is None
    True
    """

    options = {**Joint.options, "strength": 4.0}  # noqa: RUF012

    def modality_logits(self, features: Tensor, present: Tensor) -> Tensor:
        """Return the head's logits for each modality alone."""
        return Joint.modality_logits(self, features, present)

    def loss(self, features: Tensor, labels: Tensor, present: Tensor, samples: Tensor) -> Tensor:
        """Return the joint loss of the head, and the encoders' own through it."""
        head = self.joint_head
        joint = F.cross_entropy(self.fused_logits(features.detach(), present), labels)
        slices = head.weight.detach().chunk(len(features), 1)  # M times (C, s)
        own = [F.linear(z, W, head.bias.detach()) for z, W in zip(features, slices, strict=True)]
        unimodal = unimodal_losses(torch.stack(own), labels, present).sum()
        return joint + float(self.option["strength"]) * unimodal
