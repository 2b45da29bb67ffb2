"""What one modality looks like, and one side of a data set."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from mla_core.data.samples.stored import Column, blank, take
from mla_core.errors import DataError

KINDS = ("image", "video", "spectrogram", "characters", "tokens", "sequence", "vector")
CODED = frozenset({"characters", "tokens"})  # whole numbers that stand for something
SPLITS = ("train", "val", "test")


def check_name(modality: str) -> None:
    """Raise `DataError` unless a modality may be called so: its name becomes one of a layer.

    Examples
    --------
    >>> check_name("my picture")
    Traceback (most recent call last):
    mla_core.errors.DataError: modality name 'my picture' must be letters, digits and _, letter first
    """
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", modality):
        msg = f"modality name {modality!r} must be letters, digits and _, letter first"
        raise DataError(msg)
    if hasattr(torch.nn.ModuleDict(), modality):
        msg = f"modality name {modality!r} is reserved by torch: choose another"
        raise DataError(msg)


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
        check_name(self.name)
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
    inputs : dict of str to Tensor or StoredColumn
        Per modality, (N, ...): in memory, or on disk and read piece by piece.
    present : Tensor
        (M, N) bool, rows in the order of `inputs`.
    labels : Tensor
        (N,) int64.
    ids : tuple of str
        (N,), unique over the whole data set.
    """

    name: str
    inputs: Mapping[str, Column]
    present: Tensor
    labels: Tensor
    ids: tuple[str, ...]

    @classmethod
    def complete(
        cls, name: str, inputs: Mapping[str, Column], labels: Tensor, ids: Sequence[str] = ()
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
            inputs={name: take(x, indices) for name, x in self.inputs.items()},
            present=self.present[:, indices],
            labels=self.labels[indices],
            ids=tuple(self.ids[i] for i in indices.tolist()),
        )

    def keep(self, present: Tensor) -> Split:
        """Return the split with these parts (M, N) and no others; absent ones become zeros."""
        rows = zip(self.inputs.items(), self.present, present, strict=True)
        inputs = {
            name: x if here.equal(before) else blank(x, here) for (name, x), before, here in rows
        }
        return replace(self, present=present, inputs=inputs)

    def blanked(self) -> Split:
        """Return the split with zeros at absent parts, where whatever stood there did no harm."""
        rows = zip(self.inputs.items(), self.present, strict=True)
        inputs = {name: x if here.all() else blank(x, here) for (name, x), here in rows}
        return replace(self, inputs=inputs)

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


def iterate_ids(prefix: str, n: int) -> Iterator[str]:
    """Yield the ids ``prefix-0000``, ``prefix-0001``, ... of `n` generated samples.

    Examples
    --------
    >>> list(iterate_ids("val", 2))
    ['val-0000', 'val-0001']
    """
    return (f"{prefix}-{i:04d}" for i in range(n))
