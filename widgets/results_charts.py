"""Pure functions from the results of many runs to plotly figures: means over seeds, intervals.

Each figure carries a summary in one sentence as ``figure.layout.meta``, for those who cannot see
it; `present` shows both. The colours of text and grid read on light pages and on dark ones.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import plotly.graph_objects as go
from IPython.display import HTML, display
from plotly.subplots import make_subplots

from mla_core.errors import ConfigError
from mla_core.significance import mean_interval
from mla_core.verdict import Measure, Verdict, measure_of
from widgets.charts import apply_theme
from widgets.report import show
from widgets.style import FUSED_COLOUR, MODALITY_MARKERS, colour, pick, text

if TYPE_CHECKING:
    import pandas as pd

INK = "#7a7a7a"  # 4.3 to 1 on white, 4.4 to 1 on JupyterLab's dark page
GRID = "rgba(128,128,128,0.22)"
ROW = 26  # pixels of a row with one lane
LANE = 11  # and of each further lane
OPEN = {"circle": "circle-open", "square": "square-open", "triangle-up": "triangle-up-open"}
KINDS = {  # of a verdict -> (colour, symbol)
    "better": ("#0072B2", "triangle-right"),
    "higher": ("#0072B2", "triangle-right"),
    "worse": ("#D55E00", "triangle-left"),
    "lower": ("#D55E00", "triangle-left"),
    "no difference": (INK, "circle-open"),
    "same": (INK, "line-ns-open"),
    "anecdote": (INK, "x-open"),
}


@dataclass(frozen=True)
class Cell:
    """What the seeds of one place say: their values, the mean, half its 95 % interval."""

    mean: float
    half: float
    values: tuple[float, ...]


@dataclass(frozen=True)
class Lane:
    """One thing shown per row: its column of results, and how it is drawn."""

    name: str
    column: str
    colour: str
    symbol: str
    size: int = 9


# ------------------------------------------------------------------------------------ the figures


def dot_plot(
    frame: pd.DataFrame, values: Mapping[str, str] | None = None, *, axis: str = "accuracy on test"
) -> go.Figure:
    """Return methods as rows, means over seeds as dots with 95 % intervals, conditions as panels.

    Parameters
    ----------
    frame : DataFrame
        One run per label, condition and seed. Runs labelled ``unimodal (...)`` become a tick in
        their modality's lane: how good it is when it is trained alone.
    values : mapping of str to str, optional
        What to show -> its column. Fused accuracy and that of every modality by default, where
        a modality's open marker is what a linear probe reads from its features.
    axis : str
        What the horizontal axis shows.
    """
    lanes = accuracy_lanes(frame) if values is None else _value_lanes(values)
    alone = frame["label"].str.startswith("unimodal (")
    if values is not None:
        alone &= False
    runs, yardsticks = frame[~alone], frame[alone]
    rows = _ranked(runs, lanes[0].column)
    panels = list(dict.fromkeys(runs["condition"]))
    measure = measure_of(lanes[0].column)
    figure = _panels(panels)
    step = 0.8 / len(lanes)
    for column, panel in enumerate(panels, 1):
        here = runs[runs["condition"] == panel]
        ticks = yardsticks[yardsticks["condition"] == panel]
        for i, lane in enumerate(lanes):
            found = cells(here, lane.column)
            place = {label: r + (i + 0.5) * step - 0.4 for r, label in enumerate(rows)}
            shown = {place[label]: cell for label, cell in found.items()}
            told = [_hover(label, lane.name, panel, cell, measure) for label, cell in found.items()]
            _add_dots(figure, lane, shown, told, measure, column)
            if values is None and i:
                tick = cells(ticks, "test.accuracy").get(f"unimodal ({lane.name})")
                _add_yardstick(figure, lane, tick, shown, measure, column)
                _add_probes(figure, lane, cells(here, _probe(lane)), place, measure, column)
    _rows_axis(figure, rows, len(lanes), len(panels))
    figure.update_xaxes(title_text=text(_axis(axis, measure)), title_font_size=12)
    return _finish(figure, describe_dots(frame, lanes[0].column, lanes[0].name))


def difference_plot(
    verdicts: Sequence[Verdict], *, rows: str = "a", axis: str = "", titles: bool = True
) -> go.Figure:
    """Return paired differences with their 95 % intervals, one row each, as a forest plot.

    Parameters
    ----------
    verdicts : sequence of Verdict
    rows : {"a", "where"}
        What the rows are: the labels compared, with conditions as panels, or the other way round.
    axis : str
        What the horizontal axis shows.
    titles : bool
        Whether panels bear titles.
    """
    other = {"a": "where", "where": "a"}[rows]
    names = list(dict.fromkeys(getattr(v, rows) for v in verdicts))[::-1]
    panels = list(dict.fromkeys(getattr(v, other) for v in verdicts))
    measure = measure_of(verdicts[0].value)
    figure = _panels(panels if titles else [""] * len(panels))
    seen: set[str] = set()
    for column, panel in enumerate(panels, 1):
        for v in (v for v in verdicts if getattr(v, other) == panel):
            hue, symbol = KINDS[v.kind]
            figure.add_trace(
                go.Scatter(
                    x=[measure.scale * v.mean],
                    y=[names.index(getattr(v, rows))],
                    error_x=_bars([v.half], measure.scale, hue),
                    mode="markers",
                    marker={"color": hue, "symbol": symbol, "size": 10, "line": {"width": 2}},
                    name=v.kind,
                    legendgroup=v.kind,
                    showlegend=v.kind not in seen,
                    hovertemplate=f"{_wrapped(v.text)}<extra></extra>",
                ),
                row=1,
                col=column,
            )
            seen.add(v.kind)
    figure.add_vline(x=0, line={"color": INK, "width": 1, "dash": "dot"})
    _rows_axis(figure, names, 1, len(panels))
    versus = " and ".join(dict.fromkeys(v.b for v in verdicts))
    axis = axis or f"{_what(verdicts[0].value)} minus that of {versus}"
    figure.update_xaxes(title_text=text(_axis(axis, measure, "points")), title_font_size=12)
    return _finish(figure, describe_differences(verdicts))


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
        One run per cell, condition and seed, as from `mla_core.run_names.by_rule`.
    rows, columns : str
        Columns of `frame` whose values are the rows and columns.
    value : str
        The column to show.
    """
    down = list(dict.fromkeys(frame[rows]))[::-1]
    across = list(dict.fromkeys(frame[columns]))
    panels = list(dict.fromkeys(frame["condition"]))
    measure = measure_of(value)
    figure = _panels(panels)
    for number, panel in enumerate(panels, 1):
        here = frame[frame["condition"] == panel]
        found = {
            (r, c): cell
            for r in down
            for c, cell in cells(here[here[rows] == r], value, columns).items()
        }
        numbers = [[_told(found.get((r, c)), measure) for c in across] for r in down]
        z = [[measure.scale * _mean(found.get((r, c))) for c in across] for r in down]
        figure.add_trace(
            go.Heatmap(
                x=[text(c) for c in across],
                y=[text(r) for r in down],
                z=z,
                text=numbers,
                texttemplate="%{text}",
                # From white to blue, each panel for itself: it is read within a data set.
                colorscale=[[0, "#e8f1f8"], [1, "#7fb8de"]],
                showscale=False,
                xgap=3,
                ygap=3,
                textfont={"color": "#222222", "size": 12},
                hovertemplate=f"%{{y}}, %{{x}}: %{{text}}<extra>{text(panel)}</extra>",
            ),
            row=1,
            col=number,
        )
    figure.update_xaxes(showgrid=False, side="bottom")
    figure.update_yaxes(showgrid=False)
    figure.update_layout(height=130 + 44 * len(down))
    best = {
        panel: max(
            ((_mean(cell), key) for key, cell in _pairs(frame, panel, rows, columns, value)),
        )
        for panel in panels
    }
    told = "; ".join(
        f"on {panel} the highest is {r} with {c}, {_told_number(mean, measure)}"
        for panel, (mean, (r, c)) in best.items()
    )
    return _finish(figure, f"{_what(value)} for {len(down)} rows and {len(across)} columns: {told}.")


