"""Features from a file: any vectors that some other network has computed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from mla_core.containers import read_npz
from mla_core.data.dataset import MultimodalDataset
from mla_core.data.files.cells import bare, plain
from mla_core.data.samples import SPLITS, Modality, Split
from mla_core.errors import DataError
from mla_core.outside import path_of

RESERVED = ("labels", "split", "ids", "classes")


def load_array_file(path: str = "") -> MultimodalDataset:
    """Return vectors of M modalities from an array file (.npz), such as frozen CLIP features.

    Parameters
    ----------
    path : str
        A file with ``labels`` (N,) whole numbers from 0, ``split`` (N,) texts ``train``, ``val`` or
        ``test``, and every other array (N, D) one modality, a row of NaN meaning that the part is
        missing. ``ids`` (N,) and ``classes`` (C,) may name samples and classes.

    Raises
    ------
    DataError
        Naming the array that is missing or does not fit.

    Examples
    --------
    >>> file = getfixture("tmp_path") / "features.npz"
    >>> x, y = np.ones((6, 3)), np.array([0, 1, 0, 1, 0, 1])
    >>> side = np.array(["train", "train", "val", "val", "test", "test"])
    >>> np.savez(file, image=x, text=x, labels=y, split=side)
    >>> load_array_file(str(file))
    MultimodalDataset('features': image, text; train 2, val 2, test 2)
    """
    arrays = _read(path)
    labels, sides = arrays["labels"], _texts(path, arrays, "split", len(arrays["labels"]))
    n = len(labels)
    features = {name: x for name, x in arrays.items() if name not in RESERVED}
    for name, x in features.items():
        if x.ndim != 2 or len(x) != n or x.dtype.kind not in "fiu":
            msg = f"{path!r}: {name!r} must be numbers of shape ({n}, D), not {x.dtype} {x.shape}"
            raise DataError(msg)
    if unknown := sorted(set(sides) - set(SPLITS)):
        msg = f"{path!r}: 'split' names {unknown[0]!r}: choose among {list(SPLITS)}"
        raise DataError(msg)
    if not features:
        msg = f"{path!r} holds no modality: it has {sorted(arrays)} alone"
        raise DataError(msg)
    ids = _texts(path, arrays, "ids", n) if "ids" in arrays else [f"row-{i:05d}" for i in range(n)]
    classes = _classes(path, arrays)

    def side(name: str) -> Split:
        rows = np.flatnonzero(np.array(sides) == name)
        inputs = {m: torch.from_numpy(x[rows].astype(np.float32)) for m, x in features.items()}
        present = torch.stack([~x.isnan().all(1) for x in inputs.values()])
        return Split(
            name,
            inputs,
            present,
            torch.from_numpy(labels[rows].astype(np.int64)),
            tuple(ids[i] for i in rows),
        )

    modalities = [Modality(name, "vector", (x.shape[1],)) for name, x in features.items()]
    without = sorted(set(range(len(classes))) - set(labels.tolist()))
    note = f"no sample of {', '.join(repr(classes[i]) for i in without)}" if without else ""
    splits = {s: side(s) for s in SPLITS}
    return MultimodalDataset(Path(path).stem, modalities, classes, splits, note=note)


def _texts(path: str, arrays: dict[str, np.ndarray], name: str, count: int) -> list[str]:
    """Return an array of texts or whole numbers, of which there must be so many."""
    values = arrays[name]
    if values.shape != (count,):
        msg = f"{path!r}: {name!r} must be of shape ({count},), not {values.shape}"
        raise DataError(msg)
    return [plain(value, {"ids": "id", "classes": "class"}.get(name, name)) for value in values]


def _classes(path: str, arrays: dict[str, np.ndarray]) -> list[str]:
    labels = arrays["labels"]
    top, known = int(labels.max(initial=-1)), arrays.get("classes")
    most, what = (len(labels), "samples") if known is None else (known.size, "classes")
    if top >= most:
        msg = f"{path!r}: 'labels' reach {top}, but there are {most} {what}: number the classes from 0"
        raise DataError(msg)
    if known is None:
        return list(map(str, range(top + 1)))
    first: dict[str, str] = {}
    classes = _texts(path, arrays, "classes", known.size)
    for i, name in enumerate(classes):
        if not bare(name):
            msg = f"{path!r}: 'classes' has no name for class {i}: give one"
            raise DataError(msg)
        if bare(name) in first:
            msg = f"{path!r}: 'classes' names {first[bare(name)]!r} and {name!r}, which look alike"
            raise DataError(msg)
        first[bare(name)] = name
    return classes


def _read(path: str) -> dict[str, np.ndarray]:
    """Return the file's arrays; labels and split are there, and labels mean something."""
    file = path_of("the path of an array file", path)
    if not path or not file.is_file():
        msg = f"there is no array file {path!r}: set dataset_options={{'path': 'features.npz'}}"
        raise DataError(msg)
    arrays = read_npz(file, "write it anew with numpy.savez, plain arrays alone")
    for name in RESERVED[:2]:
        if name not in arrays:
            msg = f"{path!r} lacks the array {name!r}: it holds {sorted(arrays)}"
            raise DataError(msg)
    labels = arrays["labels"]
    if labels.dtype.kind not in "iu" or labels.ndim != 1 or (len(labels) and labels.min() < 0):
        msg = (
            f"{path!r}: 'labels' must be whole numbers (N,) from 0, not {labels.dtype} of shape "
            f"{labels.shape}"
        )
        raise DataError(msg)
    return arrays
