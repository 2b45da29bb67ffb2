"""Samples of M modalities, a label, a stable id, and which parts are present."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from mla_core.data.media import Media, media_from_tensor
from mla_core.errors import DataError

KINDS = ("image", "video", "spectrogram", "characters", "tokens", "sequence", "vector")
CODED = frozenset({"characters", "tokens"})  # whole numbers that stand for something
SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class Modality:
    """What one modality looks like.

    Attributes
    ----------
    name : str
        An identifier, such as ``"image"``.
    kind : {"image", "video", "spectrogram", "characters", "tokens", "sequence", "vector"}
        Decides which encoder reads it.
    shape : tuple of int
        Of one sample: image (C, H, W), video (frames, C, H, W), spectrogram (1, mels, frames),
        characters (L,), tokens (L,), sequence (channels, steps), vector (D,).
    vocabulary : str
        Characters only: index ``i + 1`` stands for ``vocabulary[i]``, 0 is padding.
    vocabulary_size : int
        Tokens only: index ``i + 1`` stands for the tokenizer's id ``i < vocabulary_size``, 0 is
        padding.
    noise, noise_unit, noise_range
        The level of noise in use, what the number means, and its sensible range.
    note : str
        Anything a person must know to judge the samples, for example that speech is synthetic.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    vocabulary: str = ""
    noise: float = 0.0
    noise_unit: str = ""
    noise_range: tuple[float, float] = (0.0, 1.0)
    note: str = ""
    vocabulary_size: int = 0

    @property
    def codes(self) -> int:
        """How many characters or tokens there are, padding left out."""
        return self.vocabulary_size if self.kind == "tokens" else len(self.vocabulary)

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", self.name):
            msg = f"modality name {self.name!r} must be letters, digits and _, letter first"
            raise DataError(msg)
        if hasattr(torch.nn.ModuleDict(), self.name):
            msg = f"modality name {self.name!r} is reserved by torch: choose another"
            raise DataError(msg)
        if self.kind not in KINDS:
            msg = f"modality {self.name!r} has unknown kind {self.kind!r}: choose one of {KINDS}"
            raise DataError(msg)
        if not self.shape or any(size < 1 for size in self.shape):
            msg = f"modality {self.name!r} has shape {self.shape}: every size must be at least 1"
            raise DataError(msg)


@dataclass(frozen=True, eq=False)
class Split:
    """One side of a data set. Absent parts are zeros in `inputs` and False in `present`.

    Attributes
    ----------
    name : str
        ``"train"``, ``"val"`` or ``"test"``.
    inputs : dict of str to Tensor
        Per modality, (N, ...).
    present : Tensor
        (M, N) bool, rows in the order of `inputs`.
    labels : Tensor
        (N,) int64.
    ids : tuple of str
        (N,), unique over the whole data set.
    """

    name: str
    inputs: Mapping[str, Tensor]
    present: Tensor
    labels: Tensor
    ids: tuple[str, ...]

    @classmethod
    def complete(
        cls, name: str, inputs: Mapping[str, Tensor], labels: Tensor, ids: Sequence[str] = ()
    ) -> Split:
        """Make a split whose samples have every part; `inputs` (N, ...) share N with `labels`."""
        n = len(labels)
        present = torch.ones(len(inputs), n, dtype=torch.bool)
        return cls(name, dict(inputs), present, labels, tuple(ids or iterate_ids(name, n)))

    @classmethod
    def unpaired(
        cls, name: str, inputs: Mapping[str, Tensor], labels: Mapping[str, Tensor]
    ) -> Split:
        """Make a split of samples with ONE part each: modality m brings its own N_m samples.

        Parameters
        ----------
        name : str
        inputs : mapping of str to Tensor
            Per modality (N_m, ...).
        labels : mapping of str to Tensor
            Per modality (N_m,).
        """
        sizes = {m: len(x) for m, x in inputs.items()}
        if faults := {m: len(labels[m]) for m, size in sizes.items() if len(labels[m]) != size}:
            msg = f"split {name!r}: {faults} labels do not fit {sizes} samples"
            raise DataError(msg)
        total = sum(sizes.values())
        present = torch.zeros(len(sizes), total, dtype=torch.bool)
        parts, ids, start = {}, list[str](), 0
        for row, (m, x) in enumerate(inputs.items()):
            parts[m] = x.new_zeros((total, *x.shape[1:]))
            parts[m][start : start + sizes[m]] = x
            present[row, start : start + sizes[m]] = True
            ids.extend(iterate_ids(f"{name}-{m}", sizes[m]))
            start += sizes[m]
        return cls(name, parts, present, torch.cat([labels[m] for m in sizes]), tuple(ids))

    def __len__(self) -> int:
        return len(self.ids)

    def samples_of(self, modality: str) -> Tensor:
        """Return the indices (N_m,) of the samples that have this modality."""
        row = list(self.inputs).index(modality)
        return self.present[row].nonzero().flatten()

    @property
    def paired(self) -> bool:
        """Whether some sample has more than one part (always true when M = 1)."""
        return len(self.inputs) == 1 or bool((self.present.sum(0) > 1).any())

    def subset(self, indices: Tensor) -> Split:
        """Return the samples at `indices` (K,), in that order."""
        return replace(
            self,
            inputs={name: x[indices] for name, x in self.inputs.items()},
            present=self.present[:, indices],
            labels=self.labels[indices],
            ids=tuple(self.ids[i] for i in indices.tolist()),
        )

    def probe(self, size: int) -> Split:
        """Return a fixed subset of at most `size` samples, classes in the split's own proportions.

        Sorting by class and walking in even strides needs no random numbers, so every session
        on the same data looks at the same samples.
        """
        if size >= len(self):
            return self
        by_class = torch.argsort(self.labels, stable=True)
        strides = ((torch.arange(size) + 0.5) * (len(self) / size)).long()
        return self.subset(by_class[strides].sort().values)


