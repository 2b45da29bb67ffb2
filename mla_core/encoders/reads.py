"""What a pretrained model reads, and whether a modality is that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn

from mla_core.data.samples import Modality
from mla_core.encoders.inputs import FilterBanks, Picture, TokenIds, Waveform
from mla_core.errors import ConfigError

READS = {
    "tokens": "the tokens of a text",
    "image": "images",
    "video": "the frames of videos",
    "spectrogram": "spectrograms",
    "sequence": "waveforms",
}


@dataclass(frozen=True)
class Photographs:
    """What a model's files say about its training pictures: mean and deviation per channel."""

    mean: Sequence[float] = (0.5,)
    deviation: Sequence[float] = (0.5,)


def inputs_for(
    entry: str, config: Any, name: str, modality: Modality, photographs: Photographs
) -> nn.Module:
    """Return what turns a modality's numbers into those that a model reads.

    Parameters
    ----------
    entry : str
        The model's main input, as `transformers` calls it.
    config : object
        The model's settings.
    name : str
        The model's, for messages.
    modality : Modality
    photographs : Photographs

    Raises
    ------
    ConfigError
        When the model does not read this kind of modality, or not of this size.
    """
    kind, mels = modality.kind, getattr(config, "num_mel_bins", None)
    if entry == "input_ids":
        _check_kind(config, name, modality, ["tokens"])
        return _tokens(config, name, modality)
    if entry == "pixel_values":
        _check_kind(config, name, modality, ["image", "video", "spectrogram"])
        # A spectrogram is standardised already, and was never a photograph.
        plain = Photographs((0.0,), (1.0,))
        return _picture(config, name, modality, plain if kind == "spectrogram" else photographs)
    if entry == "input_values" and mels is not None:
        _check_kind(config, name, modality, ["spectrogram"])
        if modality.shape[1] != mels:
            msg = (
                f"{name!r} reads spectrograms with {mels} mel bands, but modality "
                f"{modality.name!r} has {modality.shape[1]}: prepare the sound with {mels}"
            )
            raise ConfigError(msg)
        return FilterBanks(config.max_length)
    if entry == "input_values":
        _check_kind(config, name, modality, ["sequence"])
        if modality.shape[0] != 1:
            msg = f"{name!r} reads one channel, but {modality.name!r} has {modality.shape[0]}"
            raise ConfigError(msg)
        return Waveform()
    msg = (
        f"{name!r} is a {config.model_type} model, which reads {entry}: encoders read "
        f"{', '.join(READS.values())}"
    )
    raise ConfigError(msg)


def wrong_kind(name: str, config: Any, reads: Sequence[str], modality: Modality) -> ConfigError:
    """Return the error that says what a model reads, and what the modality is instead."""
    can = " or ".join(READS[kind] for kind in reads)
    hint = ""
    if modality.kind == "characters" and "tokens" in reads:
        hint = f": make tokens of the texts with mla_core.data.samples.tokens.Tokenizer({name!r})"
    return ConfigError(
        f"{name!r} is a {config.model_type} model, which reads {can}, but modality "
        f"{modality.name!r} is {modality.kind} of shape {modality.shape}{hint}"
    )


def _check_kind(config: Any, name: str, modality: Modality, reads: Sequence[str]) -> None:
    if modality.kind not in reads:
        raise wrong_kind(name, config, reads, modality)


def _picture(config: Any, name: str, modality: Modality, photographs: Photographs) -> Picture:
    channels, found = getattr(config, "num_channels", 3), modality.shape[-3]
    if found not in {1, channels}:
        msg = f"{name!r} reads {channels} channels, but modality {modality.name!r} has {found}"
        raise ConfigError(msg)
    pixels = getattr(config, "image_size", None)
    if isinstance(pixels, int):
        pixels = (pixels, pixels)
    return Picture(channels, pixels and tuple(pixels), photographs.mean, photographs.deviation)


def _tokens(config: Any, name: str, modality: Modality) -> TokenIds:
    length, longest = modality.shape[0], getattr(config, "max_position_embeddings", None)
    if modality.codes > config.vocab_size:
        msg = (
            f"{name!r} knows {config.vocab_size} tokens, but modality {modality.name!r} has "
            f"{modality.codes}: make its tokens with mla_core.data.samples.tokens.Tokenizer({name!r})"
        )
        raise ConfigError(msg)
    if longest is not None and length > longest:
        msg = (
            f"{name!r} reads at most {longest} tokens, but modality {modality.name!r} has "
            f"{length}: make them with mla_core.data.samples.tokens.Tokenizer({name!r}, length={longest})"
        )
        raise ConfigError(msg)
    padding = getattr(config, "pad_token_id", None)
    return TokenIds(0 if padding is None else padding)
