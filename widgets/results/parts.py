"""What the charts of results are made of: means with intervals, lanes, panels, one look."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from mla_core.errors import ConfigError
from mla_core.language import tr
from mla_core.results import Measure, mean_interval
from mla_core.words import counted
from widgets.page import (
    FUSED_COLOUR,
    GRID,
    MODALITY_MARKERS,
    apply_theme,
    colour,
    pick,
    text,
    wrapped,
)

if TYPE_CHECKING:
    import pandas as pd

INK = "#7a7a7a"  # 4.3 to 1 on white, 4.4 to 1 on JupyterLab's dark page
GAP = "test.centroid_gap."  # columns of pairs of modalities
ALONE = "unimodal ("  # labels of modalities trained alone
_ROW, _LANE = 26, 11  # pixels of a row with one lane, and of each further lane
_WIDTH = 780  # and of a figure in a narrow notebook
_LABEL = 44  # characters of a row's label, at most


@dataclass(frozen=True)
class Cell:
    """What the seeds of one place say: the value of each, the mean, half its 95 % interval."""

    mean: float
    half: float
    seeds: tuple[float, ...]


@dataclass(frozen=True)
class Lane:
    """One thing shown per row: its column of results, and how it is drawn."""

    name: str
    column: str
    colour: str
    symbol: str
    size: int = 9
    edge: str = ""  # of a pair of modalities, the colour of the second


def cells(frame: pd.DataFrame, column: str, by: str = "label") -> dict[Any, Cell]:
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
            msg = tr(
                "{name} has no {column} for the seeds {seeds}",
                name=name,
                column=column,
                seeds=seeds,
            )
            raise ConfigError(msg)
        if runs["seed"].duplicated().any():
            msg = tr("{name} has several runs of one seed: choose among them first", name=name)
            raise ConfigError(msg)
        found[name] = Cell(*mean_interval(values.tolist()), tuple(values.tolist()))
    return found


def accuracy_lanes(modalities: Sequence[str]) -> list[Lane]:
    """Return the lanes of fused accuracy and of every modality."""
    lanes = [Lane(tr("fused"), "test.accuracy", FUSED_COLOUR, "diamond", 10)]
    for m, name in enumerate(modalities):
        lanes.append(Lane(name, f"test.unimodal_accuracy.{name}", *modality_look(m), 8))
    return lanes


def value_lanes(values: Mapping[str, str], modalities: Sequence[str]) -> list[Lane]:
    """Return a lane per name and column.

    One named as a modality looks like it everywhere, one of a pair has the colours of both, and
    anything else none that says something.
    """
    lanes = []
    for i, (name, column) in enumerate(values.items()):
        pair = column.removeprefix(GAP).split("|") if column.startswith(GAP) else []
        if name in modalities:
            lanes.append(Lane(name, column, *modality_look(modalities.index(name))))
        elif pair:
            hue, edge = (modality_look(modalities.index(one))[0] for one in pair)
            lanes.append(Lane(name, column, hue, pick(MODALITY_MARKERS, i), 9, edge))
        else:
            lanes.append(Lane(name, column, INK, "diamond"))
    return lanes


def modality_look(index: int) -> tuple[str, str]:
    """Return colour and symbol of a modality; of nine, no two have both in common.

    Examples
    --------
    >>> len({modality_look(m) for m in range(9)})
    9
    """
    return colour(index), pick(MODALITY_MARKERS, index + index // len(MODALITY_MARKERS))


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
    pairs = [str(n).removeprefix(GAP).split("|") for n in frame if str(n).startswith(GAP)]
    after = [second for _, second in pairs]  # the k-th of a data set comes last in k pairs

    def data_set(name: str) -> int:
        """Return where the first modality stands that is ever seen together with this one."""
        seen = {one for pair in pairs if name in pair for one in pair} | {name}
        return min(map(names.index, seen & set(names)))

    return sorted(names, key=lambda name: (data_set(name), after.count(name)))


def ranked(frame: pd.DataFrame, column: str) -> list[str]:
    """Return the labels from the lowest mean of `column` to the highest, over all conditions."""
    totals: dict[str, list[float]] = {str(label): [] for label in frame["label"]}
    for _, here in frame.groupby("condition", sort=False):
        for label, cell in cells(here, column).items():
            totals[label].append(cell.mean)
    return sorted(totals, key=lambda x: sum(totals[x]) / len(totals[x]) if totals[x] else -math.inf)


# ------------------------------------------------------------------------------------ as text


def told(cell: Cell | None, measure: Measure) -> str:
    """Return ``mean ± half`` in the measure's digits."""
    if cell is None:
        return "–"
    spread = "" if math.isnan(cell.half) else f" ± {told_number(cell.half, measure)}"
    return told_number(cell.mean, measure) + spread


def told_number(value: float, measure: Measure) -> str:
    """Return a number in the measure's digits."""
    return f"{100 * value:.1f}" if measure.scale == 100.0 else f"{value:.3g}"


