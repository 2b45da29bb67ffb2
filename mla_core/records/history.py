"""What happened: records that never change, and the list that collects them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from mla_core.containers import read_npz, write_npz
from mla_core.errors import DataError, TrainingDivergedError
from mla_core.records.columns import from_columns, to_columns
from mla_core.records.thinning import EvenList

if TYPE_CHECKING:
    import pandas as pd

MAX_STEPS = 6000  # records of sub-steps that a history keeps, about 5 MB
MAX_SUMMARIES = 1000


@dataclass(frozen=True)
class StepRecord:
    """One sub-step of training.

    Attributes
    ----------
    step, epoch : int
        Both from 0.
    modality : str or None
        The one that was trained; None means all at once.
    samples : int
        B.
    loss : float
        Cross-entropy in nats, before the update (eq. 2).
    learning_rate : float
    gradient_norm, projected_norm : float
        Frobenius norm of the head weight's gradient before and after the projection.
    angle : float
        Between the two, in degrees.
    plasticity : float
        trace(P)/s, 1 without head gradient modification.
    forgetting : mapping of str to float
        For every OTHER modality seen so far, how much its loss (nats) on the features of its own
        last sub-step grew through this head step alone, encoders fixed.
    sub_steps : int
        Very long histories fold neighbours of one modality together: so many sub-steps this record
        stands for. `samples`, `forgetting` and `forward_passes` are their sums, all else is the
        last one's.
    forward_passes : int
        Parts that were encoded without being learned from, in the sub-step or right behind it:
        what some methods do between epochs.
    instruments : mapping of str to float
        What the method shows of this sub-step to those who watch, under ``"name.line"``.
    """

    step: int
    epoch: int
    modality: str | None
    samples: int
    loss: float
    learning_rate: float
    gradient_norm: float
    projected_norm: float
    angle: float = 0.0
    plasticity: float = 1.0
    forgetting: Mapping[str, float] = field(default_factory=dict)
    sub_steps: int = 1
    forward_passes: int = 0
    instruments: Mapping[str, float] = field(default_factory=dict)

    def after(self, before: StepRecord) -> StepRecord:
        """Return this record with an earlier one of the same modality folded into it."""
        total = dict(before.forgetting)
        for name, grown in self.forgetting.items():
            total[name] = total.get(name, 0.0) + grown
        return replace(
            self,
            samples=before.samples + self.samples,
            forgetting=total,
            sub_steps=before.sub_steps + self.sub_steps,
            forward_passes=before.forward_passes + self.forward_passes,
        )


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What a method predicts for one split, for every sample and modality.

    Attributes
    ----------
    split : str
    step, epoch : int
        Sub-steps and epochs finished when it was made.
    modalities : tuple of str
        M names.
    ids : tuple of str
        N sample ids.
    labels : Tensor
        (N,).
    present : Tensor
        (M, N) bool.
    features : Tensor
        (M, N, s), meaningless where absent.
    logits : Tensor
        (M, N, C) of each modality alone, meaningless where absent.
    weights : Tensor
        (M, N) importance weights, 0 where absent.
    fused : Tensor
        (N, C) fused logits.
    """

    split: str
    step: int
    epoch: int
    modalities: tuple[str, ...]
    ids: tuple[str, ...]
    labels: Tensor
    present: Tensor
    features: Tensor
    logits: Tensor
    weights: Tensor
    fused: Tensor

    def subset(self, indices: Tensor) -> Evaluation:
        """Return what was predicted for some of the samples (N',)."""
        return replace(
            self,
            ids=tuple(self.ids[i] for i in indices.tolist()),
            labels=self.labels[indices],
            present=self.present[:, indices],
            features=self.features[:, indices],
            logits=self.logits[:, indices],
            weights=self.weights[:, indices],
            fused=self.fused[indices],
        )

    def check_finite(self) -> None:
        """Raise `TrainingDivergedError` when features of present parts or fused logits are not finite."""
        seen = self.features[self.present], self.fused
        if not all(bool(values.isfinite().all()) for values in seen):
            msg = (
                f"training diverged in sub-step {self.step}: features or predictions for the "
                "probe set are not finite. Try a smaller learning rate."
            )
            raise TrainingDivergedError(msg)

    @cached_property
    def accuracy(self) -> float:
        """Share of samples whose fused prediction is right; no answer is not a right one."""
        right = (self.fused.argmax(-1) == self.labels) & ~self.unanswered
        return float(right.double().mean())

    @cached_property
    def unimodal_accuracy(self) -> dict[str, float]:
        """Per modality, the share of right predictions from it alone, among samples that have it."""
        right = self.logits.argmax(-1) == self.labels  # (M, N)
        return {
            name: float(right[m][self.present[m]].double().mean())
            for m, name in enumerate(self.modalities)
        }

    @cached_property
    def unanswered(self) -> Tensor:
        """(N,) bool: samples without any part, for which the fused prediction is uniform."""
        return ~self.present.any(0)


