"""The map as plotly draws it: one marker per part of a sample, the same live and on paper."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go

from mla_core.records import Evaluation
from widgets.page import CLASS_COLOURS, MODALITY_MARKERS, apply_theme, colour, pick, text

BLANK = {"showticklabels": False, "zeroline": False, "showgrid": False}  # a map has no units
CLASS_SCALE = [  # one flat step per class
    ((i + side) / len(CLASS_COLOURS), hue) for i, hue in enumerate(CLASS_COLOURS) for side in (0, 1)
]


@dataclass(frozen=True, eq=False)
class MapView:
    """A map of the probe set: coordinates (M * N, 2), modality by modality, and what to say.

    `kind` is ``"pca"`` or ``"umap"``.
    """

    kind: str
    coords: np.ndarray
    half_width: float
    caption: str


def map_trace(m: int, name: str, key: str = "map", *, showlegend: bool = True) -> go.Scatter:
    """Return the empty trace of modality number `m`, which `place_points` finds by its `key`."""
    return go.Scatter(
        showlegend=showlegend,
        x=[],
        y=[],
        mode="markers",
        name=text(name),
        legendgroup=name,
        meta=f"{key}.{name}",
        hovertemplate=f"%{{text}}<extra>{text(name)}</extra>",
        marker={
            "symbol": pick(MODALITY_MARKERS, m),
            "colorscale": CLASS_SCALE,
            "cmin": -0.5,
            "cmax": len(CLASS_COLOURS) - 0.5,
            "size": 7,
            "opacity": 0.8,
            "line": {"width": 1, "color": colour(m)},
        },
    )


def place_points(
    traces: Mapping[str, Any], evaluation: Evaluation, view: MapView, key: str = "map"
) -> None:
    """Write the coordinates of a view of `evaluation` into the traces of this `key`."""
    start = 0
    for m, name in enumerate(evaluation.modalities):
        here = np.flatnonzero(evaluation.present[m].numpy())
        coords = view.coords[start : start + len(here)]
        start += len(here)
        trace = traces[f"{key}.{name}"]
        trace.x, trace.y = coords[:, 0], coords[:, 1]
        if trace.customdata is None or len(trace.customdata) != len(here):
            # What a point stands for stays; only where it lies moves.
            trace.customdata = here
            trace.text = [text(evaluation.ids[i]) for i in here]
            trace.marker.color = evaluation.labels.numpy()[here] % len(CLASS_COLOURS)


def map_figure(evaluation: Evaluation, view: MapView) -> go.Figure:
    """Return a map by itself.

    Parameters
    ----------
    evaluation : Evaluation
    view : MapView
        Of the same samples.
    """
    figure = go.Figure([map_trace(m, name) for m, name in enumerate(evaluation.modalities)])
    place_points({trace.meta: trace for trace in figure.data}, evaluation, view)
    axis = {**BLANK, "range": [-view.half_width, view.half_width]}
    figure.update_layout(
        height=480,
        width=520,
        margin={"l": 10, "r": 10, "t": 40, "b": 50},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom"},
        xaxis={**axis, "title": {"text": text(view.caption), "font": {"size": 11}}},
        yaxis=axis,
    )
    apply_theme(figure, dark=False)
    return figure