def hover(label: str, name: str, panel: str, cell: Cell, measure: Measure) -> str:
    """Return what a dot says, safe as markup."""
    place = ", ".join(text(word) for word in (label, name, panel) if word)
    return tr(
        "{place}:<br>{told} (95 % interval, {seeds})",
        place=place,
        told=told(cell, measure),
        seeds=counted(len(cell.seeds), tr("seed"), tr("seeds")),
    )


def axis_title(name: str, measure: Measure, unit: str = "%") -> str:
    """Return the title of an axis, with its unit where there is one."""
    return text(tr("{name} ({unit})", name=name, unit=unit) if measure.unit else name)


# ------------------------------------------------------------------------------------ as a picture


def panels_of(titles: Sequence[str], rows: Sequence[str] = ()) -> go.Figure:
    """Return a figure of panels side by side that share their rows, whose labels need room, too."""
    width = max(10, room(len(titles), rows, 8))
    return make_subplots(
        rows=1,
        cols=len(titles),
        shared_yaxes=True,
        horizontal_spacing=0.03,
        subplot_titles=[wrapped(title, width) for title in titles],
    )


def room(places: int, rows: Sequence[str], character: int = 7) -> int:
    """Return how many characters, of so many pixels, go into each of `places` beside the rows' labels."""
    labels = max((min(len(label), _LABEL) for label in rows), default=8)
    return int((_WIDTH - 7 * labels) / places / character)


def error_bars(halves: Sequence[float], scale: float, hue: str) -> dict[str, Any]:
    """Return error bars; none where one seed leaves the interval open."""
    sizes = [0.0 if math.isnan(half) else scale * half for half in halves]
    return {"type": "data", "array": sizes, "color": hue, "thickness": 1.5, "width": 3}


def legend_entry(figure: go.Figure, name: str, symbol: str) -> None:
    """Explain a kind of mark that comes in several colours."""
    mark = {"color": INK, "symbol": symbol, "size": 9, "line": {"width": 2, "color": INK}}
    entry = {"x": [None], "y": [None], "mode": "markers", "hoverinfo": "skip"}
    figure.add_trace(go.Scatter(**entry, name=name, marker=mark), row=1, col=1)


def rows_axis(figure: go.Figure, rows: Sequence[str], lanes: int) -> None:
    """Name the rows, draw a line between them, and give each its height."""
    names = [wrapped(label, _LABEL) for label in rows]
    lines = 1 + max(name.count("<br>") for name in names)
    figure.update_yaxes(
        tickvals=list(range(len(rows))),
        ticktext=names,
        range=[-0.6, len(rows) - 0.4],
        showgrid=False,
        minor={  # the lines between rows; one `add_hline` each would take seconds
            "tickvals": [edge + 0.5 for edge in range(len(rows) - 1)],
            "showgrid": True,
            "gridcolor": GRID,
            "gridwidth": 1,
            "ticklen": 0,
        },
    )
    row = max(_ROW + _LANE * (lanes - 1), 17 * lines)
    figure.update_layout(height=160 + len(rows) * row)


def same_range(figure: go.Figure, values: Iterable[float], measure: Measure) -> None:
    """Let all panels show the same range: that of the values, with room at both ends."""
    scaled = [measure.scale * v for v in values if math.isfinite(v)]
    low, high = min(scaled), max(scaled)
    room = 0.05 * (high - low) or 1.0
    figure.update_xaxes(range=[low - room, high + room])


def title_axes(figure: go.Figure, title: str) -> None:
    """Say what the horizontal axes show: once, since under narrow panels titles run together."""
    if len(list(figure.select_xaxes())) == 1:
        figure.update_xaxes(title_text=title)
        return
    figure.add_annotation(
        text=title,
        x=0.5,
        y=0,
        xref="paper",
        yref="paper",
        yanchor="top",
        yshift=-28,  # below the axes' numbers
        showarrow=False,
    )


def finish(figure: go.Figure, summary: str) -> go.Figure:
    """Give the figure its look, which reads on light and dark pages, and its summary."""
    apply_theme(figure, dark=False)
    entries = [t.name for t in figure.data if t.name and t.showlegend is not False]
    # Room for the legend, which wraps in a narrow notebook, and for the titles of panels.
    legend = -(-sum(45 + 7 * len(name) for name in entries) // _WIDTH)
    titles = max((1 + a.text.count("<br>") for a in figure.layout.annotations), default=0)
    figure.update_layout(
        meta=summary,
        font={"color": INK},
        margin={"l": 10, "r": 10, "t": 16 + 26 * legend + 18 * titles, "b": 50},
        legend={"orientation": "h", "x": 0, "y": 1, "yref": "container", "yanchor": "top"},
        hoverlabel={"align": "left"},
    )
    figure.update_annotations(font_size=13, font_color=INK)
    figure.update_xaxes(
        gridcolor=GRID, linecolor=GRID, zeroline=False, automargin=True, title_font_size=12
    )
    figure.update_yaxes(
        gridcolor=GRID, linecolor=GRID, zeroline=False, automargin=True, title_font_size=12
    )
    return figure
