"""The explorer of the modality gap: a map of a whole run, scrubbed through time in the browser.

`EmbeddingView` shows a `Replay`. The page gets everything at once and needs the kernel for two
things only: pictures and sounds of a sample that it has not seen yet, and another axis to slide
along. A page without a kernel shows the same with the same script: `SCRIPT` and `STYLE` are what
it has to contain, and its stand-in for anywidget's ``model`` gives ``get``, ``set``, ``on``,
``off`` and ``save_changes`` over these traits (``on("change:NAME", f)`` must call ``f`` whenever
``set`` changes NAME):

========================================  =========================================================
what is shown, from `payload`
========================================  =========================================================
messages (dict)                           English message -> what the reader's language has
meta (dict)                               names, ids, pairs, looks, colours, marker shapes: plain
                                          JSON; ``meta["live"]`` false: never ask for media;
                                          ``meta["alone"]``: the map and its legend, no player
arrays (dict of buffers)                  the replay's arrays, flat, C order; ``meta["dtypes"]``
                                          says how to read each
maps (dict of dict)                       per map ``title``, ``caption``, ``looks``, ``trust``,
                                          ``corners``, ``radius`` (0: what the points need),
                                          ``dtype`` and the buffer ``coords``
media (dict of list)                      sample id -> its parts: ``modality``, ``mime``,
                                          ``caption`` and the buffer ``data`` (see `parts_of`)
========================================  =========================================================

A buffer is bytes (a DataView, ArrayBuffer or typed array in the browser) or base64 text.

The rest is state, small and written by the page: `STATE` holds the first values.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import anywidget
import numpy as np
import traitlets

from mla_core.data.samples import Media
from mla_core.evaluation import Map, Replay
from mla_core.language import language, later, messages, tr
from mla_core.words import counted
from widgets.page import (
    CLASS_COLOURS,
    FUSED_COLOUR,
    MODALITY_GLYPHS,
    MODALITY_MARKERS,
    VERDICT_COLOURS,
    colour,
    pick,
    script,
    stylesheet,
)
from widgets.page.spoken import Spoken

SCRIPT = script(
    "page/dom",
    "gap/embedding_data",
    "gap/embedding_canvas",
    "gap/embedding_panels",
    "gap/embedding_controls",
    "gap/embedding_pointer",
    "gap/embedding_view",
)
STYLE = stylesheet("gap/embedding_view")
STATE: dict[str, Any] = {
    "look": 0,  # which of the replay's looks is shown
    "map": "pca",
    "colour": "class",  # or "modality" or "correctness"
    "hidden_modalities": [],  # indices
    "hidden_classes": [],
    "selected": [],  # ids of samples
    "hovered": "",  # id of the sample that is pointed at
    "pinned": "",  # id of the sample that stays
    "trails": False,
    "smooth": True,  # glide between looks while playing
    "playing": False,
    "speed": 10.0,  # seconds for all looks
    "axis": "time",  # what the slider runs along, one of `meta["axes"]`
    "wanted": "",  # id of the sample whose media the page lacks
    "note": "",  # what the kernel has to say
}
TITLES = {"pca": "PCA", "classes": later("class axes"), "umap": later("UMAP (recomputed)")}
DASHES = ("", "7 3", "2 3", "7 3 2 3", "12 3", "12 3 2 3")  # as MODALITY_DASHES, in SVG's words
_DTYPES = {
    "labels": "int32",
    "present": "uint8",
    "predicted": "int16",
    "fused": "int16",
    "weights": "float16",
    "distances": "float16",
    "centroid_gap": "float32",
    "separability": "float32",
}


class EmbeddingView(Spoken, anywidget.AnyWidget):
    """The map of a replay with its scrubber, filters, selection, sample and numbers.

    Parameters
    ----------
    replay : Replay
    axes : mapping of str to str, optional
        What the slider may run along: value of the trait `axis` -> what the reader sees.
    live : bool
        Whether somebody answers `wanted`.
    alone : bool
        The map and its legend alone, as a part of something larger that has the time and the
        samples; `show_look` then moves it on.

    Attributes
    ----------
    meta, arrays, maps, media : dict
        See the module.
    look, map, colour, hidden_modalities, hidden_classes, selected, hovered, pinned, trails, smooth, \
