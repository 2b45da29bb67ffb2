"""From a modality to features of one size: small, large, pretrained, or your own."""

from mla_core.encoders.adapted import CHUNK, AdaptedEncoder, sparsely
from mla_core.encoders.build import build_encoders, check_modules
from mla_core.encoders.captured import CapturedEncoder, describe_captured
from mla_core.encoders.choice import ENCODERS, EncoderChoice, check_encoders, choice_of, register
from mla_core.encoders.placement import DEVICES, PRECISIONS, Placement, available_devices

__all__ = [
    "CHUNK",
    "DEVICES",
    "ENCODERS",
    "PRECISIONS",
    "AdaptedEncoder",
    "CapturedEncoder",
    "EncoderChoice",
    "Placement",
    "available_devices",
    "build_encoders",
    "check_encoders",
    "check_modules",
    "choice_of",
    "describe_captured",
    "register",
    "sparsely",
]
