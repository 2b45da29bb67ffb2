"""Features from a file: any vectors that some other network has computed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from mla_core.containers import read_npz
from mla_core.data.dataset import MultimodalDataset
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
    labels, sides = arrays["labels"], arrays["split"].astype(str)
    n = len(labels)
    features = {name: x for name, x in arrays.items() if name not in RESERVED}
    for name, x in {**features, "split": sides}.items():
        if len(x) != n or (name in features and (x.ndim != 2 or x.dtype.kind not in "fiu")):
            msg = f"{path!r}: {name!r} must be numbers of shape ({n}, D), not {x.dtype} {x.shape}"
            raise DataError(msg)
    ids = arrays.get("ids", np.array([f"row-{i:05d}" for i in range(n)])).astype(str)
    top = int(labels.max()) + 1 if n else 0
    classes = arrays.get("classes", np.arange(top)).astype(str).tolist()

    def side(name: str) -> Split:
        rows = np.flatnonzero(sides == name)
        inputs = {m: torch.from_numpy(x[rows].astype(np.float32)) for m, x in features.items()}
        present = torch.stack([~x.isnan().all(1) for x in inputs.values()])
        return Split(
            name,
            inputs,
            present,
            torch.from_numpy(labels[rows].astype(np.int64)),
            tuple(ids[rows].tolist()),
        )

    if not features:
        msg = f"{path!r} holds no modality: it has {sorted(arrays)} alone"
        raise DataError(msg)
    modalities = [Modality(name, "vector", (x.shape[1],)) for name, x in features.items()]
    return MultimodalDataset(Path(path).stem, modalities, classes, {s: side(s) for s in SPLITS})


def _read(path: str) -> dict[str, np.ndarray]:
    """Return the file's arrays; labels and split are there and mean something."""
    file = path_of("the path of an array file", path)
    if not path or not file.is_file():
        msg = f"there is no array file {path!r}: set dataset_options={{'path': 'features.npz'}}"
        raise DataError(msg)
    arrays = read_npz(file, "write it anew with numpy.savez, plain arrays alone")
    for name in RESERVED[:2]:
        if name not in arrays:
            msg = f"{path!r} lacks the array {name!r}: it holds {sorted(arrays)}"
            raise DataError(msg)
    labels, sides = arrays["labels"], arrays["split"].astype(str)
    if labels.dtype.kind not in "iu" or labels.ndim != 1 or (len(labels) and labels.min() < 0):
        msg = f"{path!r}: 'labels' must be whole numbers (N,) from 0, not {labels.dtype}"
        raise DataError(msg)
    if unknown := sorted(set(sides.tolist()) - set(SPLITS)):
        msg = f"{path!r}: 'split' names {unknown[0]!r}: choose among {list(SPLITS)}"
        raise DataError(msg)
    return arrays
