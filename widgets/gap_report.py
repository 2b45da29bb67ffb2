"""The modality gap on paper: gap, maps and shifts as static figures, for headless notebooks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from mla_core.gap_shift import AMOUNTS
from mla_core.replay import Map, Replay
from widgets.map_chart import BLANK, CLASS_SCALE
from widgets.report import present
from widgets.style import (
    CLASS_COLOURS,
    FUSED_COLOUR,
    MODALITY_DASHES,
    MODALITY_MARKERS,
    apply_theme,
    colour,
    pick,
    text,
)
from widgets.words import listed


class GapReport:
    """What the explorer shows of a run, as static figures.

    Parameters
    ----------
    replay : Replay
    shifts : mapping of str to Replay, optional
        Replays whose looks are `mla_core.gap_shift.AMOUNTS`, from a title such as ``"a → b"``.

    Attributes
    ----------
    figures : list of Figure
        Gaps over time, maps at the first, the middle and the last look, and one for each shift.
    """

    def __init__(self, replay: Replay, shifts: Mapping[str, Replay] | None = None) -> None:
        self.replay = replay
        self.figures = [gap_figure({"": replay}), maps_figure(replay)]
        self.figures += [shift_figure(title, one) for title, one in (shifts or {}).items()]

    def _ipython_display_(self) -> None:
        for figure in self.figures:
            present(figure)


def gap_figure(replays: Mapping[str, Replay]) -> go.Figure:
    """Return the centroid gaps and the separability over training, runs side by side.

    Parameters
    ----------
    replays : mapping of str to Replay
        From a label such as ``"MLA"``.
    """
    figure = make_subplots(
        cols=len(replays), shared_yaxes=True, subplot_titles=[text(name) for name in replays]
    )
    told = []
    for column, (label, replay) in enumerate(replays.items(), 1):
        names = [f"{a}, {b}" for a, b in replay.pairs]
        for p, (name, values) in enumerate(zip(names, replay.centroid_gap.T, strict=True)):
            hue = colour(replay.modalities.index(replay.pairs[p][0]))
            line = {"color": hue, "dash": pick(MODALITY_DASHES, p)}
            _add_line(figure, 1, column, name, replay.steps, values, line)
        grey = {"color": FUSED_COLOUR, "width": 3}
        _add_line(figure, 1, column, "separability", replay.steps, replay.separability, grey)
        told.append(f"{label}: {describe_gap(replay)}" if label else describe_gap(replay))
    figure.update_xaxes(title_text="sub-step")
    figure.update_yaxes(rangemode="tozero", title_text="distance, or share", col=1)
    return _finish(figure, 320, " ".join(told))


def maps_figure(replay: Replay, name: str = "pca") -> go.Figure:
    """Return a map at the first, the middle and the last look that it has.

    Parameters
    ----------
    replay : Replay
    name : str
        Of the map.
    """
    one = replay.maps[name]
    chosen = np.unique([0, len(one.looks) // 2, len(one.looks) - 1]).tolist()
    titles = [f"sub-step {replay.steps[one.looks[i]]}" for i in chosen]
    figure = make_subplots(cols=len(chosen), subplot_titles=titles, horizontal_spacing=0.02)
    for column, i in enumerate(chosen, 1):
        for m in range(len(replay.modalities)):
            trace = _cloud(replay, one, i, m, showlegend=column == 1)
            figure.add_trace(trace, row=1, col=column)
    half = 1.06 * max(float(np.abs(one.coords).max(initial=0.0)), 1e-6)
    figure.update_xaxes(**BLANK, range=[-half, half])
    figure.update_yaxes(**BLANK, range=[-half, half])
    trust = {t: float(one.trust[i]) for t, i in zip(titles, chosen, strict=True)}
    return _finish(figure, 400, f"{one.caption}. Trustworthiness: {listed(trust, '.2f')}.")


def shift_figure(title: str, replay: Replay) -> go.Figure:
    """Return accuracy and gap while one modality is moved along the gap.

    Parameters
    ----------
    title : str
        Who moves where.
    replay : Replay
        One look for each of `mla_core.gap_shift.AMOUNTS`.
    """
    panels = [f"Accuracy, moving {text(title)}", "Gap between centroids"]
    figure = make_subplots(cols=2, subplot_titles=panels)
    right = replay.predicted == replay.labels
    for m, name in enumerate(replay.modalities):
        values = right[:, m, replay.present[m]].mean(1)
        line = {"color": colour(m), "dash": pick(MODALITY_DASHES, m)}
        _add_line(figure, 1, 1, name, AMOUNTS, values, line)
    grey = {"color": FUSED_COLOUR, "width": 3}
    _add_line(figure, 1, 1, "fused", AMOUNTS, replay.accuracy, grey)
    for p, (a, b) in enumerate(replay.pairs):
        line = {"color": colour(replay.modalities.index(a)), "dash": pick(MODALITY_DASHES, p)}
        _add_line(figure, 1, 2, f"{a}, {b}", AMOUNTS, replay.centroid_gap[:, p], line)
    figure.update_xaxes(title_text="share of the gap: 0 as it is, 1 closed")
    figure.update_yaxes(range=[0, 1.02], col=1)
    figure.update_yaxes(rangemode="tozero", col=2)
    at = {amount: replay.accuracy[i] for i, amount in enumerate(AMOUNTS)}
    steps = ", ".join(f"{at[amount]:.0%} at {amount:+.0f}" for amount in (-1, 0, 1, 2))
    return _finish(figure, 320, f"Moving {title}, the fused prediction is right for {steps}.")


def describe_gap(replay: Replay) -> str:
    """Return how gaps and separability began and ended, in a sentence.

    Examples
    --------
    >>> import mla_core as mla
    >>> session = mla.TrainingSession(mla.ExperimentConfig(dataset="gaussian", modalities=["m0"]))
    >>> describe_gap(Replay.of(session.recording.evaluations, session.data.classes))
    'There is one modality, so there is no gap.'
    """
    if not replay.pairs:
        return "There is one modality, so there is no gap."
    first, last = (
        {f"{a}, {b}": float(gap) for (a, b), gap in zip(replay.pairs, gaps, strict=True)}
        for gaps in (replay.centroid_gap[0], replay.centroid_gap[-1])
    )
    moved = "; ".join(f"{pair} {first[pair]:.2f} to {last[pair]:.2f}" for pair in first)
    apart, chance = replay.separability, 1 / len(replay.modalities)
    return (
        f"Gap between centroids, first to last look: {moved}. Separability {apart[0]:.2f} to "
        f"{apart[-1]:.2f}, chance {chance:.2f}."
    )


def _cloud(replay: Replay, one: Map, i: int, m: int, *, showlegend: bool) -> go.Scatter:
    owner, sample = replay.points
    mine = owner == m
    ids = [text(replay.ids[n]) for n in sample[mine]]
    return go.Scatter(
        x=one.coords[i, mine, 0],
        y=one.coords[i, mine, 1],
        mode="markers",
        name=text(replay.modalities[m]),
        legendgroup=str(m),
        showlegend=showlegend,
        text=ids,
        hovertemplate=f"%{{text}}<extra>{text(replay.modalities[m])}</extra>",
        marker={
            "symbol": pick(MODALITY_MARKERS, m),
            "color": replay.labels[sample[mine]] % len(CLASS_COLOURS),
            "colorscale": CLASS_SCALE,
            "cmin": -0.5,
            "cmax": len(CLASS_COLOURS) - 0.5,
            "size": 6,
            "line": {"width": 1, "color": colour(m)},
        },
    )


def _add_line(
    figure: go.Figure, row: int, column: int, name: str, x: Any, y: Any, line: dict[str, Any]
) -> None:
    known = {trace.name for trace in figure.data}
    shown = text(name) not in known
    trace = go.Scatter(x=x, y=y, name=text(name), mode="lines", line=line, showlegend=shown)
    figure.add_trace(trace, row=row, col=column)


def _finish(figure: go.Figure, height: int, told: str) -> go.Figure:
    figure.update_layout(
        height=height,
        margin={"l": 50, "r": 10, "t": 50, "b": 45},
        legend={"orientation": "h", "y": 1.16, "yanchor": "bottom"},
        meta=told,
    )
    apply_theme(figure, dark=False)
    return figure
