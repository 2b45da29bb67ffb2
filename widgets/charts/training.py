"""Pure functions from a run to the figure of its curves, the same one live and headless."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from mla_core.catalogue import traits, weighs
from mla_core.language import tr
from mla_core.methods import Instrument
from widgets.charts.curves import curves, differences
from widgets.charts.marks import signs
from widgets.charts.panels import (
    HEIGHT,
    MANY_PAIRS,
    MORE,
    MORE_HEIGHT,
    SHARES,
    emptiness,
    instrument_of,
    places,
)
from widgets.charts.run import Run
from widgets.page import (
    CLASS_COLOURS,
    FUSED_COLOUR,
    MODALITY_DASHES,
    apply_theme,
    colour,
    pick,
    text,
)

NOTHING = {"x": np.zeros(0), "y": np.zeros(0)}
BRANCH_STYLE = {"opacity": 0.4, "width": 5}  # broad and pale, whatever the hue and the dash
FUSED = {"color": FUSED_COLOUR, "width": 3}
HAPPENED = {"color": FUSED_COLOUR, "width": 1, "dash": "dot"}
MADE_OF = {"weights": ("weight", "band"), "gap": ("gap", "apart")}  # panel -> kinds of curves


def training_figure(
    modalities: Sequence[str],
    method: str,
    *,
    branch: bool = False,
    numbers: Sequence[str] = (),
    instruments: Sequence[str] = (),
) -> go.Figure:
    """Return the figure of a run's curves with every trace in place and still empty.

    Parameters
    ----------
    modalities : sequence of str
        Names; anything in them is shown literally.
    method : str
        Decides which curves there are.
    branch : bool
        With room for a second run: its curves, broad and pale, and the difference.
    numbers : sequence of str
        Names of numbers of your own, which get a panel below the others.
    instruments : sequence of str
        Those of the method that are watched: a panel each.
    """
    where = places(branch=branch, numbers=bool(numbers), method=method, instruments=instruments)
    figure = _grid(where)
    found = _curves(modalities, method, numbers) + _instruments(modalities, method, instruments)
    for panel, trace in found:
        row, column, _ = where[panel]
        figure.add_trace(trace, row=row, col=column)
        if branch and not trace.meta.startswith("band."):
            double = go.Scatter(trace.to_plotly_json())
            double.update(meta=f"branch.{trace.meta}", opacity=BRANCH_STYLE["opacity"])
            double.update(line_width=BRANCH_STYLE["width"])
            figure.add_trace(double, row=row, col=column)
    if branch:
        row, column, _ = where["difference"]
        for m, name in enumerate(modalities):
            figure.add_trace(_line(f"difference.{name}", name, line_of(m)), row=row, col=column)
        figure.add_trace(_line("difference.fused", tr("fused"), FUSED), row=row, col=column)
        figure.update_yaxes(zeroline=True, zerolinecolor=FUSED_COLOUR, row=row, col=column)
    for panel, (row, column, _) in where.items():
        for kind in ("marks", "cursor"):
            trace = _line(f"{kind}.{panel}", "", HAPPENED, hoverinfo="skip")
            figure.add_trace(trace, row=row, col=column)
    _lay_out(figure, where)
    return figure


def _curves(
    modalities: Sequence[str], method: str, numbers: Sequence[str]
) -> list[tuple[str, go.Scatter]]:
    """Return every trace of one run, with the panel that it belongs to."""
    found = []
    kind = traits(method)
    for m, name in enumerate(modalities):
        if kind.one_at_a_time:
            thin = {**line_of(m), "width": 1, "dash": "solid"}
            found.append(("loss", _line(f"loss.{name}", name, thin)))
            found.append(("forgetting", _line(f"forgetting.{name}", name, line_of(m))))
        band = _line(f"band.{name}", name, {"width": 0, "color": colour(m)}, hoverinfo="skip")
        band.update(fill="toself", fillcolor=colour(m), opacity=0.18)
        found.append(("weights", band))
        for panel, key in (("accuracy", "accuracy"), ("weights", "weight")):
            found.append((panel, _line(f"{key}.{name}", name, line_of(m))))
    if not kind.one_at_a_time:
        found.append(("loss", _line("loss.all", tr("all"), {**FUSED, "width": 1})))
    if "head_gradient" in kind.uses:
        found.append(("plasticity", _line("plasticity", tr("plasticity"), FUSED)))
    found.append(("accuracy", _line("accuracy.fused", tr("fused"), FUSED)))
    pairs = list(itertools.combinations(range(len(modalities)), 2))
    if len(pairs) > MANY_PAIRS:
        for m, name in enumerate(modalities):
            title = tr("{modality} to the others, on average", modality=name)
            found.append(("gap", _line(f"apart.{name}", title, line_of(m))))
    else:
        for i, (a, b) in enumerate(pairs):
            names = modalities[a], modalities[b]
            title = tr("{a} to {b}", a=names[0], b=names[1])
            found.append(("gap", _line(f"gap.{names[0]}|{names[1]}", title, pair_style(i))))
    for i, name in enumerate(numbers):
        style = {"color": pick(CLASS_COLOURS, i + 6), "width": 2, "dash": pick(MODALITY_DASHES, i)}
        found.append(("number", _line(f"number.{name}", name, style)))
    return found


def _instruments(
    modalities: Sequence[str], method: str, instruments: Sequence[str]
) -> list[tuple[str, go.Scatter]]:
    found = []
    for panel in instruments:
        instrument = instrument_of(method, panel)
        lines = list(enumerate(modalities)) if instrument.each else []
        styles = [(name, name, {**line_of(m), "width": 1.5}) for m, name in lines]
        styles += [(name, tr(name), style) for name, style in beside_modalities(instrument)]
        for name, shown, style in styles:
            found.append((f"instrument.{panel}", _line(f"instrument.{panel}.{name}", shown, style)))
    return found


def beside_modalities(instrument: Instrument) -> list[tuple[str, dict[str, Any]]]:
    """Return the lines of an instrument that are of no modality, and how they look."""
    return [
        (name, FUSED if name == "fused" else pair_style(i))
        for i, name in enumerate(instrument.lines)
    ]


def pair_style(i: int) -> dict[str, Any]:
    """Return the line of a gap between two modalities, which has the colour of neither."""
    return {"color": FUSED_COLOUR, "width": 2, "dash": pick(MODALITY_DASHES, i)}


def line_of(m: int) -> dict[str, Any]:
    """Return the line of modality number `m`."""
    return {"color": colour(m), "width": 2, "dash": pick(MODALITY_DASHES, m)}


def _line(meta: str, name: str, line: Mapping[str, Any], **options: Any) -> go.Scatter:
    own = {"mode": "lines", "showlegend": False, **options}
    return go.Scatter(x=[], y=[], meta=meta, name=text(name), line=dict(line), **own)


def _grid(where: Mapping[str, tuple[int, int, str]]) -> go.Figure:
    rows = max(row for row, *_ in where.values())
    specs: list[list[dict[str, int] | None]] = [[None, None] for _ in range(rows)]
    for panel, (row, column, _) in where.items():
        specs[row - 1][column - 1] = {"colspan": 2} if panel in MORE else {}
    return make_subplots(
        rows=rows,
        cols=2,
        horizontal_spacing=0.11,
        vertical_spacing=0.36 / rows,
        specs=specs,
    )


def _lay_out(figure: go.Figure, where: Mapping[str, tuple[int, int, str]]) -> None:
    rows = max(row for row, *_ in where.values())
    figure.update_layout(
        height=HEIGHT + MORE_HEIGHT * (rows - 3),
        autosize=True,
        margin={"l": 34, "r": 8, "t": 44, "b": 36},  # the tool bar stands above the titles
        modebar={"orientation": "h"},
        hovermode="closest",
        uirevision="keep",  # a person's zoom survives updates
        font={"size": 11},
    )
    figure.update_xaxes(tickfont_size=10, title_font_size=11, rangemode="tozero", nticks=5)
    figure.update_yaxes(tickfont_size=10, nticks=5)
    for panel, (row, column, _) in where.items():
        if panel in SHARES:
            figure.update_yaxes(range=[0, 1.04], row=row, col=column)
        elif panel in {"loss", "gap"}:
            figure.update_yaxes(rangemode="tozero", row=row, col=column)
    figure.update_xaxes(title_text=tr("sub-step"), title_standoff=4, row=rows)
    if rows > 3:
        figure.update_xaxes(title_text="", row=3)
    _show_notes(figure, where, dict.fromkeys(where, tr("Nothing yet.")))
    apply_theme(figure, dark=False)


def _annotations(
    figure: go.Figure, where: Mapping[str, tuple[int, int, str]], notes: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Return the titles of the panels, and words in the middle of those that are empty."""
    found = []
    for panel, (row, column, title) in where.items():
        plot = figure.get_subplot(row, column)
        refs = {
            f"{side}ref": f"{axis.plotly_name.replace('axis', '')} domain"
            for side, axis in (("x", plot.xaxis), ("y", plot.yaxis))
        }
        own = {"x": 0, "y": 1, "xanchor": "left", "yanchor": "bottom", "font": {"size": 12}}
        found.append({**refs, **own, "text": title, "showarrow": False})
        if panel in notes:
            middle = {"x": 0.5, "y": 0.5, "font": {"size": 11}, "opacity": 0.8}
            own = {"name": panel, "text": notes[panel], "showarrow": False}
            found.append({**refs, **middle, **own})
    return found


