"""The numbers of a sub-step on their way into its record: read at once, or a round's together.

A process that reads a number from a GPU waits for all that the GPU has been asked to do, and leaves it
idle until it is asked for more.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from mla_core.data.samples import Split
from mla_core.errors import TrainingDivergedError
from mla_core.head.probe import named
from mla_core.methods.base import Position, check_finite
from mla_core.methods.schedule import Batch
from mla_core.records import StepRecord


class Telling:
    """What one sub-step's record will say.

    Parameters
    ----------
    batch : Batch
    position : Position
    train : Split
    learning_rate : float
    waits : bool
        Whether each number is read as it comes, so that one that is not finite ends the sub-step
        before anything has been updated; else all stay where they are until `read_all`.
    """

    def __init__(
        self, batch: Batch, position: Position, train: Split, learning_rate: float, *, waits: bool
    ) -> None:
        self._batch, self._position, self._train = batch, position, train
        self._rate = learning_rate
        self._waits = waits
        self.there: dict[str, Tensor] = {}  # flat, float64, not read yet
        self.known: dict[str, list[float]] = {}
        self.forgetting: dict[str, float] = {}  # unless "grown" tells of it
        self.instruments: dict[str, float] = {}

    def check(self, what: str, number: Tensor) -> None:
        """Note a number that must be finite."""
        self._note(what, number)
        if self._waits:
            self._check(what)

    def compare(self, gradient: Tensor, followed: Tensor) -> None:
        """Note how far what the head followed (C, s) is from its gradient."""
        if followed is gradient:
            self._note("norm", gradient.norm())
        else:
            both = torch.stack([gradient.flatten(), followed.flatten()]).double()  # (2, C s)
            self._note("products", both @ both.T)

    def note(self, what: str, number: Tensor | float) -> None:
        """Note a number, or one for each modality, whatever it is."""
        if isinstance(number, Tensor):
            self._note(what, number)
        else:
            self.known[what] = [number]

    def record(self, modalities: Sequence[str]) -> StepRecord:
        """Return the record, once all is read; the modalities are those of whom ``"grown"`` tells.

        Raises
        ------
        TrainingDivergedError
            When a number that must be finite is not.
        """
        known, active = self.known, str(self._batch.modality)
        for what in ("loss", "objective", "head's gradient"):
            self._check(what)
        grown = known.get("grown")
        norm, projected_norm, angle = self._compared()
        return StepRecord(
            step=self._position.step,
            epoch=self._position.epoch,
            modality=active,
            samples=len(self._batch.indices),
            loss=known["loss"][0],
            learning_rate=self._rate,
            gradient_norm=norm,
            projected_norm=projected_norm,
            angle=angle,
            plasticity=known["plasticity"][0],
            forgetting=named(modalities, active, grown) if grown else self.forgetting,
            instruments=self.instruments,
        )

    def _note(self, what: str, x: Tensor) -> None:
        x = x.detach().flatten()
        if self._waits:
            self.known[what] = x.tolist()
        else:
            self.there[what] = x.double()

    def _check(self, what: str) -> None:
        for number in self.known.get(what, ()):
            check_finite(what, number, self._batch, self._position, self._train)

    def _compared(self) -> tuple[float, float, float]:
        """Return the two Frobenius norms and the angle between the matrices in degrees."""
        if "norm" in self.known:
            norm = self.known["norm"][0]
            return norm, norm, 0.0
        squared, product, _, followed_squared = self.known["products"]
        norm, followed_norm = math.sqrt(squared), math.sqrt(followed_squared)
        cosine = product / max(norm * followed_norm, 1e-300)
        return norm, followed_norm, math.degrees(math.acos(min(1.0, max(-1.0, cosine))))


def read_all(tellings: Sequence[Telling]) -> None:
    """Read what several sub-steps have left on a device, all at once."""
    left = [(one.known, what, x) for one in tellings for what, x in one.there.items()]
    if not left:
        return
    numbers = iter(torch.cat([x for *_, x in left]).tolist())
    for known, what, x in left:
        known[what] = [next(numbers) for _ in range(len(x))]


def records_of(tellings: Sequence[Telling], modalities: Sequence[str]) -> list[StepRecord]:
    """Return the records of sub-steps that followed one another, up to one that diverged.

    Raises
    ------
    TrainingDivergedError
        When that is the first of them.
    """
    read_all(tellings)
    records: list[StepRecord] = []
    for one in tellings:
        try:
            records.append(one.record(modalities))
        except TrainingDivergedError:
            if not records:
                raise
            break
    return records
