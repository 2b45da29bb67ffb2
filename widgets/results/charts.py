"""Pure functions from the results of many runs to plotly figures: means over seeds, intervals.

Each figure carries a summary in one sentence as ``figure.layout.meta``, for those who cannot see
it; `widgets.present` shows both. The colours of text and grid read on light pages and on dark ones.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import plotly.graph_objects as go
from IPython.display import HTML, display

from mla_core.language import later, tr
from mla_core.results import Measure, Verdict, measure_of, what
from widgets.page import folded, text, wrapped
from widgets.results.parts import (
    ALONE,
    GAP,
    INK,
    Cell,
    Lane,
    accuracy_lanes,
    axis_title,
    cells,
    error_bars,
    finish,
    hover,
    legend_entry,
    modality_names,
    panels_of,
    ranked,
    room,
    rows_axis,
    same_range,
    title_axes,
    told,
    told_number,
    value_lanes,
)

if TYPE_CHECKING:
    import pandas as pd

# Of a verdict -> its symbol and size. Shape and side of the line tell it: colours mean other things.
KINDS = {
    later("better"): ("triangle-right", 14),
    later("higher"): ("triangle-right", 14),
    later("worse"): ("triangle-left", 14),
    later("lower"): ("triangle-left", 14),
    later("unclear"): ("diamond", 10),  # a difference, but not once corrected
    later("no difference"): ("circle-open", 9),
    later("same"): ("line-ns-open", 10),
    later("anecdote"): ("x-thin-open", 9),
}
# No modality's hue, no run's; each panel for itself, since colours are compared within a data set.
SHADES = [[0, "#f2f3f5"], [1, "#aeb9c4"]]


# ------------------------------------------------------------------------------------ dots


def dot_plot(
    frame: pd.DataFrame,
    values: Mapping[str, str] | None = None,
    *,
    axis: str = later("accuracy on test"),
) -> go.Figure:
    """Return methods as rows, means over seeds as dots with 95 % intervals, conditions as panels.

    Parameters
    ----------
    frame : DataFrame
        One run per label, condition and seed.
    values : mapping of str to str, optional
        What to show -> its column. Without it: fused accuracy and that of every modality, where
        an open marker is what a linear probe reads from the modality's features, and a tick is
        how good the modality is when it is trained alone (runs labelled ``unimodal (...)``).
    axis : str
        What the horizontal axis shows.
    """
    modalities = modality_names(frame)
    lanes = accuracy_lanes(modalities) if values is None else value_lanes(values, modalities)
    alone = frame["label"].str.startswith(ALONE)
    runs, yardsticks = frame[~alone], frame[alone]
    rows = ranked(runs, lanes[0].column)
    panels = list(dict.fromkeys(runs["condition"]))
    measure = measure_of(lanes[0].column)
    figure = panels_of(panels, rows)
    extent: list[float] = []
    named: set[str] = set()  # in the legend
    for number, panel in enumerate(panels, 1):
        here = runs[runs["condition"] == panel]
        ticks = cells(yardsticks[yardsticks["condition"] == panel], "test.accuracy")
        for i, lane in enumerate(lanes):
            shift = 0.4 - 0.8 * (i + 0.5) / len(lanes)  # the first lane on top
            place = {label: row + shift for row, label in enumerate(rows)}
            found = cells(here, lane.column)
            extent += [x for cell in found.values() for x in cell.seeds]
            new = len(lanes) > 1 and bool(found) and lane.name not in named
            named |= {lane.name} if new else set()
            traces = _dots(lane, found, place, panel, measure, legend=new)
            if values is None and i:
                probes = cells(here, lane.column.replace("unimodal", "probe"))
                traces += _yardstick(lane, ticks.get(f"{ALONE}{lane.name})"), found, place, measure)
                traces += _probes(lane, probes, place, measure)
            for trace in traces:
                trace.legendrank = i  # in the lanes' order, whichever panel has one first
                figure.add_trace(trace, row=1, col=number)
    if values is None:
        legend_entry(figure, tr("open: linear probe on its features"), "circle-open")
        if len(yardsticks):
            legend_entry(figure, tr("modality trained alone"), "line-ns-open")
        same_range(figure, extent, measure)
    rows_axis(figure, rows, len(lanes))
    title_axes(figure, axis_title(tr(axis), measure))
    if measure.scale == 1.0:  # a share of plasticity, a distance, a rise: 0 means something
        figure.update_xaxes(rangemode="tozero")
    return finish(figure, describe_dots(runs, lanes[0].column, lanes[0].name))


def gap_plot(frame: pd.DataFrame) -> go.Figure:
    """Return the distance between the modalities' centroids per method, every pair a lane."""
    frame = frame.dropna(axis="columns", how="all")  # other conditions have other modalities
    pairs = itertools.combinations(modality_names(frame), 2)
    values = {tr("{a} to {b}", a=a, b=b): f"{GAP}{a}|{b}" for a, b in pairs}
    runs = frame[~frame["label"].str.startswith(ALONE)]
    return dot_plot(runs, values, axis=later("distance between centroids"))


