"""Which encoder reads a modality: the entries of the configuration's `encoders`, checked once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from mla_core.errors import ConfigError, one_of
from mla_core.plugins import Registry

# What needs no other package; any name beyond these is a pretrained model's. A guest is called with
# the `Modality` and returns a module (B, ...) -> (B, d), any d.
ENCODERS: Registry[Callable[..., Any]] = Registry(
    "encoder",
    "encoders",
    {
        "small": (
            "mla_core.encoders.small:build_encoder",
            "the small network for this kind of modality, from random weights",
        ),
        "none": (
            "mla_core.encoders.small:build_encoder",
            "no encoder: the modality is a vector of features computed elsewhere",
        ),
        "resnet18": (
            "mla_core.encoders.resnet:random_resnet18",
            "ResNet-18 for images, spectrograms and the frames of videos, as in MLA's paper",
        ),
    },
    check="mla_core.encoders.guest:check_encoder",
)
register = ENCODERS.register
TRAIN: dict[str, str] = {
    "full": "every weight is trained",
    "last": "the last `layers` blocks and whatever comes after them are trained",
    "frozen": "nothing is trained; each sample's features are computed once and kept",
}


@dataclass(frozen=True)
class EncoderChoice:
    """One entry of `ExperimentConfig.encoders`.

    Attributes
    ----------
    name : str
        One of `ENCODERS`, ``"module:function"`` of your own, or a pretrained model that the
        package ``transformers`` can load: a local folder, or a name on the Hugging Face Hub, from
        where it is downloaded once.
    train : {"full", "last", "frozen"}
        See `TRAIN`.
    layers : int
        How many blocks ``train="last"`` trains.
    weights : str
        Of ``resnet18`` only: a safetensors file with torchvision's or timm's names.
    revision : str
        Of a model on the Hub: the commit, tag or branch, so that a run can be repeated.
    allow_pickle : bool
        Also take weights in pickle files, which can run any code when they are loaded.
    """

    name: str
    train: str = "full"
    layers: int = 1
    weights: str = ""
    revision: str = ""
    allow_pickle: bool = False

    @property
    def pretrained(self) -> bool:
        """Whether the package ``transformers`` loads it."""
        return self.name not in ENCODERS

    @property
    def guest(self) -> bool:
        """Whether it is neither built in nor pretrained."""
        return not self.pretrained and self.name not in ENCODERS.built_in

    def to_json(self) -> str | dict[str, Any]:
        """Return the shortest entry that means the same, so that equal choices are named alike."""
        rest = {f.name: getattr(self, f.name) for f in fields(self)[1:]}
        rest = {f.name: rest[f.name] for f in fields(self)[1:] if rest[f.name] != f.default}
        return {"name": self.name, **rest} if rest else self.name


def choice_of(modality: str, entry: object) -> EncoderChoice:
    """Return one entry of `encoders` as an `EncoderChoice`.

    Parameters
    ----------
    modality : str
    entry : object
        A name, or a mapping with ``"name"`` and any other field of `EncoderChoice`.

    Raises
    ------
    ConfigError
        Naming the entry, the bad value and what is allowed.

    Examples
    --------
    >>> choice_of("image", {"name": "google/vit-base-patch16-224", "train": "frozen"}).train
    'frozen'
    """
    where = f"encoders[{modality!r}]"
    values = {"name": entry} if isinstance(entry, str) else entry
    if not isinstance(values, Mapping) or "name" not in values:
        msg = (
            f"{where} must be a name or {{'name': ..., 'train': ...}}, not {entry!r}: choose one "
            f"of {', '.join(map(repr, ENCODERS))}, 'module:function' of your own, or a pretrained model's name or folder"
        )
        raise ConfigError(msg)
    known = {f.name: f.default for f in fields(EncoderChoice)} | {"name": ""}
    for option, value in values.items():
        one_of(f"option in {where}:", option, known)
        if type(value) is not type(known[option]) or (option == "name" and not value):
            like = "a name" if option == "name" else f"like {known[option]!r}"
            msg = f"{option} of {where} must be {like}, not {value!r}"
            raise ConfigError(msg)
    choice = EncoderChoice(**values)
    one_of(f"train of {where}:", choice.train, TRAIN)
    _check_together(choice, where)
    return choice


def _check_together(choice: EncoderChoice, where: str) -> None:
    """Refuse settings that mean nothing beside one another, which would be obeyed in silence."""
    name = choice.name
    faults = {
        f"layers={choice.layers} needs train='last'": choice.layers != 1 and choice.train != "last",
        f"layers must be at least 1, not {choice.layers}": choice.layers < 1,
        f"weights are for 'resnet18', not for {name!r}": choice.weights and name != "resnet18",
        f"revision is for a model on the Hub, not for {name!r}": choice.revision
        and not choice.pretrained,
        f"allow_pickle is for a pretrained model, not for {name!r}": choice.allow_pickle
        and not choice.pretrained,
        f"train={choice.train!r} would keep the random weights of {name!r}: use 'full'"
        + (", or name a file in weights" if name == "resnet18" else ""): not choice.pretrained
        and choice.train != "full"
        and not choice.weights,
    }
    for fault, holds in faults.items():
        if holds:
            msg = f"{where}: {fault}"
            raise ConfigError(msg)


def check_encoders(encoders: Mapping[str, Any]) -> dict[str, str | dict[str, Any]]:
    """Return the configuration's `encoders` in the shortest form that means the same.

    Examples
    --------
    >>> check_encoders({"image": {"name": "resnet18", "train": "full"}})
    {'image': 'resnet18'}
    """
    return {name: choice_of(name, entry).to_json() for name, entry in encoders.items()}
