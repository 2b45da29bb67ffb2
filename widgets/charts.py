"""Pure functions from a history to plotly figures, the same ones live and headless."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from mla_core.history import Evaluation, History
from mla_core.methods.registry import method_class
from widgets.style import (
    CLASS_COLOURS,
    FUSED_COLOUR,
    MODALITY_DASHES,
    MODALITY_MARKERS,
    colour,
    pick,
    text,
)
from widgets.words import listed

GRID = "rgba(128,128,128,0.22)"  # on light pages and on dark ones
MAX_POINTS = 1000  # per curve
HEIGHT = 640
BLANK = {"showticklabels": False, "zeroline": False, "showgrid": False}  # a map has no units
NOTHING = {"x": np.zeros(0), "y": np.zeros(0)}
CLASS_SCALE = [  # one flat step per class
    ((i + side) / len(CLASS_COLOURS), hue) for i, hue in enumerate(CLASS_COLOURS) for side in (0, 1)
]
# Few buttons, since each is a stop of the Tab key, and none that sends the chart anywhere.
CONFIG = {
    "displaylogo": False,
    "modeBarButtons": [["zoom2d", "pan2d", "resetScale2d", "toImage"]],
}
PANELS = {  # panel -> (row, column, title)
    "loss": (1, 1, "Training loss (nats)"),
    "accuracy": (1, 2, "Accuracy on the probe set"),
    "weights": (2, 1, "Importance weights over time"),
    "spread": (2, 2, "Importance weights now"),
    "forgetting": (3, 1, "Head forgetting, summed (nats)"),
    "gap": (3, 2, "Modality gap (centroids)"),
    "map": (1, 3, "Where the features lie"),
}


@dataclass(frozen=True, eq=False)
class MapView:
    """A map of the probe set: coordinates (M * N, 2), modality by modality, and what to say."""

    coords: np.ndarray
    half_width: float
    caption: str


def training_figure(modalities: Sequence[str], method: str) -> go.Figure:
    """Return the bench's figure with every trace in place and still empty.

    Parameters
    ----------
    modalities : sequence of str
        Names; anything in them is shown literally.
    method : str
        Decides whether losses are per modality.
    """
    figure = make_subplots(
        rows=3,
        cols=3,
        column_widths=[0.28, 0.28, 0.44],
        horizontal_spacing=0.06,
        vertical_spacing=0.11,
        specs=[[{}, {}, {"rowspan": 3}], [{}, {}, None], [{}, {}, None]],
        subplot_titles=[PANELS[p][2] for p in ("loss", "accuracy", "map", "weights", "spread")]
        + [PANELS[p][2] for p in ("forgetting", "gap")],
    )

    def add(panel: str, trace: Any) -> None:
        row, column, _ = PANELS[panel]
        figure.add_trace(trace, row=row, col=column)

    alternating = method_class(method).one_at_a_time
    for m, name in enumerate(modalities):
        line = {"color": colour(m), "width": 2, "dash": pick(MODALITY_DASHES, m)}
        common = {
            "name": text(name),
            "legendgroup": name,
            "mode": "lines",
            "line": line,
            "showlegend": False,
            "x": [],
            "y": [],
        }
        if alternating:
            thin = {**line, "width": 1, "dash": "solid"}
            add("loss", go.Scatter(**{**common, "line": thin}, meta=f"loss.{name}"))
            add("forgetting", go.Scatter(**common, meta=f"forgetting.{name}"))
        add("accuracy", go.Scatter(**common, meta=f"accuracy.{name}"))
        band = {"width": 0, "color": colour(m)}
        add(
            "weights",
            go.Scatter(
                **{**common, "line": band, "hoverinfo": "skip"},
                meta=f"band.{name}",
                fill="toself",
                fillcolor=colour(m),
                opacity=0.18,
            ),
        )
        add("weights", go.Scatter(**common, meta=f"weight.{name}"))
        add(
            "spread",
            go.Violin(
                x=[],
                name=text(name),
                legendgroup=name,
                meta=f"spread.{name}",
                line_color=colour(m),
                orientation="h",
                points=False,
                showlegend=False,
                spanmode="hard",
                meanline_visible=True,
            ),
        )
        add("map", _map_trace(m, name))
    grey = {"color": FUSED_COLOUR, "width": 3}
    empty: dict[str, Any] = {"mode": "lines", "x": [], "y": [], "showlegend": False}
    if not alternating:
        add("loss", go.Scatter(**empty, name="all", line={**grey, "width": 1}, meta="loss.all"))
    fused = {**empty, "showlegend": True}
    add("accuracy", go.Scatter(**fused, name="fused", line=grey, meta="accuracy.fused"))
    pairs = list(itertools.combinations(range(len(modalities)), 2))
    for i, (a, b) in enumerate(pairs):
        add(
            "gap",
            go.Scatter(
                **{**empty, "showlegend": len(pairs) <= 3, "legend": "legend2"},
                name=text(f"{modalities[a]}, {modalities[b]}"),
                meta=f"gap.{modalities[a]}|{modalities[b]}",
                line={"color": colour(a), "width": 2, "dash": pick(MODALITY_DASHES, i)},
            ),
        )
    _lay_out(figure)
    return figure


def _map_trace(m: int, name: str) -> go.Scatter:
    return go.Scatter(
        x=[],
        y=[],
        mode="markers",
        name=text(name),
        legendgroup=name,
        meta=f"map.{name}",
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


def _lay_out(figure: go.Figure) -> None:
    figure.update_layout(
        height=HEIGHT,
        autosize=True,
        margin={"l": 40, "r": 10, "t": 75, "b": 50},
        legend={"orientation": "h", "x": 1, "xanchor": "right", "y": 1.035, "yanchor": "bottom"},
        legend2={"x": 0.36, "y": 0.0, "yanchor": "bottom", "font": {"size": 10}},
        hovermode="closest",
        uirevision="keep",  # a person's zoom survives updates
    )
    figure.update_annotations(font_size=13)
    figure.update_xaxes(title_font_size=11, tickfont_size=10)
    figure.update_yaxes(tickfont_size=10)
    for panel in ("accuracy", "weights"):
        row, column, _ = PANELS[panel]
        figure.update_yaxes(range=[0, 1.02], row=row, col=column)
    figure.update_xaxes(range=[0, 1], row=2, col=2)
    figure.update_yaxes(showticklabels=True, row=2, col=2)
    figure.update_xaxes(title_text="sub-step", row=3)
    figure.update_yaxes(rangemode="tozero", row=3, col=2)
    figure.update_xaxes(**BLANK, row=1, col=3)
    figure.update_yaxes(**BLANK, row=1, col=3)
    apply_theme(figure, dark=False)


def apply_theme(figure: go.Figure, *, dark: bool) -> None:
    """Fit the figure's text and grid to a light or dark page; the page itself shines through."""
    figure.update_layout(
        template="plotly_dark" if dark else "plotly_white",
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
    )


