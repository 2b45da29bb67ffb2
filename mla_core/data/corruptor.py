"""Corrupts samples of a data set, and shows what the network then gets: seen, heard or read."""

from __future__ import annotations

import io
import wave
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from mla_core.data.audio import RATE, WINDOW, add_noise, log_mel, to_int16, wav_bytes
from mla_core.data.corruption import DROP, SILENT, Corruption, corruptions, limits
from mla_core.data.dataset import Modality, MultimodalDataset, Split
from mla_core.data.media import Media, media_from_tensor, png_bytes
from mla_core.errors import ConfigError, DataError, one_of
from mla_core.seeding import generator

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
        self._waveforms: dict[tuple[str, str], Tensor | None] = {}

    def corruptions(self, modality: str) -> Mapping[str, Corruption]:
        """Return the corruptions of one modality by name."""
        return corruptions(self._modality(modality).kind)

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
            row, x = list(inputs).index(name), inputs[name].clone()
            for i in present[row].nonzero().flatten().tolist():
                if damage.corruption == DROP:
                    present[row, i] = not self._lost(damage, split.ids[i])
                    x[i] *= present[row, i]
                else:
                    x[i] = self._spoilt(x[i], damage, split.ids[i])
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
        return self._waveform(modality, sample) is not None

    def _corrupted_media(self, part: Media, damage: Damage, sample: str) -> Media:
        modality, kind = self._modality(damage.modality), self._corruption(damage)
        caption = f"{kind.label} {damage.level:g} ({kind.unit})"
        if part.caption:
            caption = f"{caption}; {part.caption}"
        if (sound := self._noisy_sound(damage, sample)) is not None:
            return Media(part.modality, "audio/wav", wav_bytes(sound[0]), caption)
        x = self._spoilt(self._stored(modality.name, sample), damage, sample)
        return replace(picture_of(modality, x), caption=caption)

    def _spoilt(self, x: Tensor, damage: Damage, sample: str) -> Tensor:
        if (sound := self._noisy_sound(damage, sample)) is not None:
            return log_mel(sound.float())[0]
        modality, kind = self._modality(damage.modality), self._corruption(damage)
        draw = self._draw(damage, sample)
        return kind.apply(x, damage.level, draw, modality, self._spread(modality.name))

    def _noisy_sound(self, damage: Damage, sample: str) -> Tensor | None:
        """Return the waveform (1, samples) int16 with noise, None where there is no waveform."""
        clean = self._waveform(damage.modality, sample)
        if clean is None or damage.level >= SILENT:
            return None
        return to_int16(add_noise(clean, damage.level, self._draw(damage, sample)))

    def _lost(self, damage: Damage, sample: str) -> bool:
        return float(torch.rand(1, generator=self._draw(damage, sample))) < damage.level

    def _draw(self, damage: Damage, sample: str) -> torch.Generator:
        return generator(self.seed, "corruption", damage.corruption, damage.modality, sample)

    def _waveform(self, modality: str, sample: str) -> Tensor | None:
        """Return the sample's waveform (1, samples) if it gives the stored spectrogram."""
        key = modality, sample
        if self._modality(modality).kind != "spectrogram":
            return None
        if key not in self._waveforms:
            sounds = [
                waveform(part.data)
                for part in self.data.media(sample)
                if part.modality == modality and part.mime == "audio/wav"
            ]
            stored = self._stored(modality, sample)
            fitting = [sound for sound in sounds if _gives(sound, stored)]
            self._waveforms[key] = fitting[0] if fitting else None
        return self._waveforms[key]

    def _stored(self, modality: str, sample: str) -> Tensor:
        side, index = self.data.locate(sample)
        return self.data.split(side).inputs[modality][index]

    def _spread(self, name: str) -> Tensor:
        """Return the standard deviation of each number, or each channel, in training."""
        if name not in self._spreads:
            train, modality = self.data.split("train"), self._modality(name)
            x = train.inputs[name][train.samples_of(name)].float()
            over = (0, 2) if modality.kind == "sequence" else (0,)
            spread = x.std(over, correction=0)
            self._spreads[name] = spread[:, None] if modality.kind == "sequence" else spread
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
        known = self.corruptions(damage.modality)
        one_of(f"corruption of modality {damage.modality!r}", damage.corruption, known)
        return known[damage.corruption]

    def _modality(self, name: str) -> Modality:
        if name not in self.data.modalities:
            msg = f"the data has no modality {name!r}: choose one of {list(self.data.modalities)}"
            raise DataError(msg)
        return self.data.modalities[name]


def picture_of(modality: Modality, x: Tensor) -> Media:
    """Show a tensor as `media_from_tensor` does, but a picture with black and white where they were.

    Parameters
    ----------
    modality : Modality
    x : Tensor
        One sample. Of a video the middle frame is shown, of tokens their codes.
    """
    if modality.kind == "tokens":
        codes = " ".join(str(code) for code in x.tolist() if code > 0)
        return Media(modality.name, "text/plain", codes.encode())
    if modality.kind not in {"image", "video"}:
        return media_from_tensor(modality.name, modality.kind, x, modality.vocabulary)
    frame = x[len(x) // 2] if modality.kind == "video" else x
    black, white = limits(frame)
    pixels = ((frame.float() - black) / (white - black)).numpy()
    shown = pixels[:3].transpose(1, 2, 0) if len(pixels) >= 3 else pixels[0]
    return Media(modality.name, "image/png", png_bytes(shown))


def waveform(wav: bytes) -> Tensor:
    """Return the samples (1, samples) float32 of a 16-bit mono WAV file of the rate in use.

    Empty where the file is another.

    Examples
    --------
    >>> waveform(wav_bytes(torch.zeros(4))).shape
    torch.Size([1, 4])
    """
    with wave.open(io.BytesIO(wav)) as file:
        if (file.getnchannels(), file.getsampwidth(), file.getframerate()) != (1, 2, RATE):
            return torch.zeros(1, 0)
        frames = file.readframes(file.getnframes())
    return torch.from_numpy(np.frombuffer(frames, "<i2").astype(np.float32))[None]


def _gives(sound: Tensor, stored: Tensor) -> bool:
    if sound.shape[1] < WINDOW:
        return False
    picture = log_mel(sound)[0]
    return picture.shape == stored.shape and torch.allclose(picture, stored, atol=SAME)
