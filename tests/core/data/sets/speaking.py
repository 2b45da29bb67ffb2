"""What some names sound like, computed in whichever process asks."""

import hashlib

import numpy as np

from mla_core.data.sets.emoji import read_emoji
from mla_core.data.sets.emoji_speech import speak_names


def sounds() -> list[str]:
    """Return hashes of what is said, of what is played, and of what a network sees."""
    some = read_emoji()[::40]
    names, ids = zip(*((one.name, one.codes) for one in some), strict=True)
    clips = speak_names(names, ids, tuple(i % 3 for i in range(len(some))))
    played, seen = clips.noisy(np.arange(len(some)), 10.0, np.random.default_rng(0))
    parts = (clips.waveforms, played, seen)
    return [hashlib.sha256(part.numpy().tobytes()).hexdigest() for part in parts]
