"""Corrupts samples of a data set, and shows what the network then gets: seen, heard or read."""

from __future__ import annotations

import io
import wave
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from mla_core.data.corruption.kinds import CORRUPTIONS, DROP, Corruption, corruptions, limits
from mla_core.data.dataset import MultimodalDataset
from mla_core.data.samples import (
    RATE,
    WINDOW,
    Media,
    Modality,
    Split,
    add_noise,
    log_mel,
    media_from_tensor,
    png_bytes,
    to_int16,
    wav_bytes,
)
from mla_core.errors import ConfigError, DataError, one_of
from mla_core.language import tr
from mla_core.references import is_reference, user_named
from mla_core.seeding import generator
from mla_core.threads import compute_threads

ENOUGH = 2000  # training samples, about, to measure a deviation on
SAME = 1e-3  # a recorded sound's log-mel picture counts as the stored one up to this


@dataclass(frozen=True)
class Damage:
    """What is done to one modality: the name of a corruption of its kind, and how much."""

    modality: str
    corruption: str
    level: float


class Corruptor:
    """Corrupts samples of one data set, always in the same way.

    What happens to a sample depends on the seed, its id, the corruption and the level alone, so
    one sample by itself looks as it does among all others.

    Parameters
    ----------
    data : MultimodalDataset
    seed : int

    Notes
    -----
    Noise goes into the waveform itself where the data set has one that gives the stored
    spectrogram: then what is heard is what the network gets. Else it goes into the spectrogram.

    Examples
    --------
    >>> from mla_core import load_dataset
    >>> data = load_dataset("gaussian", sizes=(60, 20, 20))
    >>> val = data.split("val")
    >>> noisy = Corruptor(data).corrupt(val, [Damage("m1", "noise", 2.0)])
    >>> [torch.equal(noisy.inputs[name], val.inputs[name]) for name in val.inputs]
    [True, False, True]
    """

    def __init__(self, data: MultimodalDataset, seed: int = 0) -> None:
        self.data = data
        self.seed = seed
        self._spreads: dict[str, Tensor] = {}
        self._waveforms: dict[str, dict[str, Tensor | None]] = {}

    def corruptions(self, modality: str) -> Mapping[str, Corruption]:
        """Return the corruptions of one modality by name."""
        return corruptions(self._modality(modality).kind)

    @compute_threads()
    def corrupt(self, split: Split, damages: Sequence[Damage]) -> Split:
        """Return the samples with some of their parts spoilt.

        Parameters
        ----------
        split : Split
            Samples of this data set.
        damages : sequence of Damage
            At most one for each modality.

        Returns
        -------
        Split
            The same ids and labels. Dropped parts are absent, absent ones stay so.

        Raises
        ------
        ConfigError
            For an unknown corruption, a level out of its range, or a modality named twice.
        DataError
            For a modality that the data does not have.
        """
        inputs, present = dict(split.inputs), split.present.clone()
        for name, damage in self._effective(damages).items():
            row = list(inputs).index(name)
            x = inputs[name][torch.arange(len(split))]  # a copy in memory
            where = present[row].nonzero().flatten().tolist()
            samples = [split.ids[i] for i in where]
            if damage.corruption == DROP:
                lost = [
                    i
                    for i, sample in zip(where, samples, strict=True)
                    if self._lost(damage, sample)
                ]
                present[row, lost] = False
                x[lost] = 0
            elif where:
                x[where] = self._spoilt(x[where], damage, samples)
            inputs[name] = x
        return replace(split, inputs=inputs, present=present)

    def media(self, sample: str, damages: Sequence[Damage] = ()) -> list[Media]:
        """Return one sample's parts, corrupted, as a person sees, hears and reads them.

        Parameters
        ----------
        sample : str
            Its id.
        damages : sequence of Damage
            As for `corrupt`; dropped parts are left out.
        """
        effective = self._effective(damages)
        shown = []
        for part in self.data.media(sample):
            damage = effective.get(part.modality)
            if damage is None:
                shown.append(part)
            elif damage.corruption != DROP:
                shown.append(self._corrupted_media(part, damage, sample))
            elif not self._lost(damage, sample):
                shown.append(part)
        return shown

    def hears(self, modality: str, sample: str) -> bool:
        """Return whether noise goes into a waveform that can be heard."""
        return bool(self._sounds(modality, [sample]))

    def _corrupted_media(self, part: Media, damage: Damage, sample: str) -> Media:
        modality, kind = self._modality(damage.modality), self._corruption(damage)
        caption = tr(
            "{corruption} {level:g} ({unit})",
            corruption=tr(kind.label),
            level=damage.level,
            unit=tr(kind.unit),
        )
        if part.caption:
            caption = tr("; ").join((caption, part.caption))
        if sound := self._noisy_sounds(damage, [sample]):
            return Media(part.modality, "audio/wav", wav_bytes(sound[sample]), caption)
        x = self._spoilt(self._stored(modality.name, sample)[None], damage, [sample])[0]
        return replace(picture_of(modality, x), caption=caption)

    def _spoilt(self, x: Tensor, damage: Damage, samples: Sequence[str]) -> Tensor:
        """Return what becomes of the inputs (K, ...) of K samples."""
        sounds = self._noisy_sounds(damage, samples)
        # One call for all: around many small Fourier transforms torch's threads wait for each other.
        heard = log_mel(pad_sequence(list(sounds.values()), True).float()) if sounds else x[:0]
        found = dict(zip(sounds, heard, strict=True))
        modality, kind = self._modality(damage.modality), self._corruption(damage)
        spread = self._spread(modality.name)
        return torch.stack(
            [
                found[sample]
                if sample in found
                else kind.apply(row, damage.level, self._draw(damage, sample), modality, spread)
                for row, sample in zip(x, samples, strict=True)
            ]
        )

    def _noisy_sounds(self, damage: Damage, samples: Sequence[str]) -> dict[str, Tensor]:
        """Return the waveforms (S,) int16 with noise, of those samples that have one."""
        return {
            sample: to_int16(add_noise(clean[None], damage.level, self._draw(damage, sample)))[0]
            for sample, clean in self._sounds(damage.modality, samples).items()
        }

    def _lost(self, damage: Damage, sample: str) -> bool:
        return float(torch.rand(1, generator=self._draw(damage, sample))) < damage.level

    def _draw(self, damage: Damage, sample: str) -> torch.Generator:
        return generator(self.seed, "corruption", damage.corruption, damage.modality, sample)

    def _sounds(self, modality: str, samples: Sequence[str]) -> dict[str, Tensor]:
        """Return the waveforms (S,) that give the stored spectrogram, by sample."""
        if self._modality(modality).kind != "spectrogram":
            return {}
        known = self._waveforms.setdefault(modality, {})
        if new := [sample for sample in samples if sample not in known]:
            stored = torch.stack([self._stored(modality, sample) for sample in new])
            recorded = [self._recorded(modality, sample) for sample in new]
            for sample, sound, fits in zip(new, recorded, _give(recorded, stored), strict=True):
                known[sample] = sound if fits else None
        found = {sample: known[sample] for sample in samples}
        return {sample: sound for sample, sound in found.items() if sound is not None}

    def _recorded(self, modality: str, sample: str) -> Tensor:
        for part in self.data.media(sample):
            if part.modality == modality and part.mime == "audio/wav":
                return waveform(part.data)
        return torch.zeros(0)

    def _stored(self, modality: str, sample: str) -> Tensor:
        side, index = self.data.locate(sample)
        return self.data.split(side).inputs[modality][index]

    def _spread(self, name: str) -> Tensor:
        """Return the standard deviation of each number, or each channel, in training."""
        kind = self._modality(name).kind
        if kind not in {"vector", "sequence"}:  # measured otherwise
            return torch.ones(1)
        if name not in self._spreads:
            train = self.data.split("train")
            samples = train.samples_of(name)
            samples = samples[:: max(1, len(samples) // ENOUGH)]
            over = (0, 2) if kind == "sequence" else (0,)
            spread = train.inputs[name][samples].std(over, correction=0)
            self._spreads[name] = spread[:, None] if kind == "sequence" else spread
        return self._spreads[name]

    def _effective(self, damages: Sequence[Damage]) -> dict[str, Damage]:
        """Return by modality what changes something, everything checked."""
        found: dict[str, Damage] = {}
        for damage in damages:
            kind = self._corruption(damage)
            if damage.modality in found:
                msg = f"modality {damage.modality!r} is corrupted twice: name it once"
                raise ConfigError(msg)
            found[damage.modality] = replace(damage, level=kind.check(damage.level))
        return {m: d for m, d in found.items() if d.level != self._corruption(d).clean}

    def _corruption(self, damage: Damage) -> Corruption:
        if is_reference(damage.corruption):
            user_named(damage.corruption)
            CORRUPTIONS[damage.corruption]  # from now on it is among them
        known = self.corruptions(damage.modality)
        one_of(f"corruption of modality {damage.modality!r}", damage.corruption, known)
        return known[damage.corruption]

    def _modality(self, name: str) -> Modality:
        if name not in self.data.modalities:
            msg = f"the data has no modality {name!r}: choose one of {list(self.data.modalities)}"
            raise DataError(msg)
        return self.data.modalities[name]


def picture_of(modality: Modality, x: Tensor) -> Media:
    """Show a tensor as `media_from_tensor` does, but keep a picture's black and white where they were.

    Parameters
    ----------
    modality : Modality
    x : Tensor
        One sample.
    """
    if modality.kind != "image":
        return media_from_tensor(modality.name, modality.kind, x, modality.vocabulary)
    black, white = limits(x)
    pixels = ((x - black) / (white - black)).numpy()
    shown = pixels[:3].transpose(1, 2, 0) if len(pixels) >= 3 else pixels[0]
    return Media(modality.name, "image/png", png_bytes(shown))


def waveform(wav: bytes) -> Tensor:
    """Return the samples (S,) float32 of a 16-bit mono WAV file; none if it is another, or slower.

    Examples
    --------
    >>> waveform(wav_bytes(torch.zeros(4))).shape
    torch.Size([4])
    """
    with wave.open(io.BytesIO(wav)) as file:
        if (file.getnchannels(), file.getsampwidth(), file.getframerate()) != (1, 2, RATE):
            return torch.zeros(0)
        frames = file.readframes(file.getnframes())
    return torch.from_numpy(np.frombuffer(frames, "<i2").astype(np.float32))


def _give(sounds: Sequence[Tensor], stored: Tensor) -> list[bool]:
    """Return which of K waveforms give their stored spectrogram (K, 1, mels, frames)."""
    if max(map(len, sounds)) < WINDOW:
        return [False] * len(sounds)
    pictures = log_mel(pad_sequence(list(sounds), True))
    if pictures.shape != stored.shape:
        return [False] * len(sounds)
    return ((pictures - stored).abs().amax((1, 2, 3)) < SAME).tolist()
