"""A configuration is data: frozen, checked once, written as JSON, and hashed to name a run."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any

from mla_core.catalogue import (
    METHODS,
    METRICS,
    check_instruments,
    check_method_options,
    check_names_of_metrics,
)
from mla_core.data import DATASETS, check_missing, check_options
from mla_core.encoders import DEVICES, ENCODERS, PRECISIONS, check_encoders
from mla_core.errors import ConfigError, nearest, one_of, quoted
from mla_core.fusion import RULES
from mla_core.head import ALPHA_SCHEDULES, VARIANTS
from mla_core.outside import read_json_text
from mla_core.plugins import Origin, Registry
from mla_core.references import allow_import as allow
from mla_core.references import from_elsewhere, is_reference, only_looking, user_named
from mla_core.settings import (
    check_list_of_names,
    check_order,
    check_settings,
    hash_of,
    plain_json,
    setting,
    written,
)
from mla_core.threads import named_threads


@dataclasses.dataclass(frozen=True)
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
    head_device : {"cpu", "same"}
        Where head, loss and P compute; ``same`` as the encoders is meant for CUDA (docs/speed.md).
    precision : {"auto", "float32", "bfloat16"}
        Of the encoders' inner numbers; ``auto``: bfloat16 on CUDA for large encoders. On a CPU
        convolutions learn in float32 only.
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
    stopping : {"last", "best", "best_nll"}
        Which weights are reported: the last ones, or those of the look with the best fused
        accuracy or the smallest fused negative log-likelihood on the probe set (the first of
        equals). Training itself goes on to the end.
    averaging : float
        Horizon in epochs of the running mean of weights that predicts (see
        `mla_core.methods.averaging`); 0 means that the live weights predict.
    temperature : {"none", "fitted"}
        What each modality's logits are divided by when it predicts: nothing, or a temperature that
        every look fits on the probe set.
    metrics : tuple of str
        Numbers of your own beside those that are always there: in ``metrics.json``, and a curve.
    instruments : tuple of str
        What is watched of the method's own `instruments`, such as ``"conflict"``; it is curves only.

    Notes
    -----
    `dataset`, `method`, `head_gradient`, `fusion`, `metrics` and the names in `encoders` may also be
    things of your own: registered in this process, brought by an installed package, or
    ``"module:object"``, which is imported (see `mla_core.plugins`).

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
    dataset_options: Mapping[str, Any] = setting(factory=dict)
    modalities: tuple[str, ...] = ()
    missing: Mapping[str, Any] = setting(factory=dict)
    label_noise: float = setting(0.0, real={"least": 0.0, "below": 1.0})
    method: str = "mla"
    method_options: Mapping[str, Any] = setting(factory=dict)
    seed: int = setting(0, whole=0)
    epochs: int = setting(10, whole=1, live=True)
    batch_size: int = setting(64, whole=(1, 65_536))
    feature_size: int | str = setting(128, whole=(1, 16_384), choices=("encoder",))
    encoder: str = setting("trained", choices=("trained", "none"))
    optimizer: str = setting("sgd", choices=("sgd", "adamw"))
    learning_rate: float = setting(0.03, real={"above": 0.0}, live=True)
    momentum: float = setting(0.9, real={"least": 0.0, "below": 1.0}, live=True)
    weight_decay: float = setting(1e-4, real={"least": 0.0}, live=True)
    learning_rate_schedule: str = setting(
        "constant", choices=("constant", "step", "cosine"), live=True
    )
    order: str | tuple[str, ...] = setting("cyclic", choices=("cyclic", "random"), or_list=True)
    pairing: str = setting("paired", choices=("paired", "independent"))
    head_gradient: str = setting("paper", live=True)
    alpha: float = setting(0.1, real={"above": 0.0}, live=True)
    alpha_schedule: str = setting("auto", choices=(*ALPHA_SCHEDULES,), live=True)
    reset: str = setting("never", choices=("never", "epoch", "round"), live=True)
    projection: str = setting("gradient", choices=("gradient", "update"), live=True)
    fusion: str = setting("entropy", live=True)
    evaluate_every: int = setting(24, whole=0)
    probe_size: int = setting(300, whole=1)
    stopping: str = setting("last", choices=("last", "best", "best_nll"))
    encoders: Mapping[str, Any] = setting(factory=dict, later=True)
    device: str = setting("auto", choices=DEVICES, later=True)
    head_device: str = setting("cpu", choices=("cpu", "same"), later=True)
    precision: str = setting("auto", choices=PRECISIONS, later=True)
    averaging: float = setting(0.0, real={"least": 0.0}, later=True)
    temperature: str = setting("none", choices=("none", "fitted"), later=True)
    metrics: tuple[str, ...] = setting((), later=True)
    instruments: tuple[str, ...] = setting((), later=True, live=True)

    def __post_init__(self) -> None:
        # JSON and papermill know lists only; a tuple keeps the configuration frozen.
        for name in ("order", "modalities", "metrics", "instruments"):
            if isinstance(getattr(self, name), list):
                object.__setattr__(self, name, tuple(getattr(self, name)))
        for name in ("dataset_options", "method_options", "missing", "encoders"):
            object.__setattr__(self, name, plain_json(name, getattr(self, name)))
        object.__setattr__(self, "encoders", check_encoders(self.encoders))
        check_names_of_metrics(self.metrics)
        check_list_of_names("modalities", self.modalities)
        if isinstance(self.order, tuple):
            check_order(self.order)
        self._meet_guests()
        check_settings(self)
        check_options(self.dataset, _with_the_runs_seed(self.dataset_options, self.seed))
        object.__setattr__(self, "missing", check_missing(self.missing))
        options = check_method_options(self.method, self.method_options)
        object.__setattr__(self, "method_options", options)
        check_instruments(self.method, self.instruments)

    def _meet_guests(self) -> None:
        """Check every name that stands for code; a guest is tried now, not after hours."""
        named = self.names_of_code()
        user_named(*(name for _, name in named))
        for registry, name in named:
            if not only_looking():
                registry.check_name(name)
            if name not in registry.built_in and registry.known(name):
                registry[name]

    def replace(self, **changes: Any) -> ExperimentConfig:
        """Return a copy with some fields changed; an unknown field raises `ConfigError`."""
        check_names(changes)
        with from_elsewhere():  # what stays may have come from a file
            changed = dataclasses.replace(self, **changes)
        before = {name for _, name in self.names_of_code()}
        new = [name for _, name in changed.names_of_code() if name not in before]
        if not any(map(is_reference, new)):
            return changed
        user_named(*new)
        with from_elsewhere():
            return dataclasses.replace(self, **changes)

    @classmethod
    def from_dict(
        cls, values: Mapping[str, Any], *, allow_import: Iterable[str] = ()
    ) -> ExperimentConfig:
        """Make a configuration from plain values, such as a parsed JSON file.

        Parameters
        ----------
        values : mapping
        allow_import : iterable of str
            Modules that it may import: ``["my_lab"]`` for ``{"method": "my_lab:Mine"}``.

        Raises
        ------
        ConfigError
            For an unknown name, a bad value, or a name of code that nobody has allowed to run.
        """
        allow(*allow_import)
        config = cls.to_look_at(values)
        for registry, name in config.names_of_code():
            registry.check_name(name)
            registry.refuse_unallowed(name)
        return config

    @classmethod
    def to_look_at(cls, values: Mapping[str, Any]) -> ExperimentConfig:
        """Make a configuration whose code is not run: names that lead nowhere here stay names."""
        check_names(values)
        with from_elsewhere(to_look=True):
            return cls(**values)

    @classmethod
    def from_json(cls, text: str, *, allow_import: Iterable[str] = ()) -> ExperimentConfig:
        """Make a configuration from JSON text, such as a page of a run lets one copy.

        Parameters
        ----------
        text : str
        allow_import : iterable of str
            As for `from_dict`.

        Raises
        ------
        ConfigError
            When it is not JSON, not an object, or holds an unknown name or a bad value, or the
            name of code that nobody has allowed to run.

        Examples
        --------
        >>> ExperimentConfig.from_json('{"dataset": "gaussian", "epochs": 5}').epochs
        5
        """
        if not isinstance(text, str | bytes):
            msg = f"the configuration must be JSON text, not {quoted(text)}"
            raise ConfigError(msg)
        try:
            values = read_json_text(text)
        except ValueError as error:
            msg = f"the configuration is not JSON ({error}): copy it whole, from {{ to }}"
            raise ConfigError(msg) from error
        return cls.from_dict(values, allow_import=allow_import)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain JSON values."""
        return {f.name: _plain(getattr(self, f.name)) for f in dataclasses.fields(self)}

    def data_options(self) -> dict[str, Any]:
        """Return `dataset_options` as the loader takes them."""
        return _with_the_runs_seed(self.dataset_options, self.seed)

    def check_modalities(self, names: Sequence[str]) -> None:
        """Raise `ConfigError` unless data with these modalities have every one that is named here."""
        for name in self.modalities:
            one_of("modality in modalities", name, names)
        for name in self.encoders:  # of the whole data, so that one left out may keep its entry
            one_of("modality in encoders", name, names)
        kept = [name for name in names if not self.modalities or name in self.modalities]
        for side, rates in self.missing.items():
            for name in rates if isinstance(rates, Mapping) else ():
                one_of(f"modality in missing[{side!r}]", name, kept)
        if isinstance(self.order, tuple):
            for name in self.order:
                one_of("modality in order", name, kept)
            if left_out := [name for name in kept if name not in self.order]:
                msg = f"order leaves out the modality {left_out[0]!r}: it would never be trained"
                raise ConfigError(msg)

    @property
    def hash(self) -> str:
        """Twelve hexadecimal digits that name this configuration's run."""
        return hash_of(self.naming())

    def naming(self) -> dict[str, Any]:
        """Return what names a run: its fields (those added later only where they are set), and more.

        That is how many threads compute, unless it is the usual number, and the source of what is
        not built in.
        """
        values, defaults = self.to_dict(), ExperimentConfig().to_dict()
        for f in dataclasses.fields(self):
            if f.metadata.get("later") and values[f.name] == defaults[f.name]:
                del values[f.name]
        if guests := self.guests():  # the same name may stand for other code tomorrow
            values["guests"] = [[g.kind, g.name, g.source] for g in guests]
        return values | named_threads()

    def guests(self) -> list[Origin]:
        """Return where everything comes from that is not built in, once each, in order.

        Raises
        ------
        ConfigError
            When it cannot be had here, or may not be imported.
        """
        found = (registry.origin(name) for registry, name in self.names_of_code())
        return list(dict.fromkeys(origin for origin in found if origin))

    def only_here(self) -> list[str]:
        """Return the names that were registered in this process, which no other one knows."""
        return [name for registry, name in self.names_of_code() if registry.only_here(name)]

    def names_of_code(self) -> list[tuple[Registry[Any], str]]:
        """Return every name that stands for code, and what looks it up."""
        entries = (e if isinstance(e, str) else e["name"] for e in self.encoders.values())
        return [
            (DATASETS, self.dataset),
            (METHODS, self.method),
            (VARIANTS, self.head_gradient),
            (RULES, self.fusion),
            *((ENCODERS, name) for name in entries if name in ENCODERS),
            *((METRICS, name) for name in self.metrics),
        ]

    @classmethod
    def live_fields(cls) -> frozenset[str]:
        """Return the fields that may change while a session runs."""
        return frozenset(f.name for f in dataclasses.fields(cls) if f.metadata.get("live"))

    def live_values(self) -> dict[str, Any]:
        """Return the values of the `live_fields`."""
        return {name: getattr(self, name) for name in self.live_fields()}


