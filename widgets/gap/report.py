"""The explorer of the modality gap on paper: the map then and now, the gap, and the gap shifted."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from mla_core.analysis import SHIFTS
from mla_core.evaluation import Replay
from widgets.charts import BLANK, map_trace
from widgets.page import (
    CLASS_COLOURS,
    FUSED_COLOUR,
    MODALITY_DASHES,
    apply_theme,
    colour,
    pick,
    present,
    text,
)


class GapReport:
    """Static figures, one below the other.

    Parameters
    ----------
    figures : list of Figure
        Each says in words what it shows (``layout.meta``).
    """

    def __init__(self, figures: list[go.Figure]) -> None:
        self.figures = figures

    def _ipython_display_(self) -> None:
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
    titles = [f"sub-step {replay.steps[one.looks[end]]}" for end in ends]
    figure = make_subplots(1, 2, subplot_titles=titles, horizontal_spacing=0.03)
    owners, samples = replay.points
    for column, end in enumerate(ends, 1):
        for m, name in enumerate(replay.modalities):
            here = owners == m
            trace = map_trace(m, name, f"map.{end}", showlegend=column == 1)
            trace.x, trace.y = one.coords[end, here].T
            trace.text = [text(replay.ids[n]) for n in samples[here]]
            trace.marker.color = replay.labels[samples[here]] % len(CLASS_COLOURS)
            figure.add_trace(trace, row=1, col=column)
    low, high = one.coords.min((0, 1)), one.coords.max((0, 1))
    half = 1.05 * float((high - low).max()) / 2
    x, y = (low + high) / 2
    figure.update_xaxes(**BLANK, range=[x - half, x + half])
    figure.update_yaxes(**BLANK, range=[y - half, y + half])
    trust = ", ".join(f"{one.trust[end]:.2f}" for end in ends)
    told = f"{one.caption}. Colour: class; shape: modality. Trustworthiness {trust}."
    return _finish(figure, told, height=430)


def gaps_figure(replay: Replay) -> go.Figure:
    """Return the gap of every pair and the separability over training.

    Parameters
    ----------
    replay : Replay
    """
    figure = go.Figure()
    said = []
    for p, (a, b) in enumerate(replay.pairs):
        gap = replay.centroid_gap[:, p]
        hue = colour(replay.modalities.index(a))
        _line(figure, f"gap {a}, {b}", replay.steps, gap, hue, pick(MODALITY_DASHES, p))
        said.append(f"{a}, {b} from {gap[0]:.2f} to {gap[-1]:.2f}")
    _line(figure, "separability", replay.steps, replay.separability, FUSED_COLOUR, "solid")
    figure.update_xaxes(title="sub-step")
    figure.update_yaxes(rangemode="tozero")
    gaps = f"Gap between centroids: {'; '.join(said)}. " if said else "One modality has no gap. "
    first, last = replay.separability[0], replay.separability[-1]
    told = (
        f"{gaps}Separability of modalities from {first:.2f} to {last:.2f} "
        f"(chance {1 / len(replay.modalities):.2f})."
    )
    return _finish(figure, told)


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
    _line(figure, "fused", SHIFTS, shifted.accuracy, FUSED_COLOUR, "solid")
    title = f"shift of {moved} along the gap to {towards} (0: as it is, 1: gap closed)"
    figure.update_xaxes(title=text(title))
    figure.update_yaxes(range=[0, 1.02], tickformat=".0%", title="accuracy")
    said = ", ".join(
        f"{shifted.accuracy[SHIFTS.index(amount)]:.0%} at {amount}" for amount in (-1, 0, 1, 2)
    )
    told = f"{moved} is moved along the gap to {towards}. Fused accuracy: {said}."
    return _finish(figure, told)


def _line(figure: go.Figure, name: str, x: object, y: object, hue: str, dash: str) -> None:
    line = {"color": hue, "dash": dash}
    figure.add_trace(go.Scatter(x=x, y=y, name=text(name), mode="lines", line=line))


def _finish(figure: go.Figure, told: str, height: int = 320) -> go.Figure:
    figure.update_layout(
        height=height,
        width=860,
        margin={"l": 50, "r": 10, "t": 40, "b": 45},
        legend={"orientation": "h", "y": 1.12, "yanchor": "bottom"},
        meta=told,
    )
    apply_theme(figure, dark=False)
    return figure