def _show_notes(
    figure: go.Figure, where: Mapping[str, tuple[int, int, str]], notes: Mapping[str, str]
) -> None:
    """Show words in the middle of the panels that are empty, and the axes of the others."""
    for panel, (row, column, _) in where.items():
        figure.update_xaxes(visible=panel not in notes, row=row, col=column)
        figure.update_yaxes(visible=panel not in notes, row=row, col=column)
    figure.layout.annotations = _annotations(figure, where, notes)


def figure_of(modalities: Sequence[str], run: Run, branch: Run | None = None) -> go.Figure:
    """Return the figure of a run, and of its branch, with what there is so far.

    Parameters
    ----------
    modalities : sequence of str
    run, branch : Run
    """
    figure = training_figure(
        modalities,
        run.config.method,
        branch=branch is not None,
        numbers=list(run.history.summaries[-1].numbers) if run.history.summaries else [],
        instruments=run.config.instruments,
    )
    refresh(figure, run, branch)
    return figure


def refresh(figure: go.Figure, run: Run, branch: Run | None = None) -> None:
    """Write a run, and a branch of it if there is one, into the figure's traces, in one message.

    Parameters
    ----------
    figure : Figure
        From `training_figure`; a FigureWidget sends one update to the page.
    run, branch : Run
    """
    shown = _meaningful(run, curves(run.history))
    marks = list(run.marks)
    if branch is not None:
        own = _meaningful(branch, curves(branch.history))
        late = {key: _since(one, branch.since) for key, one in own.items()}
        both = differences(run.history, branch.history)
        shown |= {f"branch.{key}": curve for key, curve in late.items()}
        shown |= {key: _since(curve, branch.since) for key, curve in both.items()}
        marks += branch.marks
    traces = {trace.meta: trace for trace in figure.data}
    names = [key.removeprefix("number.") for key in traces if key.startswith("number.")]
    watched = dict.fromkeys(key.split(".")[1] for key in traces if key.startswith("instrument."))
    where = places(
        branch=branch is not None,
        numbers=bool(names),
        method=run.config.method,
        instruments=list(watched),
    )
    notes = {}
    with figure.batch_update():
        for key, trace in traces.items():
            if not key.startswith(("marks.", "cursor.")):
                trace.update(shown.get(key, NOTHING))
                # A look by itself is a point, which a line does not show.
                trace.mode = "lines+markers" if len(trace.x) == 1 else "lines"
        for panel in where:
            low, high = _reach(panel, traces, shown)
            filled = high >= low
            if not filled:
                modalities = sum(key.startswith("accuracy.") for key in traces) - 1
                notes[panel] = emptiness(panel, run.config.method, run.config.fusion, modalities)
            then = run.then.summaries[-1].step if run.then is not None and filled else None
            traces[f"cursor.{panel}"].update(_upright([] if then is None else [then], low, high))
            told = signs(marks) if filled else []
            traces[f"marks.{panel}"].update(_marked(told, low, high))
        if notes != {a.name: a.text for a in figure.layout.annotations if a.name}:
            _show_notes(figure, where, notes)


