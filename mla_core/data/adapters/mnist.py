"""MNIST (LeCun) as people have it: one array file, or four files in its own format."""

from __future__ import annotations

import contextlib
import gzip
import math
import struct
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mla_core.containers import read_npz
from mla_core.data.samples import check_file, files_below
from mla_core.errors import DataError

SIDES = {"train": ("train", "training"), "test": ("test", "t10k", "testing")}
KEYS = {  # as Keras, Kaggle and others name the arrays of mnist.npz
    "images": ("x_{}", "{}_images", "{}_x", "images_{}", "{}_data", "data_{}"),
    "labels": ("y_{}", "{}_labels", "{}_y", "labels_{}", "{}_targets", "targets_{}"),
}
FILES = {"train": ("train-images", "train-labels"), "test": ("t10k-images", "t10k-labels")}
LARGEST = 2**30  # bytes of one array
AGAIN = "copy it again"


class Mnist(NamedTuple):
    """One side: pictures (N, height, width) in 0..255, and their digits (N,)."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]


def read_mnist(folder: Path) -> dict[str, Mnist]:
    """Return MNIST's train and test from anywhere below a folder.

    Parameters
    ----------
    folder : Path
        With ``mnist*.npz``, or ``train-images-idx3-ubyte`` (or ``.idx3-ubyte``) and so on, perhaps
        in ``.gz``.

    Raises
    ------
    DataError
        When it is not there, cut off, or holds something else.
    """
    files = [path for path in files_below(folder) if not path.is_dir()]
    for path in files:
        if path.name.startswith("mnist") and path.suffix == ".npz":
            return _from_npz(path)
    return {side: _from_idx(folder, files, *names) for side, names in FILES.items()}


def _from_npz(path: Path) -> dict[str, Mnist]:
    with _told(path):
        arrays = read_npz(path, AGAIN)
    names = {name.lower(): name for name in arrays}

    def one(side: str, kind: str) -> NDArray[Any]:
        keys = [key.format(word) for key in KEYS[kind] for word in SIDES[side]]
        for key in keys:
            if key in names:
                return arrays[names[key]]
        msg = f"{str(path)!r} holds {sorted(arrays)}, but no {kind} of {side}: name them {keys[0]}"
        raise DataError(msg)

    where = f"{str(path)!r}"
    return {side: _checked(one(side, "images"), one(side, "labels"), where) for side in SIDES}


def _from_idx(folder: Path, files: Sequence[Path], *names: str) -> Mnist:
    images, labels = (_idx(_found(folder, files, name)) for name in names)
    return _checked(images, labels, f"{names[0]} and {names[1]} in {str(folder)!r}")


def _found(folder: Path, files: Sequence[Path], name: str) -> Path:
    for path in files:
        if path.name.startswith(name) and "ubyte" in path.name:
            return path
    msg = (
        f"data set 'fsdd_mnist': there is no mnist.npz and no {name}-idx*-ubyte in "
        f"{str(folder)!r}: put one there"
    )
    raise DataError(msg)


def _idx(path: Path) -> NDArray[np.uint8]:
    """Read MNIST's own format: zero, zero, type 8, number of axes, sizes, bytes."""
    with _told(path):
        with path.open("rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
        with gzip.open(path) if packed else path.open("rb") as file:
            head = file.read(4)
            sizes = file.read(4 * head[3]) if len(head) == 4 else b""
            if head[:3] != b"\0\0\x08" or len(sizes) < 4 * head[3]:
                msg = f"{str(path)!r} is no idx file: {AGAIN}"
                raise DataError(msg)
            shape = struct.unpack(f">{head[3]}I", sizes)
            count = math.prod(shape)
            body = file.read(min(count, LARGEST) + 1)
    if len(body) != count:
        msg = f"{str(path)!r} says {count} bytes follow, but it has {len(body)}: {AGAIN}"
        raise DataError(msg)
    return np.frombuffer(body, np.uint8).reshape(shape)


@contextlib.contextmanager
def _told(path: Path) -> Iterator[None]:
    """Give every fault of a file its name."""
    try:
        check_file(path)
    except DataError as error:
        msg = f"{str(path)!r} {error}"
        raise DataError(msg) from error
    try:
        yield
    except (OSError, EOFError, zlib.error) as error:
        msg = f"{str(path)!r} is cut off or damaged ({error}): {AGAIN}"
        raise DataError(msg) from error


def _checked(images: NDArray[Any], labels: NDArray[Any], where: str) -> Mnist:
    digits, pictures = _digits(labels, where), _pictures(images, where)
    if len(pictures) != len(digits):
        msg = f"{where}: {len(pictures)} pictures, but {len(digits)} labels: {AGAIN}"
        raise DataError(msg)
    return Mnist(pictures, digits)


def _digits(labels: NDArray[Any], where: str) -> NDArray[np.int64]:
    """Return (N,) digits, from numbers or from rows with a single 1."""
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    elif labels.ndim == 2 and labels.shape[1] == 10 and ((labels == 1).sum(1) == 1).all():
        labels = labels.argmax(1) if (labels.astype(bool).sum(1) == 1).all() else labels
    if labels.dtype.kind not in "iuf" or labels.ndim != 1 or not np.isin(labels, range(10)).all():
        msg = f"{where}: labels must be the digits 0 to 9, one a row, not {_told_as(labels)}"
        raise DataError(msg)
    return labels.astype(np.int64)


def _pictures(images: NDArray[Any], where: str) -> NDArray[np.uint8]:
    """Return (N, height, width) in 0..255: rows of pixels are made squares, 0..1 is stretched."""
    if images.ndim == 4 and 1 in {images.shape[1], images.shape[3]}:
        images = images.squeeze(1 if images.shape[1] == 1 else 3)
    if images.ndim == 2 and (side := math.isqrt(images.shape[1])) ** 2 == images.shape[1]:
        images = images.reshape(len(images), side, side)
    if images.ndim != 3 or images.dtype.kind not in "iufb" or not images.size:
        msg = f"{where}: pictures must be (N, 28, 28), not {_told_as(images)}: save them so"
        raise DataError(msg)
    low, high = images.min(), images.max()
    if not 0 <= low <= high <= 255:  # also of NaN
        msg = f"{where}: pixels lie in {low}..{high}: save them as 0 to 255, or 0 to 1"
        raise DataError(msg)
    scale = 255.0 if high <= 1 else 1.0
    if scale == 1 and images.dtype.kind == "f" and (images != images.round()).any():
        msg = f"{where}: pixels are fractions up to {high}: save them as 0 to 255, or 0 to 1"
        raise DataError(msg)
    return images if images.dtype == np.uint8 and scale == 1 else _whole(images, scale)


def _whole(images: NDArray[Any], scale: float) -> NDArray[np.uint8]:
    return np.asarray((images.astype(np.float32) * scale).round().astype(np.uint8))


def _told_as(x: NDArray[Any]) -> str:
    return f"{x.dtype} {x.shape}"
