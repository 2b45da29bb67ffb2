"""One small encoder per kind of modality: all map a batch to features (B, s)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from mla_core.data.dataset import Modality
from mla_core.errors import one_of

CHANNELS = 32
GRID = 4  # pictures and spectrograms of any size are pooled to 4 x 4 places


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
    """(B, L) int64 -> (B, s): letters and their neighbours, the strongest response over places."""

    def __init__(self, modality: Modality, size: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(len(modality.vocabulary) + 1, CHANNELS, padding_idx=0)
        self.convolution = nn.Conv1d(CHANNELS, 2 * CHANNELS, 3, padding=1)
        self.out = nn.Sequential(nn.Linear(2 * CHANNELS, size), nn.ReLU())

    def forward(self, x: Tensor) -> Tensor:
        """Encode (B, L) to (B, s)."""
        letters = self.embedding(x).transpose(1, 2)  # (B, e, L)
        grams = torch.relu(self.convolution(letters)).amax(2)  # (B, 2e)
        out: Tensor = self.out(grams)
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


ENCODERS: dict[str, Callable[[Modality, int], nn.Module]] = {
    "image": partial(GridEncoder, kernel=3, stride=1),
    "spectrogram": partial(GridEncoder, kernel=5, stride=2),
    "characters": CharactersEncoder,
    "vector": VectorEncoder,
}


def build_encoder(modality: Modality, size: int, seed: torch.Generator) -> nn.Module:
    """Return the encoder for this kind of modality, its weights drawn from `seed`.

    Parameters
    ----------
    modality : Modality
    size : int
        Feature size s.
    seed : torch.Generator
        The only source of randomness.

    Examples
    --------
    >>> encoder = build_encoder(Modality("x", "vector", (3,)), 8, torch.Generator().manual_seed(0))
    >>> encoder(torch.zeros(5, 3)).shape
    torch.Size([5, 8])
    """
    one_of("kind of modality", modality.kind, ENCODERS)
    with torch.random.fork_rng(devices=[]):  # torch's own initialisation draws, and is replaced
        encoder = ENCODERS[modality.kind](modality, size)
    for layer in encoder.modules():
        if isinstance(layer, nn.Embedding):
            nn.init.normal_(layer.weight, std=0.3, generator=seed)
        elif isinstance(layer, nn.Linear | nn.Conv1d | nn.Conv2d):
            nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu", generator=seed)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    return encoder
