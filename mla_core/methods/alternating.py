"""MLA: one modality per sub-step, one shared head whose gradient is modified (Algorithm 1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import torch
from torch import Tensor, nn

from mla_core.config import ExperimentConfig
from mla_core.data.samples import Split
from mla_core.head import HeadGradientModification, HeadProbe, alpha_at
from mla_core.methods.base import Position, strip_prefix
from mla_core.methods.heads import linear
from mla_core.methods.one_at_a_time import OneAtATime
from mla_core.methods.telling import Telling
from mla_core.references import from_elsewhere


class Alternating(OneAtATime):
    """Alternating unimodal adaptation (Zhang et al., CVPR 2024).

    With ``head_gradient="off"`` it is plain alternation with a shared head.

    Attributes
    ----------
    hgm : HeadGradientModification
    """

    head = "shared"
    head_moves_alone = head_travels = True
    uses = OneAtATime.uses | {"head_gradient", "alpha", "alpha_schedule", "reset", "projection"}

    def setup(self) -> None:
        """Make P, what forgetting is measured on, and what says which modalities P has seen."""
        names = self.modalities
        self.hgm = self._fresh(self.config)
        self._probe = HeadProbe(list(names), self.config.batch_size, self.feature_size)
        self._probe.to(self.model.home)
        self._dataset_means: dict[str, Tensor] = {}  # (1, s), variant dataset_mean only
        self._rows = {name: m for m, name in enumerate(names)}
        self._in_p = torch.zeros(len(names), dtype=torch.bool)  # (M,) since the last reset

    def build_head(self, modalities: Sequence[str], n_classes: int) -> nn.Module:
        """One head (C, s) for all."""
        return linear(self.feature_size, n_classes, self.config.seed, "head")

    def head_of(self, modality: str) -> nn.Linear:
        """Return the shared head, whatever the modality."""
        return cast("nn.Linear", self.model.head)

    @property
    def plasticity(self) -> float:
        """trace(P)/s, 1 without head gradient modification."""
        return self.hgm.plasticity if self.hgm.active else 1.0

    def start_epoch(self, train: Split) -> None:
        """Refresh the means over the whole training set where the variant uses them (eq. 4)."""
        if self.hgm.takes != "dataset":
            return
        features = self.model.features(train.inputs)
        self._dataset_means = {
            name: features[m][train.present[m]].mean(0, keepdim=True)
            for m, name in enumerate(train.inputs)
        }

    def move(self, modality: str, features: Tensor, position: Position, train: Split) -> Tensor:
        """Update P, project, update the parameters (Algorithm 1)."""
        if self.hgm.active:
            self._reset_p(modality, position)
        head, hgm = self.head_of(modality), self.hgm
        gradient = head.weight.grad
        assert gradient is not None  # noqa: S101 - for the type checker
        self._update_p(modality, features, position, train)
        projected = hgm.project(gradient)  # (C, s), eq. 3
        if self.config.projection == "update":
            old = head.weight.clone()
            self.optimizer.step()
            head.weight.copy_(old + hgm.project(head.weight - old))
        else:
            head.weight.grad = projected
            self.optimizer.step()
        return projected

    def tell(self, told: Telling, modality: str, features: Tensor, labels: Tensor) -> None:
        """Note trace(P)/s, and by how much this head step raised the others' losses (nats)."""
        told.note("grown", self._probe.grown(self.model.head, modality, features, labels))
        told.note("plasticity", self.hgm.plasticity_there() if self.hgm.active else 1.0)

    def means(self) -> dict[str, Tensor]:
        """Return each seen modality's mean feature (s,), as its own last sub-step saw it."""
        return self._probe.means()

    def reconfigure(self, config: ExperimentConfig) -> None:
        """Also start P afresh when the variant changes; a new alpha keeps it."""
        super().reconfigure(config)
        if config.head_gradient != self.hgm.variant:
            self.hgm = self._fresh(config)
            self._dataset_means = {}  # of another epoch, if any
            self._in_p[:] = False
        self.hgm.alpha = config.alpha

    def state_dict(self) -> dict[str, Tensor]:
        """Also P, what forgetting is measured on, and the data set's means."""
        state = super().state_dict()
        state |= {f"hgm.{key}": value for key, value in self.hgm.state_dict().items()}
        state |= {f"probe.{key}": value for key, value in self._probe.state_dict().items()}
        state["hgm_modalities"] = self._in_p.clone()
        return state | {f"mean.{name}": mean.clone() for name, mean in self._dataset_means.items()}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take all of it back."""
        super().load_state_dict(state)
        self.hgm = self._fresh(self.config)
        if saved := strip_prefix(state, "hgm."):
            self.hgm.load_state_dict(saved)
        self._in_p = state["hgm_modalities"].clone()
        self._probe.load_state_dict(strip_prefix(state, "probe."))
        self._dataset_means = {k: v.clone() for k, v in strip_prefix(state, "mean.").items()}

    def _update_p(self, modality: str, features: Tensor, position: Position, train: Split) -> None:
        hgm = self.hgm
        if not hgm.active:
            return
        if hgm.takes == "dataset":
            if not self._dataset_means:  # switched on in the middle of an epoch
                self.start_epoch(train)
            features = self._dataset_means[modality]
        if position.step == 0 and hgm.first_step_is_plain:
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

    def _reset_p(self, modality: str, position: Position) -> None:
        """Start P afresh where the configuration asks for it, which may be at every turn."""
        row, when = self._rows[modality], self.config.reset
        if (when == "epoch" and position.epoch_progress == 0) or (
            when == "round" and self._in_p[row]
        ):
            self.hgm = self._fresh(self.config)
            self._in_p[:] = False
        self._in_p[row] = True

    def _fresh(self, config: ExperimentConfig) -> HeadGradientModification:
        """Return P as the identity, in the variant of a configuration, where the head is."""
        with from_elsewhere():  # that a configuration names it trusts nobody
            hgm = HeadGradientModification(self.feature_size, config.alpha, config.head_gradient)
        return hgm if self.waits else hgm.to(self.model.home)
