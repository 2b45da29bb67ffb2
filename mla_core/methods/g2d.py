"""G2D: unimodal teachers guide a joint network, the weakest modality first."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from mla_core.data.samples import Split
from mla_core.language import later
from mla_core.methods.balance import scores
from mla_core.methods.base import Position
from mla_core.methods.instruments import Instrument
from mla_core.methods.joint import Joint
from mla_core.methods.schedule import Batch
from mla_core.methods.taught import Taught
from mla_core.records import StepRecord


class G2d(Taught):
    """`concat` after its own unimodal teachers (G2D; Rakib and Bagavathi, ICCV 2025).

    Its teachers t are those of `mla_core.methods.taught.Taught`. Per batch the student makes
    smaller::

        CE(z) + strength sum_m ( KL(t_m || softmax(z)) + |f_m - f_m^t|^2 / s )

    each term over the samples that have the part. Until the share ``prioritised`` of what is then
    left of the run, the leaders wait: ordered by the probability that their teachers give the
    right classes of the batch, at first only the weakest modality's encoder learns, then the two
    weakest, and so on, in M - 1 spans of equal length. For two modalities this is as published;
    the order of more is ours, and that who waits is left alone by momentum and weight decay, too.

    With ``teachers=0`` there are none, and this is `concat`.

    Attributes
    ----------
    since : int
        The epoch from which on there are teachers; -1 while they train.

    Examples
    --------
    >>> from mla_core import ExperimentConfig, TrainingSession
    >>> config = ExperimentConfig(dataset="gaussian", method="g2d", epochs=3)
    >>> session = TrainingSession(config)
    >>> _ = session.advance(epochs=1)
    >>> session.method.since
    1
    """

    least_modalities = 2
    options = {  # noqa: RUF012 - `Method` declares the type
        **Joint.options,
        "teachers": 1 / 3,
        "strength": 1.0,
        "prioritised": 0.5,
    }
    instruments = {  # noqa: RUF012
        **Joint.instruments,
        "learns": Instrument(
            later("Learns (1), waits (0)"),
            later(
                "Whether a modality's encoder learns from this batch: of those whose teachers are "
                "surest the gradient is 0 for a while. While there are only teachers, all learn."
            ),
        ),
    }

    def loss(self, features: Tensor, labels: Tensor, present: Tensor, samples: Tensor) -> Tensor:
        """Return the teachers' losses, or the student's with what the teachers say."""
        loss = super().loss(features, labels, present, samples)
        if self.taught is None:
            return loss
        taught, said = (x[:, samples] for x in self.taught)
        fused = self.fused_logits(features, present)
        strength = float(self.option["strength"])
        return loss + strength * distillation(fused, said, features, taught, present)

    def step(self, batch: Batch, train: Split, position: Position) -> StepRecord:
        """As `concat`; who waits is decided by what the teachers say of the batch."""
        self._waiting: list[str] = []
        answers = self.answers(train)
        if answers is not None:
            present = self.counted(train.present[:, batch.indices])
            said = answers[1][:, batch.indices]
            learning = self._learning(position)
            order = weakest_first(said, train.labels[batch.indices], present)
            self._waiting = [self.modalities[m] for m in order[learning:]]
        return super().step(batch, train, position)

    def modulate(
        self, features: Tensor, labels: Tensor, present: Tensor, position: Position
    ) -> None:
        """Let the encoders of those that wait be."""
        self.note("learns", lambda: torch.tensor([m not in self._waiting for m in self.modalities]))
        for name in self._waiting:
            self.model.encoders[name].zero_grad()

    def _learning(self, position: Position) -> int:
        """Return how many modalities' encoders learn, the weakest ones."""
        epochs, m = self.config.epochs, len(self.modalities)
        done = position.run_progress * epochs - self.since + 1e-9  # in epochs, less rounding
        span = (epochs - self.since) * float(self.option["prioritised"])
        return m if done >= span else 1 + int(done / span * (m - 1))


def distillation(
    fused: Tensor, said: Tensor, features: Tensor, taught: Tensor, present: Tensor
) -> Tensor:
    """Return ``sum_m KL(t_m || softmax(z)) + |f_m - f_m^t|^2 / s``, means over samples.

    Parameters
    ----------
    fused : Tensor
        (B, C) z.
    said, taught : Tensor
        (M, B, C) and (M, B, s), the teachers' logits and features.
    features : Tensor
        (M, B, s).
    present : Tensor
        (M, B) bool; absent parts have no teacher.

    Examples
    --------
    >>> z, f = torch.zeros(1, 2), torch.ones(1, 1, 3)
    >>> distillation(z, z[None], f, 3 * f, torch.ones(1, 1).bool()).item()
    4.0
    """
    log_p = torch.log_softmax(fused, -1)  # (B, C)
    log_t = torch.log_softmax(said, -1)  # (M, B, C)
    apart = F.kl_div(log_p.expand_as(log_t), log_t, reduction="none", log_target=True).sum(-1)
    away = (features - taught).square().mean(-1)  # (M, B)
    parts = torch.where(present, apart + away, 0.0)
    total: Tensor = (parts.sum(1) / present.sum(1).clamp_min(1)).sum()
    return total


def weakest_first(said: Tensor, labels: Tensor, present: Tensor) -> list[int]:
    """Return the rows of the modalities, those first whose teachers are least right.

    Parameters
    ----------
    said : Tensor
        (M, B, C) the teachers' logits.
    labels : Tensor
        (B,).
    present : Tensor
        (M, B) bool; who has no part in the batch stands last.

    Examples
    --------
    >>> said = torch.tensor([[[2.0, 0.0]], [[1.0, 0.0]]])
    >>> weakest_first(said, torch.tensor([0]), torch.ones(2, 1).bool())
    [1, 0]
    """
    return scores(said, labels, present).argsort(stable=True).tolist()  # NaN sorts last
