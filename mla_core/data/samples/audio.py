"""Waveforms: the codec they are stored with, noise, the log-mel picture a network sees, WAV bytes.

Every function takes a whole batch, (N, samples), and makes one call per step: around many small
Fourier transforms the threads of torch cost more than the arithmetic.
"""

from __future__ import annotations

import functools
import io
import wave
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mla_core.errors import DataError

Floats = NDArray[np.floating[Any]]

RATE = 8000  # samples per second
SAMPLES = 5120  # of one clip, 0.64 s: the longest spoken digit fits
WINDOW = 512  # samples of one spectrum, 64 ms: long, so that white noise averages out
HOP = 128  # samples between spectra
MELS = 24
FRAMES = (SAMPLES - WINDOW) // HOP + 1

LEVELS = 31  # of the codec: odd, so that silence is exactly 0
MU = 30.0
AUDIBLE = 0.01  # of a clip's peak: quieter samples at its two ends count as silence
FLOOR = 1e-4  # of a clip's largest mel energy: -40 dB, below the noise that one can hear beside it


def _levels() -> NDArray[np.float64]:
    """Return the LEVELS amplitudes of the codec, from -1 to 1.

    The mu-law of ITU-T G.711 in its continuous form, with fewer levels and a smaller mu:
    ``x = sign(y) ((1 + mu)^|y| - 1) / mu`` for equally spaced y.
    """
    y = np.linspace(-1, 1, LEVELS)
    return np.asarray(np.sign(y) * ((1 + MU) ** np.abs(y) - 1) / MU)


def mu_law_encode(waveform: Floats) -> NDArray[np.uint8]:
    """Return the codec's nearest level, 0..30, for every sample.

    Parameters
    ----------
    waveform : ndarray
        Any shape, in -1..1.

    Raises
    ------
    DataError
        When a sample lies outside -1..1 or is NaN.

    Examples
    --------
    >>> mu_law_encode(np.array([-1.0, 0.0, 0.5, 1.0])).tolist()
    [0, 15, 27, 30]
    """
    if not (np.abs(waveform) <= 1).all():
        msg = f"waveform reaches {np.abs(waveform).max()}: samples must lie in -1..1"
        raise DataError(msg)
    levels = _levels()
    middles = (levels[1:] + levels[:-1]) / 2
    return np.searchsorted(middles, waveform).astype(np.uint8)


