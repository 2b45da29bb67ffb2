"""Free Spoken Digits (Jackson) with MNIST (LeCun): digits that people really said and wrote."""

from __future__ import annotations

import gzip
import re
import struct
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mla_core.data.adapters.reading import by_stem, loader_of, root_of
from mla_core.data.files import Manifest, Row, deal_groups
from mla_core.data.samples import Fault, Source
from mla_core.errors import DataError, one_of

SPLITS = ("speakers", "official")
PREPARE = {"size": 28, "rate": 8000, "mels": 64}  # as they are: small pictures, telephone sound
NOTE = "speech and writing are paired by digit: nobody said what somebody else wrote"
_NAME = re.compile(r"(?P<digit>\d)_(?P<speaker>[^_]+)_(?P<index>\d+)")
_FILES = {"train": ("train-images", "train-labels"), "test": ("t10k-images", "t10k-labels")}


def read_fsdd_mnist(root: str, split: str = "speakers") -> Manifest:
    """Free Spoken Digits + MNIST: real speech and real handwriting, paired by digit (your own copy).

    Parameters
    ----------
    root : str
        With ``recordings/{digit}_{speaker}_{index}.wav`` and MNIST, as ``mnist.npz`` or as
        ``train-images-idx3-ubyte`` and so on, perhaps in ``.gz``.
    split : {"speakers", "official"}
        ``speakers``: nobody is heard in two splits. ``official``: recordings 0 to 4 are for test.

    Returns
    -------
    Manifest
        The recordings, each with the next picture of its digit from its side of MNIST.
    """
    one_of("split of fsdd_mnist", split, SPLITS)
    folder = root_of("fsdd_mnist", root, "recordings")
    rows, faults = list[Row](), list[Fault]()
    for stem, path in by_stem(folder / "recordings", ".wav").items():
        where = str(path.relative_to(folder))
        found = _NAME.fullmatch(stem)
        if found is None:
            what = "is not named like 7_jackson_32.wav: rename it, or take it out"
            faults.append(Fault(where, what, stem))
            continue
        side = ("test" if int(found["index"]) < 5 else "train") if split == "official" else ""
        rows.append(
            Row(where, stem, found["digit"], side, {"audio": Source(where, path)}, found["speaker"])
        )
    if split == "speakers":
        sides = deal_groups([row.group for row in rows])
    else:  # within train, each speaker's recordings 5 to 9 are val: as many as test has
        sides = [
            "val" if row.split == "train" and int(row.id.rsplit("_", 1)[1]) < 10 else row.split
            for row in rows
        ]
    rows = [row.in_split(side) for row, side in zip(rows, sides, strict=True)]
    kinds = {"audio": "sound", "image": "image"}
    return Manifest("fsdd_mnist", kinds, tuple(_with_pictures(rows, folder)), tuple(faults))


load_fsdd_mnist = loader_of(read_fsdd_mnist, note=NOTE, **PREPARE)


def _with_pictures(rows: list[Row], folder: Path) -> list[Row]:
    pictures = {side: _mnist(folder, side) for side in ("train", "test")}
    places = {side: _places(labels) for side, (_, labels) in pictures.items()}
    used: Counter[tuple[str, str]] = Counter()
    paired = []
    for row in rows:
        side = "test" if row.split == "test" else "train"
        free = places[side][row.label]
        parts = dict(row.parts)
        if (k := used[side, row.label]) < len(free):
            parts["image"] = Source(f"MNIST {side} {free[k]}", pictures[side][0][free[k]])
            used[side, row.label] += 1
        paired.append(Row(row.where, row.id, row.label, row.split, parts, row.group))
    return paired


def _places(labels: NDArray[np.uint8]) -> dict[str, list[int]]:
    places = defaultdict(list)
    for i, digit in enumerate(labels.tolist()):
        places[str(digit)].append(i)
    return places


def _mnist(folder: Path, side: str) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return pictures (N, 28, 28) and labels (N,) of one side of MNIST."""
    for path in sorted(folder.rglob("mnist*.npz")):
        with np.load(path, allow_pickle=False) as arrays:
            return arrays[f"x_{side}"], arrays[f"y_{side}"]
    images, labels = (_idx(folder, name) for name in _FILES[side])
    return images, labels


def _idx(folder: Path, name: str) -> NDArray[np.uint8]:
    """Read MNIST's own format: zero, zero, type 8, number of axes, sizes, bytes."""
    found = sorted(folder.rglob(f"{name}*ubyte*"))
    if not found:
        msg = f"data set 'fsdd_mnist': there is no mnist.npz and no {name}-idx*-ubyte in {str(folder)!r}"
        raise DataError(msg)
    raw = found[0].read_bytes()
    raw = gzip.decompress(raw) if raw.startswith(b"\x1f\x8b") else raw
    if raw[:3] != b"\0\0\x08" or len(raw) < 4 + 4 * raw[3]:
        msg = f"{str(found[0])!r} is no idx file: copy it again"
        raise DataError(msg)
    sizes = struct.unpack_from(f">{raw[3]}I", raw, 4)
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * raw[3])[: np.prod(sizes)].reshape(sizes)
