"""What samples look and sound like, for a page that can ask nobody: as many as fit."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from typing import Any

from mla_core.evaluation import Replay
from widgets.gap.embedding_view import EmbeddingView, parts_of
from widgets.page import safe_json

FOR_MEDIA = 2_500_000  # bytes of what samples look and sound like
IN_VAIN = 10  # samples that do not fit, one after another: then the page is full


def media_within(
    budget: int, replay: Replay, media: Callable[[str], Any]
) -> dict[str, list[dict[str, Any]]]:
    """Return the parts of as many samples as fit, taken in turns from all classes.

    Reading a sample may take long: after `IN_VAIN` in a row that do not fit, no more are read.

    Parameters
    ----------
    budget : int
        Bytes of JSON.
    replay : Replay
    media : callable
        From a sample's id to its parts.
    """
    kept: dict[str, list[dict[str, Any]]] = {}
    ranks: dict[int, int] = {}
    order = []
    for n, label in enumerate(replay.labels.tolist()):
        ranks[label] = ranks.get(label, -1) + 1
        order.append((ranks[label], label, n))
    in_vain = 0
    for _, _, n in sorted(order):
        if in_vain == IN_VAIN:
            break
        sample = replay.ids[n]
        parts = [{**part, "data": as_base64(part["data"])} for part in parts_of(media(sample))]
        size = len(safe_json({sample: parts}))
        if size <= budget:
            kept[sample] = parts
            budget -= size
        in_vain = 0 if sample in kept else in_vain + 1
    return kept


def view_for_page(replay: Replay, media: Callable[[str], Any]) -> EmbeddingView:
    """Return the map of a whole run with what it needs to live without a kernel.

    Parameters
    ----------
    replay : Replay
    media : callable
        From a sample's id to its parts.
    """
    view = EmbeddingView(replay)
    view.media = media_within(FOR_MEDIA, replay, media)
    return view


def as_base64(data: bytes) -> str:
    """Return bytes as text that JSON can hold.

    Examples
    --------
    >>> as_base64(b"hello")
    'aGVsbG8='
    """
    return b64encode(data).decode()