def gap_plot(frame: pd.DataFrame) -> go.Figure:
    """Return the distance between the modalities' centroids per method, every pair a lane."""
    pairs = [str(n).removeprefix(_GAP) for n in frame if str(n).startswith(_GAP)]
    values = {" to ".join(pair.split("|")): _GAP + pair for pair in pairs}
    runs = frame[~frame["label"].str.startswith("unimodal (")]
    return dot_plot(runs, values, axis="distance between centroids")


_GAP = "test.centroid_gap."


# ------------------------------------------------------------------------------------ what it says


def describe_dots(frame: pd.DataFrame, column: str, name: str) -> str:
    """Say in one sentence which row has the highest mean under each condition."""
    measure = measure_of(column)
    runs = frame[~frame["label"].str.startswith("unimodal (")]
    said = []
    for panel in dict.fromkeys(runs["condition"]):
        found = cells(runs[runs["condition"] == panel], column)
        order = sorted(found, key=lambda label: found[label].mean)
        if order:
            low, high = (f"{_told(found[x], measure)} ({x})" for x in (order[0], order[-1]))
            said.append(f"on {panel} from {low} to {high}")
    return f"{name[:1].upper()}{name[1:]}, mean ± 95 % interval: {'; '.join(said)}."


def describe_differences(verdicts: Sequence[Verdict]) -> str:
    """Say how many comparisons came out how."""
    kinds = [v.kind for v in verdicts]
    said = ", ".join(f"{kinds.count(kind)} {kind}" for kind in KINDS if kind in kinds)
    return f"Differences to {' and '.join(dict.fromkeys(v.b for v in verdicts))}: {said}."


