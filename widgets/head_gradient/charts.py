"""Charts of the head gradient explorer: pure functions to one plotly figure of six panels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
import torch
from plotly.subplots import make_subplots
from torch import Tensor

from mla_core.analysis import HeadStep, Projection, VariantCourse, why_no_projection
from mla_core.head import VARIANTS, degrees, spectrum
from mla_core.language import later, tr
from mla_core.records import History
from mla_core.session import TrainingSession
from widgets.charts import NOTHING, thin
from widgets.head_gradient.pictures import mean_angles
from widgets.page import (
    FUSED_COLOUR,
    MODALITY_DASHES,
    MODALITY_MARKERS,
    apply_theme,
    pick,
    run_colour,
    text,
)

HEIGHT = 680
ORTHOGONAL = 90.0
LEAST = 1e-9  # of a strength on the logarithmic axis
PANELS = {  # panel -> (row, column, title)
    "spectrum": (1, 1, later("Spectrum of P:<br>what still passes")),
    "plasticity": (1, 2, later("Plasticity,<br>trace(P) / s")),
    "angle": (1, 3, later("Angle to the mean of<br>the modality before")),
    "forgetting": (2, 1, later("Comparison:<br>forgetting (nats)")),
    "courses": (2, 2, later("Comparison:<br>plasticity")),
    "angles": (2, 3, later("Comparison: mean<br>angle, gradient → step")),
}
COMPARED = ("forgetting", "courses", "angles")
WAITS = {  # what fills a panel that is empty
    "spectrum": later("shown at the stage<br>“Projection”"),
    "plasticity": later("no sub-step is done"),
    "angle": later("shown from the second<br>modality on"),
    **dict.fromkeys(COMPARED, later("press Compare")),
}


@dataclass(frozen=True)
class Angles:
    """A sub-step's angles (degrees) to the mean feature of the modality before; NaN if none."""

    step: int
    gradient: float
    followed: float


def angles_of(head: HeadStep) -> Angles | None:
    """Return the angles of a sub-step, None where no modality was trained before.

    Parameters
    ----------
    head : HeadStep
    """
    if head.previous not in head.means:
        return None
    seen = head.seen_by(str(head.previous))
    return Angles(head.record.step, degrees(seen.gradient), degrees(seen.followed))


def explorer_figure() -> go.Figure:
    """Return the figure with every trace in place and still empty."""
    figure = make_subplots(
        rows=2,
        cols=3,
        horizontal_spacing=0.095,
        vertical_spacing=0.26,
        subplot_titles=[tr(title) for _, _, title in PANELS.values()],
    )

    def add(panel: str, trace: Any) -> None:
        row, column, _ = PANELS[panel]
        figure.add_trace(trace, row=row, col=column)

    line: dict[str, Any] = {"x": [], "y": [], "mode": "lines", "showlegend": False}
    add(
        "spectrum",
        go.Scatter(
            **{**line, "showlegend": True},
            name=tr("P before the sub-step"),
            meta="spectrum.before",
            line={"color": FUSED_COLOUR, "width": 3, "dash": "dot"},
        ),
    )
    add(
        "spectrum",
        go.Scatter(
            **{**line, "showlegend": True},
            name=tr("P after it"),
            meta="spectrum.after",
            line={"color": FUSED_COLOUR, "width": 2},
        ),
    )
    add(
        "plasticity",
        go.Scatter(**line, name=tr("plasticity"), meta="plasticity", line={"color": FUSED_COLOUR}),
    )
    for key, name, symbol in (
        ("gradient", tr("gradient G"), "circle-open"),
        ("followed", tr("after P"), "triangle-up"),
    ):
        marks = {**line, "mode": "markers", "showlegend": True}
        grey = {"width": 2, "color": FUSED_COLOUR}
        marker = {"color": FUSED_COLOUR, "symbol": symbol, "size": 8, "line": grey}
        add("angle", go.Scatter(**marks, name=name, meta=f"angle.{key}", marker=marker))
    for variant in VARIANTS:
        style = variant_style(variant)
        add(
            "forgetting",
            go.Scatter(
                **line,
                name=variant,
                legend="legend2",
                legendgroup=variant,
                meta=f"forgetting.{variant}",
                line=style,
            ),
        )
        add(
            "courses",
            go.Scatter(
                **line, name=variant, legendgroup=variant, meta=f"course.{variant}", line=style
            ),
        )
        add(
            "angles",
            go.Scatter(
                x=[],
                y=[],
                mode="lines+markers",
                showlegend=False,
                name=variant,
                meta=f"angles.{variant}",
                line={"color": style["color"], "width": 2},
                marker={"size": 11, "symbol": ["circle-open", variant_marker(variant)]},
            ),
        )
    names = {"mode": "text", "textposition": "top right", "textfont": {"size": 11}}
    add(
        "angles", go.Scatter(**{**line, **names}, meta="angles", hoverinfo="skip", cliponaxis=False)
    )
    _lay_out(figure)
    return figure


