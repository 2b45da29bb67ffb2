"""How files become numbers: one decoder per kind of modality."""

from mla_core.data.decoding.base import Decoder, Looked, Preparation
from mla_core.data.decoding.kinds import DECODERS, KIND_OF_SUFFIX, decoder
from mla_core.data.decoding.optional import need
from mla_core.data.decoding.sound import read_sound
from mla_core.data.decoding.text import read_text

__all__ = [
    "DECODERS",
    "KIND_OF_SUFFIX",
    "Decoder",
    "Looked",
    "Preparation",
    "decoder",
    "need",
    "read_sound",
    "read_text",
]
