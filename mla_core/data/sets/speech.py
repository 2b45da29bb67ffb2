"""Words and names spoken by espeak-ng: one synthesiser for all data sets, and who its voices are.

The package `espeakng-loader` brings espeak-ng and its voices (``pip install -e '.[generate]'``):
espeak-ng is GPL-3, so it is no dependency of this package. It is driven through ctypes and works
offline. It keeps state from word to word, so `speak` starts a process of its own, in which
everything is said in the order given: the same utterances give the same samples, bit for bit.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mla_core.data.sets.optional import package_path

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

EXTRA = "pip install -e '.[generate]'"
ESPEAK_RATE = 22050  # what this build of espeak-ng puts out
_RETRIEVAL, _DONT_EXIT = 2, 0x8000  # audio comes through the callback; errors return, not exit
_SPEED, _PITCH, _UTF8 = 1, 3, 1
_CALLBACK = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
)


class Utterance(NamedTuple):
    """What is said, by whom and how.

    Attributes
    ----------
    words : str
    accent, voice : str
        One of `ACCENTS`, one of `voice_names`.
    speed, pitch : int
        Words a minute; 0..100.
    """

    words: str
    accent: str
    voice: str
    speed: int
    pitch: int


class Espeak:
    """espeak-ng as a function from a word to 22050 Hz samples.

    It keeps state from word to word: `say` gives the same samples again only in a fresh process
    where everything before was said in the same order.
    """

    def __init__(self) -> None:
        loader = load_espeakng()
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


def load_espeakng() -> ModuleType:
    """Return the package that brings espeak-ng, or raise `ImportError` with what to install."""
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


def voice_names(dataset: str) -> list[str]:
    """Return the names of all voice variants in a fixed order, without starting espeak-ng.

    Parameters
    ----------
    dataset : str
        Who needs them, for the error's message.

    Raises
    ------
    DataError
        When the package `espeakng-loader` is missing, with the command that installs it.
    """
    folder = package_path(dataset, "espeakng-loader", "espeak-ng-data/voices/!v", EXTRA)
    return sorted(path.name for path in folder.iterdir())


def speak(utterances: Sequence[Utterance]) -> list[NDArray[np.int16]]:
    """Return each utterance at 8 kHz, at its full loudness and without silence at its two ends.

    The same samples at every call: a fresh process says all of them in this order.
    """
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "speech.npz")
        command = [sys.executable, "-m", "mla_core.data.sets.speech", str(out)]
        root = Path(__file__).parents[3]
        subprocess.run(command, input=json.dumps(utterances).encode(), cwd=root, check=True)  # noqa: S603 - ourselves
        with np.load(out, allow_pickle=False) as arrays:
            samples, ends = arrays["samples"], arrays["ends"]
    return np.split(samples, ends[:-1])


def main(out: str, utterances: Sequence[Sequence[Any]]) -> None:
    """Write what `speak` reads: all samples one after the other, and where each clip ends."""
    espeak, resample = Espeak(), resampler()
    clips: list[NDArray[np.int16]] = []
    for words, accent, voice, speed, pitch in utterances:
        espeak.use(accent, voice)
        spoken = trim(resample(espeak.say(words, speed, pitch)))
        clips.append(np.round(spoken * 32767).astype(np.int16))
    ends = np.cumsum([len(clip) for clip in clips])
    np.savez(out, allow_pickle=False, samples=np.concatenate(clips), ends=ends)


if __name__ == "__main__":
    main(sys.argv[1], json.load(sys.stdin))
