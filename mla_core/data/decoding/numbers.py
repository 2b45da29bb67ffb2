"""Vectors and time series: from .npy files, CSV files or a Parquet column."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from mla_core.data.decoding.base import Decoder, Looked
from mla_core.data.samples import LARGEST, Modality, Source, as_utf8
from mla_core.errors import DataError

SUFFIXES = (".npy",)
SERIES_SUFFIXES = (".csv", ".tsv")


class VectorDecoder(Decoder):
    """(D,) float32."""

    kind = "vector"
    dtype = np.float32
    uses: ClassVar[tuple[str, ...]] = ()
    axes: ClassVar[int] = 1

    def look(self, source: Source) -> Looked:
        """Read it, since numbers are small."""
        return Looked(tuple(map(float, read_numbers(source, self.axes).shape)))

    def modality(self, name: str, looked: Sequence[Looked]) -> Modality:
        """Return the size that most vectors have."""
        ((size, _),) = Counter(one.size for one in looked).most_common(1)
        return Modality(name, self.kind, tuple(map(int, size)))

    def decode(self, source: Source, modality: Modality) -> NDArray[Any]:
        """Read it."""
        x = read_numbers(source, self.axes)
        if x.shape != modality.shape:
            msg = f"has {x.size} numbers, others have {modality.shape[0]}: make them alike"
            raise DataError(msg)
        return x


class SeriesDecoder(VectorDecoder):
    """(channels, steps) float32: from (steps, channels), filled up with zeros at the end."""

    kind = "sequence"
    uses: ClassVar[tuple[str, ...]] = ("steps",)
    axes = 2

    def modality(self, name: str, looked: Sequence[Looked]) -> Modality:
        """Return as many steps as the longest series has, within bounds."""
        ((channels, _),) = Counter(one.size[1] for one in looked).most_common(1)
        steps = min(max(int(one.size[0]) for one in looked), self.preparation.steps)
        return Modality(name, self.kind, (int(channels), steps))

    def decode(self, source: Source, modality: Modality) -> NDArray[Any]:
        """Read it, turn it, and fill it up or cut it."""
        channels, steps = modality.shape
        x = read_numbers(source, self.axes)[:steps]
        if x.shape[1] != channels:
            msg = f"has {x.shape[1]} channels, others have {channels}: make them alike"
            raise DataError(msg)
        filled = np.zeros((channels, steps), np.float32)
        filled[:, : len(x)] = x.T
        return filled

    def cut(self, modality: Modality, looked: Looked) -> str:
        """Tell a series that is longer than what is taken of it."""
        steps = modality.shape[1]
        return f"longer than {steps} steps" if looked.size[0] > steps else ""


def read_numbers(source: Source, axes: int) -> NDArray[np.float32]:
    """Return an array with so many axes; a series of one channel may be written with one axis.

    Raises
    ------
    DataError
        When it is not that, or holds NaN, infinity, or numbers beyond `LARGEST`.
    """
    content = source.read()
    x = _load(content) if isinstance(content, Path) else np.asarray(content)
    if x.dtype.kind not in "fiub":
        msg = f"holds {x.dtype}, not plain numbers: save it as float32"
        raise DataError(msg)
    if axes == 2 and x.ndim == 1:
        x = x[:, None]
    if x.ndim != axes or not x.size:
        shape = "(D,)" if axes == 1 else "(steps, channels)"
        msg = f"has the shape {x.shape}, not {shape}: save it so"
        raise DataError(msg)
    if not float(np.abs(x).max()) <= LARGEST:  # NaN is not
        msg = f"holds NaN or infinity, or numbers beyond {LARGEST:g}: mend it, or leave the cell empty"
        raise DataError(msg)
    return x.astype(np.float32)


def _load(path: Path) -> NDArray[Any]:
    """Read .npy without running anything that might hide in it, or a table with a header line."""
    try:
        if path.suffix.lower() in SERIES_SUFFIXES:
            return _load_table(path)
        # Mapped, since the head of a short file may tell of more than there is memory.
        return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
    except DataError:
        raise
    except (ValueError, OSError, EOFError) as error:
        msg = f"is no array of plain numbers ({error}): save it with numpy.save"
        raise DataError(msg) from error


def _load_table(path: Path) -> NDArray[Any]:
    comma = "\t" if path.suffix.lower() == ".tsv" else ","
    text = as_utf8(path.read_bytes())
    lines = io.StringIO(text, newline=None)  # whatever its lines end with
    header = int(not all(map(_is_number, lines.readline().split(comma))))
    lines.seek(0)
    return np.loadtxt(lines, delimiter=comma, skiprows=header, ndmin=2)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
