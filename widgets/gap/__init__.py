"""The explorer of the modality gap."""

from widgets.gap.embedding_view import SCRIPT, STATE, STYLE, EmbeddingView, parts_of, payload
from widgets.gap.explorer import explore_gap, gap_change, shift_change

__all__ = [
    "SCRIPT",
    "STATE",
    "STYLE",
    "EmbeddingView",
    "explore_gap",
    "gap_change",
    "parts_of",
    "payload",
    "shift_change",
]
