"""A column of samples that stays on disk: rows become tensors when they are asked for."""

from __future__ import annotations

import hashlib
import mmap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mla_core.errors import DataError

PIECE = 2**23  # numbers that are read at once: 55 pictures of 224 x 224
HELD = 256 * 2**20  # bytes of the file that may stay in this process's memory
DIGEST = 16  # bytes


@dataclass(eq=False)
class ArrayOnDisk:
    """An array file (.npy) mapped into memory, which gives its pages back now and then.

    Attributes
    ----------
    array : ndarray
        (K, ...), read-only.
    mapping : mmap, optional
        Of the file.
    digests : ndarray, optional
        (K, DIGEST) uint8, see `row_digest`: each row is compared with its own when it is first read.
    name : str
        Of the file, for messages.
    bytes_read : int
        How much has been copied out of it so far.
    """

    array: np.ndarray
    mapping: mmap.mmap | None = None
    digests: np.ndarray | None = None
    name: str = ""
    bytes_read: int = 0
    _since: int = 0

    def __post_init__(self) -> None:
        self._unseen = np.full(len(self.array), self.digests is not None)

    @classmethod
    def open(cls, path: Path, digests: np.ndarray | None = None) -> ArrayOnDisk:
        """Map an array file; nothing of it is read yet.

        Raises
        ------
        DataError
            When the file is not a plain array file, or shorter than it says.
        """
        try:
            with path.open("rb") as file:
                version = np.lib.format.read_magic(file)
                read = np.lib.format.read_array_header_1_0
                shape, _, dtype = read(file) if version == (1, 0) else (None, None, None)
                start = file.tell()
                mapping = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            if shape is None or dtype is None or dtype.hasobject:
                msg = f"it is of version {version} or holds Python objects"
                raise ValueError(msg)  # noqa: TRY301 - one message for everything that can be wrong
            count = int(np.prod(shape))
            array = np.frombuffer(mapping, dtype, count=count, offset=start).reshape(shape)
        except Exception as error:  # NumPy raises anything when the head of a file is damaged
            msg = f"{str(path)!r} is no array file of the cache ({error}): remove its folder"
            raise DataError(msg) from error
        return cls(array, mapping, digests, str(path))

    def rows(self, indices: np.ndarray) -> np.ndarray:
        """Return copies of the rows at `indices` (n,).

        Raises
        ------
        DataError
            When a row is not what was written there.
        """
        found = np.asarray(self.array[indices])
        self._compare(indices, found)
        self.bytes_read += found.nbytes
        self._since += found.nbytes
        if self._since > HELD:
            self._since = 0
            if self.mapping is not None and hasattr(mmap, "MADV_DONTNEED"):
                self.mapping.madvise(mmap.MADV_DONTNEED)  # the system still has them in its cache
        return found

    def _compare(self, indices: np.ndarray, found: np.ndarray) -> None:
        if self.digests is None:
            return
        for i in np.flatnonzero(self._unseen[indices]):
            row = indices[i]
            if not np.array_equal(row_digest(found[i].tobytes()), self.digests[row]):
                msg = (
                    f"row {row} of the prepared data in {self.name!r} is not what was written "
                    "there: remove its folder, and it is prepared anew"
                )
                raise DataError(msg)
            self._unseen[row] = False


def row_digest(raw: bytes) -> np.ndarray:
    """Return a short name (DIGEST,) uint8 of what a row holds."""
    return np.frombuffer(hashlib.blake2b(raw, digest_size=DIGEST).digest(), np.uint8)


