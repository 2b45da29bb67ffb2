"""The network: a dict of encoders and a head."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from mla_core.data.samples import Column
from mla_core.encoders import CHUNK, AdaptedEncoder, Placement, sparsely
from mla_core.errors import TrainingDivergedError
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
        Where the encoders compute. Features come back to the CPU, where the head is.
    temperature : Tensor, optional
        (M,) what each modality's logits are divided by when it predicts; part of what is saved.

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
    ) -> None:
        super().__init__()
        self.temperature: Tensor | None
        self.register_buffer("temperature", temperature)
        self.placement = placement or Placement()
        self.encoders = nn.ModuleDict(dict(encoders))
        self.head = head
        self.adapted = {k: e for k, e in encoders.items() if isinstance(e, AdaptedEncoder)}
        self.kept = {k for k, e in self.adapted.items() if e.frozen}  # whose features are kept
        # Called before weights are read: fetches those that other processes have trained.
        self.make_whole: Callable[[], None] = _nothing
        self.encoders.to(self.placement.device)
        for encoder in self.adapted.values():
            encoder.move(self.placement.device)

    def encode(self, modality: str, x: Tensor) -> Tensor:
        """Return the features (B, s) of one modality's batch."""
        return self._placed(self.encoders[modality], x)

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
            return torch.stack([self._features(m, inputs[m], chunk) for m in self.encoders])
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
        return features.float().cpu()

    @contextmanager
    def at_step(self, seed: int, step: int) -> Iterator[None]:
        """Make what a large encoder does by chance in a sub-step depend on seed and step alone.

        Dropout draws from torch's global generator, which is put back afterwards; and statistics
        that were taken in before the loss turned out not to be finite are put back, too.
        """
        if not self.adapted:
            yield
            return
        self.train()  # a look that was cut off may have left it otherwise
        before = {name: b.clone() for name, b in self.named_buffers()}
        device = self.placement.device
        with drawing_alone([device] if device.type == "cuda" else []):
            torch.manual_seed(generator(seed, "dropout", step).initial_seed())
            try:
                yield
            except TrainingDivergedError:
                for name, buffer in self.named_buffers():
                    buffer.copy_(before[name])
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


def _nothing() -> None:
    """All weights are here."""
