"""An encoder from outside: built from the seed, and tried on what it is to read."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from mla_core.data.samples import CODED, Modality
from mla_core.encoders.choice import ENCODERS
from mla_core.errors import ConfigError
from mla_core.seeding import drawing_alone, generator

_TRIED: set[tuple[object, Modality]] = set()


def check_encoder(name: str, make: object) -> None:
    """Raise `ConfigError` unless a guest can be called; what it builds is tried when it does."""
    if not callable(make):
        msg = f"encoder {name!r} must be called with a Modality and return a module, not {make!r}"
        raise ConfigError(msg)


def build_guest(name: str, modality: Modality, seed: int) -> nn.Module:
    """Return an encoder of your own, drawn from the seed.

    Parameters
    ----------
    name : str
        Of a callable ``(modality) -> Module`` that maps (B, *modality.shape) to (B, d).
    modality : Modality
    seed : int
        torch's global generator is set from it while the encoder is built, and put back.

    Raises
    ------
    ConfigError
        When it cannot be built, is no module, differs from one call to the next, or returns what
        is not finite.
    """
    network = _build(name, modality, seed)
    if (make := ENCODERS[name], modality) not in _TRIED:
        _try(name, network, _build(name, modality, seed), modality)
        _TRIED.add((make, modality))
    return network


def _build(name: str, modality: Modality, seed: int) -> nn.Module:
    with drawing_alone():
        torch.manual_seed(generator(seed, "encoder", modality.name).initial_seed())
        try:
            network: Any = ENCODERS[name](modality)
        except Exception as error:
            msg = (
                f"encoder {name!r} cannot be built for {modality.name!r}, {modality.kind} of shape "
                f"{modality.shape}: {type(error).__name__}: {error}"
            )
            raise ConfigError(msg) from error
    if not isinstance(network, nn.Module):
        msg = f"encoder {name!r} must return a torch.nn.Module, not {type(network).__name__}"
        raise ConfigError(msg)
    return network


def _try(name: str, network: nn.Module, again: nn.Module, modality: Modality) -> None:
    """Compare two that were built alike, on two samples of zeros."""
    kind = torch.int64 if modality.kind in CODED else torch.float32
    x = torch.zeros(2, *modality.shape, dtype=kind)
    try:
        with torch.no_grad():
            found, repeated = network.eval()(x), again.eval()(x)
    except Exception as error:
        msg = (
            f"encoder {name!r} cannot read {modality.kind} of shape {modality.shape}: "
            f"{type(error).__name__}: {error}"
        )
        raise ConfigError(msg) from error
    shape = tuple(getattr(found, "shape", ()))
    if len(shape) != 2 or shape[0] != 2:
        msg = (
            f"encoder {name!r} must return features (B, d), but for two samples it returns {shape}"
        )
        raise ConfigError(msg)
    if not torch.isfinite(found).all():
        msg = f"encoder {name!r} must return finite features, also for a sample of zeros"
        raise ConfigError(msg)
    if not torch.equal(found, repeated):
        msg = (
            f"encoder {name!r} must be the same for the same seed: draw weights from torch's global "
            "generator alone"
        )
        raise ConfigError(msg)
