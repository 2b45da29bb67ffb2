"""MLA: one modality per sub-step, one shared head whose gradient is modified (Algorithm 1)."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional as F

from mla_core.config import ExperimentConfig
from mla_core.data.dataset import Modality, Split
from mla_core.fusion import fuse, weights_by_rule
from mla_core.head_gradient import HeadGradientModification, alpha_at
from mla_core.head_probe import HeadProbe
from mla_core.history import StepRecord
from mla_core.methods.base import Method, Position, Prediction, check_finite, strip_prefix
from mla_core.schedule import Batch, alternating_epoch


class Alternating(Method):
    """Alternating unimodal adaptation (Zhang et al., CVPR 2024).

    Attributes
    ----------
    hgm : HeadGradientModification
    """

    def __init__(
        self, config: ExperimentConfig, modalities: Mapping[str, Modality], n_classes: int
    ) -> None:
        super().__init__(config, modalities, n_classes)
        self.hgm = _modification(config)
        self._probe = HeadProbe(list(modalities), config.batch_size, config.feature_size)
        self._dataset_means: dict[str, Tensor] = {}  # (1, s), variant dataset_mean only

    def plan(self, train: Split, epoch: int) -> list[Batch]:
        """One modality per sub-step (eq. 1)."""
        config = self.config
        return alternating_epoch(
            train,
            epoch,
            seed=config.seed,
            batch_size=config.batch_size,
            order=config.order,
            pairing=config.pairing,
        )

    def start_epoch(self, train: Split) -> None:
        """Refresh the means over the whole training set where the variant uses them (eq. 4)."""
        if self.hgm.variant != "dataset_mean":
            return
        features = self.model.features(train.inputs)
        self._dataset_means = {
            name: features[m][train.present[m]].mean(0, keepdim=True)
            for m, name in enumerate(train.inputs)
        }

    def step(self, batch: Batch, train: Split, position: Position) -> StepRecord:
        """Update one encoder and the head: loss, gradient, P, projection, update."""
        modality = str(batch.modality)
        labels = train.labels[batch.indices]
        head, hgm = self.model.head, self.hgm
        rate = self.learning_rate(position)

        features = self.model.encode(modality, train.inputs[modality][batch.indices])  # (B, s)
        loss = F.cross_entropy(head(features), labels)  # eq. 2
        loss_value = float(loss.detach())
        check_finite("loss", loss_value, batch, position, train)
        self.clear_gradients()
        loss.backward()

        with torch.no_grad():
            gradient = head.weight.grad  # (C, s)
            assert gradient is not None  # noqa: S101 - for the type checker
            check_finite("head's gradient", float(gradient.sum()), batch, position, train)
            self._update_p(modality, features, position, train)
            projected = hgm.project(gradient)  # (C, s), eq. 3
            if self.config.projection == "update":
                old = head.weight.clone()
                self.optimizer.step()
                head.weight.copy_(old + hgm.project(head.weight - old))
            else:
                head.weight.grad = projected
                self.optimizer.step()
            norm, projected_norm, angle = _compare(gradient, projected)
            forgetting = self._probe.forgetting(head, modality, features, labels)
        return StepRecord(
            step=position.step,
            epoch=position.epoch,
            modality=modality,
            samples=len(labels),
            loss=loss_value,
            learning_rate=rate,
            gradient_norm=norm,
            projected_norm=projected_norm,
            angle=angle,
            plasticity=hgm.plasticity if hgm.active else 1.0,
            forgetting=forgetting,
        )

    def predict(self, split: Split) -> Prediction:
        """Each modality through the shared head, fused by the configured rule (eq. 6-8)."""
        with torch.no_grad():
            features = self.model.features(split.inputs)  # (M, N, s)
            logits = self.model.head(features)  # (M, N, C)
            weights = weights_by_rule(self.config.fusion, logits, split.present)
            return Prediction(features, logits, weights, fuse(logits, weights))

    def reconfigure(self, config: ExperimentConfig) -> None:
        """Also start P afresh when the variant changes; a new alpha keeps it."""
        super().reconfigure(config)
        if config.head_gradient != self.hgm.variant:
            self.hgm = _modification(config)
            self._dataset_means = {}  # of another epoch, if any
        self.hgm.alpha = config.alpha

    def state_dict(self) -> dict[str, Tensor]:
        """Also P, what forgetting is measured on, and the data set's means."""
        state = super().state_dict()
        state |= {f"hgm.{key}": value for key, value in self.hgm.state_dict().items()}
        state |= {f"probe.{key}": value for key, value in self._probe.state_dict().items()}
        return state | {f"mean.{name}": mean.clone() for name, mean in self._dataset_means.items()}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take all of it back."""
        super().load_state_dict(state)
        self.hgm = _modification(self.config)
        if saved := strip_prefix(state, "hgm."):
            self.hgm.load_state_dict(saved)
        self._probe.load_state_dict(strip_prefix(state, "probe."))
        self._dataset_means = {k: v.clone() for k, v in strip_prefix(state, "mean.").items()}

    def _update_p(self, modality: str, features: Tensor, position: Position, train: Split) -> None:
        hgm = self.hgm
        if not hgm.active:
            return
        if hgm.variant == "dataset_mean":
            if not self._dataset_means:  # switched on in the middle of an epoch
                self.start_epoch(train)
            features = self._dataset_means[modality]
        if position.step == 0 and hgm.variant in {"paper", "dataset_mean"}:
            return  # eq. 3: the first step is a plain one, P is still the identity
        hgm.update(
            features,
            alpha_at(
                self.config.alpha_schedule,
                hgm.alpha,
                variant=hgm.variant,
                epoch_progress=position.epoch_progress,
                run_progress=position.run_progress,
            ),
        )


def _modification(config: ExperimentConfig) -> HeadGradientModification:
    return HeadGradientModification(config.feature_size, config.alpha, config.head_gradient)


def _compare(gradient: Tensor, projected: Tensor) -> tuple[float, float, float]:
    """Return the two Frobenius norms and the angle between the matrices in degrees."""
    if projected is gradient:
        norm = float(gradient.norm())
        return norm, norm, 0.0
    both = torch.stack([gradient.flatten(), projected.flatten()]).double()  # (2, C s)
    (squared, product), (_, projected_squared) = (both @ both.T).tolist()
    norm, projected_norm = math.sqrt(squared), math.sqrt(projected_squared)
    cosine = product / max(norm * projected_norm, 1e-300)
    return norm, projected_norm, math.degrees(math.acos(min(1.0, max(-1.0, cosine))))
