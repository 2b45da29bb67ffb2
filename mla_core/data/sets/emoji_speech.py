"""The third part of the emoji: their names spoken by espeak-ng, one voice for each."""

from __future__ import annotations

import functools
import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mla_core.data.corruption import SPEECH_NOISE
from mla_core.data.samples import HOP, MELS, SPLITS, WINDOW, Modality, add_noise, log_mel, to_int16
from mla_core.data.sets.speech import Utterance, family, speak, split_families, voice_names

SAMPLES = 12800  # of one name, 1.6 s: nine of ten names and more fit
FRAMES = (SAMPLES - WINDOW) // HOP + 1
ACCENT = "en-US"  # one for all: with several, what is said is harder to tell from so few names
SPEEDS, PITCHES = range(155, 205), range(35, 65)  # words a minute; espeak-ng's 0..100
LEVEL = -10.0  # dB of noise: softer than the speech
BATCH = 500  # names analysed at once: few calls, since threads cost more than the arithmetic
NOTE = (
    " The names are spoken by espeak-ng (github.com/espeak-ng/espeak-ng): synthetic speech, no "
    "human voice. No family of voices is in two splits."
)


@dataclass(frozen=True)
class SpokenNames:
    """Every emoji's name in one voice.

    Attributes
    ----------
    utterances : tuple of Utterance
        What was said, by whom and how.
    waveforms : Tensor
        (N, SAMPLES) int16, each name in the middle of silence.
    cut : ndarray
        (N,) bool: whose end is missing, since it is longer than SAMPLES.
    """

    utterances: tuple[Utterance, ...]
    waveforms: Tensor
    cut: NDArray[np.bool_]

    def caption(self, index: int) -> str:
        """Return what is said in a clip, and in whose synthetic voice."""
        said = self.utterances[index]
        end = ", cut" if self.cut[index] else ""
        return (
            f'"{said.words}"{end}, synthetic speech (espeak-ng), voice {said.voice}, '
            f"accent {said.accent}"
        )

    def facts(self, rows: Mapping[str, NDArray[np.int64]]) -> dict[str, dict[str, float]]:
        """Return how many families of voices each split hears, and which share of names is cut.

        Parameters
        ----------
        rows : mapping of str to ndarray
            The numbers of each split's clips.
        """
        voices = {side: {self.utterances[k].voice for k in chosen} for side, chosen in rows.items()}
        return {
            "voice_families": {side: len(set(map(family, said))) for side, said in voices.items()},
            "share_of_names_cut": {
                side: float(self.cut[chosen].mean()) for side, chosen in rows.items()
            },
        }

    def noisy(
        self, rows: NDArray[np.int64], level: float, rng: np.random.Generator
    ) -> tuple[Tensor, Tensor]:
        """Return the clips at `rows` (K,) under noise: what is played and what a network sees.

        Parameters
        ----------
        rows : ndarray
            (K,) their numbers.
        level : float
            dB by which the noise is louder than the speech.
        rng : numpy.random.Generator

        Returns
        -------
        tuple of Tensor
            (K, SAMPLES) int16 and (K, 1, MELS, FRAMES) float32.
        """
        generator = torch.Generator().manual_seed(int(rng.integers(2**63)))
        sounds = [
            to_int16(add_noise(clean.float(), -level, generator))
            for clean in self.waveforms[torch.from_numpy(rows)].split(BATCH)
        ]
        return torch.cat(sounds), torch.cat([log_mel(sound.float()) for sound in sounds])


@functools.cache
def speak_names(
    names: tuple[str, ...], ids: tuple[str, ...], sides: tuple[int, ...]
) -> SpokenNames:
    """Say all names, the same bit for bit in every process; one call takes a few seconds.

    Parameters
    ----------
    names : tuple of str
    ids : tuple of str
        By whose hash a name gets its voice, speed and pitch.
    sides : tuple of int
        The split of each, an index into `SPLITS`: it has families of voices of its own.

    Raises
    ------
    DataError
        When the package `espeakng-loader` is missing.
    """
    utterances = cast_voices(names, ids, sides, voice_names("emoji"))
    clips = speak(utterances)
    waveforms = np.zeros((len(clips), SAMPLES), dtype=np.int16)
    for row, clip in zip(waveforms, clips, strict=True):
        begin = max(0, SAMPLES - len(clip)) // 2
        row[begin : begin + len(clip)] = clip[:SAMPLES]
    cut = np.array([len(clip) > SAMPLES for clip in clips])
    return SpokenNames(utterances, torch.from_numpy(waveforms), cut)


def cast_voices(
    names: Sequence[str], ids: Sequence[str], sides: Sequence[int], voices: Sequence[str]
) -> tuple[Utterance, ...]:
    """Give each name one voice, speed and pitch by its id's hash.

    The families of voices are split as those of the spoken digits are.

    Examples
    --------
    >>> cast_voices(["key"], ["1f511"], [0], ["Annie", "f1", "f2"])[0].voice in ("f1", "f2")
    True
    """
    split_of = split_families(Counter(map(family, voices)))
    pools = [[voice for voice in voices if split_of[family(voice)] == side] for side in SPLITS]
    utterances = []
    for name, sample, side in zip(names, ids, sides, strict=True):
        number = int.from_bytes(hashlib.sha256(sample.encode()).digest(), "big")
        number, drawn = divmod(number, len(pools[side]))
        number, faster = divmod(number, len(SPEEDS))
        voice, pitch = pools[side][drawn], PITCHES[number % len(PITCHES)]
        utterances.append(Utterance(name, ACCENT, voice, SPEEDS[faster], pitch))
    return tuple(utterances)


def spoken(level: float) -> Modality:
    """Return what the spoken names look like."""
    (limits, unit), note = SPEECH_NOISE, "synthetic speech (espeak-ng), no human voice"
    return Modality("audio", "spectrogram", (1, MELS, FRAMES), "", level, unit, limits, note)