def config_differences(configs: Sequence[ExperimentConfig]) -> dict[str, list[Any]]:
    """Return the fields in which configurations differ, each with one plain value for each of them.

    Examples
    --------
    >>> config = ExperimentConfig()
    >>> config_differences([config, config.replace(alpha=0.5)])
    {'alpha': [0.1, 0.5]}
    """
    names = ExperimentConfig.__dataclass_fields__
    columns = zip(*map(attrgetter(*names), configs), strict=True)
    named = zip(names, columns, strict=bool(configs))
    return {n: [*map(_plain, one)] for n, one in named if len({*map(written, one)}) > 1}


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else copy.deepcopy(value)


def _with_the_runs_seed(options: Mapping[str, Any], seed: int) -> dict[str, Any]:
    return {**options, **({"seed": seed} if options.get("seed") == "run" else {})}


def check_names(values: Mapping[str, Any]) -> None:
    """Raise `ConfigError` unless these are names of settings, each with a value."""
    if not isinstance(values, Mapping):
        msg = f"the configuration must be an object of names and values, not {quoted(values)}"
        raise ConfigError(msg)
    known = ExperimentConfig.__dataclass_fields__
    for name in values:
        if name not in known:
            close = nearest(name, known)
            hint = f"did you mean {close!r}?" if close else f"known are {', '.join(known)}"
            msg = f"unknown parameter {quoted(name)}: {hint}"
            raise ConfigError(msg)
