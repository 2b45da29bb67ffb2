"""A chart of lines as plain SVG, for pages that carry no chart library."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mla_core.language import tr
from widgets.charts.curves import thin
from widgets.page import text

WIDTH, HEIGHT = 420, 230
LEFT, RIGHT, TOP, BOTTOM = 46, 412, 12, 200  # the frame of the lines
POINTS = 250  # per line
DASHES = {  # plotly's names in SVG's words
    "solid": "",
    "dash": "7 3",
    "dot": "2 3",
    "dashdot": "7 3 2 3",
    "longdash": "12 3",
    "longdashdot": "12 3 2 3",
}


@dataclass(frozen=True, eq=False)
class Line:
    """One line of a chart.

    Attributes
    ----------
    name : str
        Shown literally.
    x, y : ndarray
        (K,); a NaN interrupts the line.
    colour : str
    dash : str
        A key of `DASHES`.
    width : float
        In pixels.
    named : bool
        Whether it stands in the legend; else the mouse names it.
    """

    name: str
    x: np.ndarray
    y: np.ndarray
    colour: str
    dash: str = "solid"
    width: float = 2.0
    named: bool = True


def line_chart(
    title: str, lines: Sequence[Line], *, x_title: str = "", top: float | None = None
) -> str:
    """Return a figure as HTML: title, SVG and a legend that shows colour and dash.

    Parameters
    ----------
    title : str
    lines : sequence of Line
    x_title : str
        By default sub-steps.
    top : float, optional
        Upper end of the y axis; by default what the lines need. The lower end is 0, or what
        negative values need.

    Examples
    --------
    >>> line = Line("<b>", np.array([0, 10]), np.array([0.2, 0.9]), "#0072B2")
    >>> chart = line_chart("Accuracy", [line], top=1)
    >>> "&lt;b&gt; from 0.20 to 0.90" in chart, "<b>" in chart
    (True, False)
    """
    x_title = x_title or tr("sub-step")
    known = [line for line in lines if np.isfinite(line.y).any()]
    told = tr("; ").join(f"{line.name} {_moved(line.y)}" for line in known)
    named = tr("{name}: {values}", name=title, values=told or tr("nothing recorded"))
    xs = np.concatenate([line.x for line in known]) if known else np.zeros(1)
    ys = np.concatenate([line.y[np.isfinite(line.y)] for line in known]) if known else np.zeros(1)
    x_low, x_high = float(xs.min()), max(float(xs.max()), float(xs.min()) + 1)
    low = min(0.0, float(ys.min()))
    high = float(ys.max()) if top is None else top
    high = high if high > low else low + 1

    def across(x: float) -> float:
        return LEFT + (RIGHT - LEFT) * (x - x_low) / (x_high - x_low)

    def down(y: float) -> float:
        return BOTTOM - (BOTTOM - TOP) * (y - low) / (high - low)

    parts = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{text(named)}" '
        f'data-low="{x_low:g}" data-high="{x_high:g}">'
    ]
    for tick in ticks(low, high):
        y = down(tick)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{LEFT - 5}" y="{y + 3.5:.1f}" text-anchor="end">{tick:g}</text>')
    parts += [
        f'<text x="{across(tick):.1f}" y="214" text-anchor="middle">{tick:g}</text>'
        for tick in ticks(x_low, x_high)
    ]
    parts.append(
        f'<text x="{(LEFT + RIGHT) / 2}" y="227" text-anchor="middle">{text(x_title)}</text>'
    )
    for line in known:
        kept_x, kept_y = thin(line.x, line.y, POINTS)
        points = zip(kept_x.tolist(), kept_y.tolist(), strict=True)
        parts.append(
            f'<path d="{_path([(across(a), down(b)) for a, b in points])}" {_stroke(line)}>'
            f"<title>{text(line.name)} {text(_moved(line.y))}</title></path>"
        )
    parts.append(f'<line class="cursor" x1="-9" x2="-9" y1="{TOP}" y2="{BOTTOM}"/></svg>')
    legend = "".join(
        f'<span><svg viewBox="0 0 30 8" aria-hidden="true"><path d="M1 4H29" {_stroke(line)}/></svg>'
        f"{text(line.name)}</span>"
        for line in known
        if line.named
    )
    return (
        f'<figure class="chart"><figcaption>{text(title)}</figcaption>{"".join(parts)}'
        f'<div class="legend">{legend}</div></figure>'
    )


def ticks(low: float, high: float) -> list[float]:
    """Return about five round numbers between two numbers.

    Examples
    --------
    >>> ticks(0, 1)
    [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    """
    raw = (high - low) / 5
    size = 10.0 ** math.floor(math.log10(raw))
    step = next(size * factor for factor in (1, 2, 5, 10) if size * factor >= raw * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(i * step, 12) for i in range(first, last + 1)]


def _path(points: Sequence[tuple[float, float]]) -> str:
    told, command = [], "M"
    for x, y in points:
        if math.isnan(y):
            command = "M"
            continue
        told.append(f"{command}{x:.1f} {y:.1f}")
        command = "L"
    return "".join(told)


def _stroke(line: Line) -> str:
    dash = DASHES[line.dash]
    dashes = f' stroke-dasharray="{dash}"' if dash else ""
    return f'fill="none" stroke="{line.colour}" stroke-width="{line.width:g}"{dashes}'


def _moved(y: np.ndarray) -> str:
    known = y[np.isfinite(y)]
    return tr("from {first:.2f} to {last:.2f}", first=known[0], last=known[-1])
