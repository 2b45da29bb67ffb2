"""One small encoder per kind of modality: all map a batch to features (B, s)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor, nn

from mla_core.data.samples import Modality
from mla_core.encoders.inputs import PerFrame
from mla_core.errors import ConfigError, one_of
from mla_core.seeding import drawing_alone

CHANNELS = 32
GRID = 4  # pictures and spectrograms of any size are pooled to 4 x 4 places, sequences to 4


class GridEncoder(nn.Module):
    """(B, C, H, W) -> (B, s): two strided convolutions, pooled to 4 x 4 places.

    Parameters
    ----------
    modality : Modality
        An image, or a spectrogram as an image with one channel.
    size : int
        Feature size s.
    kernel, stride : int
        Of the first convolution.
    """

    def __init__(self, modality: Modality, size: int, kernel: int, stride: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(modality.shape[0], CHANNELS // 2, kernel, stride=stride, padding=kernel // 2),
            nn.ReLU(),
            nn.Conv2d(CHANNELS // 2, CHANNELS, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(GRID),
            nn.Flatten(),
            nn.Linear(CHANNELS * GRID**2, size),
            nn.ReLU(),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Encode (B, C, H, W) to (B, s)."""
        out: Tensor = self.layers(x)
        return out


class CharactersEncoder(nn.Module):
    """(B, L) int64 -> (B, s): letters and their neighbours, the strongest response over places.

    Tokens are read the same way.
    """

    def __init__(self, modality: Modality, size: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(modality.codes + 1, CHANNELS, padding_idx=0)
        self.convolution = nn.Conv1d(CHANNELS, 2 * CHANNELS, 3, padding=1)
        self.out = nn.Sequential(nn.Linear(2 * CHANNELS, size), nn.ReLU())

    def forward(self, x: Tensor) -> Tensor:
        """Encode (B, L) to (B, s)."""
        letters = self.embedding(x).transpose(1, 2)  # (B, e, L)
        grams = torch.relu(self.convolution(letters)).amax(2)  # (B, 2e)
        out: Tensor = self.out(grams)
        return out


class SequenceEncoder(nn.Module):
    """(B, C, T) -> (B, s): two strided convolutions over time, pooled to 4 stretches of it."""

    def __init__(self, modality: Modality, size: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv1d(modality.shape[0], CHANNELS, 5, stride=2, padding=2),
            nn.ReLU(),
            nn.Conv1d(CHANNELS, 2 * CHANNELS, 5, stride=2, padding=2),
            nn.ReLU(),
            nn.AdaptiveAvgPool1d(GRID),
            nn.Flatten(),
            nn.Linear(2 * CHANNELS * GRID, size),
            nn.ReLU(),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Encode (B, C, T) to (B, s)."""
        out: Tensor = self.layers(x)
        return out


class VectorEncoder(nn.Module):
    """(B, D) -> (B, s): one hidden layer."""

    def __init__(self, modality: Modality, size: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Flatten(),
            nn.Linear(torch.Size(modality.shape).numel(), 2 * CHANNELS),
            nn.ReLU(),
            nn.Linear(2 * CHANNELS, size),
            nn.ReLU(),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Encode (B, D) to (B, s)."""
        out: Tensor = self.layers(x)
        return out


def video_encoder(modality: Modality, size: int) -> nn.Module:
    """Return the encoder of pictures for every frame (B, frames, C, H, W), and their mean."""
    frame = replace(modality, kind="image", shape=modality.shape[1:])
    return PerFrame(GridEncoder(frame, size, kernel=3, stride=1))


ENCODERS: dict[str, Callable[[Modality, int], nn.Module]] = {
    "image": partial(GridEncoder, kernel=3, stride=1),
    "video": video_encoder,
    "spectrogram": partial(GridEncoder, kernel=5, stride=2),
    "characters": CharactersEncoder,
    "tokens": CharactersEncoder,
    "sequence": SequenceEncoder,
    "vector": VectorEncoder,
}


class FrozenFeatures(nn.Module):
    """(B, D) -> (B, s): features that were computed elsewhere, filled up with zeros; no weights.

    Parameters
    ----------
    modality : Modality
        Of the kind ``vector``, with D <= s.
    size : int
        Feature size s.
    """

    def __init__(self, modality: Modality, size: int) -> None:
        super().__init__()
        width = torch.Size(modality.shape).numel()
        if modality.kind != "vector" or width > size:
            msg = (
                f"encoder='none' needs vectors of at most feature_size={size} numbers, but "
                f"modality {modality.name!r} is {modality.kind} of shape {modality.shape}: use "
                "encoder='trained' or a larger feature_size"
            )
            raise ConfigError(msg)
        self.fill = size - width

    def forward(self, x: Tensor) -> Tensor:
        """Append zeros."""
        return nn.functional.pad(x.flatten(1), (0, self.fill))


def build_encoder(
    modality: Modality, size: int, seed: torch.Generator, *, frozen: bool = False
) -> nn.Module:
    """Return the encoder for this kind of modality, its weights drawn from `seed`.

    Parameters
    ----------
    modality : Modality
    size : int
        Feature size s.
    seed : torch.Generator
        The only source of randomness.
    frozen : bool
        Take the data as features instead, see `FrozenFeatures`.

    Examples
    --------
    >>> encoder = build_encoder(Modality("x", "vector", (3,)), 8, torch.Generator().manual_seed(0))
    >>> encoder(torch.zeros(5, 3)).shape
    torch.Size([5, 8])
    """
    if frozen:
        return FrozenFeatures(modality, size)
    one_of("kind of modality", modality.kind, ENCODERS)
    with drawing_alone():  # torch's own initialisation draws, and is replaced
        encoder = ENCODERS[modality.kind](modality, size)
    for layer in encoder.modules():
        if isinstance(layer, nn.Embedding):
            nn.init.normal_(layer.weight, std=0.3, generator=seed)
        elif isinstance(layer, nn.Linear | nn.Conv1d | nn.Conv2d):
            nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu", generator=seed)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    return encoder
