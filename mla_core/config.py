"""A configuration is data: frozen, checked once, written as JSON, and hashed to name a run."""

from __future__ import annotations

import dataclasses
import difflib
import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mla_core.catalogue import METHODS, check_method_options
from mla_core.data import DATASETS, check_missing, check_options
from mla_core.encoders import DEVICES, PRECISIONS, check_encoders
from mla_core.errors import ConfigError, one_of
from mla_core.fusion import RULES
from mla_core.head import ALPHA_SCHEDULES, VARIANTS

OPTIMIZERS = ("sgd", "adamw")
LEARNING_RATE_SCHEDULES = ("constant", "step", "cosine")
ENCODERS = ("trained", "none")
PAIRINGS = ("paired", "independent")
RESETS = ("never", "epoch", "round")
PROJECTIONS = ("gradient", "update")
STOPPINGS = ("last", "best")

_LIVE = {"live": True}  # may change while a session runs; anything else needs a new session
# Did not exist when the first runs were named, which therefore say nothing about it.
_LATER: dict[str, Any] = {"later": True}


@dataclass(frozen=True)
class ExperimentConfig:
    """Everything that decides what a run computes.

    Attributes
    ----------
    dataset : str
        A name that `load_dataset` knows.
    dataset_options : mapping
        Passed to its loader, for example ``{"noise": [0.1, 10.0, 0.5]}``. Plain JSON values.
        ``{"seed": "run"}`` draws the data anew with every `seed`, so that intervals over seeds are
        about other data, too.
    modalities : tuple of str
        Use these of the data's modalities only; empty means all.
    missing : mapping
        Which share of a split's parts is taken away, independently for each modality of each
        sample: ``{"train": 0.3, "test": 0.3}``, or per modality ``{"train": {"audio": 0.9}}``.
    label_noise : float
        Share of training labels replaced by a class drawn at random, which may be the true one.
    method : str
        How to train; ``mla-lab list`` names the methods.
    method_options : mapping
        The method's own knobs, such as ``{"strength": 0.3}`` of ``ogm_ge``.
    seed, epochs, batch_size : int
    feature_size : int or "encoder"
        s, common to all encoders; ``"encoder"``: as large as the features of the largest encoder.
        An encoder whose own features are of another size gets a linear projection.
    encoder : {"trained", "none"}
        ``none``: the data are frozen features computed elsewhere, and only the head learns.
    encoders : mapping
        Per modality, what to use instead of `encoder`: ``"small"``, ``"none"``, ``"resnet18"``, or
        a pretrained model's folder or name on the Hugging Face Hub; with options as in ``{"image":
        {"name": "google/vit-base-patch16-224", "train": "frozen"}}``, see
        `mla_core.encoders.choice.EncoderChoice`.
    device : {"auto", "cpu", "cuda", "mps"}
        Where encoders compute; ``auto``: on a GPU where there is one and some encoder is large.
    precision : {"auto", "float32", "bfloat16"}
        Of the encoders' inner numbers; ``auto``: bfloat16 on CUDA for large encoders.
    optimizer : {"sgd", "adamw"}
    learning_rate, momentum, weight_decay : float
        SGD with momentum as in MLA's published code; AdamW ignores `momentum`.
    learning_rate_schedule : {"constant", "step", "cosine"}
        Over the epochs; ``step`` multiplies by 0.1 at 70 % of them, as published.
    order : str or tuple of str
        ``"cyclic"`` (eq. 1), ``"random"`` (a new order every round), or a list of modalities that
        is repeated and must name each at least once.
    pairing : {"paired", "independent"}
        Whether the sub-steps of a round share their samples, or each modality walks its own.
    head_gradient, alpha, alpha_schedule
        See `mla_core.head.gradient`.
    reset : {"never", "epoch", "round"}
        When P starts afresh as the identity: never, as published; with every epoch; or before a
        modality's second turn, so that P spans the modalities of one round.
    projection : {"gradient", "update"}
        What P multiplies: the gradient (eq. 3), after which momentum and weight decay still move
        the head freely; or the optimiser's whole update of the head's weight.
    fusion : {"entropy", "uniform", "released_batch"}
        See `mla_core.fusion`.
    evaluate_every : int
        Sub-steps between two looks at the probe set; 0 means once, at the end of every epoch.
    probe_size : int
        Samples of ``val`` in the probe set.
    stopping : {"last", "best"}
        Which weights are reported: the last ones, or those of the look with the best fused
        accuracy on the probe set (the first of equals). Training itself goes on to the end.

    Raises
    ------
    ConfigError
        Naming the field, the bad value and what is allowed.

    Examples
    --------
    >>> config = ExperimentConfig(epochs=5)
    >>> config.replace(alpha=0.01).alpha
    0.01
    >>> config.replace(head_gradient="papre")
    Traceback (most recent call last):
    mla_core.errors.ConfigError: unknown head_gradient 'papre': choose one of 'paper', ...
    """

    dataset: str = "spoken_digits"
    dataset_options: Mapping[str, Any] = field(default_factory=dict)
    modalities: tuple[str, ...] = ()
    missing: Mapping[str, Any] = field(default_factory=dict)
    label_noise: float = 0.0
    method: str = "mla"
    method_options: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    epochs: int = field(default=10, metadata=_LIVE)
    batch_size: int = 64
    feature_size: int | str = 128
    encoder: str = "trained"
    optimizer: str = "sgd"
    learning_rate: float = field(default=0.03, metadata=_LIVE)
    momentum: float = field(default=0.9, metadata=_LIVE)
    weight_decay: float = field(default=1e-4, metadata=_LIVE)
    learning_rate_schedule: str = field(default="constant", metadata=_LIVE)
    order: str | tuple[str, ...] = "cyclic"
    pairing: str = "paired"
    head_gradient: str = field(default="paper", metadata=_LIVE)
    alpha: float = field(default=0.1, metadata=_LIVE)
    alpha_schedule: str = field(default="auto", metadata=_LIVE)
    reset: str = field(default="never", metadata=_LIVE)
    projection: str = field(default="gradient", metadata=_LIVE)
    fusion: str = field(default="entropy", metadata=_LIVE)
    evaluate_every: int = 24
    probe_size: int = 300
    stopping: str = "last"
    encoders: Mapping[str, Any] = field(default_factory=dict, metadata=_LATER)
    device: str = field(default="auto", metadata=_LATER)
    precision: str = field(default="auto", metadata=_LATER)

    def __post_init__(self) -> None:
        # JSON and papermill know lists only; a tuple keeps the configuration frozen.
        if isinstance(self.order, list):
            object.__setattr__(self, "order", tuple(self.order))
        if isinstance(self.modalities, list):
            object.__setattr__(self, "modalities", tuple(self.modalities))
        for name in ("dataset_options", "method_options", "missing", "encoders"):
            object.__setattr__(self, name, _plain_json(name, getattr(self, name)))
        one_of("dataset", self.dataset, DATASETS)
        check_options(self.dataset, dict(self.dataset_options))
        _check_names_of_modalities(self.modalities)
        METHODS.check_name(self.method)
        one_of("encoder", self.encoder, ENCODERS)
        one_of("optimizer", self.optimizer, OPTIMIZERS)
        one_of("learning_rate_schedule", self.learning_rate_schedule, LEARNING_RATE_SCHEDULES)
        one_of("pairing", self.pairing, PAIRINGS)
        one_of("head_gradient", self.head_gradient, VARIANTS)
        one_of("alpha_schedule", self.alpha_schedule, ALPHA_SCHEDULES)
        one_of("reset", self.reset, RESETS)
        one_of("projection", self.projection, PROJECTIONS)
        one_of("fusion", self.fusion, RULES)
        one_of("stopping", self.stopping, STOPPINGS)
        one_of("device", self.device, DEVICES)
        one_of("precision", self.precision, PRECISIONS)
        object.__setattr__(self, "encoders", check_encoders(self.encoders))
        if isinstance(self.order, tuple):
            if bad := [name for name in self.order if not isinstance(name, str)]:
                msg = f"order must name modalities, not {bad[0]!r} as in {self.order!r}"
                raise ConfigError(msg)
        else:
            one_of("order (or a list of modalities)", self.order, ("cyclic", "random"))
        _check_whole("seed", self.seed, least=0)
        for name in ("epochs", "batch_size", "probe_size"):
            _check_whole(name, getattr(self, name), least=1)
        if self.feature_size != "encoder":
            _check_whole("feature_size (or 'encoder')", self.feature_size, least=1)
        _check_whole("evaluate_every", self.evaluate_every, least=0)
        _check_real("learning_rate", self.learning_rate, above=0.0)
        _check_real("alpha", self.alpha, above=0.0)
        _check_real("weight_decay", self.weight_decay, least=0.0)
        _check_real("momentum", self.momentum, least=0.0, below=1.0)
        _check_real("label_noise", self.label_noise, least=0.0, below=1.0)
        for name in ("learning_rate", "alpha", "weight_decay", "momentum", "label_noise"):
            object.__setattr__(self, name, float(getattr(self, name)))  # 1 is named as 1.0 is
        object.__setattr__(self, "missing", check_missing(self.missing))
        options = check_method_options(self.method, self.method_options)
        object.__setattr__(self, "method_options", options)

    def replace(self, **changes: Any) -> ExperimentConfig:
        """Return a copy with some fields changed; an unknown field raises `ConfigError`."""
        _check_names(changes)
        return dataclasses.replace(self, **changes)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ExperimentConfig:
        """Make a configuration from plain values, such as a parsed JSON file."""
        _check_names(values)
        return cls(**values)

    @classmethod
    def from_json(cls, text: str) -> ExperimentConfig:
        """Make a configuration from JSON text, such as a page of a run lets one copy.

        Raises
        ------
        ConfigError
            When it is not JSON, not an object, or holds an unknown name or a bad value.

        Examples
        --------
        >>> ExperimentConfig.from_json('{"dataset": "gaussian", "epochs": 5}').epochs
        5
        """
        try:
            values = json.loads(text)
        except ValueError as error:
            msg = f"the configuration is not JSON ({error}): copy it whole, from {{ to }}"
            raise ConfigError(msg) from error
        if not isinstance(values, dict):
            msg = f"the configuration must be a JSON object of names and values, not {values!r}"
            raise ConfigError(msg)
        return cls.from_dict(values)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain JSON values."""
        return dataclasses.asdict(self) | {
            "order": self.order if isinstance(self.order, str) else list(self.order),
            "modalities": list(self.modalities),
        }

    def data_options(self) -> dict[str, Any]:
        """Return `dataset_options` as the loader takes them."""
        options = dict(self.dataset_options)
        return options | ({"seed": self.seed} if options.get("seed") == "run" else {})

    @property
    def hash(self) -> str:
        """Twelve hexadecimal digits that name this configuration's run."""
        return hash_of(self.naming())

    def naming(self) -> dict[str, Any]:
        """Return the fields that name a run: those added later only where they are set."""
        values, defaults = self.to_dict(), ExperimentConfig().to_dict()
        for f in dataclasses.fields(self):
            if f.metadata.get("later") and values[f.name] == defaults[f.name]:
                del values[f.name]
        return values

    @classmethod
    def live_fields(cls) -> frozenset[str]:
        """Return the fields that may change while a session runs."""
        return frozenset(f.name for f in dataclasses.fields(cls) if f.metadata.get("live"))

    def live_values(self) -> dict[str, Any]:
        """Return the values of the `live_fields`."""
        return {name: getattr(self, name) for name in self.live_fields()}


