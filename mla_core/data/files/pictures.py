"""Arrays of pictures: where their channels stand, and which number is white."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mla_core.errors import DataError

CHANNELS = frozenset({1, 3, 4})  # grey, three colours, three colours and how opaque they are
WHITE = 255
STANDARDISED = 16.0  # deviations from the mean that a pixel may be away


def may_be_grey(x: NDArray[Any]) -> bool:
    """Whether (N, a, b) may as well be grey pictures as sequences: they are as high as wide."""
    return x.ndim == 3 and x.shape[1] == x.shape[2] >= 8


def channels_first(name: str, x: NDArray[Any], axes: int) -> NDArray[Any]:
    """Return pictures (N, C, H, W), or videos (N, frames, C, H, W).

    Parameters
    ----------
    name : str
        Of the modality.
    x : ndarray
        (N, C, H, W), (N, H, W, C), (N, H, W), or rows (N, H * W) of square grey pictures; videos
        with the frames behind N.
    axes : int
        How many axes there are to be: 4, or 5 for videos.

    Raises
    ------
    DataError
        When nothing tells which axis holds the channels.
    """
    if x.ndim == 2 and axes == 4:
        return x.reshape(len(x), 1, *_square(name, x.shape[1]))
    if x.ndim == axes - 1:
        return np.expand_dims(x, -3)
    if x.ndim != axes:
        return x
    first, last = x.shape[-3] in CHANNELS, x.shape[-1] in CHANNELS
    if first and last:
        msg = (
            f"modality {name!r} has the shape {x.shape}, in which the first or the last of three "
            "axes may be the channels: give (C, H, W) of another size, or all in grey"
        )
        raise DataError(msg)
    if not first and not last:
        msg = (
            f"modality {name!r} has the shape {x.shape}, in which no axis holds the channels of "
            "a picture, 1, 3 or 4 of them: give (N, C, H, W) or (N, H, W, C)"
        )
        raise DataError(msg)
    return x if first else np.moveaxis(x, -1, -3)


def _square(name: str, size: int) -> tuple[int, int]:
    side = math.isqrt(size)
    if side**2 == size:
        return side, side
    third, rest = divmod(size, 3)
    colours = not rest and math.isqrt(third) ** 2 == third
    what = "may be three colours in any order" if colours else "are no square picture"
    msg = f"modality {name!r} has rows of {size} numbers, which {what}: reshape it to (N, C, H, W)"
    raise DataError(msg)


def from_black_to_white(name: str, x: NDArray[Any]) -> tuple[NDArray[Any], str]:
    """Return pixels with black as 0 and white as 1, and what was done to them.

    Pixels that are standardised stay as they are, which numbers below zero tell.

    Parameters
    ----------
    name : str
        Of the modality.
    x : ndarray
        Whole numbers or floats, NaN in missing samples.

    Raises
    ------
    DataError
        When nothing tells which number is white.
    """
    low, high = np.fmin.reduce(x, axis=None), np.fmax.reduce(x, axis=None)  # NaN does not count
    if x.dtype.kind == "b" or np.isnan(low):
        return x, ""
    whole = x.dtype.kind in "iu"
    if low >= 0 and high <= 1:
        return x, f"{name}: pixels are 0 and 1 alone, taken as black and white" if whole else ""
    if low >= 0 and high <= WHITE and (whole or high > STANDARDISED):
        told = (
            ""
            if x.dtype == np.uint8
            else f"{name}: pixels from {low:g} to {high:g} were divided by {WHITE}"
        )
        return x / WHITE, told
    if low < 0 and not whole and max(-low, high) <= STANDARDISED:
        return x, ""
    msg = (
        f"modality {name!r} has pixels from {low:g} to {high:g}, which does not tell what is white: "
        f"divide them by white, so that they are from 0 to 1, or give 0 to {WHITE}"
    )
    raise DataError(msg)