class MultimodalDataset:
    """Named modalities, classes and splits, checked once when made.

    Parameters
    ----------
    name : str
    modalities : sequence of Modality
    classes : sequence of str
    splits : mapping of str to Split
        Must hold ``"train"``, ``"val"`` and ``"test"``.
    media : callable, optional
        ``(split name, index) -> list of Media``: how a person perceives one sample. Without it
        images and sequences become PNG, characters become text, straight from the tensors.
    note : str
        What a person must know about the whole: origin, licence, synthetic parts.
    facts : callable, optional
        Returns known numbers about the data, such as Bayes accuracies; called at most once.

    Raises
    ------
    DataError
        Naming the modality and the sample, when something does not fit.
    """

    def __init__(
        self,
        name: str,
        modalities: Sequence[Modality],
        classes: Sequence[str],
        splits: Mapping[str, Split],
        media: Callable[[str, int], list[Media]] | None = None,
        note: str = "",
        facts: Callable[[], Mapping[str, Any]] = dict,
    ) -> None:
        self.name = name
        self.modalities = {modality.name: modality for modality in modalities}
        self.classes = tuple(classes)
        self.note = note
        self._splits = dict(splits)
        self._media = media
        self._facts = facts
        if not self.modalities or len(self.modalities) != len(modalities):
            msg = f"data set {name!r} needs at least one modality and no name twice"
            raise DataError(msg)
        if missing := [side for side in SPLITS if side not in self._splits]:
            msg = f"data set {name!r} lacks the split(s) {missing}"
            raise DataError(msg)
        for split in self._splits.values():
            _check_split(split, self.modalities, len(self.classes))
        self._splits = {side: _blank_absent(split) for side, split in self._splits.items()}
        self._where = {
            sample: (side, i)
            for side, split in self._splits.items()
            for i, sample in enumerate(split.ids)
        }
        if len(self._where) != sum(map(len, self._splits.values())):
            msg = f"data set {name!r} uses one sample id in two splits"
            raise DataError(msg)

    @cached_property
    def fingerprint(self) -> str:
        """Return the SHA-256 of every sample, label and name: equal for equal data alone."""
        digest = hashlib.sha256(repr((self.modalities, self.classes)).encode())
        for side, split in self._splits.items():
            digest.update(repr((side, split.ids)).encode())
            for x in (*split.inputs.values(), split.present, split.labels):
                digest.update(x.contiguous().numpy().tobytes())
        return digest.hexdigest()

    @cached_property
    def facts(self) -> Mapping[str, Any]:
        """Known numbers about the data, such as the Bayes accuracy of every modality subset."""
        return self._facts()

    def split(self, name: str) -> Split:
        """Return the split called `name`."""
        if name not in self._splits:
            msg = f"unknown split {name!r}: choose one of {list(self._splits)}"
            raise DataError(msg)
        return self._splits[name]

    def replaced(
        self, modalities: Sequence[Modality], splits: Mapping[str, Split]
    ) -> MultimodalDataset:
        """Return this data set with some of its modalities, and other splits of the same samples."""
        shown = self._media

        def media(side: str, index: int) -> list[Media]:
            split = splits[side]
            here = dict(zip(split.inputs, split.present[:, index].tolist(), strict=True))
            return [m for m in shown(side, index) if here.get(m.modality)] if shown else []

        return MultimodalDataset(
            self.name,
            modalities,
            self.classes,
            splits,
            media=media if shown else None,
            note=self.note,
            facts=lambda: self.facts,
        )

    def locate(self, sample: str) -> tuple[str, int]:
        """Return the split's name and the index in it of the sample with this id."""
        if sample not in self._where:
            msg = f"data set {self.name!r} has no sample with the id {sample!r}"
            raise DataError(msg)
        return self._where[sample]

    def media(self, sample: str) -> list[Media]:
        """Return one sample's parts as a person sees, hears and reads them (absent ones left out).

        Parameters
        ----------
        sample : str
            The sample's id.
        """
        side, index = self.locate(sample)
        if self._media is not None:
            return self._media(side, index)
        split = self._splits[side]
        return [
            media_from_tensor(
                modality.name, modality.kind, split.inputs[name][index], modality.vocabulary
            )
            for row, (name, modality) in enumerate(self.modalities.items())
            if split.present[row, index]
        ]

    def __repr__(self) -> str:
        sizes = ", ".join(f"{side} {len(split)}" for side, split in self._splits.items())
        return f"MultimodalDataset({self.name!r}: {', '.join(self.modalities)}; {sizes})"


