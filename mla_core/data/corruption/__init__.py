"""How a part is spoiled: kinds of corruption, and what does them to samples."""

from mla_core.data.corruption.corruptor import Corruptor, Damage
from mla_core.data.corruption.kinds import CORRUPTIONS, DROP, Corruption
from mla_core.data.corruption.noise import (
    PIXEL_NOISE,
    SPEECH_NOISE,
    TYPING_ERRORS,
    add_pixel_noise,
    check_noise,
    stream,
)

__all__ = [
    "CORRUPTIONS",
    "DROP",
    "PIXEL_NOISE",
    "SPEECH_NOISE",
    "TYPING_ERRORS",
    "Corruption",
    "Corruptor",
    "Damage",
    "add_pixel_noise",
    "check_noise",
    "stream",
]