@dataclass(frozen=True)
class Summary:
    """The numbers of one `Evaluation` that the curves show.

    Attributes
    ----------
    step, epoch : int
    accuracy, ece : float
        Of the fused prediction.
    unimodal_accuracy, unimodal_ece, mean_entropy : mapping of str to float
        Per modality; entropy in nats.
    mean_weight : mapping of str to float
        Mean importance weight per modality.
    weight_quantiles : mapping of str to tuple of float
        The 5, 25, 50, 75 and 95 % quantiles of the weight over the samples.
    weight_loss_covariance : mapping of str to float
        Per modality; must be negative for dynamic fusion to help.
    centroid_gap : mapping of str to float
        Per pair, under ``"a|b"``.
    separability : float
        Held-out accuracy of a linear classifier that names the modality; chance is 1/M.
    numbers : mapping of str to float
        The configuration's own `metrics`.
    instruments : mapping of str to float
        What the method's instruments read at this look, if watched, under ``"name.line"``.
    """

    step: int
    epoch: int
    accuracy: float
    ece: float
    unimodal_accuracy: Mapping[str, float]
    unimodal_ece: Mapping[str, float]
    mean_entropy: Mapping[str, float]
    mean_weight: Mapping[str, float]
    weight_quantiles: Mapping[str, tuple[float, ...]]
    weight_loss_covariance: Mapping[str, float]
    centroid_gap: Mapping[str, float]
    separability: float
    numbers: Mapping[str, float] = field(default_factory=dict)
    instruments: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Change:
    """A setting changed while the session ran, so that no curve hides it."""

    step: int
    field: str
    before: Any
    after: Any


class History:
    """The records of one session, in order; very long ones are thinned evenly.

    Attributes
    ----------
    steps : list of StepRecord
        At most `MAX_STEPS`; beyond, neighbours of one modality are folded together.
    summaries : EvenList of Summary
        At most `MAX_SUMMARIES`.
    changes : list of Change
    latest : Evaluation or None
        The newest look at the probe set, whole.

    Examples
    --------
    >>> history = History()
    >>> history.steps.append(StepRecord(0, 0, "image", 64, 2.3, 0.1, 1.0, 0.9))
    >>> history.frame()["loss"].tolist()
    [2.3]
    """

    def __init__(self) -> None:
        self.steps: list[StepRecord] = []
        self.summaries: EvenList[Summary] = EvenList(MAX_SUMMARIES)
        self.changes: list[Change] = []
        self.latest: Evaluation | None = None
        self._fold = 1  # how many sub-steps a record may stand for

    def add(self, record: StepRecord) -> None:
        """Note one more sub-step; beyond `MAX_STEPS`, fold neighbours of one modality together.

        One that stands for several, as from a journal, comes from a history that folds already.
        """
        self._fold = max(self._fold, 1 << (record.sub_steps - 1).bit_length())
        _put(self.steps, record, self._fold)
        if len(self.steps) > MAX_STEPS:
            self._fold *= 2
            folded: list[StepRecord] = []  # another list: a picture may be reading the old one
            for one in self.steps:
                _put(folded, one, self._fold)
            self.steps = folded

    def look(self, evaluation: Evaluation, summary: Summary) -> None:
        """Note one more look at the probe set."""
        self.latest = evaluation
        self.summaries.append(summary)

    def copy(self) -> History:
        """Return a history that grows on its own; the records themselves are shared."""
        twin = History()
        twin.steps = list(self.steps)
        twin.summaries = self.summaries.twin()
        twin.changes = list(self.changes)
        twin.latest = self.latest
        twin._fold = self._fold
        return twin

    def frame(self) -> pd.DataFrame:
        """Return one row per sub-step; forgetting becomes one column per modality."""
        return _frame(self.steps)

    def summary_frame(self) -> pd.DataFrame:
        """Return one row per look at the probe set, columns such as ``mean_weight.audio``."""
        return _frame(self.summaries)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Return every record as plain arrays of numbers and text, for ``numpy.savez``."""
        arrays = {
            **to_columns("steps", self.steps),
            **to_columns("summaries", self.summaries),
            **to_columns("changes", self.changes),
        }
        arrays["looks"] = np.array(self.summaries.indices, dtype=np.int64)
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> History:
        """Take back what `to_arrays` gave (`latest` is not part of it).

        Raises
        ------
        ValueError
            Naming what is something else than `to_arrays` gives.
        """
        history = cls()
        history.steps = from_columns("steps", arrays, StepRecord)
        # Whenever records were folded, two of them filled more than half of the new room.
        most = max((record.sub_steps for record in history.steps), default=1)
        history._fold = 1 << (most - 1).bit_length()
        history.changes = from_columns("changes", arrays, Change)
        summaries = from_columns("summaries", arrays, Summary)
        looks = arrays["looks"] if "looks" in arrays else np.arange(len(summaries))
        rising = looks.shape == (len(summaries),) and looks.dtype.kind == "i"
        if not rising or (np.diff(looks, prepend=-1) <= 0).any():
            msg = "'looks' must number the summaries, rising from 0"
            raise ValueError(msg)
        for look, summary in zip(looks.tolist(), summaries, strict=True):
            history.summaries.put(look, summary)
        return history

    def save(self, path: Path) -> None:
        """Write the arrays to `path` (.npz), whole or not at all."""
        write_npz(path, self.to_arrays())

    @classmethod
    def load(cls, path: Path, cure: str = "run it again") -> History:
        """Read what `save` wrote.

        Parameters
        ----------
        path : Path
        cure : str
            What the error says is to be done.

        Raises
        ------
        DataError
            When the file is missing or damaged, or holds something else.
        """
        arrays = read_npz(path, cure)
        try:
            return cls.from_arrays(arrays)
        except (ValueError, TypeError, RecursionError) as error:
            msg = f"{str(path)!r} holds no history ({error}): {cure}"
            raise DataError(msg) from error


def _put(steps: list[StepRecord], record: StepRecord, fold: int) -> None:
    """Append a record, or fold it into the last of its modality if that has room for it."""
    if fold > 1:
        for i in range(len(steps) - 1, -1, -1):
            if steps[i].modality == record.modality:
                if steps[i].sub_steps + record.sub_steps <= fold:
                    # At once, for whoever reads the list meanwhile.
                    steps[i:] = [*steps[i + 1 :], record.after(steps[i])]
                    return
                break
    steps.append(record)


def _frame(records: list[Any]) -> pd.DataFrame:
    import pandas as pd

    return pd.json_normalize([asdict(record) for record in records])