def _dots(
    lane: Lane,
    found: Mapping[str, Cell],
    place: Mapping[str, float],
    panel: str,
    measure: Measure,
    *,
    legend: bool,
) -> list[Any]:
    """Return every seed's value, faint, and the means with their intervals."""
    seeds = [(measure.scale * x, place[label]) for label in found for x in found[label].seeds]
    faint = go.Scatter(
        x=[x for x, _ in seeds],
        y=[y for _, y in seeds],
        mode="markers",
        marker={"color": lane.colour, "size": 4, "opacity": 0.35},
        legendgroup=lane.name,
        hoverinfo="skip",
        showlegend=False,
    )
    means = go.Scatter(
        x=[measure.scale * cell.mean for cell in found.values()],
        y=[place[label] for label in found],
        error_x=error_bars([cell.half for cell in found.values()], measure.scale, lane.colour),
        mode="markers",
        name=text(lane.name),
        legendgroup=lane.name,
        meta=lane.column,
        marker={
            "color": lane.colour,
            "symbol": lane.symbol,
            "size": lane.size,
            "line": {"color": lane.edge or lane.colour, "width": 2.5 if lane.edge else 0},
        },
        text=[hover(label, lane.name, panel, cell, measure) for label, cell in found.items()],
        hovertemplate="%{text}<extra></extra>",
        showlegend=legend,
    )
    return [faint, means]


def _yardstick(
    lane: Lane,
    tick: Cell | None,
    found: Mapping[str, Cell],
    place: Mapping[str, float],
    measure: Measure,
) -> list[Any]:
    if tick is None:
        return []
    mark = {"symbol": "line-ns-open", "size": 11, "color": lane.colour, "line": {"width": 2}}
    said = tr("{modality} trained alone: {told}", modality=lane.name, told=told(tick, measure))
    return [
        go.Scatter(
            x=[measure.scale * tick.mean] * len(found),
            y=[place[label] for label in found],
            mode="markers",
            marker=mark,
            hovertemplate=f"{text(said)}<extra></extra>",
            showlegend=False,
        )
    ]


def _probes(
    lane: Lane, found: Mapping[str, Cell], place: Mapping[str, float], measure: Measure
) -> list[Any]:
    said = [
        text(
            tr(
                "{label}, linear probe on {modality}: {told}",
                label=label,
                modality=lane.name,
                told=told(cell, measure),
            )
        )
        for label, cell in found.items()
    ]
    symbol = lane.symbol.removesuffix("-open") + "-open"
    return [
        go.Scatter(
            x=[measure.scale * cell.mean for cell in found.values()],
            y=[place[label] for label in found],
            mode="markers",
            marker={"symbol": symbol, "size": 7, "color": lane.colour, "line": {"width": 1}},
            text=said,
            hovertemplate="%{text}<extra></extra>",
            showlegend=False,
        )
    ]


# ------------------------------------------------------------------------------------ differences


def difference_plot(verdicts: Sequence[Verdict], *, rows: str = "a", axis: str = "") -> go.Figure:
    """Return paired differences with their 95 % intervals, one row each, as a forest plot.

    Parameters
    ----------
    verdicts : sequence of Verdict
    rows : {"a", "where"}
        What the rows are: the labels compared, with conditions as panels, or the other way round.
    axis : str
        What the horizontal axis shows.
    """
    other = {"a": "where", "where": "a"}[rows]
    names = list(dict.fromkeys(getattr(v, rows) for v in verdicts))[::-1]
    panels = list(dict.fromkeys(getattr(v, other) for v in verdicts))
    measure = measure_of(verdicts[0].value)
    figure = panels_of(panels, names)
    seen: set[str] = set()
    for v in verdicts:
        symbol, size = KINDS[v.kind]
        trace = go.Scatter(
            x=[measure.scale * v.mean],
            y=[names.index(getattr(v, rows))],
            error_x=error_bars([v.half], measure.scale, INK),
            mode="markers",
            marker={
                "color": INK,
                "symbol": symbol,
                "size": size,
                "line": {"width": 2, "color": INK},
            },
            name=tr(v.kind),
            legendgroup=v.kind,
            showlegend=v.kind not in seen,
            legendrank=list(KINDS).index(v.kind),
            hovertemplate=f"{wrapped(v.text)}<extra></extra>",
        )
        seen.add(v.kind)
        figure.add_trace(trace, row=1, col=1 + panels.index(getattr(v, other)))
    figure.add_vline(x=0, line={"color": INK, "width": 1, "dash": "dot"})
    rows_axis(figure, names, 1)
    ends = [
        v.mean + side * (0 if math.isnan(v.half) else v.half) for v in verdicts for side in (-1, 1)
    ]
    same_range(figure, [0.0, *ends], measure)
    values = dict.fromkeys(what(v.value) for v in verdicts)
    axis = axis or tr(
        "{values} minus that of {other}", values=tr(" or ").join(values), other=_controls(verdicts)
    )
    title_axes(figure, axis_title(tr(axis), measure, tr("points")))
    return finish(figure, describe_differences(verdicts))


