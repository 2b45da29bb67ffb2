"""Build `spoken_digits.npz`, the arrays behind the default data set.

Run ``python -m mla_core.data.spoken_digits_generator [--out FILE]``. It needs
``pip install -e '.[generate]'``: espeak-ng is GPL-3, so it is no dependency of this package;
only its output is shipped. espeak-ng is driven through ctypes and works offline.
"""

from __future__ import annotations

import argparse
import ctypes
import hashlib
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mla_core.data.audio import SAMPLES, mu_law_encode
from mla_core.data.dataset import SPLITS
from mla_core.data.digit_words import LANGUAGES

FILE = Path(__file__).with_name("spoken_digits.npz")
IMAGE_ROWS = {"train": range(1078), "val": range(1078, 1438), "test": range(1438, 1797)}
ACCENTS = (  # en-Shaw is left out: it reads the Shavian alphabet, not an accent
    "en",
    "en-029",
    "en-GB-scotland",
    "en-GB-x-gbclan",
    "en-GB-x-gbcwmd",
    "en-GB-x-rp",
    "en-US",
    "en-US-nyc",
)
SAME_SPEAKER = {
    # Voices that share their stem are one family anyhow. These differ in name, yet have the same
    # formant table, or log spectra that correlate above 0.85 when they speak the same words.
    "adam": "klatt",
    "edward": "klatt",
    "fast": "m",
    "gustave": "michael",
    "anikarobot": "anika",
    "diogo": "hugo",
    "henrique": "hugo",
    "michel": "hugo",
    "miguel": "hugo",
}

ESPEAK_RATE = 22050  # what this build of espeak-ng puts out
_RETRIEVAL, _DONT_EXIT = 2, 0x8000  # audio comes through the callback; errors return, not exit
_SPEED, _PITCH, _UTF8 = 1, 3, 1
_CALLBACK = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
)


class Espeak:
    """espeak-ng as a function from a word to 22050 Hz samples.

    It keeps state from word to word: `say` gives the same samples again only in a fresh process
    where everything before was said in the same order.
    """

    def __init__(self) -> None:
        loader = _espeakng_loader()
        self._library: Any = ctypes.CDLL(loader.get_library_path())
        self.data = Path(loader.get_data_path())
        rate = self._library.espeak_Initialize(_RETRIEVAL, 0, os.fsencode(self.data), _DONT_EXIT)
        if rate != ESPEAK_RATE:
            msg = f"espeak-ng did not start with the data in {self.data}: it returned {rate}"
            raise RuntimeError(msg)
        self._chunks: list[NDArray[np.int16]] = []
        self._callback = _CALLBACK(self._receive)  # kept: espeak-ng calls it later
        self._library.espeak_SetSynthCallback(self._callback)
        self._library.espeak_ng_SetRandSeed(1)

    def _receive(self, samples: Any, count: int, _events: int | None) -> int:
        if samples and count > 0:
            self._chunks.append(np.ctypeslib.as_array(samples, (count,)).copy())
        return 0  # go on

    def voices(self) -> list[str]:
        """Return the names of all voice variants in a fixed order."""
        return sorted(path.name for path in (self.data / "voices" / "!v").iterdir())

    def use(self, accent: str, voice: str) -> None:
        """Speak with this accent and voice from now on."""
        name = f"gmw/{accent}+{voice}"
        if self._library.espeak_SetVoiceByName(name.encode()):
            msg = f"espeak-ng has no voice {name!r}"
            raise RuntimeError(msg)

    def say(self, word: str, speed: int, pitch: int) -> NDArray[np.int16]:
        """Return the samples of `word` at `speed` (words a minute) and `pitch` (0..100)."""
        self._chunks.clear()
        self._library.espeak_SetParameter(_SPEED, speed, 0)
        self._library.espeak_SetParameter(_PITCH, pitch, 0)
        text = word.encode()
        size = ctypes.c_size_t(len(text) + 1)
        if self._library.espeak_Synth(text, size, 0, 1, 0, _UTF8, None, None):
            msg = f"espeak-ng could not say {word!r}"
            raise RuntimeError(msg)
        self._library.espeak_Synchronize()
        return np.concatenate(self._chunks)


def _espeakng_loader() -> ModuleType:
    try:
        import espeakng_loader
    except ImportError as error:
        msg = "synthesising speech needs espeak-ng: pip install -e '.[generate]'"
        raise ImportError(msg) from error
    loader: ModuleType = espeakng_loader
    return loader


def family(voice: str) -> str:
    """Return the name of the speaker behind a voice variant.

    Examples
    --------
    >>> family("klatt4"), family("adam"), family("Gene2")
    ('klatt', 'klatt', 'gene')
    """
    stem = re.sub(r"\d+$", "", voice.lower())
    return SAME_SPEAKER.get(stem, stem)


def split_families(sizes: Mapping[str, int]) -> dict[str, str]:
    """Give every family to one split, about 60 / 20 / 20, the largest families to train.

    Dealt from the largest down, so that no single speaker makes up much of val or test. Among
    families of one size a hash of the name decides: it is the same on every machine and in every
    version of every library.

    Examples
    --------
    >>> split_families({"a": 9, "b": 8, "c": 7, "d": 2, "e": 1})
    {'a': 'train', 'b': 'train', 'c': 'train', 'd': 'val', 'e': 'test'}
    """
    deal = ("train", "train", "train", "val", "test")

    def rank(name: str) -> tuple[int, str]:
        return -sizes[name], hashlib.sha256(name.encode()).hexdigest()

    return {name: deal[i % len(deal)] for i, name in enumerate(sorted(sizes, key=rank))}


