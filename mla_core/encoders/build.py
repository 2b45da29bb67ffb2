"""From a configuration to one encoder per modality, all with features of the same size."""

from __future__ import annotations

import copy
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from mla_core.data.samples import CODED, Modality
from mla_core.encoders.adapted import AdaptedEncoder, train_parts
from mla_core.encoders.choice import EncoderChoice, choice_of
from mla_core.encoders.guest import build_guest
from mla_core.encoders.inputs import PerFrame, Picture
from mla_core.encoders.placement import Placement, place
from mla_core.encoders.small import build_encoder
from mla_core.errors import ConfigError, one_of, quoted
from mla_core.seeding import drawing_alone, generator

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
SMALL = frozenset({"small", "none"})

# Of ImageNet in 0..1, which published ResNets were trained on.
MEAN, DEVIATION = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


@dataclass(frozen=True, eq=False)
class EncoderSet:
    """An encoder for every modality, the size s of all their features, and where they compute."""

    encoders: dict[str, nn.Module]
    size: int
    placement: Placement


@dataclass(frozen=True, eq=False)
class Body:
    """A large encoder before its features are brought to the common size: (B, ...) -> (B, width)."""

    network: nn.Module
    width: int


# Frozen bodies never change, so that all sessions of a process share them, and their features.
_SHARED: weakref.WeakValueDictionary[tuple[EncoderChoice, Modality, str], nn.Module] = (
    weakref.WeakValueDictionary()
)


def build_encoders(
    modalities: Mapping[str, Modality],
    modules: Mapping[str, nn.Module] | None = None,
    *,
    encoders: Mapping[str, Any] | None = None,
    encoder: str = "trained",
    feature_size: int | str = 128,
    device: str = "auto",
    precision: str = "auto",
    seed: int = 0,
) -> EncoderSet:
    """Return an encoder for every modality.

    Parameters
    ----------
    modalities : mapping of str to Modality
    modules : mapping of str to Module, optional
        Instead of what `encoders` names: (B, ...) -> (B, d) for any d. They are copied, unless
        nothing in them can be trained.
    encoders, encoder, feature_size, device, precision, seed
        As in `ExperimentConfig`.

    Raises
    ------
    ConfigError
        When an encoder cannot be had, or cannot read its modality.

    Examples
    --------
    >>> modalities = {"x": Modality("x", "vector", (3,))}
    >>> found = build_encoders(modalities, {"x": nn.Linear(3, 7)}, feature_size=16)
    >>> found.encoders["x"](torch.zeros(5, 3)).shape
    torch.Size([5, 16])
    """
    given = {name: module for name, module in (modules or {}).items() if name in modalities}
    default = "none" if encoder == "none" else "small"
    named = {
        name: choice_of(name, (encoders or {}).get(name, default))
        for name in modalities
        if name not in given
    }
    large = bool(given) or any(choice.name not in SMALL for choice in named.values())
    placement = place(device, precision, large=large)
    bodies = {
        name: _measured(_own(given[name]), modality)
        if name in given
        else _body(named[name], modality, placement, seed)
        for name, modality in modalities.items()
    }
    size = feature_size
    if isinstance(size, str):
        size = max((body.width for body in bodies.values() if body), default=0)
        if not size:
            msg = (
                "feature_size='encoder' takes the size from a large encoder, but there are small "
                "ones alone, which have none of their own: give a number"
            )
            raise ConfigError(msg)
    built = {
        name: _small(named[name], modality, size, seed)
        if (body := bodies[name]) is None
        else _adapted(modality, body, size, seed)
        for name, modality in modalities.items()
    }
    _refuse_wrong_gradients(built, placement)
    return EncoderSet(built, size, placement)


def _refuse_wrong_gradients(encoders: Mapping[str, nn.Module], placement: Placement) -> None:
    """Raise `ConfigError` where convolutions would learn from gradients that are none.

    On a CPU, torch 2.13 gives other bfloat16 gradients of the same convolution each time it is asked,
    some of them not finite (`layer4.0.conv1` of a ResNet on eight pictures, within one process);
    without oneDNN they are right, and take far too long.
    """
    if placement.device.type != "cpu" or placement.dtype == torch.float32:
        return
    for name, encoder in encoders.items():
        kernels = (m.weight for m in encoder.modules() if isinstance(m, CONVOLUTIONS))
        if any(kernel.requires_grad for kernel in kernels):
            msg = (
                f"precision='bfloat16' on a CPU gives the convolutions of {name!r} wrong gradients: "
                "use 'float32', or 'auto', which takes bfloat16 on GPUs alone"
            )
            raise ConfigError(msg)


