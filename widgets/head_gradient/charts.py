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

from mla_core.analysis import HeadStep, Projection, VariantCourse
from mla_core.head import VARIANTS, degrees, spectrum
from mla_core.records import History
from widgets.charts import NOTHING, thin
from widgets.head_gradient.pictures import mean_angles
from widgets.page import (
    FUSED_COLOUR,
    MODALITY_DASHES,
    MODALITY_MARKERS,
    apply_theme,
    colour,
    pick,
    text,
)

HEIGHT = 620
ORTHOGONAL = 90.0
LEAST = 1e-9  # of a strength on the logarithmic axis
PANELS = {  # panel -> (row, column, title)
    "spectrum": (1, 1, "Spectrum of P: what still passes"),
    "plasticity": (1, 2, "Plasticity, trace(P) / s"),
    "angle": (1, 3, "Angle to the mean of the modality before"),
    "forgetting": (2, 1, "Comparison: forgetting so far (nats)"),
    "courses": (2, 2, "Comparison: plasticity"),
    "angles": (2, 3, "Comparison: mean angle, gradient → step"),
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
        vertical_spacing=0.2,
        subplot_titles=[title for _, _, title in PANELS.values()],
    )

    def add(panel: str, trace: Any) -> None:
        row, column, _ = PANELS[panel]
        figure.add_trace(trace, row=row, col=column)

    line: dict[str, Any] = {"x": [], "y": [], "mode": "lines", "showlegend": False}
    add(
        "spectrum",
        go.Scatter(
            **{**line, "showlegend": True},
            name="P before the sub-step",
            meta="spectrum.before",
            line={"color": FUSED_COLOUR, "width": 3, "dash": "dot"},
        ),
    )
    add(
        "spectrum",
        go.Scatter(
            **{**line, "showlegend": True},
            name="P after it",
            meta="spectrum.after",
            line={"color": colour(2), "width": 2},
        ),
    )
    add(
        "plasticity",
        go.Scatter(**line, name="plasticity", meta="plasticity", line={"color": colour(2)}),
    )
    for key, name, hue, symbol in (
        ("gradient", "gradient G", colour(0), "circle-open"),
        ("followed", "after P", colour(1), "triangle-up"),
    ):
        marks = {**line, "mode": "markers", "showlegend": True}
        marker = {"color": hue, "symbol": symbol, "size": 8, "line": {"width": 2, "color": hue}}
        add("angle", go.Scatter(**marks, name=name, meta=f"angle.{key}", marker=marker))
    for variant in VARIANTS:
        style = variant_style(variant)
        add(
            "forgetting",
            go.Scatter(
                **line, name=variant, legendgroup=variant, meta=f"forgetting.{variant}", line=style
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
    _lay_out(figure)
    return figure


def variant_style(variant: str) -> dict[str, Any]:
    """Return a variant's line: one colour and one dash wherever it is shown."""
    number = list(VARIANTS).index(variant)
    if variant == "off":
        return {"color": FUSED_COLOUR, "width": 3, "dash": "solid"}
    return {"color": colour(number), "width": 2, "dash": pick(MODALITY_DASHES, number)}


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


def refresh(figure: go.Figure, shown: Mapping[str, Mapping[str, Any]]) -> None:
    """Write curves into the figure's traces, in one message.

    Parameters
    ----------
    figure : Figure
        From `explorer_figure`; a FigureWidget sends one update to the page.
    shown : mapping
        From `curves`.
    """
    ran = [text(variant) for variant in reversed([*VARIANTS]) if f"angles.{variant}" in shown]
    with figure.batch_update():
        for trace in figure.data:
            trace.update(shown.get(trace.meta, NOTHING))
            if trace.meta.startswith("forgetting."):
                trace.showlegend = trace.meta in shown
        row, column, _ = PANELS["angles"]
        figure.update_yaxes(categoryorder="array", categoryarray=ran, row=row, col=column)


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
    figure.update_layout(
        height=HEIGHT,
        autosize=True,
        margin={"l": 50, "r": 14, "t": 40, "b": 80},
        legend={"orientation": "h", "x": 0, "y": -0.1, "yanchor": "top", "font": {"size": 11}},
        hovermode="closest",
        uirevision="keep",
    )
    figure.update_annotations(font_size=13)
    figure.update_xaxes(title_font_size=11, tickfont_size=10)
    figure.update_yaxes(tickfont_size=10)
    for panel, title in (
        ("spectrum", "direction, the freest first"),
        ("plasticity", "sub-step"),
        ("angle", "sub-step"),
        ("forgetting", "sub-step"),
        ("courses", "sub-step"),
        ("angles", "degrees; 90 leaves that modality's answer alone"),
    ):
        row, column, _ = PANELS[panel]
        figure.update_xaxes(title_text=title, title_standoff=4, row=row, col=column)
    figure.update_yaxes(type="log", exponentformat="power", row=1, col=1)
    for column, row in ((2, 1), (2, 2)):
        figure.update_yaxes(rangemode="tozero", row=row, col=column)
    figure.update_yaxes(range=[0, ORTHOGONAL + 5], dtick=30, row=1, col=3)
    figure.update_xaxes(range=[0, ORTHOGONAL + 5], dtick=30, row=2, col=3)
    figure.update_yaxes(type="category", automargin=True, row=2, col=3)
    apply_theme(figure, dark=False)
