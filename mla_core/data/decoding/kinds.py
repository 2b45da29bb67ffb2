"""Which decoder reads which kind of modality, and which files are of which kind."""

from __future__ import annotations

from mla_core.data.decoding import image, numbers, sound, text, video
from mla_core.data.decoding.base import Decoder, Preparation
from mla_core.errors import one_of

# What a manifest's header may say after a colon, as in `caption:text`.
DECODERS: dict[str, type[Decoder]] = {
    "image": image.ImageDecoder,
    "sound": sound.SoundDecoder,
    "video": video.VideoDecoder,
    "text": text.CharactersDecoder,
    "vector": numbers.VectorDecoder,
    "series": numbers.SeriesDecoder,
}

KIND_OF_SUFFIX: dict[str, str] = {
    **dict.fromkeys(image.SUFFIXES, "image"),
    **dict.fromkeys(sound.SUFFIXES, "sound"),
    **dict.fromkeys(video.SUFFIXES, "video"),
    **dict.fromkeys(text.SUFFIXES, "text"),
    **dict.fromkeys(numbers.SUFFIXES, "vector"),
    **dict.fromkeys(numbers.SERIES_SUFFIXES, "series"),
}


def decoder(kind: str, preparation: Preparation) -> Decoder:
    """Return the decoder of one kind of files.

    Examples
    --------
    >>> decoder("image", Preparation(size=64)).options()
    {'decoder': 'ImageDecoder', 'version': 1, 'size': 64}
    """
    one_of("kind of modality", kind, DECODERS)
    if kind == "text" and preparation.tokenizer:
        return text.TokensDecoder(preparation)
    return DECODERS[kind](preparation)
