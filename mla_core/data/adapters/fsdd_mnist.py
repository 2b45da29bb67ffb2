"""Free Spoken Digits (Jackson) with MNIST (LeCun): digits that people really said and wrote."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mla_core.data.adapters.mnist import read_mnist
from mla_core.data.adapters.reading import by_stem, loader_of, root_of
from mla_core.data.files import Manifest, Row, deal_groups
from mla_core.data.samples import Fault, Source
from mla_core.errors import one_of

SPLITS = ("speakers", "official")
PREPARE = {"size": 28, "rate": 8000, "mels": 64}  # as they are: small pictures, telephone sound
NOTE = "speech and writing are paired by digit: nobody said what somebody else wrote"
_NAME = re.compile(r"(?P<digit>\d)_(?P<speaker>[^_]+)_(?P<index>\d+)")


def read_fsdd_mnist(root: str, split: str = "speakers") -> Manifest:
    """Free Spoken Digits + MNIST: real speech and real handwriting, paired by digit (your own copy).

    Parameters
    ----------
    root : str
        With ``recordings/{digit}_{speaker}_{index}.wav`` and MNIST, as ``mnist.npz`` or as
        ``train-images-idx3-ubyte`` (or ``.idx3-ubyte``) and so on, perhaps in ``.gz``.
    split : {"speakers", "official"}
        ``speakers``: nobody is heard in two splits. ``official``: recordings 0 to 4 are for test.

    Returns
    -------
    Manifest
        The recordings, each with the next picture of its digit from its side of MNIST.
    """
    one_of("split of fsdd_mnist", split, SPLITS)
    folder = root_of("fsdd_mnist", root, "recordings")
    rows, faults, notes = list[Row](), list[Fault](), list[str]()
    for stem, path in by_stem(folder / "recordings", ".wav", notes=notes).items():
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
    paired = _with_pictures(rows, folder)
    return Manifest("fsdd_mnist", kinds, tuple(paired), tuple(faults), tuple(notes))


load_fsdd_mnist = loader_of(read_fsdd_mnist, note=NOTE, **PREPARE)


def _with_pictures(rows: list[Row], folder: Path) -> list[Row]:
    """Give each row the next picture of its digit, from its side of MNIST."""
    sides = read_mnist(folder)
    places = {side: _places(mnist.labels) for side, mnist in sides.items()}
    used: Counter[tuple[str, str]] = Counter()
    paired = []
    for row in rows:
        side = "test" if row.split == "test" else "train"
        free = places[side][row.label]
        parts = dict(row.parts)
        if (k := used[side, row.label]) < len(free):
            parts["image"] = Source(f"MNIST {side} {free[k]}", sides[side].images[free[k]])
            used[side, row.label] += 1
        paired.append(Row(row.where, row.id, row.label, row.split, parts, row.group))
    return paired


def _places(labels: NDArray[np.int64]) -> dict[str, list[int]]:
    places = defaultdict(list)
    for i, digit in enumerate(labels.tolist()):
        places[str(digit)].append(i)
    return places