def refresh(figure: go.Figure, history: History, view: MapView | None = None) -> None:
    """Write a history, and a map if there is one, into the figure's traces, in one message.

    Parameters
    ----------
    figure : Figure
        From `training_figure`; a FigureWidget sends one update to the page.
    history : History
    view : MapView, optional
        Of ``history.latest``.
    """
    traces = {trace.meta: trace for trace in figure.data}
    with figure.batch_update():
        shown = curves(history)
        for key, trace in traces.items():
            if trace.type == "scatter" and trace.mode == "lines":
                trace.update(shown.get(key, NOTHING))
        if history.latest is not None:
            _refresh_spread(traces, history.latest)
            if view is not None:
                _place_points(traces, history.latest, view)
                axis = {"range": [-view.half_width, view.half_width]}
                figure.update_xaxes(**axis, title_text=text(view.caption), row=1, col=3)
                figure.update_yaxes(**axis, row=1, col=3)


def curves(history: History) -> dict[str, dict[str, np.ndarray]]:
    """Return what each curve shows: trace key -> ``{"x": ..., "y": ...}``.

    Keys are ``loss.<modality>``, ``forgetting.<modality>``, ``accuracy.<modality or fused>``,
    ``weight.<modality>``, ``band.<modality>`` and ``gap.<a>|<b>``.
    """
    found: dict[str, tuple[list[float], list[float]]] = {}
    total: dict[str, float] = {}

    def put(key: str, x: float, y: float) -> None:
        xs, ys = found.setdefault(key, ([], []))
        xs.append(x)
        ys.append(y)

    for record in history.steps:
        put(f"loss.{record.modality or 'all'}", record.step + 1, record.loss)
        for name, grown in record.forgetting.items():
            total[name] = total.get(name, 0.0) + grown
            put(f"forgetting.{name}", record.step + 1, total[name])
    for summary in history.summaries:
        put("accuracy.fused", summary.step, summary.accuracy)
        for name, value in summary.unimodal_accuracy.items():
            put(f"accuracy.{name}", summary.step, value)
            put(f"weight.{name}", summary.step, summary.weight_quantiles[name][2])
        for pair, gap in summary.centroid_gap.items():
            put(f"gap.{pair}", summary.step, gap)
    shown = {}
    for key, (xs, ys) in found.items():
        x, y = thin(np.asarray(xs, float), np.asarray(ys, float))
        shown[key] = {"x": x, "y": y}
    steps = [summary.step for summary in history.summaries]
    for name in history.summaries[0].weight_quantiles if history.summaries else ():
        low = [summary.weight_quantiles[name][0] for summary in history.summaries]
        high = [summary.weight_quantiles[name][-1] for summary in history.summaries]
        # There and back again: the outline of the band from the 5 % to the 95 % quantile.
        outline = {"x": steps + steps[::-1], "y": high + low[::-1]}
        shown[f"band.{name}"] = {axis: np.asarray(v, float) for axis, v in outline.items()}
    return shown


