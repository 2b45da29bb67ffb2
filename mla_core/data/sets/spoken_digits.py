"""The default data set: a handwritten digit, the digit spoken, and its name misspelt.

Images are real (UCI digits). Speech is synthetic (espeak-ng), made once by
`mla_core.data.sets.spoken_digits_generator` and shipped as ``spoken_digits.npz``. The three parts of a
sample are paired by class inside each split, as in AV-MNIST: nobody wrote and spoke one digit.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mla_core.data.corruption import (
    PIXEL_NOISE,
    SPEECH_NOISE,
    TYPING_ERRORS,
    add_pixel_noise,
    check_noise,
    stream,
)
from mla_core.data.dataset import MultimodalDataset
from mla_core.data.samples import (
    FRAMES,
    LETTERS,
    MELS,
    SAMPLES,
    SPLITS,
    Media,
    Modality,
    Split,
    add_noise,
    edit,
    encode,
    log_mel,
    mu_law_decode,
    png_bytes,
    to_int16,
    wav_bytes,
)
from mla_core.data.sets.digit_words import LANGUAGES, LONGEST
from mla_core.errors import DataError
from mla_core.language import later
from mla_core.outside import Seed

Archive = dict[str, NDArray[Any]]

FILE = Path(__file__).with_name("spoken_digits.npz")
CLASSES = tuple(str(digit) for digit in range(10))
VOCABULARY = "".join(
    sorted({*LETTERS, *"".join(word for row in LANGUAGES.values() for word in row)})
)
LENGTH = 2 * LONGEST  # an extra letter after every letter still fits

NOISE = {"image": PIXEL_NOISE, "audio": SPEECH_NOISE, "text": TYPING_ERRORS}
NOTES = {
    "image": "real handwriting: UCI optical recognition of handwritten digits, CC BY 4.0",
    "audio": "synthetic speech (espeak-ng), no human voice",
    "text": "a digit word in one of 17 languages; every split uses the same 170 words",
}
NOTE = later(
    "Images are real handwriting: Alpaydin and Kaynak, Optical Recognition of Handwritten Digits, "
    "UCI Machine Learning Repository, CC BY 4.0, as shipped with scikit-learn. The speech is "
    "synthetic, made with espeak-ng (github.com/espeak-ng/espeak-ng). The parts of a sample are "
    "paired by class, not by nature. No image row and no family of voices is in two splits; the "
    "170 words are the same in all of them."
)


@dataclass(frozen=True)
class Pairing:
    """Which parts make up the N samples of one split.

    Attributes
    ----------
    rows, clips, languages : ndarray
        (N,) each: the image's row, the clip's number, the index of the word's language.
    digits : ndarray
        (N,) the class.
    """

    rows: NDArray[np.int64]
    clips: NDArray[np.int64]
    languages: NDArray[np.int64]
    digits: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.rows)

    def words(self) -> list[str]:
        """Return the N words as they are spelt correctly."""
        table = list(LANGUAGES.values())
        return [table[k][d] for k, d in zip(self.languages, self.digits, strict=True)]


def load_spoken_digits(
    noise: Sequence[float] = (0.0, 6.0, 0.5), seed: Seed = 0
) -> MultimodalDataset:
    """Return the spoken digits: image, audio and text of ten classes.

    Parameters
    ----------
    noise : sequence of float
        One level per modality. Image: standard deviation of Gaussian pixel noise (0..1), the sum
        cut to 0..1. Audio: dB by which white noise is louder than the speech (-30..20), so 10
        means a signal-to-noise ratio of -10 dB. Text: probability of a typing error per character
        (0..1).
    seed : int
        Of the pairing and of the noise. The same seed pairs the same parts at every noise level.

    Returns
    -------
    MultimodalDataset
        1078 / 360 / 359 samples, each with all three parts: ``image`` (1, 8, 8) in 0..1, ``audio``
        (1, 24, 37) standardised log-mel, ``text`` (18,) character codes. An id such as
        ``"val-1080"`` names the split and the image's row; it depends on nothing else.

    Raises
    ------
    ConfigError
        For a level that is out of range.

    Notes
    -----
    *Images* are split by contiguous rows, which follow one another writer by writer; each is used
    once. *Clips* are drawn from the split's own families of voices (38 / 12 / 12 families, 700 /
    170 / 170 clips), so a clip may come back under other noise. *Words* are drawn from the same
    170 words in all splits: there are no more. At the default noise about an eighth of the edited
    strings in val and test also occur in train; `MultimodalDataset.facts` has the measured share.

    Examples
    --------
    >>> load_spoken_digits()
    MultimodalDataset('spoken_digits': image, audio, text; train 1078, val 360, test 359)
    """
    levels = check_noise(noise, NOISE)
    archive = read_archive()
    splits: dict[str, Split] = {}
    waveforms: dict[str, Tensor] = {}
    texts: dict[str, list[str]] = {}
    pairings = {side: pair(archive, side, seed) for side in SPLITS}
    for side, pairing in pairings.items():
        image, audio, text = (stream(seed, side, part, NOISE) for part in NOISE)
        clean = archive["images"][pairing.rows, None].astype(np.float32) / 16  # (N, 1, 8, 8)
        pixels = add_pixel_noise(clean, levels[0], image)
        waveforms[side] = noisy_speech(archive, pairing.clips, levels[1], audio)
        texts[side] = [edit(word, levels[2], text) for word in pairing.words()]
        splits[side] = Split(
            name=side,
            inputs={
                "image": pixels,
                "audio": log_mel(waveforms[side].float()),
                "text": encode(texts[side], VOCABULARY, LENGTH),
            },
            present=torch.ones(len(NOISE), len(pairing), dtype=torch.bool),
            labels=torch.from_numpy(pairing.digits),
            ids=tuple(f"{side}-{row:04d}" for row in pairing.rows),
        )

    def media(side: str, index: int) -> list[Media]:
        pixels = splits[side].inputs["image"][index, 0].numpy()
        sound, text = wav_bytes(waveforms[side][index]), texts[side][index].encode()
        captions = _captions(archive, pairings[side], index)
        return [
            Media("image", "image/png", png_bytes(pixels), captions[0]),
            Media("audio", "audio/wav", sound, captions[1]),
            Media("text", "text/plain", text, captions[2]),
        ]

    def facts() -> dict[str, dict[str, float]]:
        known = set(texts["train"])
        shared = {side: np.mean([text in known for text in texts[side]]) for side in SPLITS[1:]}
        return {"share_of_texts_also_in_train": {side: float(x) for side, x in shared.items()}}

    return MultimodalDataset(
        "spoken_digits",
        _modalities(levels),
        CLASSES,
        splits,
        media=media,
        note=NOTE,
        facts=facts,
    )


def clean_audio(sample: str, seed: int = 0) -> Media:
    """Return the speech of one sample without any added noise.

    Parameters
    ----------
    sample : str
        An id, such as ``"train-0000"``.
    seed : int
        The seed that the data set was loaded with: it decides which clip the sample has.

    Raises
    ------
    DataError
        When there is no such sample.

    Examples
    --------
    >>> clean_audio("train-0000").mime
    'audio/wav'
    """
    archive = read_archive()
    for side in SPLITS:
        pairing = pair(archive, side, seed)
        ids = [f"{side}-{row:04d}" for row in pairing.rows]
        if sample in ids:
            index = ids.index(sample)
            waveform = padded_clips(archive, pairing.clips[index : index + 1])[0]
            caption = _captions(archive, pairing, index)[1]
            return Media("audio", "audio/wav", wav_bytes(waveform), f"{caption}, without noise")
    msg = f"data set 'spoken_digits' has no sample with the id {sample!r}"
    raise DataError(msg)


@functools.cache
def read_archive() -> Archive:
    """Return the shipped arrays, read-only; `spoken_digits_generator.generate` explains them."""
    with np.load(FILE, allow_pickle=False) as stored:
        arrays = dict(stored)
    for array in arrays.values():
        array.setflags(write=False)
    return arrays


def pair(archive: Archive, side: str, seed: int) -> Pairing:
    """Give every image of a split a clip and a language, at random within class and split.

    Parameters
    ----------
    archive : dict
        See `read_archive`.
    side : {"train", "val", "test"}
    seed : int
    """
    rng = stream(seed, side, "pairing", NOISE)
    rows = np.flatnonzero(archive["image_split"] == SPLITS.index(side))
    digits = archive["image_digit"][rows].astype(np.int64)
    clips = draw_clips(archive, side, digits, rng)
    return Pairing(rows, clips, rng.integers(len(LANGUAGES), size=len(rows)), digits)


def draw_clips(
    archive: Archive, side: str, digits: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.int64]:
    """Return for each of `digits` (N,) the number of a clip that says it, in a voice of `side`.

    Examples
    --------
    >>> archive, rng = read_archive(), np.random.default_rng(0)
    >>> clips = draw_clips(archive, "val", np.array([7, 7, 0]), rng)
    >>> archive["clip_digit"][clips].tolist()
    [7, 7, 0]
    """
    clips = np.empty(len(digits), dtype=np.int64)
    for digit in range(len(CLASSES)):
        here = np.flatnonzero(digits == digit)
        pool = (archive["clip_split"] == SPLITS.index(side)) & (archive["clip_digit"] == digit)
        clips[here] = rng.choice(np.flatnonzero(pool), size=len(here))
    return clips


def padded_clips(archive: Archive, clips: NDArray[np.int64]) -> Tensor:
    """Return clean waveforms (K, SAMPLES) in -1..1, each clip in the middle of silence."""
    amplitudes, offsets = mu_law_decode(archive["clip_codes"]), archive["clip_offsets"]
    waveforms = np.zeros((len(clips), SAMPLES), dtype=np.float32)
    for row, clip in zip(waveforms, clips, strict=True):
        spoken = amplitudes[offsets[clip] : offsets[clip + 1]]
        begin = (SAMPLES - len(spoken)) // 2
        row[begin : begin + len(spoken)] = spoken
    return torch.from_numpy(waveforms)


def noisy_speech(
    archive: Archive, clips: NDArray[np.int64], level: float, rng: np.random.Generator
) -> Tensor:
    """Return the noisy waveforms (N, SAMPLES) as int16: what is played and what is analysed.

    Parameters
    ----------
    archive : dict
        See `read_archive`.
    clips : ndarray
        (N,) their numbers.
    level : float
        dB by which the noise is louder than the speech.
    rng : numpy.random.Generator
    """
    generator = torch.Generator().manual_seed(int(rng.integers(2**63)))
    return to_int16(add_noise(padded_clips(archive, clips), -level, generator))


def clip_caption(archive: Archive, clip: int) -> str:
    """Return what is said in a clip, and in whose synthetic voice."""
    voice, accent = archive["clip_voice"][clip], archive["clip_accent"][clip]
    spoken = LANGUAGES["English"][archive["clip_digit"][clip]]
    return f'"{spoken}", synthetic speech (espeak-ng), voice {voice}, accent {accent}'


def _modalities(levels: tuple[float, ...]) -> list[Modality]:
    kinds: dict[str, tuple[str, tuple[int, ...], str]] = {
        "image": ("image", (1, 8, 8), ""),
        "audio": ("spectrogram", (1, MELS, FRAMES), ""),
        "text": ("characters", (LENGTH,), VOCABULARY),
    }
    return [
        Modality(name, kind, shape, vocabulary, level, unit, limits, NOTES[name])
        for level, (name, (kind, shape, vocabulary)), (limits, unit) in zip(
            levels, kinds.items(), NOISE.values(), strict=True
        )
    ]


def _captions(archive: Archive, pairing: Pairing, index: int) -> tuple[str, str, str]:
    digit = pairing.digits[index]
    language = list(LANGUAGES)[pairing.languages[index]]
    return (
        f"handwritten {digit}, row {pairing.rows[index]} of the UCI digits",
        clip_caption(archive, pairing.clips[index]),
        f'"{LANGUAGES[language][digit]}" ({language}) with typing errors',
    )
