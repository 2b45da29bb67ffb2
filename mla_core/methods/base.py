"""The protocol every method follows: plan an epoch, take one sub-step, predict."""

from __future__ import annotations

import copy
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from mla_core.config import ExperimentConfig
from mla_core.data.samples import Modality, Split
from mla_core.encoders import build_encoders
from mla_core.errors import ConfigError, TrainingDivergedError
from mla_core.fusion import fit_temperature
from mla_core.memory import keep_memory
from mla_core.methods.averaging import AveragedWeights
from mla_core.methods.instruments import EVERY_METHOD, Instrument, readings
from mla_core.methods.model import MultimodalModel, home_of
from mla_core.methods.optimizer import laid_out_as, make_optimizer
from mla_core.methods.schedule import Batch, learning_rate_at
from mla_core.records import StepRecord


@dataclass(frozen=True)
class Position:
    """Where a sub-step stands; progress is in [0, 1)."""

    step: int
    epoch: int
    epoch_progress: float
    run_progress: float


@dataclass(frozen=True, eq=False)
class Prediction:
    """features (M, N, s), logits (M, N, C) per modality, weights (M, N), fused logits (N, C)."""

    features: Tensor
    logits: Tensor
    weights: Tensor
    fused: Tensor


class Method(ABC):
    """A model, its optimiser, and how one sub-step uses them.

    Parameters
    ----------
    config : ExperimentConfig
    modalities : mapping of str to Modality
    n_classes : int
    modules : mapping of str to Module, optional
        Encoders to use instead of those that `config` names.

    Attributes
    ----------
    model : MultimodalModel
    modalities : tuple of str
    feature_size : int
        s, as configured or as large as the encoders' own features.
    option : dict
        The method's own options, as configured.
    average : AveragedWeights or None
        What predicts where ``averaging`` asks for it.
    optimizer : Optimizer
        Of all parameters. It skips those whose gradient is None, so that a sub-step leaves the
        parts it does not use, with their momentum and weight decay, entirely alone.
    """

    # What a screen or a table needs to know about a method without asking for its name.
    one_at_a_time: ClassVar[bool] = False  # a sub-step trains one modality, not all at once
    head: ClassVar[str] = "joint"  # or "shared": one for each modality alike; or "own": one each
    weighs: ClassVar[bool] = False  # fused logits are a weighted sum of the modalities' own
    uses: ClassVar[frozenset[str]] = frozenset()  # settings that not every method obeys
    options: ClassVar[Mapping[str, Any]] = {}  # `method_options` with their defaults
    choices: ClassVar[Mapping[str, Sequence[str]]] = {}  # what an option that is a name may be
    instruments: ClassVar[Mapping[str, Instrument]] = EVERY_METHOD  # what it can show of itself
    reads_features: ClassVar[bool] = True  # `read` can be asked, and the head be looked at
    passes: ClassVar[float] = 1.0  # encoder passes of an epoch, as multiples of `concat`'s
    least_modalities: ClassVar[int] = 1
    most_modalities: ClassVar[int | None] = None
    head_travels: ClassVar[bool] = False  # `head_device` may be "same"

    average: AveragedWeights | None = None
    ahead = False  # whether its tensors are beyond the last record, so that they must be made good

    def __init__(
        self,
        config: ExperimentConfig,
        modalities: Mapping[str, Modality],
        n_classes: int,
        modules: Mapping[str, nn.Module] | None = None,
    ) -> None:
        self.check_modalities(config, modalities)
        self.config = config
        self.option = {**self.options, **config.method_options}
        self.modalities = tuple(modalities)
        self._noted: dict[str, float] = {}
        self.build(modalities, n_classes, modules or {})
        self.setup()

    def build(
        self, modalities: Mapping[str, Modality], n_classes: int, modules: Mapping[str, nn.Module]
    ) -> None:
        """Make encoders, head, model and optimiser."""
        keep_memory()
        config = self.config
        found = build_encoders(
            modalities,
            modules,
            encoders=config.encoders,
            encoder=config.encoder,
            feature_size=config.feature_size,
            device=config.device,
            precision=config.precision,
            seed=config.seed,
        )
        self.feature_size = found.size
        head = self.build_head(list(modalities), n_classes)
        fitted = torch.ones(len(modalities)) if config.temperature == "fitted" else None
        home = home_of(config, found.placement, able=self.head_travels)
        self.model = MultimodalModel(found.encoders, head, found.placement, fitted, home)
        self.average = AveragedWeights(self.model) if config.averaging else None
        trained = [p for p in self.model.parameters() if p.requires_grad]
        self.optimizer = make_optimizer(config, trained)

    @classmethod
    def check_modalities(cls, config: ExperimentConfig, modalities: Mapping[str, Modality]) -> None:
        """Raise `ConfigError` when the data has too few modalities for the method, or too many."""
        names, most = list(modalities), cls.most_modalities
        if len(names) < cls.least_modalities:
            msg = (
                f"method {config.method!r} needs at least {cls.least_modalities} modalities, but "
                f"the data has {names}"
            )
            raise ConfigError(msg)
        if most is not None and len(names) > most:
            msg = (
                f"method {config.method!r} trains {'one modality' if most == 1 else most}, but the "
                f"data has {names}: choose with modalities={names[:most]!r}, or use another method, "
                "such as 'ensemble'"
            )
            raise ConfigError(msg)

    def setup(self) -> None:  # noqa: B027 - most methods need nothing
        """Make what a method keeps beside the model, once that and the optimiser are there."""

    @abstractmethod
    def build_head(self, modalities: Sequence[str], n_classes: int) -> nn.Module:
        """Return the head, drawn from the configuration's seed."""

    @abstractmethod
    def plan(self, train: Split, epoch: int) -> list[Batch]:
        """Return the epoch's sub-steps.

        They are decided by the configuration, `epoch`, and what `end_epoch` has left, if anything.
        """

    def start_epoch(self, train: Split) -> None:  # noqa: B027 - most methods need nothing
        """Do what happens once before an epoch's first sub-step."""

    def end_epoch(self, train: Split, val: Split, coming: Position) -> int:
        """Do what happens once behind an epoch's last sub-step, as part of it.

        What this leaves in the method's state may decide the plan of the coming epoch.

        Parameters
        ----------
        train, val : Split
            Whole; `val` is for what is chosen, never for what is learned from.
        coming : Position
            Of the first sub-step of the epoch to come.

        Returns
        -------
        int
            How many parts were encoded here without being learned from, which is compute, too.
        """
        return 0

    @abstractmethod
    def step(self, batch: Batch, train: Split, position: Position) -> StepRecord:
        """Take one sub-step and say what happened.

        Raises
        ------
        TrainingDivergedError
            When the loss or the head's gradient is not finite; then nothing has been updated.
        """

    def note(self, name: str, values: Tensor | Callable[[], Tensor]) -> None:
        """Hand in what one of its `instruments` shows of the sub-step at hand, if that is watched.

        Parameters
        ----------
        name : str
        values : Tensor or callable
            (K,), one for each of its lines; or what returns them, where they cost something.
        """
        if name in self.config.instruments:
            self._noted |= readings(self, name, values() if callable(values) else values)

    def counted(self, present: Tensor) -> Tensor:
        """Return which parts are trained on (M, B), of those that are present."""
        return present

    def noted(self) -> dict[str, float]:
        """Return what was handed in since this was last asked: `StepRecord.instruments`."""
        found, self._noted = self._noted, {}
        return found

    @property
    def takes_several(self) -> bool:
        """Whether `steps` gains from several sub-steps at once."""
        return False

    def steps(self, turns: Sequence[tuple[Batch, Position]], train: Split) -> list[StepRecord]:
        """Take sub-steps that follow one another, each of another modality."""
        records = []
        for batch, position in turns:
            with self.model.at_step(self.config.seed, position.step):
                records.append(self.step(batch, train, position))
        return records

    @property
    def predictor(self) -> Method:
        """The method whose weights predict: this one, or one that reads the averaged weights."""
        if self.average is None:
            return self
        reader = copy.copy(self)
        reader.model, reader.average = self.average.model, None
        return reader

    @torch.no_grad()
    def predict(self, split: Split) -> Prediction:
        """Predict a split, per modality and fused."""
        reader = self.predictor
        return reader.read(reader.model.features(split.inputs), split.present)

    @torch.no_grad()
    def calibrate(self, split: Split) -> Prediction:
        """Fit the temperatures to a split, where the configuration asks for it, and predict it.

        Notes
        -----
        T_m has the smallest negative log-likelihood of ``z_m / T_m`` on the samples that have
        modality m (Guo et al., ICML 2017).
        """
        temperature = self.model.temperature
        if temperature is None:
            return self.predict(split)
        reader = self.predictor
        features = reader.model.features(split.inputs)
        temperature.fill_(1)
        logits = reader.read(features, split.present).logits
        fitted = [
            fit_temperature(z[here], split.labels[here])
            for z, here in zip(logits, split.present, strict=True)
        ]
        temperature.copy_(torch.tensor(fitted))
        return reader.read(features, split.present)

    def tempered(self, logits: Tensor) -> Tensor:
        """Return each modality's logits (M, N, C) divided by its temperature, if it has one."""
        t = self.model.temperature
        return logits if t is None else logits / t[:, None, None]

    @abstractmethod
    def read(self, features: Tensor, present: Tensor) -> Prediction:
        """Return what the head or heads make of features, wherever these come from.

        Parameters
        ----------
        features : Tensor
            (M, N, s), meaningless where absent.
        present : Tensor
            (M, N) bool.
        """

    def predictions(self, split: Split) -> Callable[[Tensor], Prediction]:
        """Return what predicts a split when less of it is present; every part is encoded once.

        Returns
        -------
        callable
            From presence (M, N), at most what the split has, to a `Prediction`.
        """
        reader = self.predictor
        first = {name: x[torch.tensor([0])] for name, x in split.inputs.items()}
        features = reader.model.features(split.inputs)  # (M, N, s)
        absent = reader.model.features({m: torch.zeros_like(x) for m, x in first.items()})

        def predict(present: Tensor) -> Prediction:
            return reader.read(torch.where(present[..., None], features, absent), present)

        return predict

    def reconfigure(self, config: ExperimentConfig) -> None:
        """Take over a configuration that differs in live fields only."""
        self.config = config
        for group in self.optimizer.param_groups:
            group["weight_decay"] = config.weight_decay
            if "momentum" in group:
                group["momentum"] = config.momentum

    def state_dict(self) -> dict[str, Tensor]:
        """Return copies of all tensors that decide how training goes on."""
        self.model.make_whole()
        model = self.model.state_dict()
        still = {name for name, p in self.model.named_parameters() if not p.requires_grad}
        state = {f"model.{key}": value for key, value in model.items() if key not in still}
        for i, values in self.optimizer.state_dict()["state"].items():
            state |= {f"optimizer.{i}.{key}": value for key, value in values.items()}
        if self.average is not None:
            state |= {f"average.{key}": value for key, value in self.average.state_dict().items()}
        return {key: x.detach().to("cpu", copy=True) for key, x in state.items()}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take back what `state_dict` gave."""
        self.ahead = False
        still = {k: p for k, p in self.model.named_parameters() if not p.requires_grad}
        self.model.load_state_dict({**still, **strip_prefix(state, "model.")})
        values: dict[int, dict[str, Tensor]] = {}
        parameters = self.optimizer.param_groups[0]["params"]
        for key, value in strip_prefix(state, "optimizer.").items():
            index, name = key.split(".", 1)
            values.setdefault(int(index), {})[name] = laid_out_as(parameters[int(index)], value)
        if self.average is not None:
            self.average.load_state_dict(strip_prefix(state, "average."))
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": values, "param_groups": groups})

    def load_weights(self, weights: Mapping[str, Tensor]) -> None:
        """Predict with the weights and temperatures of a finished run from now on.

        Parameters
        ----------
        weights : mapping of str to Tensor
            The content of its ``model.safetensors``.
        """
        self.model.load_state_dict(weights)
        self.average = None  # it is these

    def clear_gradients(self) -> None:
        """Set every gradient to None: what gets none in this sub-step is not updated."""
        for parameter in self.optimizer.param_groups[0]["params"]:
            parameter.grad = None

    def learning_rate(self, position: Position) -> float:
        """Return the learning rate at this position and hand it to the optimiser."""
        config = self.config
        rate = learning_rate_at(
            config.learning_rate_schedule, config.learning_rate, position.run_progress
        )
        self.set_learning_rate(rate)
        return rate

    def set_learning_rate(self, rate: float) -> None:
        """Hand a learning rate to the optimiser."""
        for group in self.optimizer.param_groups:
            group["lr"] = rate


def load_state(method: Method, state: Mapping[str, Tensor]) -> None:
    """Give a method back what its `state_dict` gave.

    Raises
    ------
    ConfigError
        When it comes from another network. The method is then neither one nor the other.
    """
    try:
        method.load_state_dict(state)
    except (RuntimeError, ValueError, KeyError) as error:
        why = " ".join(str(error).split())[:200]
        msg = f"the snapshot is of a session with other data or other encoders: {why}"
        raise ConfigError(msg) from error


def strip_prefix(state: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Return the entries whose key starts with `prefix`, without it."""
    return {key.removeprefix(prefix): v for key, v in state.items() if key.startswith(prefix)}


def check_finite(what: str, value: float, batch: Batch, position: Position, split: Split) -> None:
    """Raise `TrainingDivergedError` naming the step, the modality and the batch's samples."""
    if math.isfinite(value):
        return
    first = ", ".join(split.ids[i] for i in batch.indices[:3].tolist())
    msg = (
        f"training diverged in sub-step {position.step + 1} (epoch {position.epoch + 1}, "
        f"modality {batch.modality or 'all'}): the {what} is {value}. The batch starts with the "
        f"samples {first}. Try a smaller learning rate."
    )
    raise TrainingDivergedError(msg)
