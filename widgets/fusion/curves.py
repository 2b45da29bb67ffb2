"""What fusion does to all samples: the map, reliability and accuracy against corruption."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots
from torch import Tensor

from mla_core.analysis import OWN, Sweep
from mla_core.data.corruption import Corruption
from mla_core.evaluation import expected_calibration_error, reliability_bins
from mla_core.language import later, tr
from mla_core.records import Evaluation
from widgets.charts import BLANK, MapView, map_figure
from widgets.page import (
    FUSED_COLOUR,
    MODALITY_MARKERS,
    apply_theme,
    colour,
    pick,
    run_colour,
    text,
    wrapped,
)

HEIGHT = 470
FEW = 5  # samples of a bin that says little
NARROW = 30  # characters below a panel
RULE_MARKERS = ("circle", "square", "diamond", "x", "cross")
RULE_NAMES = {
    "entropy": later("entropy (paper)"),
    "uniform": later("uniform (plain mean)"),
    "product": later("product (of experts)"),
    "released_batch": later("released_batch (published code)"),
    OWN: later("the method's own"),
}


def rule_name(rule: str) -> str:
    """Return what a person reads; a rule of your own is called as you called it."""
    return tr(RULE_NAMES[rule]) if rule in RULE_NAMES else rule


def study_figure(
    evaluation: Evaluation, view: MapView, rules: Sequence[str], sweep: Sweep
) -> go.Figure:
    """Return the map, the reliability diagram and the accuracy against corruption, side by side.

    Parameters
    ----------
    evaluation : Evaluation
        Of the uncorrupted samples.
    view : MapView
        Of the same samples.
    rules : sequence of str
        Those that are compared, the first one is in force.
    sweep : Sweep
        Only its modality is needed here; `refresh_study` fills the curves in.
    """
    figure = make_subplots(
        rows=1,
        cols=3,
        column_widths=[0.3, 0.3, 0.4],
        horizontal_spacing=0.06,
        subplot_titles=[
            tr("Where the features lie"),
            tr("Reliability"),
            tr("Accuracy against corruption"),
        ],
    )
    for trace in map_figure(evaluation, view).data:
        trace.showlegend = False  # its points have the colours of classes
        figure.add_trace(trace, row=1, col=1)
    ring = {"symbol": "circle-open", "size": 16, "color": FUSED_COLOUR, "line": {"width": 3}}
    here = _empty("chosen", tr("this sample"), mode="markers", marker=ring)
    figure.add_trace(here, row=1, col=1)
    for trace in (*_reliability_traces(evaluation.modalities), *_curve_traces(rules, sweep)):
        figure.add_trace(trace, row=1, col=3 if trace.legend else 2)
    axis = {**BLANK, "range": [-view.half_width, view.half_width]}
    figure.update_xaxes(**axis, title_text=wrapped(view.caption, NARROW), row=1, col=1)
    figure.update_yaxes(**axis, row=1, col=1)
    figure.update_xaxes(range=[0, 1.02], row=1, col=2)
    for column in (2, 3):
        figure.update_yaxes(range=[0, 1.02], row=1, col=column)
    above, below = (_legend_rows(figure, key) for key in ("legend", "legend2"))
    row = {"orientation": "h", "yref": "container", "x": 0, "itemsizing": "constant"}
    figure.update_layout(
        height=HEIGHT,
        autosize=True,
        modebar={"orientation": "v"},  # in the right margin
        margin={"l": 30, "r": 36, "t": 34 + 19 * above, "b": 92 + 19 * below},
        legend={**row, "y": 1, "yanchor": "top"},
        legend2={**row, "y": 0, "yanchor": "bottom"},
        hovermode="closest",
        uirevision="keep",
    )
    figure.update_annotations(font_size=13)
    figure.update_xaxes(title_font_size=11, tickfont_size=10)
    figure.update_yaxes(tickfont_size=10)
    apply_theme(figure, dark=False)
    return figure


def refresh_study(
    figure: go.Figure,
    evaluation: Evaluation,
    *,
    curves: Mapping[str, Sequence[float]],
    sweep: Sweep,
    kind: Corruption,
    rule: str,
    chosen: tuple[int, float | None],
) -> None:
    """Write everything that may change into the figure's traces, in one message.

    Parameters
    ----------
    figure : Figure
        From `study_figure`.
    evaluation : Evaluation
        Of the uncorrupted samples, fused by the rule in force.
    curves : mapping of str to sequence of float
        Per rule, the accuracy at each of the sweep's levels.
    sweep : Sweep
    kind : Corruption
        The sweep's.
    rule : str
        In force.
    chosen : tuple of int and float
        The sample's index, and the level that its part has now, None without this corruption.
    """
    traces = {trace.meta: trace for trace in figure.data}
    index, level = chosen
    with figure.batch_update():
        _refresh_ring(traces, evaluation, index)
        _refresh_reliability(traces, evaluation)
        for name, values in curves.items():
            traces[f"curve.{name}"].update(
                x=list(sweep.levels), y=list(values), line_width=4 if name == rule else 1.5
            )
        traces["curve.alone"].update(
            x=list(sweep.levels),
            y=sweep.alone(),
            name=text(_alone(sweep)),
            line_color=colour(evaluation.modalities.index(sweep.modality)),
        )
        traces["level"].update(x=[] if level is None else [level] * 2, y=[0, 1])
        margin = 0.03 * (kind.worst - kind.clean)
        figure.update_xaxes(
            title_text=wrapped(_spoilt_by(sweep, kind), NARROW + 5),
            range=[kind.clean - margin, kind.worst + margin],
            row=1,
            col=3,
        )
        figure.update_xaxes(title_text=_calibration(evaluation), row=1, col=2)


def curve_figure(
    sweep: Sweep, kind: Corruption, curves: Mapping[str, Sequence[float]], hue: str
) -> go.Figure:
    """Return one sweep's curves by themselves.

    Parameters
    ----------
    sweep : Sweep
    kind : Corruption
    curves : mapping of str to sequence of float
        Per rule.
    hue : str
        Colour of the modality.
    """
    figure = go.Figure(_curve_traces(list(curves), sweep))
    for trace in figure.data:
        key = trace.meta.removeprefix("curve.")
        y = sweep.alone() if key == "alone" else list(curves.get(key, ()))
        trace.update(x=list(sweep.levels) if y else [], y=y)
        if key == "alone":
            trace.line.color = hue
    figure.update_layout(
        height=340,
        modebar={"orientation": "v"},  # in the right margin
        margin={"l": 45, "r": 36, "t": 16 + 19 * _legend_rows(figure, "legend2"), "b": 45},
        xaxis={
            "title": {"text": text(_spoilt_by(sweep, kind))},
            "range": [kind.clean, kind.worst],
        },
        yaxis={"range": [0, 1.02], "title": {"text": tr("accuracy")}},
        legend2={"orientation": "h", "yref": "container", "x": 0, "y": 1, "yanchor": "top"},
    )
    apply_theme(figure, dark=False)
    return figure


def curves_table(sweep: Sweep, kind: Corruption, curves: Mapping[str, Sequence[float]]) -> str:
    """Return the curves as a table that can be unfolded, for those who cannot see the figure."""
    columns = {rule_name(rule): values for rule, values in curves.items()}
    columns[_alone(sweep)] = sweep.alone()
    head = "".join(f'<th scope="col">{text(name)}</th>' for name in columns)
    rows = "".join(
        f'<tr><th scope="row">{level:g}</th>'
        + "".join(f"<td>{values[i]:.3f}</td>" for values in columns.values())
        + "</tr>"
        for i, level in enumerate(sweep.levels)
    )
    title = tr(
        "The curves as a table: accuracy against {corruption} of {modality} ({unit})",
        corruption=tr(kind.label),
        modality=sweep.modality,
        unit=tr(kind.unit),
    )
    return (
        f'<details data-curves="{text(sweep.modality)}.{text(kind.name)}"><summary>{text(title)}'
        f"</summary><table style='border-spacing:12px 2px'><tr><th scope='col'>{tr('level')}</th>"
        f"{head}</tr>{rows}</table></details>"
    )


def _alone(sweep: Sweep) -> str:
    return tr("{modality} alone", modality=sweep.modality)


def _spoilt_by(sweep: Sweep, kind: Corruption) -> str:
    return tr(
        "{modality}: {corruption} ({unit})",
        modality=sweep.modality,
        corruption=tr(kind.label),
        unit=tr(kind.unit),
    )


def _empty(meta: str, name: str, **more: Any) -> go.Scatter:
    return go.Scatter(x=[], y=[], meta=meta, name=text(name), **more)


def _legend_entry(name: str, marker: Mapping[str, Any], **more: Any) -> go.Scatter:
    mark = {"mode": "markers", "marker": marker, "hoverinfo": "skip"}
    # plotly leaves out of the legend what has no point at all.
    return go.Scatter(x=[None], y=[None], name=text(name), meta=f"legend.{name}", **mark, **more)


def _legend_rows(figure: go.Figure, legend: str) -> int:
    """Return how many rows a legend takes in a narrow notebook."""
    names = [
        trace.name
        for trace in figure.data
        if trace.name and trace.showlegend is not False and (trace.legend or "legend") == legend
    ]
    return -(-sum(50 + 7 * len(name) for name in names) // 560)


def _reliability_traces(modalities: Sequence[str]) -> list[go.Scatter]:
    perfect = {"color": FUSED_COLOUR, "width": 1, "dash": "dot"}
    traces = [
        go.Scatter(
            x=[0, 1], y=[0, 1], mode="lines", line=perfect, meta="diagonal", showlegend=False,
            hoverinfo="skip",
        )
    ]  # fmt: skip
    looks = [
        (name, name, colour(m), pick(MODALITY_MARKERS, m)) for m, name in enumerate(modalities)
    ]
    for key, name, hue, symbol in [*looks, ("fused", tr("fused"), FUSED_COLOUR, "diamond")]:
        mark = {"color": hue, "symbol": symbol, "line": {"width": 1.5, "color": hue}}
        # The legend shows the mark itself: the diagram's are hollow where a bin holds few samples.
        traces.append(_legend_entry(name, {**mark, "size": 8}, legendgroup=key))
        traces.append(
            _empty(
                f"reliability.{key}",
                name,
                mode="markers",
                marker={**mark, "sizemode": "area", "sizemin": 4},
                legendgroup=key,
                showlegend=False,
                hovertemplate=tr("sure %{x:.2f}, right %{y:.2f}, %{text} samples"),
            )
        )
    hollow = {"color": FUSED_COLOUR, "symbol": "circle-open", "size": 8}
    traces.append(_legend_entry(tr("fewer than {few} samples", few=FEW), hollow))
    return traces


def _curve_traces(rules: Sequence[str], sweep: Sweep) -> list[go.Scatter]:
    traces = [
        _empty(
            f"curve.{rule}",
            text(rule_name(rule)),
            mode="lines+markers",
            line={"color": run_colour(i), "width": 2},
            marker={"symbol": pick(RULE_MARKERS, i), "size": 7},
            legend="legend2",
        )
        for i, rule in enumerate(rules)
    ]
    dashed = {"dash": "dot", "width": 2}
    alone = _empty("curve.alone", _alone(sweep), mode="lines", line=dashed, legend="legend2")
    traces.append(alone)
    line = {"color": FUSED_COLOUR, "width": 2, "dash": "dash"}
    traces.append(
        _empty(
            "level", tr("now"), mode="lines", line=line, legend="legend2", showlegend=False,
            hoverinfo="skip",
        )
    )  # fmt: skip
    return traces


def _refresh_ring(traces: Mapping[str, Any], evaluation: Evaluation, index: int) -> None:
    points = []
    for name in evaluation.modalities:
        trace = traces[f"map.{name}"]
        points += [
            (x, y) for x, y, i in zip(trace.x, trace.y, trace.customdata, strict=True) if i == index
        ]
    traces["chosen"].update(x=[x for x, _ in points], y=[y for _, y in points])


def _refresh_reliability(traces: Mapping[str, Any], evaluation: Evaluation) -> None:
    symbols = [pick(MODALITY_MARKERS, m) for m in range(len(evaluation.modalities))] + ["diamond"]
    for (name, logits, labels), symbol in zip(_answers(evaluation), symbols, strict=True):
        bins = reliability_bins(logits, labels)
        traces[f"reliability.{name}"].update(
            x=np.array([b.confidence for b in bins]),
            y=np.array([b.accuracy for b in bins]),
            text=[str(b.count) for b in bins],
            # By area, so that a bin of three samples does not look like one of a hundred.
            marker_size=[200 * b.count / max(1, len(labels)) for b in bins],
            marker_symbol=[symbol if b.count >= FEW else f"{symbol}-open" for b in bins],
        )


def _calibration(evaluation: Evaluation) -> str:
    names = [*evaluation.modalities, tr("fused")]
    listed = ", ".join(
        f"{name} {expected_calibration_error(logits, labels):.2f}"
        for name, (_, logits, labels) in zip(names, _answers(evaluation), strict=True)
    )
    told = tr("calibration error: {listed}", listed=listed)
    return f"{tr('confidence')}<br>{wrapped(told, NARROW)}"


def _answers(evaluation: Evaluation) -> list[tuple[str, Tensor, Tensor]]:
    """Return name, logits and labels of each modality and of the fusion, unanswered ones left out."""
    answered = ~evaluation.unanswered
    found = [
        (name, logits[here], evaluation.labels[here])
        for name, logits, here in zip(
            evaluation.modalities, evaluation.logits, evaluation.present, strict=True
        )
    ]
    return [*found, ("fused", evaluation.fused[answered], evaluation.labels[answered])]
