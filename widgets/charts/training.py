"""Pure functions from a history to plotly figures, the same ones live and headless."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from mla_core.catalogue import traits
from mla_core.records import Evaluation, History
from widgets.charts.curves import curves, differences
from widgets.charts.map_chart import BLANK, MapView, map_trace, place_points
from widgets.page import (
    CLASS_COLOURS,
    FUSED_COLOUR,
    GRID,
    MODALITY_DASHES,
    apply_theme,
    colour,
    listed,
    pick,
    run_colour,
    text,
)

HEIGHT = 640
NUMBERS_HEIGHT = 160  # of the row that numbers of your own add
NOTHING = {"x": np.zeros(0), "y": np.zeros(0)}
PANELS = {  # panel -> (row, column, title)
    "loss": (1, 1, "Training loss (nats)"),
    "accuracy": (1, 2, "Accuracy on the probe set"),
    "weights": (2, 1, "Importance weights over time"),
    "spread": (2, 2, "Importance weights now"),
    "forgetting": (3, 1, "Head forgetting, summed (nats)"),
    "gap": (3, 2, "Modality gap (centroids)"),
    "map": (1, 3, "Where the features lie"),
    "number": (4, 1, "Numbers of your own"),  # where there are any
}
BRANCH_PANELS = {
    **PANELS,
    "map": (1, 3, "Features, first run"),
    "branch map": (1, 4, "Features, branch"),
    "difference": (3, 3, "Accuracy, branch minus first run"),
}
ORDER = ("loss", "accuracy", "map", "weights", "spread", "forgetting", "gap")  # plotly's own
BRANCH_ORDER = (*ORDER[:3], "branch map", *ORDER[3:], "difference")
CURSOR_PANELS = ("loss", "accuracy", "weights", "forgetting", "gap", "number")
BRANCH_STYLE = {"opacity": 0.4, "width": 5}  # broad and pale, whatever the hue and the dash


@dataclass(frozen=True, eq=False)
class Shown:
    """What the figure shows of one run.

    Attributes
    ----------
    history : History
        The curves.
    view : MapView, optional
        The map, of ``(then or history).latest``.
    then : History, optional
        The run as it was at an earlier moment: the weights and the map are of that one, and a line
        in every curve says where it was. None means now.
    since : int
        Curves begin at this sub-step: a branch has its past in common with the first run.
    """

    history: History
    view: MapView | None = None
    then: History | None = None
    since: int = 0

    @property
    def moment(self) -> History:
        """The run as far as it is shown: then, or now."""
        return self.then or self.history

    @property
    def drawing(self) -> tuple[object, ...]:
        """What decides the picture: while it stays the same, nothing needs to be drawn."""
        last = self.history.steps[-1] if self.history.steps else None
        return last, self.moment.latest, self.view


def training_figure(
    modalities: Sequence[str], method: str, *, branch: bool = False, numbers: Sequence[str] = ()
) -> go.Figure:
    """Return the bench's figure with every trace in place and still empty.

    Parameters
    ----------
    modalities : sequence of str
        Names; anything in them is shown literally.
    method : str
        Decides whether losses are per modality.
    branch : bool
        With room for a second run: its curves, broad and pale, its map, and the difference.
    numbers : sequence of str
        Names of numbers of your own, which get a panel below the others.
    """
    figure = _grid(branch=branch, numbers=bool(numbers))
    panels = BRANCH_PANELS if branch else PANELS

    def add(panel: str, trace: Any) -> None:
        row, column, _ = panels[panel]
        figure.add_trace(trace, row=row, col=column)

    alternating = traits(method).one_at_a_time
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
        add("map", map_trace(m, name))
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
    for i, name in enumerate(numbers):
        style = {"color": pick(CLASS_COLOURS, i + 6), "width": 2, "dash": pick(MODALITY_DASHES, i)}
        shown = {**empty, "showlegend": True, "legend": "legend3"}
        add("number", go.Scatter(**shown, name=text(name), meta=f"number.{name}", line=style))
    grey_dots = {"color": FUSED_COLOUR, "width": 1, "dash": "dot"}
    for panel in CURSOR_PANELS if numbers else CURSOR_PANELS[:-1]:
        cursor = {**empty, "hoverinfo": "skip", "line": grey_dots, "meta": f"cursor.{panel}"}
        add(panel, go.Scatter(**cursor))
    _lay_out(figure, numbers=bool(numbers))
    if branch:
        _add_branch(figure, modalities, add)
    return figure


def _grid(*, branch: bool, numbers: bool) -> go.Figure:
    rows, more = 3 + numbers, ("number",) * numbers
    common = {"rows": rows, "vertical_spacing": 0.33 / rows}
    if not branch:
        below = [[{"colspan": 2}, None, None]] * numbers
        return make_subplots(
            **common,
            cols=3,
            column_widths=[0.28, 0.28, 0.44],
            horizontal_spacing=0.06,
            specs=[[{}, {}, {"rowspan": rows}], [{}, {}, None], [{}, {}, None], *below],
            subplot_titles=[PANELS[p][2] for p in (*ORDER, *more)],
        )
    tall = {"rowspan": 2}
    below = [[{"colspan": 4}, None, None, None]] * numbers
    return make_subplots(
        **common,
        cols=4,
        column_widths=[0.23, 0.23, 0.27, 0.27],
        horizontal_spacing=0.045,
        specs=[[{}, {}, tall, tall], [{}, {}, None, None], [{}, {}, {"colspan": 2}, None], *below],
        subplot_titles=[BRANCH_PANELS[p][2] for p in (*BRANCH_ORDER, *more)],
    )


def _add_branch(
    figure: go.Figure, modalities: Sequence[str], add: Callable[[str, Any], None]
) -> None:
    """Add the second run's traces: each curve's double, a map, and the differences."""
    panels = {"loss": "loss", "forgetting": "forgetting", "accuracy": "accuracy"}
    panels |= {"weight": "weights", "gap": "gap", "number": "number"}
    for trace in list(figure.data):
        kind = trace.meta.partition(".")[0]
        if trace.type == "scatter" and kind in panels:
            double = go.Scatter(trace.to_plotly_json())
            double.update(meta=f"branch.{trace.meta}", opacity=BRANCH_STYLE["opacity"])
            double.update(line_width=BRANCH_STYLE["width"], showlegend=False, legendgroup="branch")
            if trace.meta == "accuracy.fused":
                double.update(name="branch", showlegend=True)
            add(panels[kind], double)
    for m, name in enumerate(modalities):
        add("branch map", map_trace(m, name, key="branch.map", showlegend=False))
        line = {"color": colour(m), "width": 2, "dash": pick(MODALITY_DASHES, m)}
        add("difference", _line(f"difference.{name}", name, line))
    grey = {"color": FUSED_COLOUR, "width": 3}
    add("difference", _line("difference.fused", "fused", grey))
    row, column, _ = BRANCH_PANELS["difference"]
    figure.update_yaxes(zeroline=True, zerolinecolor=FUSED_COLOUR, row=row, col=column)
    row, column, _ = BRANCH_PANELS["branch map"]
    figure.update_xaxes(**BLANK, row=row, col=column)
    figure.update_yaxes(**BLANK, row=row, col=column)
    figure.update_layout(legend2={"x": 0.31}, legend3={"x": 1.0})


def _line(meta: str, name: str, line: dict[str, Any]) -> go.Scatter:
    return go.Scatter(
        x=[], y=[], mode="lines", meta=meta, name=text(name), line=line, showlegend=False
    )


def _lay_out(figure: go.Figure, *, numbers: bool) -> None:
    figure.update_layout(
        height=HEIGHT + NUMBERS_HEIGHT * numbers,
        autosize=True,
        margin={"l": 40, "r": 10, "t": 75, "b": 50},
        legend={"orientation": "h", "x": 1, "xanchor": "right", "y": 1.035, "yanchor": "bottom"},
        legend2={
            "x": 0.36,
            "y": 0.27 if numbers else 0.0,
            "yanchor": "bottom",
            "font": {"size": 10},
        },
        legend3={
            "x": 0.56,
            "xanchor": "right",
            "y": 0.0,
            "yanchor": "bottom",
            "font": {"size": 10},
        },
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
    figure.update_xaxes(title_text="sub-step", row=3 + numbers)
    figure.update_yaxes(rangemode="tozero", row=3, col=2)
    figure.update_xaxes(**BLANK, row=1, col=3)
    figure.update_yaxes(**BLANK, row=1, col=3)
    apply_theme(figure, dark=False)


def refresh(figure: go.Figure, run: Shown, branch: Shown | None = None) -> None:
    """Write a run, and a branch of it if there is one, into the figure's traces, in one message.

    Parameters
    ----------
    figure : Figure
        From `training_figure`; a FigureWidget sends one update to the page.
    run, branch : Shown
    """
    traces = {trace.meta: trace for trace in figure.data}
    shown = curves(run.history)
    if branch is not None:
        both = curves(branch.history), differences(run.history, branch.history)
        late = {key: _since(curve, branch.since) for one in both for key, curve in one.items()}
        shown |= {
            key if key.startswith("difference") else f"branch.{key}": late[key] for key in late
        }
    if run.then is not None:
        shown |= _cursors(shown, run.then.summaries[-1].step)
    with figure.batch_update():
        for key, trace in traces.items():
            if trace.type == "scatter" and trace.mode == "lines":
                trace.update(shown.get(key, NOTHING))
        _refresh_spread(traces, run.moment.latest)
        width = max((one.view.half_width for one in (run, branch) if one and one.view), default=0)
        for one, key, column in ((run, "map", 3), (branch, "branch.map", 4)):
            look = one.moment.latest if one else None
            if one is None or one.view is None or look is None:
                continue
            place_points(traces, look, one.view, key)
            axis = {"range": [-width, width]}  # the same for both, to be compared
            figure.update_xaxes(**axis, title_text=text(one.view.caption), row=1, col=column)
            figure.update_yaxes(**axis, row=1, col=column)


def _since(curve: dict[str, np.ndarray], step: int) -> dict[str, np.ndarray]:
    late = curve["x"] >= step
    return {axis: values[late] for axis, values in curve.items()}


def _cursors(shown: Mapping[str, Mapping[str, np.ndarray]], step: int) -> dict[str, Any]:
    """Return an upright line at `step` for every panel with curves, as high as these."""
    same = ("loss", "accuracy", "forgetting", "gap", "number")
    kinds = {**dict.fromkeys(same), "weights": "weight"}
    lines = {}
    for panel, kind in kinds.items():
        tops = [c["y"] for key, c in shown.items() if key.startswith(f"{kind or panel}.")]
        values = np.concatenate([y[np.isfinite(y)] for y in tops]) if tops else np.zeros(0)
        low, high = (values.min(), values.max()) if len(values) else (0.0, 1.0)
        if panel in {"accuracy", "weights"}:
            low, high = 0.0, 1.0
        lines[f"cursor.{panel}"] = {"x": np.array([step, step]), "y": np.array([low, high])}
    return lines


def _refresh_spread(traces: Mapping[str, Any], evaluation: Evaluation | None) -> None:
    if evaluation is None:
        return
    for m, name in enumerate(evaluation.modalities):
        here = evaluation.present[m]
        traces[f"spread.{name}"].x = evaluation.weights[m][here].numpy()


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
            marker={"color": run_colour(i), "pattern": {"shape": pick(("", "/", ".", "x"), i)}},
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