def present(figure: go.Figure) -> None:
    """Show a figure, and its summary below as text."""
    show(figure)
    display(HTML(f"<p>{text(figure.layout.meta)}</p>"))


def tell(*sentences: object) -> None:
    """Show sentences or verdicts as a list; whatever is in them is shown literally."""
    display(HTML(f"<ul>{''.join(f'<li>{text(s)}</li>' for s in sentences)}</ul>"))


# ------------------------------------------------------------------------------------ the numbers


def cells(frame: pd.DataFrame, column: str, by: str = "label") -> dict[str, Cell]:
    """Return mean and interval over seeds for every value of `by` that has numbers in `column`.

    Raises
    ------
    ConfigError
        When some seeds have a number there and others have not, or a seed comes twice.
    """
    found = {}
    for name, runs in frame.groupby(by, sort=False) if column in frame else ():
        values = runs[column]
        if values.isna().all():
            continue
        if values.isna().any():
            seeds = ", ".join(map(str, runs.loc[values.isna(), "seed"]))
            raise ConfigError(f"{name} has no {column} for the seeds {seeds}")
        if runs["seed"].duplicated().any():
            raise ConfigError(f"{name} has several runs of one seed: choose among them first")
        found[str(name)] = Cell(*mean_interval(values.tolist()), tuple(values.tolist()))
    return found


def accuracy_lanes(frame: pd.DataFrame) -> list[Lane]:
    """Return the lanes of fused accuracy and of every modality, in the data's order."""
    lanes = [Lane("fused", "test.accuracy", FUSED_COLOUR, "diamond", 10)]
    for m, name in enumerate(modality_names(frame)):
        symbol = pick(MODALITY_MARKERS, m)
        lanes.append(Lane(name, f"test.unimodal_accuracy.{name}", colour(m), symbol, 8))
    return lanes


