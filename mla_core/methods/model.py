"""The network: a dict of encoders and a head."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from mla_core.config import ExperimentConfig
from mla_core.data.samples import Column
from mla_core.encoders import (
    CHUNK,
    AdaptedEncoder,
    CapturedEncoder,
    Placement,
    describe_captured,
    sparsely,
)
from mla_core.errors import ConfigError, TrainingDivergedError
from mla_core.seeding import drawing_alone, generator


class MultimodalModel(nn.Module):
    """M modality-specific encoders h_m and a head g.

    Parameters
    ----------
    encoders : mapping of str to Module
        Any M >= 1, all with features of the same size s: from `mla_core.encoders.build`.
    head : Module
        What it reads is the method's business: for MLA, one modality's features (B, s).
    placement : Placement
        Where the encoders compute.
    temperature : Tensor, optional
        (M,) what each modality's logits are divided by when it predicts; part of what is saved.
    home : device, optional
        Where the head is, and where features go: by default, the CPU.

    Examples
    --------
    >>> model = MultimodalModel({"x": nn.Linear(3, 8)}, nn.Linear(8, 4))
    >>> model.head(model.encode("x", torch.zeros(5, 3))).shape
    torch.Size([5, 4])
    """

    def __init__(
        self,
        encoders: Mapping[str, nn.Module],
        head: nn.Module,
        placement: Placement | None = None,
        temperature: Tensor | None = None,
        home: torch.device | None = None,
    ) -> None:
        super().__init__()
        self.temperature: Tensor | None
        self.register_buffer("temperature", temperature)
        self.placement = placement or Placement()
        self.encoders = nn.ModuleDict(dict(encoders))
        self.home = home or torch.device("cpu")
        self.head = head.to(self.home)
        self.adapted = {k: e for k, e in encoders.items() if isinstance(e, AdaptedEncoder)}
        self.kept = {k for k, e in self.adapted.items() if e.frozen}  # whose features are kept
        # Called before weights are read: fetches those that other processes have trained.
        self.make_whole: Callable[[], None] = _nothing
        self.encoders.to(self.placement.device)
        for encoder in self.adapted.values():
            encoder.move(self.placement.device)
        self.captured: dict[str, CapturedEncoder] = {}
        if self.home.type == "cuda":
            last_channels(self.encoders)
            self.capture()

    def twin(self) -> MultimodalModel:
        """Return a copy of the network as it is, which shares what is not trained, however large.

        Whoever watches this one, by a hook, does not watch the copy. It has no temperatures.
        """
        shared: list[Any] = [p for p in self.parameters() if not p.requires_grad]
        shared += [encoder.held for encoder in self.adapted.values() if encoder.held is not None]
        known = {id(one): one for one in shared}
        encoders = dict(copy.deepcopy(self.encoders, known).items())
        head = copy.deepcopy(self.head, known)
        return MultimodalModel(encoders, head, self.placement, home=self.home)

    def capture(self) -> None:
        """Let encoders compute by CUDA graphs where they can, see `CapturedEncoder`."""
        able = {name: one for name, one in self.encoders.items() if name not in self.kept}
        self.captured = {k: CapturedEncoder(e, self.placement) for k, e in able.items()}

    @property
    def sends_to(self) -> torch.device | None:
        """Where the samples of coming sub-steps are to be sent, if anywhere."""
        return self.placement.device if self.home.type != "cpu" else None

    def describe(self) -> str:
        """Say where everything computes, in sentences."""
        if self.home.type == "cpu":
            head = "head, loss and P on the CPU"
        else:
            head = "head, loss and P there, too, and records are read once a round"
        return f"Encoders compute on {self.placement}, {head}. {describe_captured(self.captured)}"

    def encode(self, modality: str, x: Tensor) -> Tensor:
        """Return the features (B, s) of one modality's batch."""
        captured = self.captured.get(modality)
        if captured is None:
            return self._placed(self.encoders[modality], x)
        return captured(x.to(self.placement.device)).to(self.home)

    def encode_samples(
        self, modality: str, column: Any, indices: Tensor, present: Tensor | None = None
    ) -> Tensor:
        """Return the features (B, s) of some samples of a split: what every sub-step begins with.

        Whoever wants to see them as the sub-step does registers a forward hook on the model.

        Parameters
        ----------
        modality : str
        column : Tensor or like one
            (N, ...), the split's inputs of this modality.
        indices : Tensor
            (B,).
        present : Tensor, optional
            (B,) bool: who has this part. The others' features mean nothing, and a large encoder,
            which may normalise over the batch, does not see them.
        """
        features: Tensor = self(modality, column, indices, present)
        return features

    def forward(
        self, modality: str, column: Any, indices: Tensor, present: Tensor | None = None
    ) -> Tensor:
        """Return what `encode_samples` does."""
        encoder = self.adapted.get(modality)
        if encoder is None:
            return self.encode(modality, column[indices])
        if encoder.frozen:
            return self._projected(encoder, self._observed(encoder, column)[indices])
        x = column[indices]
        if present is None or bool(present.all()):
            return self.encode(modality, x)
        if not present.any():
            return torch.zeros(len(x), encoder.size)
        here = self.encode(modality, x[present])
        return here.new_zeros(len(x), encoder.size).index_put((present,), here)

    @torch.no_grad()
    def features(self, inputs: Mapping[str, Column], chunk: int = 512) -> Tensor:
        """Return all modalities' features (M, N, s), without gradients, `chunk` samples at a time."""
        self.make_whole()
        training = self.training
        self.eval()
        try:
            return torch.stack([self._features(m, inputs[m], chunk).cpu() for m in self.encoders])
        finally:
            self.train(training)

    def _features(self, modality: str, column: Any, chunk: int) -> Tensor:
        encoder = self.adapted.get(modality)
        if encoder is None:
            return torch.cat([self.encode(modality, part) for part in column.split(chunk)])
        if encoder.frozen:
            parts = self._observed(encoder, column).split(chunk)
            return torch.cat([self._projected(encoder, part) for part in parts])
        return torch.cat(
            [sparsely(lambda x: self._placed(encoder, x), part) for part in column.split(CHUNK)]
        )

    def _observed(self, encoder: AdaptedEncoder, column: Any) -> Tensor:
        return encoder.observed(column, lambda x: self._placed(encoder.observe, x))

    def _projected(self, encoder: AdaptedEncoder, features: Tensor) -> Tensor:
        return self._placed(encoder.project, features)

    def _placed(self, encode: Any, x: Tensor) -> Tensor:
        """Run an encoder where it is, as precisely as configured, and bring the features back."""
        if self.placement.plain:
            features: Tensor = encode(x)
            return features
        with self.placement.autocast():
            features = encode(x.to(self.placement.device))
        return features.float().to(self.home)

    @contextmanager
    def at_step(self, seed: int, step: int, *, undo: bool = True) -> Iterator[None]:
        """Make what a large encoder does by chance in a sub-step depend on seed and step alone.

        Dropout draws from torch's global generator, which is put back afterwards; and statistics
        that were taken in before the loss turned out not to be finite are put back, too: with
        `undo`, which costs a copy of them.
        """
        if not self.adapted:
            yield
            return
        self.train()  # a look that was cut off may have left it otherwise
        before = {name: b.clone() for name, b in self.named_buffers() if undo}
        device = self.placement.device
        with drawing_alone([device] if device.type == "cuda" else []):
            torch.manual_seed(generator(seed, "dropout", step).initial_seed())
            try:
                yield
            except TrainingDivergedError:
                buffers = dict(self.named_buffers())
                for name, was in before.items():
                    buffers[name].copy_(was)
                raise

    @contextmanager
    def evaluating(self) -> Iterator[None]:
        """Compute with gradients but as in a look, without dropout; for questions, not for training."""
        training = self.training
        self.eval()
        try:
            with torch.enable_grad():
                yield
        finally:
            self.train(training)


def home_of(config: ExperimentConfig, placement: Placement, *, able: bool) -> torch.device | None:
    """Return where the head is to be, None for the CPU; `able`: whether the method lets it go.

    Raises
    ------
    ConfigError
        When it is to be where it cannot be.
    """
    if config.head_device == "cpu":
        return None
    if not able:
        msg = (
            f"method {config.method!r} keeps its head on the CPU: leave head_device at 'cpu', or "
            "use a method such as 'mla'"
        )
        raise ConfigError(msg)
    if placement.device.type == "mps":
        msg = "head_device='same' needs float64, which mps does not have: leave it at 'cpu'"
        raise ConfigError(msg)
    return placement.device


def last_channels(module: nn.Module) -> None:
    """Lay out the weights of convolutions with channels last, which GPUs are made for."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            layer.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def _nothing() -> None:
    """All weights are here."""