playing, speed, axis, wanted, note
        See `STATE`.
    """

    _esm = SCRIPT
    _css = STYLE
    meta = traitlets.Dict().tag(sync=True)
    arrays = traitlets.Dict().tag(sync=True)
    maps = traitlets.Dict().tag(sync=True)
    media = traitlets.Dict().tag(sync=True)
    look = traitlets.Int(STATE["look"]).tag(sync=True)
    map = traitlets.Unicode(STATE["map"]).tag(sync=True)
    colour = traitlets.Unicode(STATE["colour"]).tag(sync=True)
    hidden_modalities = traitlets.List(traitlets.Int()).tag(sync=True)
    hidden_classes = traitlets.List(traitlets.Int()).tag(sync=True)
    selected = traitlets.List(traitlets.Unicode()).tag(sync=True)
    hovered = traitlets.Unicode(STATE["hovered"]).tag(sync=True)
    pinned = traitlets.Unicode(STATE["pinned"]).tag(sync=True)
    trails = traitlets.Bool(STATE["trails"]).tag(sync=True)
    smooth = traitlets.Bool(STATE["smooth"]).tag(sync=True)
    playing = traitlets.Bool(STATE["playing"]).tag(sync=True)
    speed = traitlets.Float(STATE["speed"]).tag(sync=True)
    axis = traitlets.Unicode(STATE["axis"]).tag(sync=True)
    wanted = traitlets.Unicode(STATE["wanted"]).tag(sync=True)
    note = traitlets.Unicode(STATE["note"]).tag(sync=True)

    def __init__(
        self,
        replay: Replay,
        *,
        axes: Mapping[str, str] | None = None,
        live: bool = False,
        alone: bool = False,
    ) -> None:
        super().__init__(
            **payload(replay, axes=axes, live=live, alone=alone), look=len(replay.steps) - 1
        )

    def show_replay(self, replay: Replay, **options: Any) -> None:
        """Show another replay of the same samples; the selection stays.

        Parameters
        ----------
        replay : Replay
        **options
            As in `payload`.
        """
        shown = payload(replay, **options)
        self.maps, self.arrays = shown["maps"], shown["arrays"]
        self.meta = shown["meta"]  # last: the page reads all of them when it changes

    def show_look(self, replay: Replay, radius: float) -> None:
        """Show another look at the same samples: in `radius` around the origin, no frame of its own.

        Parameters
        ----------
        replay : Replay
            Of one look.
        radius : float
        """
        with self.hold_sync():
            self.arrays = _arrays(replay)
            self.maps = {
                name: _map(one, self.meta["classes"], radius) for name, one in replay.maps.items()
            }

    def add_map(self, one: Map) -> None:
        """Offer one more map of the replay that is shown."""
        self.maps = {**self.maps, one.name: _map(one, self.meta["classes"])}


def payload(
    replay: Replay,
    *,
    axes: Mapping[str, str] | None = None,
    live: bool = False,
    alone: bool = False,
    shifts: Mapping[float, str] | None = None,
) -> dict[str, Any]:
    """Return the traits `messages`, `meta`, `arrays` and `maps` that show a replay.

    Parameters
    ----------
    replay : Replay
    axes : mapping of str to str, optional
        As in `EmbeddingView`.
    live : bool
        Whether a kernel answers `wanted`.
    alone : bool
        As in `EmbeddingView`.
    shifts : mapping of float to str, optional
        What the looks differ in, when not in time: a number, and what it means in words.

    Examples
    --------
    >>> import mla_core as mla
    >>> session = mla.TrainingSession(mla.ExperimentConfig(dataset="gaussian", probe_size=40))
    >>> replay = Replay.of(session.recording.evaluations, session.data.classes)
    >>> shown = payload(replay)
    >>> shown["meta"]["modalities"], len(shown["arrays"]["labels"])
    (['m0', 'm1', 'm2'], 160)
    """
    m = range(len(replay.modalities))
    meta: dict[str, Any] = {
        "modalities": list(replay.modalities),
        "classes": list(replay.classes),
        "ids": list(replay.ids),
        "pairs": [list(pair) for pair in replay.pairs],
        "axis": _axis(replay, shifts),
        "axes": [list(entry) for entry in (axes or {}).items()],
        "live": live,
        "alone": alone,
        "dtypes": _DTYPES,
        "colours": [colour(i) for i in m],
        "glyphs": [pick(MODALITY_GLYPHS, i) for i in m],
        "markers": [pick(MODALITY_MARKERS, i) for i in m],
        "dashes": [pick(DASHES, i) for i in range(len(DASHES))],
        "class_colours": list(CLASS_COLOURS),
        "verdict_colours": list(VERDICT_COLOURS),
        "fused_colour": FUSED_COLOUR,
    }
    maps = {name: _map(one, meta["classes"]) for name, one in replay.maps.items()}
    said = dict(messages(language(), ".js"))
    return {"messages": said, "meta": meta, "arrays": _arrays(replay), "maps": maps}


def parts_of(media: Iterable[Media]) -> list[dict[str, Any]]:
    """Return one sample's parts as the trait `media` holds them."""
    return [
        {"modality": p.modality, "mime": p.mime, "caption": p.caption, "data": p.data}
        for p in media
    ]


def caption_of(one: Map) -> str:
    """Return what stands under a map; a replay keeps it in English."""
    what, _, kept = one.caption.partition("; ")
    number = re.search("[0-9]+", kept)
    message = later("keeps {share:.0%} of variance")
    known = {"share": float(number[0]) / 100 if number else 0.0}
    said = tr(message, **known) if kept == message.format(**known) else tr(kept)
    return tr("; ").join(filter(None, (tr(what), said)))


def _axis(replay: Replay, shifts: Mapping[float, str] | None) -> dict[str, Any]:
    if shifts is not None:
        return {"name": tr("shift"), "values": list(shifts), "texts": list(shifts.values())}
    looks = zip(replay.steps.tolist(), replay.epochs.tolist(), strict=True)
    texts = [
        tr(
            "sub-step {step}, {epochs} done",
            step=step,
            epochs=counted(epoch, tr("epoch"), tr("epochs")),
        )
        for step, epoch in looks
    ]
    return {"name": tr("sub-step"), "values": replay.steps.tolist(), "texts": texts}


def _arrays(replay: Replay) -> dict[str, bytes]:
    return {
        name: np.ascontiguousarray(getattr(replay, name), dtype).tobytes()
        for name, dtype in _DTYPES.items()
    }


def _map(one: Map, classes: list[str], radius: float = 0.0) -> dict[str, Any]:
    return {
        "title": tr(TITLES.get(one.name, one.name)),
        "caption": caption_of(one),
        "looks": one.looks.tolist(),
        "trust": [None if np.isnan(value) else float(value) for value in one.trust],
        "corners": classes if one.name == "classes" else [],
        "radius": radius,
        "dtype": "float32",
        "coords": np.ascontiguousarray(one.coords, np.float32).tobytes(),
    }