def _meaningful(
    run: Run, shown: dict[str, dict[str, np.ndarray]]
) -> dict[str, dict[str, np.ndarray]]:
    """Leave out the weights where nothing is weighed: they would all be the same."""
    if weighs(run.config.method, run.config.fusion):
        return shown
    return {k: curve for k, curve in shown.items() if not k.startswith(("weight.", "band."))}


def _since(curve: dict[str, np.ndarray], step: int) -> dict[str, np.ndarray]:
    late = curve["x"] >= step
    return {axis: values[late] for axis, values in curve.items()}


def _reach(
    panel: str, traces: Mapping[str, Any], shown: Mapping[str, Mapping[str, np.ndarray]]
) -> tuple[float, float]:
    """Return the lowest and the highest value of a panel's curves; (1, 0) where there are none."""
    kinds = MADE_OF.get(panel, (panel,))
    begins = tuple(f"{kind}." for kind in kinds)
    keys = [key for key in shown if key in traces and f"{_own(key)}.".startswith(begins)]
    values = [shown[key]["y"][np.isfinite(shown[key]["y"])] for key in keys]
    whole = np.concatenate(values) if values else np.zeros(0)
    if not len(whole):
        return 1.0, 0.0
    if panel in SHARES:
        return 0.0, 1.0
    low = float(whole.min())
    return (min(low, 0.0) if panel in {"loss", "gap"} else low), float(whole.max())


def _own(key: str) -> str:
    """Return the key of a curve of the branch as that of the run's own."""
    return key.removeprefix("branch.")


def _upright(steps: Sequence[int], low: float, high: float) -> dict[str, Any]:
    """Return upright lines at these sub-steps."""
    return {
        "x": np.array([x for step in steps for x in (step, step, np.nan)], float)[:-1],
        "y": np.array([y for _ in steps for y in (low, high, np.nan)], float)[:-1],
    }


def _marked(told: Sequence[tuple[str, int, str]], low: float, high: float) -> dict[str, Any]:
    """Return upright lines with their signs at the top, and in words where one points at them."""
    return {
        **_upright([step for _, step, _ in told], low, high),
        "mode": "lines+text",
        "text": [part for sign, *_ in told for part in ("", sign, "")][:-1],
        "textposition": "bottom right",
        "hoverinfo": "text",
        "hovertext": [text(name) for *_, name in told for _ in range(3)][:-1],
    }