def modality_names(frame: pd.DataFrame) -> list[str]:
    """Return the modalities in the data's order, which the names of their pairs give away.

    Examples
    --------
    >>> import pandas as pd
    >>> start = "test.unimodal_accuracy."
    >>> columns = [start + "text", start + "audio", "test.centroid_gap.audio|text"]
    >>> modality_names(pd.DataFrame(columns=columns))
    ['audio', 'text']
    """
    start = "test.unimodal_accuracy."
    names = [str(n).removeprefix(start) for n in frame if str(n).startswith(start)]
    after = [str(n).rpartition("|")[2] for n in frame if str(n).startswith(_GAP)]
    return sorted(names, key=after.count)  # the k-th comes last in k pairs


def _value_lanes(values: Mapping[str, str]) -> list[Lane]:
    return [
        Lane(name, column, colour(i), pick(MODALITY_MARKERS, i))
        for i, (name, column) in enumerate(values.items())
    ]


def _probe(lane: Lane) -> str:
    return lane.column.replace("unimodal", "probe")


def _ranked(frame: pd.DataFrame, column: str) -> list[str]:
    """Labels from the lowest to the highest: the mean over the conditions in which all are."""
    totals: dict[str, list[float]] = {str(label): [] for label in frame["label"]}
    for _, here in frame.groupby("condition", sort=False):
        for label, cell in cells(here, column).items():
            totals[label].append(cell.mean)
    return sorted(totals, key=lambda x: sum(totals[x]) / len(totals[x]) if totals[x] else -1.0)


def _pairs(frame: Any, panel: str, rows: str, columns: str, value: str) -> list[Any]:
    here = frame[frame["condition"] == panel]
    return [
        ((r, c), cell)
        for r in dict.fromkeys(here[rows])
        for c, cell in cells(here[here[rows] == r], value, columns).items()
    ]


# ------------------------------------------------------------------------------------ the drawing


def _panels(titles: Sequence[str]) -> go.Figure:
    return make_subplots(
        rows=1,
        cols=len(titles),
        shared_yaxes=True,
        horizontal_spacing=0.03,
        subplot_titles=[_wrapped(title, 34) for title in titles],
    )


def _add_dots(
    figure: go.Figure,
    lane: Lane,
    shown: Mapping[float, Cell],
    told: Sequence[str],
    measure: Measure,
    column: int,
) -> None:
    scale = measure.scale
    seeds = [(scale * x, y) for y, cell in shown.items() for x in cell.values]
    group = {"legendgroup": lane.name}
    figure.add_trace(
        go.Scatter(
            x=[x for x, _ in seeds],
            y=[y for _, y in seeds],
            mode="markers",
            marker={"color": lane.colour, "size": 4, "opacity": 0.35},
            hoverinfo="skip",
            showlegend=False,
            **group,
        ),
        row=1,
        col=column,
    )
    figure.add_trace(
        go.Scatter(
            x=[scale * cell.mean for cell in shown.values()],
            y=list(shown),
            error_x=_bars([cell.half for cell in shown.values()], scale, lane.colour),
            mode="markers",
            name=text(lane.name),
            meta=lane.column,
            marker={"color": lane.colour, "symbol": lane.symbol, "size": lane.size},
            text=list(told),
            hovertemplate="%{text}<extra></extra>",
            showlegend=column == 1,
            **group,
        ),
        row=1,
        col=column,
    )


def _add_yardstick(
    figure: go.Figure,
    lane: Lane,
    tick: Cell | None,
    shown: Mapping[float, Cell],
    measure: Measure,
    column: int,
) -> None:
    if tick is None:
        return
    told = f"{text(lane.name)} trained alone: {_told(tick, measure)}"
    figure.add_trace(
        go.Scatter(
            x=[measure.scale * tick.mean] * len(shown),
            y=list(shown),
            mode="markers",
            name="trained alone",
            legendgroup="alone",
            showlegend=column == 1 and _first(figure, "alone"),
            marker={
                "symbol": "line-ns-open",
                "size": 11,
                "color": lane.colour,
                "line": {"width": 2},
            },
            hovertemplate=f"{told}<extra></extra>",
        ),
        row=1,
        col=column,
    )