def mu_law_decode(codes: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the amplitudes, float32 in -1..1, that the codes stand for.

    Examples
    --------
    >>> mu_law_decode(np.array([0, 15, 30], dtype=np.uint8)).tolist()
    [-1.0, 0.0, 1.0]
    """
    return _levels().astype(np.float32)[codes]


def audible(waveforms: Tensor) -> Tensor:
    """Return which samples lie between the first and the last audible one of their clip.

    Parameters
    ----------
    waveforms : Tensor
        (N, samples).

    Returns
    -------
    Tensor
        (N, samples) bool. Pauses inside a word count as audible, the padding around it does not.
        A clip of nothing but zeros counts as audible throughout.
    """
    loud = waveforms.abs() > AUDIBLE * waveforms.abs().amax(1, keepdim=True)  # (N, samples)
    first = loud.to(torch.uint8).argmax(1, keepdim=True)  # of several largest, the first
    last = waveforms.shape[1] - 1 - loud.flip(1).to(torch.uint8).argmax(1, keepdim=True)
    position = torch.arange(waveforms.shape[1])
    return (first <= position) & (position <= last)


def add_noise(waveforms: Tensor, snr_db: float, generator: torch.Generator) -> Tensor:
    """Add white Gaussian noise at a signal-to-noise ratio measured clip by clip.

    Parameters
    ----------
    waveforms : Tensor
        (N, samples).
    snr_db : float
        ``10 log10(speech power / noise power)``. The speech's power is its mean square between
        the first and the last audible sample, so that padding does not change the ratio.
    generator : torch.Generator

    Returns
    -------
    Tensor
        (N, samples). The noise fills the whole clip, padding too. Amplitudes may pass 1.

    Examples
    --------
    >>> tone = torch.sin(torch.arange(8000) * 0.3).expand(1, -1)
    >>> noise = add_noise(tone, 10.0, torch.Generator().manual_seed(0)) - tone
    >>> round(10 * torch.log10(tone.square().mean() / noise.square().mean()).item())
    10
    """
    inside = audible(waveforms)
    power = waveforms.square().mul_(inside).sum(1) / inside.sum(1)  # (N,)
    deviation = (power / 10 ** (snr_db / 10)).sqrt()
    noise = torch.randn(waveforms.shape, generator=generator)
    return waveforms + deviation[:, None] * noise


def to_int16(waveforms: Tensor) -> Tensor:
    """Scale every clip to a peak of 1 and round to 16 bits: what a WAV file can hold.

    Parameters
    ----------
    waveforms : Tensor
        (N, samples), any scale. A silent clip stays silent.

    Returns
    -------
    Tensor
        (N, samples) int16 in -32767..32767.
    """
    peak = waveforms.abs().amax(1, keepdim=True)
    return (waveforms / peak.clamp(min=1e-12) * 32767).round().to(torch.int16)


def hertz_to_mel(hertz: Floats) -> Floats:
    """Return the pitch in mel, ``2595 log10(1 + f / 700)`` (O'Shaughnessy 1987; HTK).

    Examples
    --------
    >>> round(float(hertz_to_mel(np.array(1000.0))))
    1000
    """
    return np.asarray(2595 * np.log10(1 + hertz / 700))


def mel_to_hertz(mel: Floats) -> Floats:
    """Return the frequency in hertz: the inverse of `hertz_to_mel`."""
    return np.asarray(700 * (10 ** (mel / 2595) - 1))


def mel_edges(mels: int = MELS, rate: int = RATE) -> Floats:
    """Return the (mels + 2,) corner frequencies in hertz of the triangular filters.

    Filter m rises from corner m to its top at corner m + 1 and falls to corner m + 2.
    """
    top = hertz_to_mel(np.array(rate / 2))
    return mel_to_hertz(np.linspace(0, float(top), mels + 2))


@functools.cache
def mel_filters(mels: int = MELS, rate: int = RATE, window: int = WINDOW) -> Tensor:
    """Return the filter bank (window // 2 + 1, mels): triangles of height 1, equal steps in mel.

    Source: Young et al., *The HTK Book*, section 5.4, "Filterbank analysis".
    """
    edges = mel_edges(mels, rate)
    hertz = np.linspace(0, rate / 2, window // 2 + 1)[:, None]
    rising = (hertz - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - hertz) / (edges[2:] - edges[1:-1])
    return torch.tensor(np.maximum(0, np.minimum(rising, falling)), dtype=torch.float32)


def log_mel(
    waveforms: Tensor, rate: int = RATE, window: int = WINDOW, hop: int = HOP, mels: int = MELS
) -> Tensor:
    """Return each clip's log-mel spectrogram, standardised clip by clip.

    Parameters
    ----------
    waveforms : Tensor
        (N, samples) float, any scale: loudness does not change the result.
    rate : int
        Samples per second.
    window, hop : int
        Samples of one spectrum, and between two of them.
    mels : int
        Bands.

    Returns
    -------
    Tensor
        (N, 1, mels, frames) float32; every clip has mean 0 and deviation 1 (a silent one is all
        0). Row 0 is the lowest band. Energies more than 40 dB below the clip's largest are
        raised to that floor, so that digital silence does not dominate.
    """
    spectra = torch.stft(
        waveforms,
        window,
        hop,
        window=torch.hann_window(window),
        center=False,
        return_complex=True,
    )  # (N, bins, frames)
    power = torch.view_as_real(spectra).square().sum(-1)
    energy = torch.einsum("nbf,bm->nmf", power, mel_filters(mels, rate, window))
    floor = (FLOOR * energy.amax((1, 2), keepdim=True)).clamp(min=1e-20)
    picture = torch.maximum(energy, floor).log()
    picture = picture - picture.mean((1, 2), keepdim=True)
    picture = picture / picture.std((1, 2), correction=0, keepdim=True).clamp(min=1e-6)
    # The mean of equal numbers is rounded: what is left would be made large by the division.
    return picture.masked_fill(_constant(energy, (1, 2)), 0.0)[:, None]


def _constant(x: Tensor, axes: tuple[int, ...]) -> Tensor:
    return x.amax(axes, keepdim=True) == x.amin(axes, keepdim=True)


def wav_bytes(waveform: Tensor, rate: int = RATE) -> bytes:
    """Return a 16-bit mono WAV file.

    Parameters
    ----------
    waveform : Tensor
        (samples,): int16 is written as it is, floats must lie in -1..1.
    rate : int
        Samples per second.

    Examples
    --------
    >>> wav_bytes(torch.zeros(4))[:4]
    b'RIFF'
    """
    if waveform.dtype != torch.int16:
        if not bool((waveform.abs() <= 1).all()):
            msg = f"waveform reaches {waveform.abs().max().item()}: samples must lie in -1..1"
            raise DataError(msg)
        waveform = (waveform * 32767).round().to(torch.int16)
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(waveform.numpy().astype("<i2").tobytes())
    return buffer.getvalue()