def resampler() -> Callable[[NDArray[np.int16]], NDArray[np.float64]]:
    """Return a function from 22050 Hz to RATE samples whose output is exact on every machine.

    The low-pass filter is rounded to integers, so all sums stay integers below 2^53 and come out
    the same whatever the order and the instructions a processor adds them with. The output is
    scaled by about 2^24.
    """
    from scipy.signal import firwin, resample_poly

    up, down = 160, 441  # 22050 * 160 / 441 = 8000
    low_pass = np.round(firwin(20 * down + 1, 1 / down, window=("kaiser", 5.0)) * 2**24)

    def resample(samples: NDArray[np.int16]) -> NDArray[np.float64]:
        return np.asarray(resample_poly(samples.astype(np.float64), up, down, window=low_pass))

    return resample


def trim(waveform: NDArray[np.float64], threshold: float = 0.02) -> NDArray[np.float64]:
    """Return the waveform with a peak of 1, without the silence before and after.

    Parameters
    ----------
    waveform : ndarray
        (samples,), not all 0.
    threshold : float
        Of the peak: what counts as silence.
    """
    scaled = waveform / np.abs(waveform).max()
    audible = np.flatnonzero(np.abs(scaled) > threshold)
    return np.asarray(scaled[audible[0] : audible[-1] + 1])


def synthesise() -> dict[str, NDArray[Any]]:
    """Return every digit once in every voice: codes, and what is known about each clip.

    A voice keeps one accent; speed and pitch change from word to word by fixed arithmetic. A
    word that would not fit into SAMPLES is said faster until it does, so no word is ever cut.
    """
    espeak, resample = Espeak(), resampler()
    voices = espeak.voices()
    split_of = split_families(Counter(map(family, voices)))
    codes: list[NDArray[np.uint8]] = []
    rows: list[tuple[int, str, str, str, int]] = []
    for i, voice in enumerate(voices):
        accent = ACCENTS[i % len(ACCENTS)]
        espeak.use(accent, voice)
        for digit, word in enumerate(LANGUAGES["English"]):
            speed = 140 + (37 * i + 11 * digit) % 50
            pitch = 35 + (23 * i + 7 * digit) % 30
            while len(clip := trim(resample(espeak.say(word, speed, pitch)))) > SAMPLES:
                speed += 20
            codes.append(mu_law_encode(clip))
            rows.append((digit, voice, family(voice), accent, speed))
    digits, names, families, accents, speeds = zip(*rows, strict=True)
    return {
        "clip_codes": np.concatenate(codes),
        "clip_offsets": np.cumsum([0, *map(len, codes)], dtype=np.int32),
        "clip_digit": np.array(digits, dtype=np.uint8),
        "clip_voice": np.array(names),
        "clip_family": np.array(families),
        "clip_accent": np.array(accents),
        "clip_speed": np.array(speeds, dtype=np.uint16),
        "clip_split": np.array([SPLITS.index(split_of[f]) for f in families], dtype=np.uint8),
    }


def images() -> dict[str, NDArray[Any]]:
    """Return the handwritten digits of scikit-learn, and the split of each row.

    The rows of `load_digits` follow one another writer by writer, and nobody recorded who wrote
    which. So the split is by contiguous rows: 0..1077 train, 1078..1437 val, 1438..1796 test. A
    random split would put every writer on all sides and overstate the accuracy on new writers.
    """
    from sklearn.datasets import load_digits

    digits = load_digits()
    split = np.zeros(len(digits.target), dtype=np.uint8)
    for code, side in enumerate(SPLITS):
        split[list(IMAGE_ROWS[side])] = code
    return {
        "images": digits.images.astype(np.uint8),
        "image_digit": digits.target.astype(np.uint8),
        "image_split": split,
    }


def generate() -> dict[str, NDArray[Any]]:
    """Return all arrays of `spoken_digits.npz`, the same bit for bit at every call.

    Returns
    -------
    dict of str to ndarray
        ``images`` (1797, 8, 8) uint8 in 0..16, ``image_digit``, ``image_split`` (1797,);
        ``clip_codes`` uint8, all clips one after the other in the codec of `mla_core.data.audio`
        at 8 kHz, clip k from ``clip_offsets[k]`` to ``clip_offsets[k + 1]``; per clip
        ``clip_digit``, ``clip_voice``, ``clip_family``, ``clip_accent``, ``clip_speed`` (words a
        minute), ``clip_split``. Splits are indices into train, val, test.

    Notes
    -----
    Another version of espeak-ng speaks differently: the shipped file comes from the package
    espeakng-loader 0.2.4 (espeak-ng 1.52) on Linux.
    """
    _espeakng_loader()  # so that a missing extra is named here, not in the other process
    # espeak-ng keeps state that no call resets: only a fresh process starts from the same one.
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, FILE.name)
        command = [sys.executable, "-m", "mla_core.data.spoken_digits_generator", "--out", str(out)]
        subprocess.run(command, cwd=FILE.parents[2], check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - ourselves
        with np.load(out, allow_pickle=False) as arrays:
            return dict(arrays)


def main(arguments: list[str] | None = None) -> None:
    """Write the file, beside its place first and then renamed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=FILE, help="default: the shipped file")
    out: Path = parser.parse_args(arguments).out
    beside = out.with_name(f"{out.name}.part")
    with beside.open("wb") as file:
        arrays: dict[str, Any] = {**images(), **synthesise()}
        np.savez_compressed(file, allow_pickle=False, **arrays)
    beside.replace(out)
    print(f"{out}: {out.stat().st_size:,} bytes")  # noqa: T201 - a command prints


if __name__ == "__main__":
    main()