def _add_probes(
    figure: go.Figure,
    lane: Lane,
    found: Mapping[str, Cell],
    place: Mapping[str, float],
    measure: Measure,
    column: int,
) -> None:
    symbol = OPEN.get(lane.symbol, "diamond-open")
    figure.add_trace(
        go.Scatter(
            x=[measure.scale * cell.mean for cell in found.values()],
            y=[place[label] for label in found],
            mode="markers",
            name="linear probe",
            legendgroup="probe",
            showlegend=column == 1 and _first(figure, "probe"),
            marker={"symbol": symbol, "size": 7, "color": lane.colour, "line": {"width": 1}},
            text=[
                f"{text(label)}, linear probe on {text(lane.name)}: {_told(cell, measure)}"
                for label, cell in found.items()
            ],
            hovertemplate="%{text}<extra></extra>",
        ),
        row=1,
        col=column,
    )


def _first(figure: go.Figure, group: str) -> bool:
    return all(trace.legendgroup != group for trace in figure.data)


def _bars(halves: Sequence[float], scale: float, hue: str) -> dict[str, Any]:
    """Error bars; none where one seed leaves the interval open."""
    sizes = [0.0 if math.isnan(half) else scale * half for half in halves]
    return {"type": "data", "array": sizes, "color": hue, "thickness": 1.5, "width": 3}


def _rows_axis(figure: go.Figure, rows: Sequence[str], lanes: int, panels: int) -> None:
    figure.update_yaxes(
        tickvals=list(range(len(rows))),
        ticktext=[text(label) for label in rows],
        range=[-0.6, len(rows) - 0.4],
        showgrid=False,
    )
    for edge in range(len(rows) - 1):
        figure.add_hline(y=edge + 0.5, line={"color": GRID, "width": 1})
    figure.update_layout(height=150 + len(rows) * (ROW + LANE * (lanes - 1)))


def _finish(figure: go.Figure, summary: str) -> go.Figure:
    """Give the figure its look and its summary."""
    apply_theme(figure, dark=False)
    figure.update_layout(
        meta=summary,
        font={"color": INK},
        margin={"l": 10, "r": 10, "t": 80, "b": 50},
        legend={"orientation": "h", "x": 0, "y": 1, "yref": "container", "yanchor": "top"},
        hoverlabel={"align": "left"},
    )
    figure.update_annotations(font_size=13, font_color=INK)
    figure.update_xaxes(gridcolor=GRID, zeroline=False, automargin=True)
    figure.update_yaxes(gridcolor=GRID, zeroline=False, automargin=True)
    return figure


def _hover(label: str, name: str, panel: str, cell: Cell, measure: Measure) -> str:
    n = len(cell.values)
    seeds = f"95 % interval, {n} seed{'s' * (n != 1)}"
    return f"{text(label)}, {text(name)}, {text(panel)}:<br>{_told(cell, measure)} ({seeds})"


def _told(cell: Cell | None, measure: Measure) -> str:
    if cell is None:
        return "–"
    spread = "" if math.isnan(cell.half) else f" ± {_told_number(cell.half, measure)}"
    return _told_number(cell.mean, measure) + spread


def _told_number(value: float, measure: Measure) -> str:
    return f"{100 * value:.1f}" if measure.scale == 100.0 else f"{value:.3g}"


def _mean(cell: Cell | None) -> float:
    return math.nan if cell is None else cell.mean


def _axis(name: str, measure: Measure, unit: str = "%") -> str:
    return f"{name} ({unit})" if measure.unit else name


def _what(value: str) -> str:
    """Name a column of results: ``test.unimodal_accuracy.audio`` is accuracy of audio."""
    words = value.removeprefix("test.").replace("unimodal_", "").replace("_", " ").split(".")
    return " of ".join(words)


def _wrapped(value: str, width: int = 60) -> str:
    """Break a long text into escaped lines."""
    lines = [""]
    for word in value.split(" "):
        if lines[-1] and len(lines[-1]) + len(word) >= width:
            lines.append("")
        lines[-1] += f" {word}" if lines[-1] else word
    return "<br>".join(map(text, lines))
