"""How files become numbers: one decoder per kind of modality."""

from mla_core.data.decoding.base import Decoder, Looked, Preparation
from mla_core.data.decoding.kinds import DECODERS, KIND_OF_SUFFIX, decoder

__all__ = ["DECODERS", "KIND_OF_SUFFIX", "Decoder", "Looked", "Preparation", "decoder"]
