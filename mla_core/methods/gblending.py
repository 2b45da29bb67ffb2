"""Gradient blending: losses weighted by how much each still gains, and how little it overfits."""

from __future__ import annotations

import copy
import itertools

import torch
from torch import Tensor
from torch.nn import functional as F

from mla_core.data.samples import Split
from mla_core.language import later
from mla_core.methods.balance import cross_entropies
from mla_core.methods.base import Position
from mla_core.methods.conflict import encoded
from mla_core.methods.instruments import Instrument
from mla_core.methods.optimizer import make_optimizer
from mla_core.methods.schedule import joint_epoch, learning_rate_at
from mla_core.methods.uniform import Uniform


class GBlending(Uniform):
    """``w_0 CE(z) + sum_m w_m CE(z_m)``, the weights taken anew after every ``every`` epochs.

    Over these epochs G is what a loss has come down on the validation split, and O by how much its
    distance between validation and training has grown; ``w ~ G / O^2`` (Wang et al., CVPR 2020), here
    scaled to M + 1 in sum, so that equal weights, those before the first estimate, are `uniform`. A
    loss that did not come down has weight 0; where none did, the weights stay. Nothing is learned
    from the validation split but M + 1 numbers; it is also what epochs are chosen on. Where the
    losses come from is the option ``estimate``:

    - ``"own"``: the network watches its own losses, through heads of their own, which costs one way
      forward through both splits per estimate.
    - ``"copies"``, as published: M + 1 copies of the network as it is go on for ``every`` epochs,
      each on one loss alone, and are thrown away; G and O are each copy's own. That is twice the
      training, as a copy for one modality encodes that one alone; `StepRecord.forward_passes`
      counts all of it, a way back as two forward. The copies take plain steps with the momentum
      and decay of the configuration, and the first estimate is behind ``every`` epochs.

    Options: ``every``, 0 for never, which is `uniform`; published code takes 10; and those of
    `uniform`, whose ``unimodal_weight`` multiplies ``w_1 .. w_M``.

    Examples
    --------
    >>> blend(torch.tensor([0.75, 0.25]), torch.tensor([0.5, 0.5])).tolist()
    [1.5, 0.5]
    """

    options = {**Uniform.options, "heads": "own", "every": 3, "estimate": "own"}  # noqa: RUF012
    choices = {**Uniform.choices, "estimate": ("own", "copies")}  # noqa: RUF012
    instruments = {  # noqa: RUF012
        **Uniform.instruments,
        "weight": Instrument(
            later("Weight of a loss"),
            later("What each loss is multiplied by since the last estimate; 1 before the first."),
            lambda method, _: method.weights_of_losses,
            lines=("fused",),
        ),
    }
    least_modalities = 2

    @property
    def weights_of_losses(self) -> Tensor:
        """w_1 .. w_M, and w_0 of the fused loss, as they are now."""
        w = self.remembered.get("weights", torch.ones(len(self.modalities) + 1))
        return w.roll(-1)

    def loss(self, features: Tensor, labels: Tensor, present: Tensor, samples: Tensor) -> Tensor:
        """Return the weighted sum of the losses."""
        w = self.remembered.get("weights")
        if w is None or self.option["unimodal_weight"] == 0:
            return super().loss(features, labels, present, samples)
        fused = F.cross_entropy(self.fused_logits(features, present), labels)
        own = cross_entropies(self.modality_logits(features, present), labels, present)
        shown = torch.where(own.isnan(), 0.0, own * w[1:])
        total: Tensor = w[0] * fused + float(self.option["unimodal_weight"]) * shown.sum()
        return total

    @torch.no_grad()
    def end_epoch(self, train: Split, val: Split, coming: Position) -> int:
        """Weigh the losses where it is time for it, but not behind the last epoch."""
        every = int(self.option["every"])
        if every == 0 or coming.run_progress >= 1:
            return 0
        due = coming.epoch % every == 0
        if self.option["estimate"] == "copies":
            return self._ask_copies(train, val, coming) if due else 0
        if not due and coming.epoch > 1:
            return 0
        now = torch.stack([self.losses_on(side) for side in (train, val)])  # (2, M + 1)
        if (before := self.remembered.get("losses")) is not None:
            gain = before[1] - now[1]
            overfit = (now[1] - now[0]) - (before[1] - before[0])
            self._weigh(gain, overfit)
        self.remembered["losses"] = now
        return len(self.modalities) * (len(train) + len(val))

    def _weigh(self, gain: Tensor, overfit: Tensor) -> None:
        if bool((gain > 0).any()):
            self.remembered["weights"] = blend(gain, overfit)

    def _ask_copies(self, train: Split, val: Split, coming: Position) -> int:
        """Weigh the losses by what a copy for each makes of it alone; return what that costs."""
        before = torch.stack([self.losses_on(side) for side in (train, val)])  # (2, M + 1)
        after, learned = before.clone(), 0
        for k in range(before.shape[1]):
            twin = self._copy()
            learned += twin.follow_one(k, train, coming)
            after[:, k] = torch.stack([twin.losses_on(side)[k] for side in (train, val)])
        gain = before[1] - after[1]
        self._weigh(gain, (after[1] - after[0]) - (before[1] - before[0]))
        looks = (before.shape[1] + 1) * len(self.modalities) * (len(train) + len(val))
        return 3 * learned + looks

    def _copy(self) -> GBlending:
        """Return this method with a network of its own, as it is now."""
        twin = copy.copy(self)
        twin.model, twin.average = self.model.twin(), None
        return twin

    @torch.enable_grad()
    def follow_one(self, k: int, train: Split, coming: Position) -> int:
        """Train on loss k alone, 0 being the fused one, and return how many parts were passed."""
        config, every = self.config, int(self.option["every"])
        trained = [p for p in self.model.parameters() if p.requires_grad]
        optimizer = make_optimizer(config, trained)
        schedule, rate = config.learning_rate_schedule, config.learning_rate
        for group in optimizer.param_groups:
            group["lr"] = learning_rate_at(schedule, rate, coming.run_progress)
        plans = [
            joint_epoch(train, epoch, seed=config.seed, batch_size=config.batch_size)
            for epoch in range(coming.epoch, coming.epoch + every)
        ]
        with self.model.at_step(config.seed, coming.step):
            for batch in itertools.chain.from_iterable(plans):
                features, present = encoded(self, train, batch.indices, only=k - 1 if k else None)
                loss = self._each(features, train.labels[batch.indices], present)[k]
                optimizer.zero_grad()
                if bool(loss.isfinite()):  # somebody has the modality
                    loss.backward()
                    optimizer.step()
        return every * (1 if k else len(self.modalities)) * len(train)

    def losses_on(self, side: Split) -> Tensor:
        """Return the mean cross-entropies of the fused logits and of every modality's own."""
        present = self.counted(side.present)
        features = self.model.features(side.inputs) * present[..., None]
        some = present.any(0)
        return self._each(features[:, some], side.labels[some], present[:, some])

    def _each(self, features: Tensor, labels: Tensor, present: Tensor) -> Tensor:
        """Return the mean cross-entropies (M + 1,), the fused logits' first."""
        fused = F.cross_entropy(self.fused_logits(features, present), labels)
        own = cross_entropies(self.modality_logits(features, present), labels, present)
        return torch.cat([fused[None], own])


def blend(gain: Tensor, overfit: Tensor) -> Tensor:
    """Return ``G / O^2`` (K,) scaled to K in sum, for gains of which at least one is above 0.

    O counts at least a hundredth of the largest gain, so that a loss that does not overfit at all
    does not take everything.
    """
    raw = gain.nan_to_num(0.0).clamp_min(0)
    w = raw / overfit.nan_to_num(0.0).abs().clamp_min(float(raw.max()) / 100).square()
    return w * (len(w) / w.sum())