def variant_style(variant: str) -> dict[str, Any]:
    """Return a variant's line: one colour and one dash wherever it is shown."""
    number = list(VARIANTS).index(variant)
    if variant == "off":
        return {"color": FUSED_COLOUR, "width": 3, "dash": "solid"}
    return {"color": run_colour(number), "width": 2, "dash": pick(MODALITY_DASHES, number)}


def variant_marker(variant: str) -> str:
    """Return a variant's plotly symbol."""
    return "diamond" if variant == "off" else pick(MODALITY_MARKERS, list(VARIANTS).index(variant))


def curves(
    history: History,
    projection: Projection | None,
    angles: Sequence[Angles],
    courses: Sequence[VariantCourse],
) -> dict[str, Mapping[str, Any]]:
    """Return what each trace shows: its key -> ``{"x": ..., "y": ...}``.

    Parameters
    ----------
    history : History
    projection : Projection or None
        Of the sub-step shown.
    angles : sequence of Angles
    courses : sequence of VariantCourse
    """
    return {**_slow_curves(history, projection, angles), **_course_curves(courses)}


def waits_for(session: TrainingSession) -> dict[str, str]:
    """Return what stands in each panel as long as it is empty.

    Parameters
    ----------
    session : TrainingSession
    """
    waits = dict(WAITS)
    if why_no_projection(session):
        waits["spectrum"] = later("nothing is projected")
    if "head_gradient" not in session.method.uses:
        none = later("this method has no variants<br>of the head's gradient")
        waits |= dict.fromkeys(COMPARED, none)
        waits["angle"] = later("this method protects<br>no earlier modality")
    return waits


def refresh(
    figure: go.Figure, shown: Mapping[str, Mapping[str, Any]], waits: Mapping[str, str] = WAITS
) -> None:
    """Write curves into the figure's traces, in one message.

    Parameters
    ----------
    figure : Figure
        From `explorer_figure`; a FigureWidget sends one update to the page.
    shown : mapping
        From `curves`.
    waits : mapping
        From `waits_for`.
    """
    ran = [text(variant) for variant in reversed([*VARIANTS]) if f"angles.{variant}" in shown]
    full = {_panel_of(meta) for meta, values in shown.items() if len(values["x"])}
    with figure.batch_update():
        for trace in figure.data:
            trace.update(shown.get(trace.meta, NOTHING))
            if trace.meta.startswith("forgetting."):
                trace.showlegend = trace.meta in shown
            if trace.meta == "angles":  # the names, above each variant's line
                trace.update(x=[0] * len(ran), y=ran, text=ran)
        row, column, _ = PANELS["angles"]
        figure.update_yaxes(categoryorder="array", categoryarray=ran, row=row, col=column)
        for panel, (row, column, _) in PANELS.items():
            figure.update_xaxes(visible=panel in full, row=row, col=column)
            figure.update_yaxes(visible=panel in full, row=row, col=column)
            told = "" if panel in full else tr(waits[panel])
            figure.update_annotations(selector={"name": panel}, text=told)