class StoredColumn:
    """One modality of N samples, used like a tensor (N, ...) that is read piece by piece.

    Parameters
    ----------
    source : ArrayOnDisk
        (K, ...) numbers: uint8 in 0..255 stands for float32 in 0..1, floats are float32, and
        other whole numbers are codes, int64.
    rows : Tensor
        (N,) int64: the row of `source` of every sample; -1 stands for zeros, an absent part.
    digests : ndarray
        (K, D) uint8: what each row of `source` contains, in short (see `digest`).

    Examples
    --------
    >>> source = ArrayOnDisk(np.array([[0, 255], [51, 102]], dtype=np.uint8))
    >>> column = StoredColumn(source, torch.tensor([1, -1, 0]), np.zeros((2, 1), np.uint8))
    >>> column.shape, column[0].tolist()
    (torch.Size([3, 2]), [0.20000000298023224, 0.4000000059604645])
    >>> [part.tolist() for part in column[1:].split(1)]
    [[[0.0, 0.0]], [[0.0, 1.0]]]
    """

    def __init__(self, source: ArrayOnDisk, rows: Tensor, digests: np.ndarray) -> None:
        self.source = source
        self.row_numbers = rows
        self._digests = digests
        coded = source.array.dtype.kind in "iu" and source.array.dtype != np.uint8
        self.dtype = torch.int64 if coded else torch.float32
        self.shape = torch.Size((len(rows), *source.array.shape[1:]))
        self.device = torch.device("cpu")

    @property
    def ndim(self) -> int:
        """How many axes it has, the samples' included."""
        return len(self.shape)

    def __len__(self) -> int:
        return len(self.row_numbers)

    def __iter__(self) -> Iterator[Tensor]:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, index: Any) -> Tensor:
        """Read samples: one, a slice, or those at the indices of a tensor."""
        if isinstance(index, tuple):
            first, *rest = index
            alone = isinstance(first, int)
            return self[first][tuple(rest) if alone else (slice(None), *rest)]
        rows = self.row_numbers[index]
        if rows.ndim == 0:
            return self._read(rows[None])[0]
        return self._read(rows)

    def split(self, size: int) -> Iterator[Tensor]:
        """Yield the samples in pieces of `size`, or smaller ones where samples are large.

        A network that reads a piece needs many times its memory.
        """
        size = max(1, min(size, PIECE // max(1, self.shape[1:].numel())))
        return (self[start : start + size] for start in range(0, len(self), size))

    def take(self, indices: Tensor) -> StoredColumn:
        """Return the samples at `indices`, in that order, without reading them."""
        return self._like(self.row_numbers[indices])

    def blank(self, present: Tensor) -> StoredColumn:
        """Return the same samples, zeros wherever `present` (N,) is false, without reading them."""
        return self._like(torch.where(present, self.row_numbers, -1))

    def digest(self) -> bytes:
        """Return a short name of everything that `self[:]` would read, without reading it."""
        rows = self.row_numbers.numpy()
        known = self._digests[np.maximum(rows, 0)] * (rows >= 0)[:, None].astype(np.uint8)
        return hashlib.sha256(np.ascontiguousarray(known).tobytes()).digest()

    def _like(self, rows: Tensor) -> StoredColumn:
        return StoredColumn(self.source, rows, self._digests)

    def raw(self, indices: Tensor) -> Tensor:
        """Return the samples at `indices` (B,) in the numbers of the file; see `decoded`."""
        return self._raw(self.row_numbers[indices])

    def _read(self, rows: Tensor) -> Tensor:
        return decoded(self._raw(rows), self.dtype)

    def _raw(self, rows: Tensor) -> Tensor:
        here = rows >= 0
        whole = bool(here.all())
        raw = torch.from_numpy(self.source.rows((rows if whole else rows[here]).numpy()))
        if whole:
            return raw
        out = torch.zeros((len(rows), *self.shape[1:]), dtype=raw.dtype)
        out[here] = raw
        return out

    def __repr__(self) -> str:
        return f"StoredColumn(shape={tuple(self.shape)}, dtype={self.dtype})"


def decoded(raw: Tensor, dtype: torch.dtype) -> Tensor:
    """Return numbers of a file as a network reads them, with the same bits on every device.

    Examples
    --------
    >>> decoded(torch.tensor([0, 255], dtype=torch.uint8), torch.float32).tolist()
    [0.0, 1.0]
    """
    x = raw.to(dtype)
    if raw.dtype != torch.uint8:
        return x
    # CUDA multiplies by the reciprocal of a plain number, which rounds otherwise.
    most = 255 if x.device.type == "cpu" else torch.full((), 255.0, device=x.device)
    return x.div_(most)


Column = Tensor | StoredColumn  # what a split holds for a modality


def take(column: Column, indices: Tensor) -> Column:
    """Return the samples at `indices`; of a stored column, without reading them."""
    return column[indices] if isinstance(column, Tensor) else column.take(indices)


def blank(column: Column, present: Tensor) -> Column:
    """Return the column with zeros wherever `present` (N,) is false.

    Examples
    --------
    >>> blank(torch.ones(2, 2), torch.tensor([True, False])).tolist()
    [[1.0, 1.0], [0.0, 0.0]]
    """
    if not isinstance(column, Tensor):
        return column.blank(present)
    column = column.clone()
    column[~present] = 0
    return column


def digest(column: Column) -> bytes:
    """Return bytes that tell this column's samples from any others."""
    if not isinstance(column, Tensor):
        return column.digest()
    return column.contiguous().numpy().tobytes()
