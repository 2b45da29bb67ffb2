"""Noise as a dial: one level per modality, checked, and a random stream for each part."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mla_core.data.samples import SPLITS
from mla_core.errors import ConfigError
from mla_core.language import later

Dials = Mapping[str, tuple[tuple[float, float], str]]
"""Modality -> allowed range, what the number means."""

PIXEL_NOISE = ((0.0, 1.0), later("standard deviation of pixel noise, black = 0, white = 1"))
SPEECH_NOISE = ((-30.0, 20.0), later("dB by which white noise is louder than the speech"))
TYPING_ERRORS = ((0.0, 1.0), later("probability of a typing error per character"))


def check_noise(noise: Sequence[float], dials: Dials) -> tuple[float, ...]:
    """Return one level per modality, or raise `ConfigError` naming the bad one and its range.

    Examples
    --------
    >>> check_noise([0.1, 0], {"image": PIXEL_NOISE, "text": TYPING_ERRORS})
    (0.1, 0.0)
    """
    levels = tuple(float(level) for level in noise)
    if len(levels) != len(dials):
        msg = f"noise {tuple(noise)!r} has {len(levels)} level(s): give one each for {list(dials)}"
        raise ConfigError(msg)
    for level, (name, ((low, high), unit)) in zip(levels, dials.items(), strict=True):
        if math.isnan(level) or not low <= level <= high:
            msg = f"{name} noise {level!r} is outside {low:g}..{high:g} ({unit})"
            raise ConfigError(msg)
    return levels


def stream(seed: int, side: str, part: str, dials: Dials) -> np.random.Generator:
    """Return a generator of its own for each split and part, so that none disturbs another.

    Parameters
    ----------
    seed : int
    side : {"train", "val", "test"}
    part : str
        ``"pairing"`` or a modality.
    dials : mapping
        Whose order numbers the parts.
    """
    return np.random.default_rng([seed, SPLITS.index(side), ("pairing", *dials).index(part)])


def add_pixel_noise(clean: NDArray[Any], level: float, rng: np.random.Generator) -> Tensor:
    """Add Gaussian noise to images in 0..1, the sum cut to 0..1.

    Parameters
    ----------
    clean : ndarray
        (N, C, H, W) float32.
    level : float
        Its standard deviation.
    rng : numpy.random.Generator

    Returns
    -------
    Tensor
        (N, C, H, W) float32.
    """
    noise = rng.standard_normal(clean.shape, dtype=np.float32)
    return torch.from_numpy(np.clip(clean + np.float32(level) * noise, 0, 1))