def _check_split(split: Split, modalities: Mapping[str, Modality], n_classes: int) -> None:
    where = f"split {split.name!r}"
    n = len(split)
    if n == 0:
        msg = f"{where} is empty"
        raise DataError(msg)
    if list(split.inputs) != list(modalities):
        msg = f"{where} has the modalities {list(split.inputs)}, not {list(modalities)}"
        raise DataError(msg)
    if sizes := {m: len(x) for m, x in split.inputs.items() if len(x) != n}:
        msg = f"{where} has {n} ids, but {sizes} samples: paired modalities need the same number"
        raise DataError(msg)
    if split.present.shape != (len(modalities), n) or split.present.dtype != torch.bool:
        msg = f"{where}: `present` must be bool of shape {(len(modalities), n)}"
        raise DataError(msg)
    if len(set(split.ids)) != n:
        twice = next(i for i in split.ids if split.ids.count(i) > 1)
        msg = f"{where} uses the sample id {twice!r} twice"
        raise DataError(msg)
    _check_labels(split, n_classes)
    for row, (name, modality) in enumerate(modalities.items()):
        _check_inputs(split, modality, split.present[row], where=f"{where}, modality {name!r}")


def _blank_absent(split: Split) -> Split:
    """Put zeros where a part is absent, so that whatever stood there can do no harm."""
    if split.present.all():
        return split
    inputs = {}
    for row, (name, x) in enumerate(split.inputs.items()):
        inputs[name] = x.clone()
        inputs[name][~split.present[row]] = 0
    return replace(split, inputs=inputs)


def _check_labels(split: Split, n_classes: int) -> None:
    labels = split.labels
    if labels.shape != (len(split),) or labels.dtype != torch.int64:
        msg = f"split {split.name!r}: labels must be int64 of shape ({len(split)},)"
        raise DataError(msg)
    for i in ((labels < 0) | (labels >= n_classes)).nonzero().flatten()[:1].tolist():
        msg = (
            f"split {split.name!r}, sample {split.ids[i]!r}: label {int(labels[i])} is outside "
            f"the {n_classes} classes 0..{n_classes - 1}"
        )
        raise DataError(msg)


def _check_inputs(split: Split, modality: Modality, present: Tensor, where: str) -> None:
    x = split.inputs[modality.name]
    if tuple(x.shape[1:]) != modality.shape:
        msg = f"{where}: samples have shape {tuple(x.shape[1:])}, not {modality.shape}"
        raise DataError(msg)
    expected = torch.int64 if modality.kind in CODED else torch.float32
    if x.dtype != expected:
        msg = f"{where}: samples are {x.dtype}, but {modality.kind} must be {expected}"
        raise DataError(msg)
    if modality.kind in CODED:
        top = modality.codes
        bad = ((x < 0) | (x > top)).flatten(1).any(1) & present
        fault = f"a code outside 0..{top}"
    else:
        bad = ~torch.isfinite(x).flatten(1).all(1) & present
        fault = "NaN or infinity"
    for i in bad.nonzero().flatten()[:1].tolist():
        msg = f"{where}, sample {split.ids[i]!r}: contains {fault}"
        raise DataError(msg)


def iterate_ids(prefix: str, n: int) -> Iterator[str]:
    """Yield the ids ``prefix-0000``, ``prefix-0001``, ... of `n` generated samples.

    Examples
    --------
    >>> list(iterate_ids("val", 2))
    ['val-0000', 'val-0001']
    """
    return (f"{prefix}-{i:04d}" for i in range(n))
