"""Sounds: mixed to one channel, resampled, as a log-mel spectrogram."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from mla_core.data.decoding.base import Decoder, Looked
from mla_core.data.decoding.optional import need
from mla_core.data.decoding.whole import ATOMS, HEADER, check_whole, is_mp3_without_length
from mla_core.data.samples import Modality, Source, log_mel
from mla_core.errors import DataError

if TYPE_CHECKING:
    from soundfile import SoundFile

TRACKS = (".m4a", ".aac")  # read as the sound tracks of videos are
SUFFIXES = (".wav", ".flac", ".ogg", ".oga", ".mp3", *TRACKS)
LONGEST = 600.0  # seconds of a sound that is one sample
MOST = 10.24  # seconds that are taken by default, as in the paper's set-up
CANCELLED = 0.01  # of the loudest channel: what is left of it in a mean that is no longer the sound
LOUDEST = 1e10  # more than 32 bits that nobody scaled; squares of it are still finite
WINDOW = 0.025  # seconds of one spectrum
HOP = 0.010  # between two spectra
_CONTAINERS = (HEADER, b"FLV", b"\0\0\1\xba")  # how Matroska, FLV and MPEG begin


class SoundDecoder(Decoder):
    """(1, mels, frames) float16: the log-mel spectrogram, standardised sample by sample."""

    kind = "spectrogram"
    dtype = np.float16
    # 2: time in a video's track counts from what is shown first; 3: silence is 0;
    # 4: pieces are decoded from before they begin, MP3 without a length is not guessed at;
    # 5: channels that cancel each other are not averaged, those of a video's track are as a file's
    version = 5
    uses = ("rate", "seconds", "mels")

    def look(self, source: Source) -> Looked:
        """Read how long it is, and whether it is all there."""
        check_whole(source)
        seconds = _length(source)
        if seconds > LONGEST and source.whole:
            msg = (
                f"lasts {_duration(seconds)}, more than the {LONGEST / 60:.0f} minutes of one "
                "sample: cut it, or name a piece of it in seconds, as in talk.wav#t=12,15"
            )
            raise DataError(msg)
        stop = seconds if source.stop is None else min(source.stop, seconds)
        if stop <= source.start:
            msg = f"ends after {seconds:.2f} s, before the piece that begins at {source.start} s"
            raise DataError(msg)
        return Looked((stop - source.start,))

    def modality(self, name: str, looked: Sequence[Looked]) -> Modality:
        """Return as many frames as the longest sound needs, within bounds."""
        chosen = self.preparation
        longest = max(one.size[0] for one in looked)
        seconds = chosen.seconds or min(MOST, max(longest, 2 * WINDOW))
        window, hop = self._window(), self._hop()
        frames = max(1, (round(seconds * chosen.rate) - window) // hop + 1)
        note = f"log-mel, {seconds:.4g} s at {chosen.rate} Hz"
        return Modality(name, self.kind, (1, chosen.mels, frames), note=note)

    def decode(self, source: Source, modality: Modality) -> NDArray[Any]:
        """Read the piece, mix, resample, and fill up with silence."""
        chosen = self.preparation
        samples = self._window() + (modality.shape[-1] - 1) * self._hop()
        sound = read_sound(source, chosen.rate, samples / chosen.rate)[:samples]
        filled = np.zeros((1, samples), np.float32)
        filled[0, : len(sound)] = sound
        picture = log_mel(
            torch.from_numpy(filled), chosen.rate, self._window(), self._hop(), chosen.mels
        )
        return np.asarray(picture[0].numpy().astype(np.float16))

    def cut(self, modality: Modality, looked: Looked) -> str:
        """Tell a sound that is longer than what is taken of it."""
        seconds = (self._window() + modality.shape[-1] * self._hop()) / self.preparation.rate
        return f"longer than {seconds:.4g} s" if looked.size[0] > seconds else ""

    def _window(self) -> int:
        return round(WINDOW * self.preparation.rate)

    def _hop(self) -> int:
        return round(HOP * self.preparation.rate)


def read_sound(source: Source, rate: int, most: float) -> NDArray[np.float32]:
    """Return (samples,) of a sound file, or of a video's sound track, in one channel at `rate`.

    Parameters
    ----------
    source : Source
    rate : int
        Samples per second of the result.
    most : float
        Seconds; what follows is not read.

    Raises
    ------
    DataError
        When it cannot be read, is empty or holds numbers that are none.
    """
    stop = source.start + most if source.stop is None else min(source.stop, source.start + most)
    if in_container(source):
        from mla_core.data.decoding.video import read_track

        found, original = read_track(source, stop)
    else:
        try:
            with _open(source) as file:
                original = file.samplerate
                file.seek(min(round(source.start * original), file.frames))
                count = round((stop - source.start) * original) + 1
                found = file.read(count, dtype="float32", always_2d=True)
        except (OSError, RuntimeError) as error:
            msg = f"is damaged ({error}): copy it again"
            raise DataError(msg) from error
    if not len(found):
        msg = "holds no sound there: record it anew, or leave the cell empty"
        raise DataError(msg)
    if not np.isfinite(found).all():
        msg = "holds NaN or infinity: mend it, or export it anew"
        raise DataError(msg)
    if (peak := float(np.abs(found).max())) > LOUDEST:
        msg = f"holds numbers up to {peak:.0e}, beyond any sound's: mend it, or export it anew"
        raise DataError(msg)
    return _resample(_mixed(found), original, rate)


def _mixed(found: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the mean of the channels (samples, channels), or the loudest where they cancel each other.

    Examples
    --------
    >>> _mixed(np.array([[1, 3], [2, 4]], np.float32)).tolist()
    [2.0, 3.0]
    >>> _mixed(np.array([[1, -1], [2, -2]], np.float32)).tolist()
    [1.0, 2.0]
    """
    mean: NDArray[np.float32] = found.mean(1)
    energies = np.square(found, dtype=np.float64).sum(0)
    if np.square(mean, dtype=np.float64).sum() >= CANCELLED**2 * energies.max():
        return mean
    return found[:, energies.argmax()]  # as of a microphone that was wired the other way round