# ------------------------------------------------------------------------------------ heat map


def heat_map(
    frame: pd.DataFrame,
    rows: str = "variant",
    columns: str = "rule",
    value: str = "test.accuracy",
) -> go.Figure:
    """Return means over seeds as a heat map, each cell with its interval; conditions as panels.

    Parameters
    ----------
    frame : DataFrame
        One run per cell, condition and seed, as from `mla_core.results.names.by_rule`.
    rows, columns : str
        Columns of `frame` whose values are the rows and columns.
    value : str
        The column to show.
    """
    down = list(dict.fromkeys(frame[rows]))[::-1]
    across = list(dict.fromkeys(frame[columns]))
    panels = list(dict.fromkeys(frame["condition"]))
    measure = measure_of(value)
    figure = panels_of(panels, [str(r) for r in down])
    names = [str(c).replace("_", " ") for c in across]
    width = room(len(panels) * len(across), [str(r) for r in down])
    upright = max(len(word) for name in names for word in name.split(" ")) > width
    said = []
    for number, panel in enumerate(panels, 1):
        here = frame[frame["condition"] == panel]
        found = {
            (r, c): cell
            for r in down
            for c, cell in cells(here[here[rows] == r], value, columns).items()
        }
        trace = go.Heatmap(
            x=[wrapped(name, max(9, width)) for name in names],
            y=[text(r) for r in down],
            z=[[_z(found.get((r, c)), measure) for c in across] for r in down],
            customdata=[[told(found.get((r, c)), measure) for c in across] for r in down],
            text=[
                [told(found.get((r, c)), measure).replace(" ±", "<br>±") for c in across]
                for r in down
            ],
            texttemplate="%{text}",
            colorscale=SHADES,
            showscale=False,
            xgap=3,
            ygap=3,
            textfont={"color": "#222222", "size": 12},
            hovertemplate=f"%{{y}}, %{{x}}: %{{customdata}}<extra>{text(panel)}</extra>",
        )
        figure.add_trace(trace, row=1, col=number)
        (r, c), best = max(found.items(), key=lambda item: item[1].mean)
        known = {"panel": panel, "row": r, "column": c, "number": told_number(best.mean, measure)}
        said.append(tr("on {panel} the highest is {row} with {column}, {number}", **known))
    figure.update_layout(height=130 + 44 * len(down))
    finish(figure, _with_intervals(what(value).capitalize(), said))
    figure.update_xaxes(showgrid=False, tickangle=-90 if upright else 0)
    figure.update_yaxes(showgrid=False)
    return figure


def _z(cell: Cell | None, measure: Measure) -> float | None:
    return None if cell is None else measure.scale * cell.mean


# ------------------------------------------------------------------------------------ in words


def describe_dots(frame: pd.DataFrame, column: str, name: str) -> str:
    """Say in one sentence which row has the lowest and which the highest mean per condition."""
    measure = measure_of(column)
    said = []
    for panel in dict.fromkeys(frame["condition"]):
        found = cells(frame[frame["condition"] == panel], column)
        order = sorted(found, key=lambda label: found[label].mean)
        if order:
            low, high = (f"{told(found[x], measure)} ({x})" for x in (order[0], order[-1]))
            said.append(tr("on {panel} from {low} to {high}", panel=panel, low=low, high=high))
    return _with_intervals(f"{name[:1].upper()}{name[1:]}", said)


def _with_intervals(name: str, said: Sequence[str]) -> str:
    return tr("{name}, mean ± 95 % interval: {said}.", name=name, said=tr("; ").join(said))


def describe_differences(verdicts: Sequence[Verdict]) -> str:
    """Say how many comparisons came out how."""
    kinds = [v.kind for v in verdicts]
    said = [tr("{n} {kind}", n=kinds.count(kind), kind=tr(kind)) for kind in KINDS if kind in kinds]
    return tr(
        "Differences to {other}: {said}.", other=_controls(verdicts), said=tr(", ").join(said)
    )


def _controls(verdicts: Sequence[Verdict]) -> str:
    """Return what is compared with; of many, each verdict names its own."""
    names = list(dict.fromkeys(v.b for v in verdicts))
    return tr(" and ").join(names) if len(names) <= 3 else tr("the control of each")


def tell(*sentences: object, more: Sequence[object] = ()) -> None:
    """Show sentences or verdicts as a list; whatever is in them is shown literally.

    Parameters
    ----------
    *sentences : object
        What matters.
    more : sequence of object
        The rest, folded below.
    """
    rest = folded(tr("{n} sentences more", n=len(more)), _listed(more)) if more else ""
    display(HTML(_listed(sentences) + rest))


def _listed(sentences: Sequence[object]) -> str:
    return f"<ul>{''.join(f'<li>{text(s)}</li>' for s in sentences)}</ul>"
