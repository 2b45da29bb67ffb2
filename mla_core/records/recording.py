"""A session's past: what it looked like at evenly spread moments, and the way back to each."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from mla_core.containers import read_safetensors, write_safetensors
from mla_core.errors import DataError
from mla_core.records.history import Evaluation
from mla_core.records.snapshot import Snapshot
from mla_core.records.thinning import EvenList

MOST_MOMENTS = 100
FEWEST_MOMENTS = 8  # however large the network is
BUDGET = 256 * 2**20  # bytes of tensors

_TENSORS = ("labels", "present", "features", "logits", "weights", "fused")


@dataclass(frozen=True, eq=False)
class Moment:
    """One look at the probe set, and the session as it was then.

    Attributes
    ----------
    evaluation : Evaluation
    snapshot : Snapshot or None
        None where only the look was kept, in a run that was cut off and went on.
    """

    evaluation: Evaluation
    snapshot: Snapshot | None

    @property
    def step(self) -> int:
        """Sub-steps finished at that moment."""
        return self.evaluation.step

    @property
    def nbytes(self) -> int:
        """What keeping it may take: the tensors of the look, of the snapshot, and of its `best`."""
        tensors: list[Tensor] = [getattr(self.evaluation, key) for key in _TENSORS]
        others = 0
        if self.snapshot is not None:
            tensors += self.snapshot.tensors.values()
            # The best look so far, as large as this one, may be kept on its account alone.
            others = int(self.snapshot.config.stopping != "last")
        storages = [tensor.untyped_storage() for tensor in tensors]
        each = {storage.data_ptr(): storage.nbytes() for storage in storages}
        return sum(each.values()) * (1 + others)


class Recording:
    """The moments of a session, bounded in number and in memory, thinned evenly.

    It may be read from any thread: its list never changes, but is replaced by another one.

    Parameters
    ----------
    budget : int
        Bytes of tensors that all moments together may take; up to `FEWEST_MOMENTS` are kept
        however large they are.

    Examples
    --------
    >>> from mla_core import ExperimentConfig, TrainingSession
    >>> session = TrainingSession(ExperimentConfig(dataset="gaussian", evaluate_every=10))
    >>> _ = session.advance(steps=25)
    >>> session.recording.steps
    [0, 10, 20]
    >>> session.recording.at(13).step
    10
    """

    def __init__(self, budget: int = BUDGET) -> None:
        self._budget = budget
        self._moments: EvenList[Moment] = EvenList(MOST_MOMENTS)

    def __len__(self) -> int:
        return len(self._moments)

    @property
    def moments(self) -> list[Moment]:
        """The moments in order, in a list of one's own."""
        return list(self._moments)

    @property
    def steps(self) -> list[int]:
        """Sub-steps finished at each moment."""
        return [moment.step for moment in self._moments]

    @property
    def evaluations(self) -> list[Evaluation]:
        """What was seen at each moment."""
        return [moment.evaluation for moment in self._moments]

    def add(self, moment: Moment, index: int) -> None:
        """Keep look number `index` of the session, for as long as it is due."""
        # Moments grow (an optimiser begins to remember) and never shrink: so long as each could be
        # as large as the newest, all are within the budget.
        room = self._budget // max(1, moment.nbytes)
        moments = self._moments.twin()
        moments.most = min(moments.most, max(FEWEST_MOMENTS, room))
        moments.put(index, moment)
        self._moments = moments

    def at(self, step: int) -> Moment:
        """Return the last moment at or before this sub-step, or else the first one."""
        moments = self._moments
        before = [moment for moment in moments if moment.step <= step]
        return before[-1] if before else moments[0]

    def until(self, step: int) -> Recording:
        """Return a recording that ends at this sub-step and grows on its own."""
        other, moments = Recording(self._budget), self._moments
        other._moments = moments.twin(m for m in moments if m.step <= step)
        return other

    # -------------------------------------------------------- on disk, beside a checkpoint

    def save(self, folder: Path) -> None:
        """Write the looks that are not there yet, one file each, and remove those thinned away."""
        folder.mkdir(parents=True, exist_ok=True)
        due, moments = {}, self._moments
        for index, moment in zip(moments.indices, moments, strict=True):
            due[name_of_look(index)] = moment.evaluation
        for path in folder.iterdir():
            if path.name not in due:
                path.unlink()
        for name, look in due.items():
            _write_look(look, folder / name)

    def save_newest(self, folder: Path) -> None:
        """Write the newest look alone, for those who follow the run; `save` finds it there."""
        folder.mkdir(parents=True, exist_ok=True)
        moments = self._moments
        for index, moment in zip(moments.indices[-1:], moments[-1:], strict=True):
            _write_look(moment.evaluation, folder / name_of_look(index))

    def load(self, folder: Path, until: int) -> None:
        """Take back the looks that `save` wrote, up to this sub-step.

        Raises
        ------
        DataError
            When one of them is not what was written.
        """
        if not folder.is_dir():
            return
        moments = self._moments.twin([])
        for path in sorted(folder.glob("[0-9]*.safetensors")):
            moment = Moment(read_look(path, f"remove {str(folder.parent)!r} to train anew"), None)
            if moment.step <= until:
                moments.put(int(path.stem), moment)
        self._moments = moments


def name_of_look(index: int) -> str:
    """Return the file of a session's look number `index`."""
    return f"{index:09d}.safetensors"


def read_look(path: Path, cure: str) -> Evaluation:
    """Read one of the looks that `Recording.save` wrote.

    Raises
    ------
    DataError
        When it is not there, or not what was written.
    """
    tensors, texts = read_safetensors(path, cure)
    told = texts.get("look", "")
    if set(tensors) != set(_TENSORS) or texts.get("sha256") != _digest(tensors, told):
        msg = f"{str(path)!r} is not what was written there: {cure}"
        raise DataError(msg)
    facts: dict[str, Any] = json.loads(told) | tensors
    facts |= {"modalities": tuple(facts["modalities"]), "ids": tuple(facts["ids"])}
    return Evaluation(**facts)


def _write_look(look: Evaluation, path: Path) -> None:
    if path.exists():
        return
    facts = {
        "split": look.split,
        "step": look.step,
        "epoch": look.epoch,
        "modalities": look.modalities,
        "ids": look.ids,
    }
    tensors = {key: getattr(look, key).contiguous() for key in _TENSORS}
    told = json.dumps(facts)
    write_safetensors(path, tensors, {"look": told, "sha256": _digest(tensors, told)})


def _digest(tensors: Mapping[str, Tensor], told: str) -> str:
    """Return a checksum of a look: each look is a file of its own, and some go while others come."""
    found = hashlib.sha256(told.encode())
    for name in sorted(tensors):
        array = tensors[name].numpy()
        found.update(f"{name} {array.dtype} {array.shape}".encode())
        found.update(array.tobytes())
    return found.hexdigest()
