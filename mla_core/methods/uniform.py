"""The sum of all losses: the fused prediction's and every modality's own, on `concat`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from torch import Tensor, nn
from torch.nn import functional as F

from mla_core.methods.concat import Concat
from mla_core.methods.heads import JointAndOwnHeads, OwnHeads
from mla_core.methods.joint import Joint
from mla_core.methods.late_fusion import unimodal_losses


class Uniform(Concat):
    """``CE(z) + w sum_m CE(z_m)``, all with the same weight: what every balancing method must beat.

    z are the fused logits of `concat` and z_m modality m's own (the baseline of Wang et al., CVPR
    2020, and of Wei & Hu, ICML 2024; any number of modalities). A sample does not count in the
    loss of a modality that it lacks.

    Options: ``unimodal_weight``, w; at 0 this is `concat`. ``heads``: ``"slices"``, a modality's
    logits are the joint head's share ``W_m z_m + b / M``, so that its loss trains the joint head,
    too; or ``"own"``, those of a linear head that it has to itself, beside the joint one.

    Examples
    --------
    >>> from mla_core import ExperimentConfig, TrainingSession
    >>> config = ExperimentConfig(
    ...     dataset="gaussian", method="uniform", method_options={"unimodal_weight": 0.5}
    ... )
    >>> TrainingSession(config).advance(steps=1)[0].samples
    64
    """

    options = {**Joint.options, "unimodal_weight": 1.0, "heads": "slices"}  # noqa: RUF012
    choices = {**Joint.choices, "heads": ("slices", "own")}  # noqa: RUF012

    def build_head(self, modalities: Sequence[str], n_classes: int) -> nn.Module:
        """One head (C, M s), and one (C, s) per modality where these are asked for."""
        joint = super().build_head(modalities, n_classes)
        if self.option["heads"] == "slices":
            return joint
        own = OwnHeads(modalities, self.feature_size, n_classes, self.config.seed)
        return JointAndOwnHeads(cast("nn.Linear", joint), own)

    def modality_logits(self, features: Tensor, present: Tensor) -> Tensor:
        """Return the slices' logits, or the own heads'."""
        if isinstance(head := self.model.head, JointAndOwnHeads):
            logits: Tensor = head.own(features)
            return logits
        return super().modality_logits(features, present)

    @property
    def joint_head(self) -> nn.Linear:
        """The layer that reads all features side by side."""
        head = self.model.head
        return head.joint if isinstance(head, JointAndOwnHeads) else super().joint_head

    def loss(self, features: Tensor, labels: Tensor, present: Tensor, samples: Tensor) -> Tensor:
        """Return the fused cross-entropy and the weighted sum of the modalities'."""
        fused = F.cross_entropy(self.fused_logits(features, present), labels)
        weight = float(self.option["unimodal_weight"])
        return fused + weight * self.own_losses(features, labels, present) if weight else fused

    def own_losses(self, features: Tensor, labels: Tensor, present: Tensor) -> Tensor:
        """Return the sum of the modalities' own mean cross-entropies."""
        return unimodal_losses(self.modality_logits(features, present), labels, present).sum()

    def unused(self, modality: str) -> None:
        """Leave its own head alone, too."""
        super().unused(modality)
        if isinstance(head := self.model.head, JointAndOwnHeads):
            head.own[modality].zero_grad()
