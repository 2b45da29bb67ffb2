"""Accuracy against what is missing: curves with bands, and bars for every subset of modalities."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from mla_core.language import later, tr
from mla_core.results import measure_of
from widgets.page import MODALITY_DASHES, MODALITY_MARKERS, pick, run_colour, text, wrapped
from widgets.results.parts import (
    INK,
    axis_title,
    cells,
    error_bars,
    finish,
    hover,
    panels_of,
    told,
)

if TYPE_CHECKING:
    import pandas as pd

_SUBSET = "test.subset_accuracy."
# One colour per method throughout a notebook, whichever of them a figure shows.
_COLOURS = {"mla": 0, "mla (off)": 1, "ensemble": 2, "concat": 3, "qmf": 4, "late_fusion": 5}


def missing_plot(
    frame: pd.DataFrame,
    values: Mapping[str, str] | None = None,
    *,
    axis: str = later("missing parts"),
    modalities: int = 0,
) -> go.Figure:
    """Return curves over the missing rate, with bands of the 95 % intervals.

    Parameters
    ----------
    frame : DataFrame
        One run per label, rate and seed, as from `mla_core.results.missing_curves`.
    values : mapping of str to str, optional
        Panels: what each shows -> its column. Fused accuracy on test by default.
    axis : str
        What the horizontal axis shows.
    modalities : int
        M, where test samples may have nothing left, which counts as wrong: no method can be above
        ``1 - rate ** M`` in expectation, drawn as a dotted line. 0 means that test is complete.
    """
    values = values or {tr("accuracy on test, fused"): "test.accuracy"}
    looks = _looks(list(dict.fromkeys(frame["label"])))
    figure = panels_of(list(values))
    for number, column in enumerate(values.values(), 1):
        measure = measure_of(column)
        for label, (hue, dash, symbol) in looks.items():
            found = cells(frame[frame["label"] == label], column, "rate")
            rates = sorted(found)
            means = np.array([found[r].mean for r in rates]) * measure.scale
            halves = np.array([found[r].half for r in rates]) * measure.scale
            x = 100 * np.array(rates)
            common = {"legendgroup": label, "name": text(label)}
            if not np.isnan(halves).any():
                outline = {"x": [*x, *x[::-1]], "y": [*(means + halves), *(means - halves)[::-1]]}
                band = go.Scatter(
                    **common,
                    **outline,
                    mode="lines",
                    fill="toself",
                    fillcolor=hue,
                    opacity=0.13,
                    line={"width": 0},
                    hoverinfo="skip",
                    showlegend=False,
                )
                figure.add_trace(band, row=1, col=number)
            said = [hover(label, f"{100 * r:g} %", "", found[r], measure) for r in rates]
            line = go.Scatter(
                **common,
                x=x,
                y=means,
                mode="lines+markers",
                meta=column,
                line={"color": hue, "dash": dash, "width": 2},
                marker={"color": hue, "symbol": symbol, "size": 8},
                text=said,
                hovertemplate="%{text}<extra></extra>",
                showlegend=number == 1,
            )
            figure.add_trace(line, row=1, col=number)
        if modalities:
            grid = np.linspace(0, float(frame["rate"].max()), 50)
            ceiling = go.Scatter(
                x=100 * grid,
                y=100 * (1 - grid**modalities),
                mode="lines",
                name=tr("expected share with a part left"),
                meta="ceiling",
                line={"color": INK, "dash": "dot", "width": 1.5},
                hovertemplate=tr(
                    "at %{x:.0f} % missing, %{y:.1f} expected to have a part<extra></extra>"
                ),
                showlegend=number == 1,
            )
            figure.add_trace(ceiling, row=1, col=number)
    figure.update_xaxes(title_text=axis_title(tr(axis), measure_of("accuracy")))
    figure.update_yaxes(title_text="%", row=1, col=1)
    figure.update_layout(height=430)
    finish(figure, describe_missing(frame, values))
    # Titles are there for several panels; one is named by its axis.
    if len(values) == 1:
        figure.layout.annotations = ()
        figure.update_yaxes(title_text=axis_title(next(iter(values)), measure_of("accuracy")))
    return figure


def subset_plot(frame: pd.DataFrame) -> go.Figure:
    """Return bars of accuracy with every subset of modalities present at test.

    Parameters
    ----------
    frame : DataFrame
        One run per label and seed, of one condition.
    """
    known = frame.dropna(axis="columns", how="all")  # other conditions have other modalities
    names = [str(n).removeprefix(_SUBSET) for n in known if str(n).startswith(_SUBSET)]
    names.sort(key=lambda name: (name.count("+"), name))
    measure = measure_of(_SUBSET)
    figure = go.Figure()
    labels = list(dict.fromkeys(frame["label"]))
    best = []
    for i, (label, (hue, _, _)) in enumerate(_looks(labels).items()):
        runs = frame[frame["label"] == label]
        found = {name: cells(runs, _SUBSET + name).get(label) for name in names}
        here = {name: cell for name, cell in found.items() if cell is not None}
        figure.add_bar(
            name=text(label),
            x=[wrapped(name.replace("+", " + "), 8) for name in here],
            y=[100 * cell.mean for cell in here.values()],
            error_y=error_bars([cell.half for cell in here.values()], 100.0, INK),
            marker={
                "color": hue,
                "pattern": {"shape": pick(("", "/", ".", "x", "-"), i), "solidity": 0.25},
            },
            customdata=[hover(label, name, "", cell, measure) for name, cell in here.items()],
            hovertemplate="%{customdata}<extra></extra>",
            showlegend=True,
        )
        weakest = min(here, key=lambda name: here[name].mean)
        bounds = tr(
            "{label} from {low} ({weakest}) to {high} (all)",
            label=label,
            low=told(here[weakest], measure),
            weakest=weakest,
            high=told(here[names[-1]], measure),
        )
        best.append(bounds)
    figure.update_layout(barmode="group", bargap=0.25, height=380)
    figure.update_yaxes(title_text=tr("accuracy on test (%)"), range=[0, 102])
    summary = tr(
        "Accuracy by what is present, mean ± 95 % interval: {said}.", said=tr("; ").join(best)
    )
    return finish(figure, summary)


def describe_missing(frame: pd.DataFrame, values: Mapping[str, str]) -> str:
    """Say in one sentence which curve is lowest and which highest, at both ends."""
    said = []
    ends = (frame["rate"].min(), frame["rate"].max())
    for name, column in values.items():
        measure = measure_of(column)
        for rate in ends:
            found = cells(frame[frame["rate"] == rate], column)
            order = sorted(found, key=lambda label: found[label].mean)
            low, high = (f"{told(found[x], measure)} ({x})" for x in (order[0], order[-1]))
            bounds = tr(
                "{name} at {rate:g} % missing from {low} to {high}",
                name=name,
                rate=100 * rate,
                low=low,
                high=high,
            )
            said.append(bounds)
    return tr("Mean ± 95 % interval: {said}.", said=tr("; ").join(said))


def _looks(labels: list[str]) -> dict[str, tuple[str, str, str]]:
    """Return colour, dash and marker of each label; labels of one method share their colour."""
    looks = {}
    others = itertools.count(len(_COLOURS))
    used: dict[int, int] = {}
    for label in labels:
        index = _COLOURS.get(label, _COLOURS.get(label.split(" (")[0], math.nan))
        number = next(others) if math.isnan(index) else int(index)
        again = used[number] = used.get(number, -1) + 1
        looks[label] = (
            run_colour(number),
            pick(MODALITY_DASHES, number + 3 * again),
            pick(MODALITY_MARKERS, number + again),
        )
    return looks
