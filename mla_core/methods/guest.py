"""A method from outside: made to fit, and tried on a tiny batch when it is first used."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import Any, cast

import torch
from torch import Tensor, nn

from mla_core.config import ExperimentConfig
from mla_core.data import MultimodalDataset, load_dataset
from mla_core.data.samples import Modality, Split
from mla_core.encoders import Placement
from mla_core.errors import ConfigError
from mla_core.methods.base import Method, Position, Prediction
from mla_core.methods.instruments import Instrument, Sight, looked_at
from mla_core.methods.model import home_of
from mla_core.methods.schedule import Batch
from mla_core.records import StepRecord
from mla_core.seeding import drawing_alone, generator

NEEDED = ("plan", "step", "predict", "state_dict", "load_state_dict")
NO_HEAD = (
    "the method {!r} does not say what its head makes of features: for this view derive it from "
    "mla_core.methods.OneAtATime or Joint"
)
STEPS = 3  # that a guest is tried on
_TRAITS = (
    "one_at_a_time",
    "head",
    "weighs",
    "uses",
    "options",
    "instruments",
    "passes",
    "least_modalities",
    "most_modalities",
)


def as_method(thing: Any) -> type[Method]:
    """Return a class that the session can drive: the guest itself, or one around it.

    Parameters
    ----------
    thing : type
        A subclass of `Method` (`OneAtATime`, `Joint`), or a class with `NEEDED` alone.

    Raises
    ------
    ConfigError
        When it is neither.
    """
    if isinstance(thing, type) and issubclass(thing, Method):
        return thing
    lacking = [name for name in NEEDED if not hasattr(thing, name)]
    if not isinstance(thing, type) or lacking:
        msg = (
            f"a method must be a class: a subclass of mla_core.methods.OneAtATime or Joint, or one "
            f"with {', '.join(NEEDED)}. {thing!r} "
            + (f"lacks {', '.join(lacking)}" if isinstance(thing, type) else "is none")
        )
        raise ConfigError(msg)
    told = {name: getattr(thing, name, getattr(Bare, name)) for name in _TRAITS}
    if isinstance(told["instruments"], Mapping):
        told["instruments"] = {**Bare.instruments, **told["instruments"]}
    return type(thing.__name__, (Bare,), {**told, "guest": thing, "__doc__": thing.__doc__})


class _Model:
    """What the session asks a model for, around a guest that keeps its own."""

    kept: frozenset[str] = frozenset()
    temperature = None
    sends_to = None
    placement = Placement()  # nobody knows where it computes

    def __init__(self, name: str, inner: Any) -> None:
        self._name, self._inner = name, inner

    def describe(self) -> str:
        """Say what is known."""
        return f"Where the method {self._name!r} computes is its own business."

    def register_forward_hook(self, hook: Any) -> Any:
        """Refuse: nothing is known to pass through here."""
        raise ConfigError(NO_HEAD.format(self._name))

    @property
    def head(self) -> nn.Module:
        """Refuse: nobody knows whether there is one."""
        raise ConfigError(NO_HEAD.format(self._name))

    def state_dict(self) -> dict[str, Tensor]:
        """Return the guest's state, which is all that there is to write down."""
        return {k: v.detach().cpu().contiguous() for k, v in self._inner.state_dict().items()}

    @contextmanager
    def at_step(self, seed: int, step: int) -> Iterator[None]:
        """Make what the guest draws from torch's global generator depend on seed and step alone."""
        with drawing_alone():
            torch.manual_seed(generator(seed, "guest", step).initial_seed())
            yield


