"""Data remixing: a sample teaches the modality that is least sure of it."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from mla_core.data.samples import Split
from mla_core.fusion import predictive_entropy
from mla_core.methods.base import Position
from mla_core.methods.ensemble import Ensemble
from mla_core.methods.schedule import Batch, remixed_epoch


class Remix(Ensemble):
    """An ensemble on remixed data: each sample keeps one part, the hardest (Ma et al., ICML 2025).

    From the share ``warm_up`` of the run on, before every epoch, a sample is given to the modality
    ``m* = argmin_m KL(p_m || uniform)``, which is the one whose prediction has the largest
    entropy, among the parts that it has. Sub-steps of modality m then draw from its samples alone;
    there may be none. The rule is the same for any number of modalities.

    Published is one pass over the samples an epoch, a part each. Here an epoch goes through them
    as often as they have parts, so that it trains on as many parts as one of `ensemble` does:
    equal epochs are equal compute, but for the pass without learning that gives the samples away
    (`StepRecord.forward_passes`). The paper's joint head, of which a sample with one part uses one
    slice, is a head for each modality here, and its warm-up with a joint loss is an `ensemble`;
    with ``warm_up=1`` there is nothing else.

    Where one modality is much surer than the others, few samples are left to it, perhaps of few
    classes, and it may forget the rest: `given_to` tells.

    Attributes
    ----------
    given_to : Tensor
        (N,) the row of each training sample's modality, -1 where it has no part; empty while this
        warms up.

    Examples
    --------
    >>> from mla_core import ExperimentConfig, TrainingSession
    >>> config = ExperimentConfig(dataset="gaussian", method="remix", epochs=5)
    >>> session = TrainingSession(config)
    >>> _ = session.advance(epochs=1)
    >>> len(session.method.given_to) == len(session.data.split("train"))
    True
    """

    head_moves_alone = True
    options = {"warm_up": 0.2}  # noqa: RUF012 - `Method` declares the type

    def setup(self) -> None:
        """Begin with samples that teach all that they have parts of."""
        self.given_to = torch.zeros(0, dtype=torch.int64)

    def plan(self, train: Split, epoch: int) -> list[Batch]:
        """As `ensemble`, or each modality on the samples that were given to it."""
        if not self.given_to.numel():
            return super().plan(train, epoch)
        return remixed_epoch(
            train,
            self.given_to,
            epoch,
            seed=self.config.seed,
            batch_size=self.config.batch_size,
            order=self.config.order,
        )

    def end_epoch(self, train: Split, val: Split, coming: Position) -> int:
        """Give the samples away anew."""
        if coming.epoch >= self.config.epochs or coming.run_progress < self.option["warm_up"]:
            return 0
        self.given_to = least_sure(self.predict(train).logits, train.present)
        return len(self.modalities) * len(train)

    def state_dict(self) -> dict[str, Tensor]:
        """Also to whom the samples were given."""
        return super().state_dict() | {"remix.given_to": self.given_to.clone()}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take all of it back."""
        super().load_state_dict(state)
        self.given_to = state["remix.given_to"].clone()


def least_sure(logits: Tensor, present: Tensor) -> Tensor:
    """Return the row of the modality whose prediction is closest to uniform (N,), -1 for none.

    Parameters
    ----------
    logits : Tensor
        (M, N, C).
    present : Tensor
        (M, N) bool.

    Examples
    --------
    >>> logits = torch.tensor([[[9.0, 0.0], [1.0, 0.0]], [[0.0, 2.0], [0.0, 3.0]]])
    >>> least_sure(logits, torch.tensor([[True, True], [True, True]])).tolist()
    [1, 0]
    """
    entropy = torch.where(present, predictive_entropy(logits).nan_to_num(), -1.0)  # (M, N)
    return torch.where(present.any(0), entropy.argmax(0), -1)