def _panel_of(meta: str) -> str:
    kind = meta.partition(".")[0]
    return "courses" if kind == "course" else kind


def _slow_curves(
    history: History, projection: Projection | None, angles: Sequence[Angles]
) -> dict[str, Mapping[str, Any]]:
    steps = np.array([record.step + 1 for record in history.steps], float)
    plasticity = np.array([record.plasticity for record in history.steps], float)
    x, y = thin(steps, plasticity)
    shown: dict[str, Mapping[str, Any]] = {"plasticity": {"x": x, "y": y}}
    at = np.array([one.step + 1 for one in angles], float)
    for key in ("gradient", "followed"):
        degrees_ = np.array([getattr(one, key) for one in angles], float)
        shown[f"angle.{key}"] = {"x": at, "y": degrees_}
    if projection is not None:
        for key, transform in zip(("before", "after"), projection.transforms, strict=True):
            shown[f"spectrum.{key}"] = _strengths(spectrum(transform))
    return shown


def _strengths(values: Tensor) -> dict[str, np.ndarray]:
    y = values.clamp_min(LEAST).numpy()
    return {"x": np.arange(1, len(y) + 1), "y": y}


def _course_curves(courses: Sequence[VariantCourse]) -> dict[str, Mapping[str, Any]]:
    shown: dict[str, Mapping[str, Any]] = {}
    for course in courses:
        x = np.array([record.step + 1 for record in course.records], float)
        summed = torch.tensor(list(course.forgetting.values()), dtype=torch.float64).sum(0).numpy()
        if len(x):
            shown[f"forgetting.{course.variant}"] = {"x": x, "y": summed}
            shown[f"course.{course.variant}"] = {"x": x, "y": np.array(course.plasticity)}
        before, after = mean_angles(course)
        if not np.isnan(before):
            label = text(course.variant)
            shown[f"angles.{course.variant}"] = {"x": [before, after], "y": [label, label]}
    return shown


def _lay_out(figure: go.Figure) -> None:
    legend = {"orientation": "h", "x": 0, "yref": "container", "font": {"size": 11}}
    figure.update_layout(
        height=HEIGHT,
        autosize=True,
        modebar={"orientation": "v"},  # in the right margin
        margin={"l": 50, "r": 36, "t": 72, "b": 116},
        legend={**legend, "y": 1, "yanchor": "top", "traceorder": "normal"},
        legend2={**legend, "y": 0, "yanchor": "bottom"},
        hovermode="closest",
        uirevision="keep",
    )
    figure.update_annotations(font_size=13)
    figure.update_xaxes(title_font_size=11, tickfont_size=10)
    figure.update_yaxes(tickfont_size=10)
    for panel, title in (
        ("spectrum", tr("direction, the freest first")),
        ("plasticity", tr("sub-step")),
        ("angle", tr("sub-step")),
        ("forgetting", tr("sub-step")),
        ("courses", tr("sub-step")),
        ("angles", tr("degrees; 90 leaves that<br>modality's answer alone")),
    ):
        row, column, _ = PANELS[panel]
        figure.update_xaxes(title_text=title, title_standoff=4, row=row, col=column)
    figure.update_yaxes(type="log", exponentformat="power", row=1, col=1)
    for column, row in ((2, 1), (2, 2)):
        figure.update_yaxes(rangemode="tozero", row=row, col=column)
    figure.update_yaxes(range=[0, ORTHOGONAL + 5], dtick=30, row=1, col=3)
    figure.update_xaxes(range=[0, ORTHOGONAL + 5], dtick=30, row=2, col=3)
    figure.update_yaxes(type="category", showticklabels=False, row=2, col=3)
    for panel, (row, column, _) in PANELS.items():
        place = {"x": 0.5, "y": 0.5, "xref": "x domain", "yref": "y domain"}
        note = {"name": panel, "text": tr(WAITS[panel]), "showarrow": False, "font_size": 12}
        figure.add_annotation(**place, **note, row=row, col=column)
    apply_theme(figure, dark=False)
