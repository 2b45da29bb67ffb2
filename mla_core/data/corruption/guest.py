"""A corruption from outside, tried when it is first used."""

from __future__ import annotations

import torch
from torch import Tensor

from mla_core.data.corruption.kinds import Corruption
from mla_core.data.samples import CODED, KINDS, Modality
from mla_core.errors import ConfigError


def check_corruption(name: str, thing: object) -> None:
    """Try a corruption of your own on one sample of each kind that it is for.

    Raises
    ------
    ConfigError
        Saying what was expected: a `Corruption` for known kinds, samples of the same shape and
        type, finite, the same for equal generators, and unchanged at the clean level.
    """
    what = f"corruption {name!r}"
    if not isinstance(thing, Corruption):
        msg = f"{what} must be a mla_core.data.corruption.Corruption, not {thing!r}"
        raise ConfigError(msg)
    if not thing.kinds or (bad := [kind for kind in thing.kinds if kind not in KINDS]):
        told = f", not {bad[0]!r}" if thing.kinds else ""
        msg = f"{what} must say in `kinds` for which of {', '.join(KINDS)} it is{told}"
        raise ConfigError(msg)
    for kind in thing.kinds:
        _try(what, thing, *_sample(kind))


def _sample(kind: str) -> tuple[Modality, Tensor]:
    shapes = {"video": (2, 3, 8, 8), "image": (3, 8, 8), "spectrogram": (1, 8, 8)}
    shape = shapes.get(kind, (6, 8) if kind == "sequence" else (8,))
    modality = Modality("x", kind, shape, vocabulary="abcd", vocabulary_size=4)
    draw = torch.Generator().manual_seed(0)
    if kind in CODED:
        return modality, torch.randint(1, 5, modality.shape, generator=draw)
    return modality, torch.rand(modality.shape, generator=draw)


def _try(what: str, thing: Corruption, modality: Modality, x: Tensor) -> None:
    def spoilt(level: float) -> Tensor:
        draw = torch.Generator().manual_seed(1)
        return thing.apply(x.clone(), level, draw, modality, torch.ones_like(x))

    try:
        worst, again, clean = spoilt(thing.worst), spoilt(thing.worst), spoilt(thing.clean)
    except Exception as error:
        msg = f"{what} does not work on {modality.kind}: {type(error).__name__}: {error}"
        raise ConfigError(msg) from error
    if not isinstance(worst, Tensor) or worst.shape != x.shape or worst.dtype != x.dtype:
        told = tuple(getattr(worst, "shape", ())), getattr(worst, "dtype", type(worst).__name__)
        msg = f"{what} must return {modality.kind} of shape {tuple(x.shape)} and {x.dtype}, not {told}"
        raise ConfigError(msg)
    if not torch.isfinite(worst).all():
        raise ConfigError(f"{what} must return finite numbers")
    if not torch.equal(worst, again):
        msg = f"{what} must do the same for the same generator: draw from it alone"
        raise ConfigError(msg)
    if not torch.equal(clean, x):
        msg = f"{what} must change nothing at the level {thing.clean:g}, which it calls clean"
        raise ConfigError(msg)
