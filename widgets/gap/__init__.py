"""The explorer of the modality gap."""

from widgets.gap.embedding_view import SCRIPT, STATE, STYLE, EmbeddingView, parts_of, payload
from widgets.gap.explorer import explore_gap, gap_change, shift_change
from widgets.gap.media import FOR_MEDIA, as_base64, media_within, view_for_page

__all__ = [
    "FOR_MEDIA",
    "SCRIPT",
    "STATE",
    "STYLE",
    "EmbeddingView",
    "as_base64",
    "explore_gap",
    "gap_change",
    "media_within",
    "parts_of",
    "payload",
    "shift_change",
    "view_for_page",
]
