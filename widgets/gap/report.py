"""The explorer of the modality gap on paper: the map then and now, the gap, and the gap shifted."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from IPython.display import display
from plotly.subplots import make_subplots

from mla_core.analysis import SHIFTS
from mla_core.evaluation import Replay
from mla_core.language import tr
from mla_core.words import sentences
from widgets.charts import BLANK, map_trace
from widgets.gap.embedding_view import EmbeddingView, caption_of
from widgets.page import (
    CLASS_COLOURS,
    FUSED_COLOUR,
    MODALITY_DASHES,
    MODALITY_MARKERS,
    apply_theme,
    colour,
    pick,
    present,
    run_colour,
    text,
    wrapped,
)
from widgets.page.words import FEW_PAIRS


class GapReport:
    """Static figures, one below the other.

    Parameters
    ----------
    figures : list of Figure
        Each says in words what it shows (``layout.meta``).
    view : EmbeddingView, optional
        Shown first.
    """

    def __init__(self, figures: list[go.Figure], view: EmbeddingView | None = None) -> None:
        self.figures = figures
        self.view = view

    def _ipython_display_(self) -> None:
        if self.view is not None:
            display(self.view)
        for figure in self.figures:
            present(figure)


def maps_figure(replay: Replay) -> go.Figure:
    """Return the PCA at the first and at the last look, in the same frame.

    Parameters
    ----------
    replay : Replay
    """
    one = replay.maps["pca"]
    ends = (0, len(one.looks) - 1)
    titles = [tr("sub-step {step}", step=replay.steps[one.looks[end]]) for end in ends]
    figure = make_subplots(1, 2, subplot_titles=titles, horizontal_spacing=0.03)
    owners, samples = replay.points
    for column, end in enumerate(ends, 1):
        for m, name in enumerate(replay.modalities):
            here = owners == m
            trace = map_trace(m, name, f"map.{end}", showlegend=False)
            trace.x, trace.y = one.coords[end, here].T
            trace.text = [text(replay.ids[n]) for n in samples[here]]
            trace.marker.color = replay.labels[samples[here]] % len(CLASS_COLOURS)
            figure.add_trace(trace, row=1, col=column)
    for m, name in enumerate(replay.modalities):  # in the legend without the colour of a class
        mark = {"symbol": f"{pick(MODALITY_MARKERS, m)}-open", "color": colour(m), "size": 9}
        entry = {"x": [None], "y": [None], "mode": "markers", "marker": mark}
        figure.add_trace(go.Scatter(**entry, name=text(name), legendgroup=name), row=1, col=1)
    shown = one.coords.reshape(-1, 2) if one.coords.size else np.zeros((1, 2))
    low, high = shown.min(0), shown.max(0)
    half = 1.05 * max(float((high - low).max()), 1e-6) / 2
    x, y = (low + high) / 2
    figure.update_xaxes(**BLANK, range=[x - half, x + half])
    figure.update_yaxes(**BLANK, range=[y - half, y + half])
    told = tr(
        "{caption}. Colour: class; shape: modality. Trustworthiness {trust}.",
        caption=caption_of(one),
        trust=", ".join(_told(one.trust[end]) for end in ends),
    )
    return _finish(figure, told, height=430)


def gaps_figure(replay: Replay) -> go.Figure:
    """Return the gap of every pair and the separability over training.

    Parameters
    ----------
    replay : Replay
    """
    figure = go.Figure()
    said = []
    named = named_pairs(replay.centroid_gap[-1])
    for p, (a, b) in enumerate(replay.pairs):
        gap = replay.centroid_gap[:, p]
        style = (FUSED_COLOUR, "solid")
        if p in named:
            place = named.index(p)
            style = (run_colour(place), pick(MODALITY_DASHES, place + 1))
            first, last = _told(gap[0]), _told(gap[-1])
            said.append(tr("{a}, {b} from {first} to {last}", a=a, b=b, first=first, last=last))
        _line(figure, tr("gap {a}, {b}", a=a, b=b), replay.steps, gap, *style)
        if p not in named:
            figure.data[-1].update(showlegend=False, opacity=0.45, line_width=1)
    if len(named) < len(replay.pairs):
        said[0], said[-1] = tr("widest {gap}", gap=said[0]), tr("narrowest {gap}", gap=said[-1])
    _line(figure, tr("separability"), replay.steps, replay.separability, FUSED_COLOUR, "solid")
    figure.update_xaxes(title=tr("sub-step"))
    figure.update_yaxes(rangemode="tozero")
    told = [
        tr("Gap between centroids: {gaps}.", gaps=tr("; ").join(said))
        if said
        else tr("One modality has no gap.")
    ]
    if more := len(replay.pairs) - len(named):
        told.append(tr("Thin lines: the {n} other pairs, named by the mouse.", n=more))
    first, last = (_told(replay.separability[end]) for end in (0, -1))
    apart = tr(
        "Separability of modalities from {first} to {last} (chance {chance:.2f}).",
        first=first,
        last=last,
        chance=1 / len(replay.modalities),
    )
    return _finish(figure, sentences(*told, apart))


def named_pairs(gaps: np.ndarray) -> list[int]:
    """Return which pairs have a colour of their own: all of a few, else the widest, the narrowest.

    Parameters
    ----------
    gaps : ndarray
        (pairs,), NaN where a modality is absent.

    Examples
    --------
    >>> named_pairs(np.array([0.3, 0.1])), named_pairs(np.array([0.3, np.nan, 0.1, 0.7, 0.5]))
    ([0, 1], [3, 2])
    """
    known = np.flatnonzero(np.isfinite(gaps))
    if len(gaps) <= FEW_PAIRS or not len(known):
        return list(range(len(gaps)))
    return [int(known[gaps[known].argmax()]), int(known[gaps[known].argmin()])]


def shift_figure(shifted: Replay, moved: str, towards: str) -> go.Figure:
    """Return the accuracy of each modality and fused over shifts along the gap.

    Parameters
    ----------
    shifted : Replay
        Its looks are `mla_core.analysis.gap_shift.SHIFTS`.
    moved, towards : str
        Which modality was moved, and towards which other one.
    """
    figure = go.Figure()
    for m, name in enumerate(shifted.modalities):
        here = shifted.present[m]
        right = (shifted.predicted[:, m] == shifted.labels)[:, here]
        mean = right.mean(1) if here.any() else np.full(len(right), np.nan)
        _line(figure, name, SHIFTS, mean, colour(m), pick(MODALITY_DASHES, m))
    _line(figure, tr("fused"), SHIFTS, shifted.accuracy, FUSED_COLOUR, "solid")
    title = tr(
        "shift of {moved} along the gap to {towards} (0: as it is, 1: gap closed)",
        moved=moved,
        towards=towards,
    )
    figure.update_xaxes(title=wrapped(title, 70))
    figure.update_yaxes(range=[0, 1.02], tickformat=".0%", title=tr("accuracy"))
    said = ", ".join(
        tr("{share:.0%} at {shift}", share=shifted.accuracy[SHIFTS.index(amount)], shift=amount)
        for amount in (-1, 0, 1, 2)
    )
    told = tr(
        "{moved} is moved along the gap to {towards}. Fused accuracy: {said}.",
        moved=moved,
        towards=towards,
        said=said,
    )
    return _finish(figure, told)


def _told(value: float) -> str:
    return tr("undefined") if np.isnan(value) else f"{value:.2f}"


def _line(figure: go.Figure, name: str, x: object, y: object, hue: str, dash: str) -> None:
    line = {"color": hue, "dash": dash}
    figure.add_trace(go.Scatter(x=x, y=y, name=text(name), mode="lines", line=line))


def _finish(figure: go.Figure, told: str, height: int = 320) -> go.Figure:
    figure.update_layout(
        height=height,
        modebar={"orientation": "v"},  # in the right margin
        margin={"l": 50, "r": 36, "t": 64, "b": 60},
        legend={"orientation": "h", "yref": "container", "y": 1, "yanchor": "top"},
        meta=told,
    )
    apply_theme(figure, dark=False)
    return figure