def check_modules(
    modules: Mapping[str, object], modalities: Mapping[str, Modality], named: Mapping[str, object]
) -> None:
    """Raise `ConfigError` unless every encoder that is given is a module and has a modality.

    Parameters
    ----------
    modules : mapping of str to Module
    modalities : mapping of str to Modality
        Of the whole data set, also those that are left out.
    named : mapping of str to object
        The configuration's `encoders`.
    """
    if not isinstance(modules, Mapping):
        msg = f"encoders must map modalities to modules, not {quoted(modules)}"
        raise ConfigError(msg)
    for name, module in modules.items():
        if not isinstance(module, nn.Module):
            msg = f"the encoder for {name!r} must be a torch.nn.Module, not {module!r}"
            raise ConfigError(msg)
        if name in named:
            msg = (
                f"two encoders for {name!r}: a module, and encoders[{name!r}] in the configuration"
            )
            raise ConfigError(msg)
    for name in modules:
        one_of("modality in encoders", name, modalities)


def _small(choice: EncoderChoice, modality: Modality, size: int, seed: int) -> nn.Module:
    drawn = generator(seed, "encoder", modality.name)
    return build_encoder(modality, size, drawn, frozen=choice.name == "none")


def _body(
    choice: EncoderChoice, modality: Modality, placement: Placement, seed: int
) -> Body | None:
    """Return what was chosen, or None for a small encoder."""
    if choice.name in SMALL:
        return None
    if choice.guest:
        return _measured(build_guest(choice.name, modality, seed), modality)
    key = choice, modality, placement.device.type
    network = _SHARED.get(key) if choice.train == "frozen" else None
    if network is None:
        network = _loaded(choice, modality, seed)
        inner = network.network if isinstance(network, PerFrame) else network
        blocks = inner[-1].blocks if isinstance(inner, nn.Sequential) else inner.blocks
        try:
            train_parts(network, choice.train, blocks, choice.layers)  # type: ignore[arg-type]
        except ConfigError as error:
            msg = f"encoders[{modality.name!r}], {choice.name!r}: {error}"
            raise ConfigError(msg) from error
        if choice.train == "frozen":
            _SHARED[key] = network
    return _measured(network, modality)


def _loaded(choice: EncoderChoice, modality: Modality, seed: int) -> nn.Module:
    if choice.name == "resnet18":
        return _resnet18(choice, modality, seed)
    from mla_core.encoders.pretrained import load_pretrained

    return load_pretrained(choice, modality)


def _resnet18(choice: EncoderChoice, modality: Modality, seed: int) -> nn.Module:
    from mla_core.encoders.resnet import load_resnet18, random_resnet18

    if modality.kind not in {"image", "video", "spectrogram"}:
        msg = (
            f"'resnet18' reads images, videos and spectrograms, but modality {modality.name!r} is "
            f"{modality.kind} of shape {modality.shape}"
        )
        raise ConfigError(msg)
    channels = modality.shape[-3]
    if not choice.weights:
        network: nn.Module = random_resnet18(channels, generator(seed, "encoder", modality.name))
    else:
        loaded = load_resnet18(choice.weights)
        reads = loaded.conv1.in_channels
        if channels not in {1, reads}:
            msg = f"{choice.weights!r} reads {reads} channels, but {modality.name!r} has {channels}"
            raise ConfigError(msg)
        # A spectrogram is standardised already, and was never a photograph.
        photograph = reads == len(MEAN) and modality.kind != "spectrogram"
        picture = Picture(reads, None, MEAN, DEVIATION) if photograph else Picture(reads)
        network = nn.Sequential(picture, loaded)
    return PerFrame(network) if modality.kind == "video" else network


def _own(module: nn.Module) -> nn.Module:
    """Return a copy that a session may train, or the module itself where nothing is trained."""
    return copy.deepcopy(module) if any(p.requires_grad for p in module.parameters()) else module


def _measured(network: nn.Module, modality: Modality) -> Body:
    """Try a network on two samples of zeros, and note how many features it gives."""
    what = f"the encoder {type(network).__name__} for {modality.name!r}"
    kind = torch.int64 if modality.kind in CODED else torch.float32
    where = next((p.device for p in network.parameters()), torch.device("cpu"))
    network.eval()
    try:
        with torch.no_grad():
            found = network(torch.zeros(2, *modality.shape, dtype=kind, device=where))
    except (RuntimeError, ValueError, TypeError, IndexError, AttributeError, KeyError) as error:
        reason = " ".join(str(error).split())
        msg = f"{what} cannot read {modality.kind} of shape {modality.shape}: {reason}"
        raise ConfigError(msg) from error
    if not isinstance(found, Tensor) or found.ndim != 2 or len(found) != 2:
        shape = tuple(found.shape) if isinstance(found, Tensor) else type(found).__name__
        msg = f"{what} must return features (B, d), but for two samples it returns {shape}"
        raise ConfigError(msg)
    return Body(network, found.shape[1])


def _adapted(modality: Modality, body: Body, size: int, seed: int) -> AdaptedEncoder:
    if body.width == size:
        return AdaptedEncoder(body.network, nn.Identity(), size)
    with drawing_alone():  # torch's own initialisation draws, and is replaced
        projection = nn.Linear(body.width, size)
    drawn = generator(seed, "projection", modality.name)
    nn.init.uniform_(projection.weight, -(body.width**-0.5), body.width**-0.5, generator=drawn)
    nn.init.zeros_(projection.bias)
    return AdaptedEncoder(body.network, projection, size)