def thin(x: np.ndarray, y: np.ndarray, limit: int = MAX_POINTS) -> tuple[np.ndarray, np.ndarray]:
    """Keep at most `limit` points of a curve: the lowest and the highest of every bin.

    Examples
    --------
    >>> x = np.arange(10_000.0)
    >>> kept, _ = thin(x, np.where(x == 77, 5.0, 0.0), limit=100)
    >>> len(kept) <= 100, 77.0 in kept
    (True, True)
    """
    if len(x) <= limit:
        return x, y
    edges = np.linspace(0, len(x), limit // 2 + 1).astype(int)
    kept: set[int] = set()
    for start, end in itertools.pairwise(edges):
        kept |= {start + int(y[start:end].argmin()), start + int(y[start:end].argmax())}
    index = np.array(sorted(kept))
    return x[index], y[index]


def _refresh_spread(traces: Mapping[str, Any], evaluation: Evaluation) -> None:
    for m, name in enumerate(evaluation.modalities):
        here = evaluation.present[m]
        traces[f"spread.{name}"].x = evaluation.weights[m][here].numpy()


def _place_points(traces: Mapping[str, Any], evaluation: Evaluation, view: MapView) -> None:
    start = 0
    for m, name in enumerate(evaluation.modalities):
        here = np.flatnonzero(evaluation.present[m].numpy())
        coords = view.coords[start : start + len(here)]
        start += len(here)
        trace = traces[f"map.{name}"]
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
    figure = go.Figure([_map_trace(m, name) for m, name in enumerate(evaluation.modalities)])
    _place_points({trace.meta: trace for trace in figure.data}, evaluation, view)
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


def comparison_figure(evaluations: Mapping[str, Evaluation]) -> go.Figure:
    """Return bars of accuracy, per modality and fused, for several methods on the same samples.

    Parameters
    ----------
    evaluations : mapping of str to Evaluation
        From a label such as ``"MLA"``.
    """
    figure = go.Figure()
    said = []
    for i, (label, evaluation) in enumerate(evaluations.items()):
        values = {**evaluation.unimodal_accuracy, "fused": evaluation.accuracy}
        said.append(f"{label}: {listed(values, '.0%')}")
        figure.add_bar(
            name=text(label),
            x=[text(name) for name in values],
            y=list(values.values()),
            text=[f"{value:.2f}" for value in values.values()],
            textposition="outside",  # on a pattern it is hard to read
            marker={"color": colour(i), "pattern": {"shape": pick(("", "/", ".", "x"), i)}},
        )
    figure.update_layout(
        meta=f"Accuracy. {'; '.join(said)}.",
        barmode="group",
        height=340,
        margin={"l": 45, "r": 10, "t": 30, "b": 40},
        xaxis={"gridcolor": GRID},
        yaxis={
            "range": [0, 1.12],
            "title": {"text": "accuracy"},
            "gridcolor": GRID,
            "zerolinecolor": GRID,
        },
        legend={"orientation": "h", "y": 1.1},
    )
    apply_theme(figure, dark=False)
    return figure