def hash_of(values: Mapping[str, Any]) -> str:
    """Return twelve hexadecimal digits of the SHA-256 of `values` as canonical JSON.

    Examples
    --------
    >>> hash_of({"a": 1, "b": 2}) == hash_of({"b": 2, "a": 1})
    True
    """
    text = json.dumps(values, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _plain_json(name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(options, Mapping):
        msg = f"{name} must map names to values, not {options!r}"
        raise ConfigError(msg)
    try:
        plain: dict[str, Any] = json.loads(json.dumps(dict(options), allow_nan=False))
    except (TypeError, ValueError) as error:
        msg = f"{name} must hold plain JSON values, not {options!r}: {error}"
        raise ConfigError(msg) from error
    return plain


def _check_names_of_modalities(names: tuple[str, ...]) -> None:
    whole = isinstance(names, tuple) and all(isinstance(name, str) for name in names)
    if not whole or len(set(names)) != len(names):
        msg = f"modalities must be a list of names, none twice, not {names!r}"
        raise ConfigError(msg)


def _check_names(values: Mapping[str, Any]) -> None:
    known = [f.name for f in dataclasses.fields(ExperimentConfig)]
    for name in values:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(known)}"
            msg = f"unknown parameter {name!r}: {hint}"
            raise ConfigError(msg)


def _check_whole(name: str, value: object, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        msg = f"{name} must be a whole number of at least {least}, not {value!r}"
        raise ConfigError(msg)


def _check_real(
    name: str,
    value: object,
    *,
    above: float = -math.inf,
    least: float = -math.inf,
    below: float = math.inf,
) -> None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not (above < value < below and value >= least):  # type: ignore[operator]
        bounds = [
            f"above {above}" if above > -math.inf else "",
            f"at least {least}" if least > -math.inf else "",
            f"below {below}" if below < math.inf else "finite",
        ]
        msg = f"{name} must be a number {' and '.join(filter(None, bounds))}, not {value!r}"
        raise ConfigError(msg)
