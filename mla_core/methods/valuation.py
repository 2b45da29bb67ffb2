"""Valuation: parts that contribute little to a sample's answer are trained on more often."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import torch
from torch import Tensor

from mla_core.data.samples import Split
from mla_core.language import later
from mla_core.methods.base import Position
from mla_core.methods.concat import Concat
from mla_core.methods.instruments import Instrument
from mla_core.methods.joint import Joint
from mla_core.methods.schedule import Batch, joint_epoch
from mla_core.methods.shapley import shapley_values
from mla_core.seeding import generator


class Valuation(Concat):
    """`concat` with samples added in which one part stands alone (Wei et al., CVPR 2024).

    With ``v(S) = |S|`` where the fused prediction from the parts in S is right and 0 where it is
    not, the contribution of a part to its sample is its Shapley value::

        phi_m = sum over S without m of |S|! (M - |S| - 1)! / M! ( v(S + m) - v(S) )

    whose fair share is 1 where all parts together are right. From the share ``warm_up`` of the run
    on, before every epoch, copies of samples are added that keep one part, the features of the
    others being 0. The option ``level`` says of which:

    - ``"sample"``: of part m of a sample ``max(0, strength (1 - phi_m))`` copies. For two
      modalities and a strength of 2 these are the public code's numbers, 1, 2 and 3 copies at phi
      = 1/2, 0 and -1/2; other numbers are rounded up or down by chance, so as to be right on
      average.
    - ``"modality"``: of every part of modality m with the probability ``strength (mean phi of the
      best modality - mean phi_m)``, at most 1; the public code has 2/3 times a factor of its own.

    Parts that are absent are not players, and this holds for any number of modalities up to ten:
    all 2^M subsets are asked. The means are published as estimates on a fifth of the training
    samples; here they are of all, since valuing encodes every part once anyway
    (`StepRecord.forward_passes`). An epoch is longer than one of `concat`, as the records say.
    With ``strength=0`` it is `concat`.

    Attributes
    ----------
    contributions : Tensor
        (M,) mean phi at the last valuation, 0 before.
    copies : Tensor
        (M, N) how many of each training sample keep each part alone; empty while this warms up.

    Examples
    --------
    >>> from mla_core import ExperimentConfig, TrainingSession
    >>> config = ExperimentConfig(dataset="gaussian", method="valuation", epochs=5)
    >>> session = TrainingSession(config)
    >>> _ = session.advance(epochs=1)
    >>> session.steps_per_epoch > len(session.history.steps)
    True
    """

    least_modalities = 2
    most_modalities = 10
    options = {**Joint.options, "level": "sample", "strength": 2.0, "warm_up": 0.2}  # noqa: RUF012
    instruments = {  # noqa: RUF012
        **Joint.instruments,
        "contribution": Instrument(
            later("Contribution (Shapley value)"),
            later(
                "The mean of phi over the training samples, at the last valuation; a fair share is "
                "1. 0 before the first."
            ),
            lambda method, _: method.contributions,
        ),
    }
    choices = {**Joint.choices, "level": ("sample", "modality")}  # noqa: RUF012

    def setup(self) -> None:
        """Begin with the samples as they are."""
        self.contributions = torch.zeros(len(self.modalities))
        self.copies = torch.zeros(len(self.modalities), 0, dtype=torch.int64)

    def plan(self, train: Split, epoch: int) -> list[Batch]:
        """All samples, and among them the copies."""
        seed, size = self.config.seed, self.config.batch_size
        if not self.copies.any():
            return joint_epoch(train, epoch, seed=seed, batch_size=size)
        whole = train.present.any(0).nonzero().flatten()
        times = self.copies.flatten()  # (M N,)
        rows = torch.arange(len(times)).repeat_interleave(times)
        indices = torch.cat([whole, rows % len(train)])
        kept = torch.ones(len(self.modalities), len(indices), dtype=torch.bool)
        kept[:, len(whole) :] = torch.arange(len(kept))[:, None] == rows // len(train)
        mixed = torch.randperm(len(indices), generator=generator(seed, "copies mixed", epoch))
        return [Batch(None, indices[part], kept[:, part]) for part in mixed.split(size)]

    def end_epoch(self, train: Split, val: Split, coming: Position) -> int:
        """Value every part, and decide of which there will be copies."""
        if coming.epoch >= self.config.epochs or coming.run_progress < self.option["warm_up"]:
            return 0
        present = self.counted(train.present)
        phi = self._valued(train, present)
        self.contributions = (phi.sum(1) / present.sum(1)).float()
        strength = float(self.option["strength"])
        if self.option["level"] == "sample":
            wanted = strength * (1 - phi)
        else:
            behind = self.contributions.max() - self.contributions
            wanted = (strength * behind).clamp(max=1)[:, None].expand_as(phi)
        wanted = torch.where(present, wanted.clamp(min=0), 0.0)
        chance = torch.rand(
            phi.shape, generator=generator(self.config.seed, "copies", coming.epoch)
        )
        self.copies = (wanted + chance).floor().long()
        return len(self.modalities) * len(train)

    def state_dict(self) -> dict[str, Tensor]:
        """Also the copies, and what was found."""
        found = {"contributions": self.contributions.clone(), "copies": self.copies.clone()}
        return super().state_dict() | {f"valuation.{key}": x for key, x in found.items()}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take all of it back."""
        super().load_state_dict(state)
        self.contributions = state["valuation.contributions"].clone()
        self.copies = state["valuation.copies"].clone()

    def _valued(self, train: Split, present: Tensor) -> Tensor:
        """Return phi (M, N)."""
        predict = self.predictions(train)
        values = {}
        rows = range(len(self.modalities))
        sizes = (itertools.combinations(rows, size) for size in range(len(rows) + 1))
        for subset in itertools.chain.from_iterable(sizes):
            asked = torch.zeros_like(present)
            asked[list(subset)] = present[list(subset)]
            right = predict(asked).fused.argmax(-1) == train.labels  # (N,)
            values[frozenset(subset)] = (asked.sum(0) * right).float()
        return torch.stack(list(shapley_values(values).values()))