def in_container(source: Source) -> bool:
    """Return whether a sound is a track in a container, as a video's is, or AAC, or MP3 of no length.

    The first bytes tell it, whatever a file is called; where they do not, its name does.
    """
    from mla_core.data.decoding.video import SUFFIXES as VIDEO

    content = source.content
    if hasattr(content, "suffix") and content.suffix.lower() in (*VIDEO, *TRACKS):
        return True
    with source.open() as file:
        head = file.read(12)
        if is_mp3_without_length(file):
            return True
    is_aac = len(head) > 1 and head[0] == 0xFF and head[1] & 0xF6 == 0xF0
    return is_aac or head[4:8] in ATOMS or head[8:] == b"AVI " or head.startswith(_CONTAINERS)


def _resample(sound: NDArray[np.float32], original: int, rate: int) -> NDArray[np.float32]:
    from scipy.signal import resample_poly

    if original == rate:
        return sound
    ratio = Fraction(rate, original).limit_denominator(1000)  # 1 ms in 17 minutes at worst
    return np.asarray(resample_poly(sound, ratio.numerator, ratio.denominator), np.float32)


def _length(source: Source) -> float:
    """Return how many seconds a sound lasts, from the file's head."""
    if in_container(source):
        from mla_core.data.decoding.video import track_length

        return track_length(source)
    with _open(source) as file:
        if file.frames == 0:
            msg = "holds no sound (0 samples): record it anew, or leave the cell empty"
            raise DataError(msg)
        if file.format == "FLAC":  # its head alone knows how long it is
            _read_last(file)
        return float(file.frames / file.samplerate)


def _read_last(file: SoundFile) -> None:
    try:
        file.seek(file.frames - 1)
        there = len(file.read(1))
    except (OSError, RuntimeError):
        there = 0
    if not there:
        msg = f"is cut off, or damaged at its end ({file.frames} samples): copy it again"
        raise DataError(msg)


def _open(source: Source) -> SoundFile:
    soundfile = need("soundfile", "sounds")
    stream = source.stream()
    if isinstance(stream, str) and source.read().stat().st_size == 0:  # type: ignore[union-attr]
        msg = "is empty (0 bytes): copy it again, or leave the cell empty"
        raise DataError(msg)
    try:
        file: SoundFile = soundfile.SoundFile(stream)
    except (OSError, RuntimeError, TypeError) as error:
        msg = f"is no sound that can be read (WAV, FLAC, OGG, MP3, M4A): {error}"
        raise DataError(msg) from error
    if file.samplerate < 1000:
        msg = f"has {file.samplerate} samples a second: record it with 8000 or more"
        raise DataError(msg)
    return file


def _duration(seconds: float) -> str:
    return f"{seconds / 3600:.1f} h" if seconds > 3600 else f"{seconds / 60:.1f} min"
