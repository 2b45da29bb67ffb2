"""AUG: a modality that lags behind gets more classifiers, boosted one onto the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mla_core.data.samples import Split
from mla_core.head import HeadProbe
from mla_core.language import later
from mla_core.methods.base import Position, strip_prefix
from mla_core.methods.heads import linear
from mla_core.methods.instruments import Instrument
from mla_core.methods.one_at_a_time import OneAtATime
from mla_core.methods.schedule import is_moment
from mla_core.methods.turn import Turn

SHRUNK = 0.5  # how much of what the others say of the right class the last learner is spared


class Aug(OneAtATime):
    """Alternation with a shared head that grows where a modality is behind (Jiang et al., NeurIPS 2025).

    With W the shared head, modality m answers with ``z_m = W f_m + sum_j W relu(L_j f_m)`` over the
    weak learners ``L_j`` (s, s) that it has been given so far; at first there are none, and this is
    plain alternation. ``learners`` times in a run, evenly spread, the modalities' scores are
    compared: the mean probability that they gave to the right class in training, in the epoch that
    ends there. Whoever's score the best one exceeds by more than the factor ``ratio`` gets a
    learner. A sub-step of a modality with learners makes smaller, with ``r`` the last one's logits
    and ``z - r`` the others'::

        CE(z) + CE(z - r) + mean of (1 - p_y / 2) CE(r),   p = softmax(z - r), a constant

    which fits the last learner to what the others leave over. For two modalities the rule of who
    gets a learner is the published one; to compare with the best of more is ours, and so is that
    answers are fused by the configuration's rule instead of fixed weights.

    In the option ``variant``, ``"paper"`` trains the learners. In the ``"released"`` code the
    optimiser is never told of them: they stay as they were drawn, random features.

    Attributes
    ----------
    counts : Tensor
        (M,) how many learners each modality has.

    Examples
    --------
    >>> from mla_core import ExperimentConfig, TrainingSession
    >>> session = TrainingSession(ExperimentConfig(dataset="gaussian", method="aug", epochs=5))
    >>> _ = session.advance(epochs=1)
    >>> session.method.counts.min().item()  # the best is given none
    0
    """

    head = "shared"
    head_moves_alone = True
    options = {"learners": 4, "ratio": 1.01, "variant": "paper"}  # noqa: RUF012
    choices = {"variant": ("paper", "released")}  # noqa: RUF012
    instruments = {  # noqa: RUF012
        **OneAtATime.instruments,
        "learners": Instrument(
            later("Weak learners"),
            later("How many a modality has been given so far, because it was behind."),
            lambda method, _: method.counts,
        ),
    }

    def setup(self) -> None:
        """Begin without learners."""
        m = len(self.modalities)
        self.counts = torch.zeros(m, dtype=torch.int64)
        self._scores = torch.zeros(
            m, 2, dtype=torch.float64
        )  # sum of probabilities, and of samples
        self._probe = self._new_probe()

    def build_head(self, modalities: Sequence[str], n_classes: int) -> nn.Module:
        """Return one head (C, s) for all, which carries all learners that there may be."""
        size, seed = self.feature_size, self.config.seed
        head = linear(size, n_classes, seed, "head")
        learners = {
            name: nn.ModuleList(
                linear(size, size, seed, "learner", name, j) for j in range(self.option["learners"])
            )
            for name in modalities
        }
        head.add_module("learners", nn.ModuleDict(learners))
        return head

    def head_of(self, modality: str) -> nn.Linear:
        """Return the shared head, whatever the modality."""
        return cast("nn.Linear", self.model.head)

    def classify(self, modality: str, features: Tensor) -> Tensor:
        """Return the sum of what the head says of the features and of its learners."""
        return self._answers(modality, features).sum(0)

    def objective(self, turn: Turn) -> Tensor:
        """Return the loss, beside those of the last learner and of the others."""
        answers = self._answers(str(turn.batch.modality), turn.features)
        if len(answers) == 1:
            return turn.loss
        return turn.loss + boosting(answers[:-1].sum(0), answers[-1], turn.labels)

    def remember(self, turn: Turn) -> None:
        """Add up how sure the modality is of the right classes."""
        right = torch.softmax(turn.logits.detach(), -1).gather(1, turn.labels[:, None])
        row = self.modalities.index(str(turn.batch.modality))
        self._scores[row] += torch.stack([right.double().sum(), torch.tensor(float(len(right)))])

    def forgetting(self, modality: str, features: Tensor, labels: Tensor) -> dict[str, float]:
        """Return how much this head step raised the other modalities' losses (nats)."""
        return self._probe.forgetting(self._classify_all, modality, features, labels)

    def end_epoch(self, train: Split, val: Split, coming: Position) -> int:
        """Give learners to those that are behind, when it is time for it."""
        scores = (self._scores[:, 0] / self._scores[:, 1].clamp_min(1)).nan_to_num()
        self._scores = torch.zeros_like(self._scores)
        most = int(self.option["learners"])
        if is_moment(coming.epoch, self.config.epochs, most):
            behind = scores.max() > self.option["ratio"] * scores  # (M,)
            # More moments come where a running session is given more epochs.
            self.counts = (self.counts + behind).clamp_max(most)
            self._probe = self._new_probe()  # a head that has grown is another one
        return 0

    def state_dict(self) -> dict[str, Tensor]:
        """Also who has how many learners, the scores, and what forgetting is measured on."""
        state = super().state_dict()
        state |= {"aug.counts": self.counts.clone(), "aug.scores": self._scores.clone()}
        return state | {f"probe.{key}": value for key, value in self._probe.state_dict().items()}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take all of it back."""
        super().load_state_dict(state)
        self.counts, self._scores = state["aug.counts"].clone(), state["aug.scores"].clone()
        self._probe.load_state_dict(strip_prefix(state, "probe."))

    def _answers(self, modality: str, features: Tensor) -> Tensor:
        """Return the logits (1 + J, ..., C) for features (..., s) themselves and for each learner."""
        head = self.head_of(modality)
        learners = cast("nn.ModuleDict", head.learners)[modality]
        answers = [head(features)]
        for learner in list(cast("nn.ModuleList", learners))[: self._count(modality)]:
            own = cast("nn.Linear", learner)
            weight: Tensor = own.weight
            bias: Tensor = own.bias
            if self.option["variant"] == "released":
                weight, bias = weight.detach(), bias.detach()
            answers.append(head(torch.relu(F.linear(features, weight, bias))))
        return torch.stack(answers)

    def _classify_all(self, features: Tensor) -> Tensor:
        """Return the logits (M B, C) for all modalities' features (M B, s)."""
        each = features.view(len(self.modalities), -1, features.shape[-1])
        return torch.cat(
            [self.classify(name, z) for name, z in zip(self.modalities, each, strict=True)]
        )

    def _count(self, modality: str) -> int:
        return int(self.counts[self.modalities.index(modality)])

    def _new_probe(self) -> HeadProbe:
        return HeadProbe(list(self.modalities), self.config.batch_size, self.feature_size)


def boosting(others: Tensor, last: Tensor, labels: Tensor) -> Tensor:
    """Return what trains the last learner beside the sum of all, see `Aug`.

    Parameters
    ----------
    others, last : Tensor
        (B, C) logits of all learners but the last, and of that one.
    labels : Tensor
        (B,).

    Examples
    --------
    >>> even = torch.zeros(1, 2)  # (1 + 3/4) log(2)
    >>> boosting(even, even, torch.tensor([0])).item()
    1.213...
    """
    known = torch.softmax(others.detach(), -1).gather(1, labels[:, None])[:, 0]  # (B,)
    rest = (1 - SHRUNK * known) * F.cross_entropy(last, labels, reduction="none")
    return F.cross_entropy(others, labels) + rest.mean()