class Bare(Method):
    """Drives a class that has `plan`, `step`, `predict`, `state_dict` and `load_state_dict`.

    It is made with ``(config, modalities, n_classes)``. What it does not have it does not need:
    ``start_epoch(train)`` and ``reconfigure(config)`` are called where they exist, and a part that
    is missing reaches it in ``split.present`` alone.
    """

    guest: type[Any]
    reads_features = False
    weighs = True

    def build(
        self, modalities: Mapping[str, Modality], n_classes: int, modules: Mapping[str, nn.Module]
    ) -> None:
        """Make the guest, drawn from the configuration's seed."""
        config = self.config
        home_of(config, Placement(), able=False)
        if config.averaging or config.temperature != "none":
            msg = (
                f"method {config.method!r} keeps its weights to itself: leave `averaging` and "
                "`temperature` as they are, or derive it from mla_core.methods.OneAtATime or Joint"
            )
            raise ConfigError(msg)
        if modules or config.encoders:
            msg = f"method {config.method!r} brings encoders of its own: leave `encoders` empty"
            raise ConfigError(msg)
        with drawing_alone():
            torch.manual_seed(generator(config.seed, "guest").initial_seed())
            self.inner = self.guest(config, modalities, n_classes)
        self.model = cast("Any", _Model(config.method, self.inner))

    def build_head(self, modalities: Sequence[str], n_classes: int) -> nn.Module:
        """Refuse: the guest has a head of its own, if any."""
        raise ConfigError(NO_HEAD.format(self.config.method))

    def plan(self, train: Split, epoch: int) -> list[Batch]:
        """As the guest plans it."""
        return list(self.inner.plan(train, epoch))

    def start_epoch(self, train: Split) -> None:
        """Tell the guest, if it wants to know."""
        getattr(self.inner, "start_epoch", lambda _: None)(train)

    def step(self, batch: Batch, train: Split, position: Position) -> StepRecord:
        """As the guest takes it; of what it shows of itself, only what is watched is kept."""
        record = cast("StepRecord", self.inner.step(batch, train, position))
        shown = getattr(record, "instruments", {})
        watched = {
            key: value
            for key, value in shown.items()
            if key.partition(".")[0] in self.config.instruments
        }
        return record if watched == shown else replace(record, instruments=watched)

    @property
    def predictor(self) -> Method:
        """The guest, who has no other weights."""
        return self

    @torch.no_grad()
    def calibrate(self, split: Split) -> Prediction:
        """Predict: there are no temperatures."""
        return self.predict(split)

    @torch.no_grad()
    def predict(self, split: Split) -> Prediction:
        """As the guest predicts it."""
        return cast("Prediction", self.inner.predict(split))

    def read(self, features: Tensor, present: Tensor) -> Prediction:
        """Refuse: what a guest makes of features alone nobody knows."""
        raise ConfigError(NO_HEAD.format(self.config.method))

    def predictions(self, split: Split) -> Any:
        """Return the function from presence (M, N) to what is predicted when no more is there."""
        return lambda present: self.predict(split.keep(present))

    def reconfigure(self, config: ExperimentConfig) -> None:
        """Hand the new configuration on, if the guest wants it."""
        self.config = config
        getattr(self.inner, "reconfigure", lambda _: None)(config)

    def state_dict(self) -> dict[str, Tensor]:
        """Return copies of the guest's tensors."""
        return {k: v.detach().to("cpu", copy=True) for k, v in self.inner.state_dict().items()}

    def load_weights(self, weights: Mapping[str, Tensor]) -> None:
        """Give back what was saved, which is all that the guest has."""
        self.load_state_dict(weights)

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Give them back."""
        self.inner.load_state_dict({key: value.clone() for key, value in state.items()})


def check_method(name: str, cls: type[Method]) -> None:
    """Try a method on tiny data with a missing part.

    Parameters
    ----------
    name : str
    cls : type
        As `as_method` returned it.

    Raises
    ------
    ConfigError
        Saying what was expected: a plan of batches, a `StepRecord` for each, predictions of the
        right shapes, finite numbers, the same ones every time, and a state that survives a snapshot.
    """
    if abstract := sorted(getattr(cls, "__abstractmethods__", ())):
        msg = f"method {name!r} must define {', '.join(abstract)}"
        raise ConfigError(msg)
    if cls.head not in {"joint", "shared", "own"}:
        msg = f"method {name!r} says head = {cls.head!r}: choose 'joint', 'shared' or 'own'"
        raise ConfigError(msg)
    check_own_instruments(name, cls.instruments)
    one, again, restored = (_Trial(name, cls, restored_after=n) for n in (None, None, 1))
    if one.records != again.records or not _equal(one.prediction, again.prediction):
        msg = (
            f"method {name!r} must do the same for the same seed: draw from "
            "mla_core.seeding.generator(seed, name, position), or from torch's global generator in "
            "the constructor and in step"
        )
        raise ConfigError(msg)
    if one.records != restored.records or not _equal(one.prediction, restored.prediction):
        msg = (
            f"method {name!r}: its state must survive a snapshot, but after "
            "load_state_dict(state_dict()) it goes on differently: keep every tensor that decides "
            "how it goes on in state_dict"
        )
        raise ConfigError(msg)


def check_own_instruments(name: str, instruments: Any) -> None:
    """Raise `ConfigError` unless these are instruments, each under a name that can stand in a key."""
    if not isinstance(instruments, Mapping):
        msg = f"method {name!r} must map names to instruments, not {instruments!r}"
        raise ConfigError(msg)
    for key, instrument in instruments.items():
        if not isinstance(key, str) or not key or "." in key:
            msg = f"method {name!r}: the name of an instrument is a text without a dot, not {key!r}"
            raise ConfigError(msg)
        if not isinstance(instrument, Instrument):
            msg = f"method {name!r}: {key!r} must be a mla_core.methods.Instrument, not {instrument!r}"
            raise ConfigError(msg)


class _Trial:
    """A method that was run for a few sub-steps, from the start or over a snapshot."""

    def __init__(self, name: str, cls: type[Method], restored_after: int | None) -> None:
        self.name, self.cls, self.data = name, cls, _tiny_data(cls)
        self.config = ExperimentConfig(
            dataset="gaussian",
            method=name,
            batch_size=8,
            feature_size=8,
            epochs=2,
            instruments=tuple(cls.instruments),
        )
        self.records: list[dict[str, Any]] = []
        self.prediction: Prediction
        try:
            self._run(restored_after)
        except ConfigError:
            raise
        except Exception as error:
            msg = f"method {name!r} does not run on tiny data: {type(error).__name__}: {error}"
            raise ConfigError(msg) from error

    def _run(self, restored_after: int | None) -> None:
        method = self._new()
        train = self.data.split("train")
        plan = method.plan(train, 0)
        if not plan or not all(isinstance(batch, Batch) for batch in plan):
            self._fault("plan(train, epoch) must return a list of mla_core.methods.Batch")
        method.start_epoch(train)
        for i, batch in enumerate(plan[:STEPS]):
            if i == restored_after:
                state = method.state_dict()
                if not all(isinstance(x, Tensor) for x in state.values()):
                    self._fault("state_dict() must map names to tensors")
                method = self._new()
                method.load_state_dict(state)
            position = Position(i, 0, i / len(plan), i / len(plan) / 2)
            with method.model.at_step(0, i):
                record = method.step(batch, train, position)
            if not isinstance(record, StepRecord):
                self._fault(f"step(...) must return a StepRecord, not {type(record).__name__}")
            self._check_shown(record)
            self.records.append(asdict(record))
        val = self.data.split("val")
        looked_at(method, Sight(train, val, plan))
        self.prediction = method.predict(val)
        self._check_prediction(val)

    def _new(self) -> Method:
        return self.cls(self.config, self.data.modalities, len(self.data.classes))

    def _check_shown(self, record: StepRecord) -> None:
        lines = {
            f"{key}.{line}"
            for key, one in self.cls.instruments.items()
            for line in one.names(tuple(self.data.modalities))
        }
        for key, value in record.instruments.items():
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if key not in lines or not number or not math.isfinite(value):
                self._fault(
                    f"a record's instruments must be finite numbers under {sorted(lines)}, not "
                    f"{key!r}: {value!r}"
                )

    def _check_prediction(self, val: Split) -> None:
        found = self.prediction
        m, n, c = len(val.inputs), len(val), len(self.data.classes)
        s = found.features.shape[-1] if isinstance(found, Prediction) else 0
        wanted = {
            "features": (m, n, s),
            "logits": (m, n, c),
            "weights": (m, n),
            "fused": (n, c),
        }
        if not isinstance(found, Prediction):
            self._fault(f"predict(split) must return a Prediction, not {type(found).__name__}")
        for name, shape in wanted.items():
            x = getattr(found, name)
            if tuple(x.shape) != shape:
                self._fault(f"predict(split).{name} must be {shape}, not {tuple(x.shape)}")
            if not torch.isfinite(x if name != "logits" else x[val.present]).all():
                self._fault(f"predict(split).{name} must be finite where a part is present")
        if found.weights[~val.present].any():
            self._fault("predict(split).weights must be 0 where a part is absent")

    def _fault(self, what: str) -> None:
        msg = f"method {self.name!r}: {what}"
        raise ConfigError(msg)


def _equal(a: Prediction, b: Prediction) -> bool:
    return torch.equal(a.fused, b.fused) and torch.equal(a.weights, b.weights)


def _tiny_data(cls: type[Method]) -> MultimodalDataset:
    """Return data of three modalities, or of as many as the method takes, a part missing."""
    count = min(max(3, cls.least_modalities), cls.most_modalities or 99)
    whole = load_dataset("gaussian", modalities=count, classes=4, sizes=(40, 12, 12))
    splits = {side: whole.split(side) for side in ("train", "val", "test")}
    if count > 1:
        present = splits["val"].present.clone()
        present[0, 0] = False
        splits["val"] = splits["val"].keep(present)
    return MultimodalDataset("tiny", list(whole.modalities.values()), whole.classes, splits)
