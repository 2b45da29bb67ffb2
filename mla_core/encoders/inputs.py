"""What stands between a modality's numbers and what a large network was trained to read."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Picture(nn.Module):
    """(B, C, H, W) -> (B, channels, h, w): repeat grey, resize, standardise.

    Parameters
    ----------
    channels : int
        What the network reads; one channel is repeated.
    size : tuple of int, optional
        (h, w) to which pictures of another size are resized.
    mean, deviation : sequence of float
        Per channel, of the data that the network was trained on, in 0..1.

    Examples
    --------
    >>> Picture(3, (4, 4), [0.5] * 3, [0.5] * 3)(torch.ones(1, 1, 2, 2)).amax().item()
    1.0
    """

    mean: Tensor
    deviation: Tensor

    def __init__(
        self,
        channels: int,
        size: tuple[int, int] | None = None,
        mean: Sequence[float] = (0.0,),
        deviation: Sequence[float] = (1.0,),
    ) -> None:
        super().__init__()
        self.channels = channels
        self.size = size
        self.register_buffer("mean", torch.tensor(mean)[:, None, None], persistent=False)
        self.register_buffer("deviation", torch.tensor(deviation)[:, None, None], persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Make it the kind of picture that the network knows."""
        if x.shape[1] == 1:
            x = x.expand(-1, self.channels, -1, -1)
        if self.size is not None and tuple(x.shape[2:]) != self.size:
            x = F.interpolate(x, self.size, mode="bilinear", align_corners=False, antialias=True)
        return (x - self.mean) / self.deviation


class FilterBanks(nn.Module):
    """(B, 1, mels, frames) -> (B, length, mels): mean 0 and deviation 0.5 in each clip.

    That is the scale of audio spectrogram transformers; longer clips are cut, shorter ones are
    filled up with zeros.

    Examples
    --------
    >>> FilterBanks(9)(torch.randn(2, 1, 4, 5)).shape
    torch.Size([2, 9, 4])
    """

    def __init__(self, length: int) -> None:
        super().__init__()
        self.length = length

    def forward(self, x: Tensor) -> Tensor:
        """Turn so that time comes first."""
        x = 0.5 * _standardised(x[:, 0].transpose(1, 2), (1, 2))[:, : self.length]
        return F.pad(x, (0, 0, 0, self.length - x.shape[1]))


class Waveform(nn.Module):
    """(B, 1, T) -> (B, T): mean 0 and deviation 1 in each clip.

    Examples
    --------
    >>> Waveform()(torch.tensor([[[0.0, 2.0]]])).tolist()
    [[-1.0, 1.0]]
    """

    def forward(self, x: Tensor) -> Tensor:
        """Take the only channel."""
        return _standardised(x[:, 0], (1,))


class TokenIds(nn.Module):
    """(B, L) codes -> (B, L) the tokenizer's ids, and (B, L) True where there is a token.

    Parameters
    ----------
    padding : int
        The id that stands where there is no token.

    Examples
    --------
    >>> ids, here = TokenIds(padding=9)(torch.tensor([[1, 5, 0], [0, 0, 0]]))
    >>> ids.tolist(), here.tolist()
    ([[0, 4, 9], [9, 9, 9]], [[True, True, False], [True, False, False]])
    """

    def __init__(self, padding: int) -> None:
        super().__init__()
        self.padding = padding

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Undo the shift by one that keeps 0 for padding."""
        here = x > 0
        ids = torch.where(here, x - 1, self.padding)
        here[:, 0] = True  # a text without any token still attends to something, not to NaN
        return ids, here


class PerFrame(nn.Module):
    """(B, frames, C, H, W) -> (B, d): every frame through one network, and the mean over frames.

    Examples
    --------
    >>> PerFrame(nn.Flatten())(torch.ones(2, 3, 1, 2, 2)).shape
    torch.Size([2, 4])
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        """Fold frames into the batch, and unfold."""
        features: Tensor = self.network(x.flatten(0, 1))  # (B frames, d)
        mean: Tensor = features.unflatten(0, x.shape[:2]).mean(1)
        return mean


def _standardised(x: Tensor, axes: tuple[int, ...]) -> Tensor:
    centred = x - x.mean(axes, keepdim=True)
    scaled = centred / centred.square().mean(axes, keepdim=True).sqrt().clamp(min=1e-6)
    constant = x.amax(axes, keepdim=True) == x.amin(axes, keepdim=True)
    return scaled.masked_fill(constant, 0.0)  # not the rounding of the mean, made large
