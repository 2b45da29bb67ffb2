"""A head-gradient variant from outside, tried when it is first used."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from mla_core.errors import ConfigError
from mla_core.head.variants import make

NEEDED = ("update", "project", "state_dict", "load_state_dict")
B, C, S = 6, 3, 4


def check_variant(name: str, cls: Any) -> None:
    """Try a variant on a tiny batch.

    Parameters
    ----------
    name : str
    cls : type

    Raises
    ------
    ConfigError
        Saying what was expected: the four methods, a projection of the gradient's own shape and
        type that leaves the gradient itself alone, finite numbers, the same ones every time, and
        a state that survives a snapshot.
    """
    what = f"head_gradient {name!r}"
    if not isinstance(cls, type) or (lacking := [n for n in NEEDED if not hasattr(cls, n)]):
        missing = f": it lacks {', '.join(lacking)}" if isinstance(cls, type) else f", not {cls!r}"
        msg = f"{what} must be a class with {', '.join(NEEDED)}{missing}"
        raise ConfigError(msg)
    draw = torch.Generator().manual_seed(0)
    batches = [torch.randn(B, S, generator=draw) + 1 for _ in range(3)]
    gradient = torch.randn(C, S, generator=draw)
    try:
        one, again, restored = (make(cls, S, 0.1) for _ in range(3))
        for features in batches[:2]:
            one.update(features)
            again.update(features)
        before = gradient.clone()
        projected = one.project(gradient)
        repeated = again.project(gradient.clone())
        state = one.state_dict()
        kept = {key: value.clone() for key, value in state.items()}
        one.update(batches[2])
        moved = {key for key in kept if not torch.equal(state[key], kept[key])}
        restored.load_state_dict(kept)
        restored.update(batches[2])
        then, later = one.project(gradient), restored.project(gradient)
        precise = one.project(gradient.double())
    except Exception as error:
        msg = (
            f"{what} does not work on features ({B}, {S}) and a gradient ({C}, {S}): "
            f"{type(error).__name__}: {error}"
        )
        raise ConfigError(msg) from error
    faults = {
        f"project(gradient) must return a tensor (C, s) = ({C}, {S}) of {gradient.dtype}, not "
        f"{_told(projected)}": not isinstance(projected, Tensor)
        or projected.shape != gradient.shape
        or projected.dtype != gradient.dtype,
        "project(gradient) must give float64 for a gradient in float64, not "
        f"{_told(precise)}": not isinstance(precise, Tensor) or precise.dtype != torch.float64,
        "project(gradient) must leave the gradient itself as it is and return another": not (
            torch.equal(gradient, before)
        ),
        "project(gradient) must return finite numbers": isinstance(projected, Tensor)
        and not torch.isfinite(projected).all(),
        "two of them that saw the same must project alike: draw nothing at random": isinstance(
            projected, Tensor
        )
        and not torch.equal(projected, repeated),
        f"state_dict() must return copies, but {sorted(moved)} changed afterwards": bool(moved),
        "its state must survive a snapshot: after load_state_dict(state_dict()) it goes on "
        "differently": isinstance(then, Tensor) and not torch.equal(then, later),
    }
    for fault, holds in faults.items():
        if holds:
            msg = f"{what}: {fault}"
            raise ConfigError(msg)


def _told(value: object) -> str:
    if isinstance(value, Tensor):
        return f"{value.dtype} of shape {tuple(value.shape)}"
    return type(value).__name__
