"""The projection in two dimensions, drawn as vectors (`projection_toy.js`)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import anywidget
import numpy as np
import plotly.graph_objects as go
import torch
import traitlets
from IPython.display import display

from mla_core.errors import ConfigError
from mla_core.head import HeadGradientModification, degrees, share_seen
from mla_core.language import tr
from widgets.page import apply_theme, on_page, per_cell, present, run_colour, script, stylesheet
from widgets.page.spoken import Spoken

LIMIT = 2.0  # of a coordinate, as in the script
ALPHAS = (1e-3, 10.0)
START_H, START_G = (1.2, 0.6), (0.5, 1.3)


@dataclass(frozen=True)
class Projected:
    """What one update with h makes of g.

    Attributes
    ----------
    vector : tuple of float
        ``g P``.
    least : float
        P's eigenvalue along h; across h it is 1.
    before, after : float
        The angles of g and of ``g P`` to h in degrees, 90 for orthogonal; NaN without a direction.
    """

    vector: tuple[float, float]
    least: float
    before: float
    after: float


def project(h: Sequence[float], g: Sequence[float], alpha: float) -> Projected:
    """Return what the lab's own modification (eq. 3 and 5) does in two dimensions.

    Parameters
    ----------
    h, g : sequence of float
        (2,) mean feature and gradient.
    alpha : float

    Examples
    --------
    >>> [round(x, 6) for x in project((1.0, 0.0), (1.0, 1.0), alpha=1.0).vector]
    [0.5, 1.0]
    """
    hgm = HeadGradientModification(2, alpha)
    mean, gradient = (torch.tensor([v], dtype=torch.float64) for v in (h, g))
    hgm.update(mean)
    passed = hgm.project(gradient)
    x, y = passed[0].tolist()
    return Projected(
        (x, y),
        float(torch.linalg.eigvalsh(hgm.P)[0]),
        *(degrees(share_seen(v, mean[0])) for v in (gradient, passed)),
    )


class ProjectionToy(Spoken, anywidget.AnyWidget):
    """Drag a mean feature and a gradient, and watch what P leaves of the gradient.

    Attributes
    ----------
    h, g : list of float
        (2,) mean feature and gradient, each coordinate from -2 to 2.
    alpha : float
        From 0.001 to 10.

    Raises
    ------
    ConfigError
        For anything else.

    Examples
    --------
    >>> toy = ProjectionToy(alpha=0.5)
    >>> toy.h = [1.0, 0.0]
    """

    _esm = script("head_gradient/projection_toy")
    _css = stylesheet("head_gradient/projection_toy")
    h = traitlets.List(traitlets.Float()).tag(sync=True)
    g = traitlets.List(traitlets.Float()).tag(sync=True)
    alpha = traitlets.Float(0.1).tag(sync=True)

    def __init__(
        self,
        h: Sequence[float] = START_H,
        g: Sequence[float] = START_G,
        alpha: float = 0.1,
    ) -> None:
        _check(h, g, alpha)
        super().__init__(h=[float(x) for x in h], g=[float(x) for x in g], alpha=float(alpha))
        per_cell.register(self)


def projection_toy(
    h: Sequence[float] = START_H,
    g: Sequence[float] = START_G,
    alpha: float = 0.1,
    *,
    headless: bool = False,
) -> None:
    """Show the toy, or, headless, a still picture of it with its numbers in words.

    On a page that runs the widgets' scripts (`on_page`) it is the toy in any case.

    Parameters
    ----------
    h, g, alpha
        As in `ProjectionToy`.
    headless : bool
    """
    if headless and not on_page():
        present(toy_figure(h, g, alpha))
    else:
        display(ProjectionToy(h, g, alpha))


def toy_figure(h: Sequence[float], g: Sequence[float], alpha: float) -> go.Figure:
    """Return the vectors, the circle of all gradients of length 1, and the ellipse it becomes.

    Parameters
    ----------
    h, g, alpha
        As in `ProjectionToy`.
    """
    _check(h, g, alpha)
    found = project(h, g, alpha)
    turns = np.linspace(0, 2 * np.pi, 121)
    circle = np.stack([np.cos(turns), np.sin(turns)], 1)
    hgm = HeadGradientModification(2, alpha)
    hgm.update(torch.tensor([h], dtype=torch.float64))
    ellipse = hgm.project(torch.tensor(circle)).numpy()
    before, after = _angle(found.before), _angle(found.after)
    if any(h):
        known = {"alpha": alpha, "least": found.least}
        title = tr("α = {alpha:g}: eigenvalue {least:.3f} along h, 1 across", **known)
        told = tr(
            "α = {alpha:g}: P has the eigenvalue {least:.3f} along h and 1 across it. "
            "The gradient: {before}; the projected one: {after}.",
            **known,
            before=before,
            after=after,
        )
    else:
        title = tr("α = {alpha:g}: h is 0, and P is the identity", alpha=alpha)
        told = tr(
            "α = {alpha:g}: h is 0 and has no direction, and P lets every gradient pass.",
            alpha=alpha,
        )
    figure = go.Figure()
    for name, curve, line in (
        (tr("gradients of length 1"), circle, {"color": "#808080", "dash": "dot"}),
        (tr("what P makes of them"), ellipse, {"color": run_colour(2)}),
    ):
        figure.add_scatter(x=curve[:, 0], y=curve[:, 1], mode="lines", name=name, line=line)
    for name, vector, hue in (
        (tr("mean feature h"), h, run_colour(1)),
        (tr("gradient g, {angle}", angle=before), g, run_colour(3)),
        (tr("projected gradient gP, {angle}", angle=after), found.vector, run_colour(2)),
    ):
        figure.add_scatter(
            x=[0, vector[0]],
            y=[0, vector[1]],
            mode="lines+markers",
            name=name,
            line={"color": hue, "width": 3},
            marker={"symbol": "arrow", "size": [0, 16], "angleref": "previous"},
        )
    axis = {"range": [-LIMIT - 0.2, LIMIT + 0.2], "zeroline": True}
    figure.update_layout(
        height=430,
        width=760,
        margin={"l": 30, "r": 10, "t": 30, "b": 30},
        xaxis=axis,
        yaxis={**axis, "scaleanchor": "x"},
        title={"text": title, "font_size": 13},
        meta=told,
    )
    apply_theme(figure, dark=False)
    return figure


def _angle(degrees: float) -> str:
    if math.isnan(degrees):
        return tr("no angle to h")
    return tr("{degrees:.1f}° to h", degrees=degrees)


def _check(h: Sequence[float], g: Sequence[float], alpha: float) -> None:
    for name, vector in (("h", h), ("g", g)):
        if len(vector) != 2 or not all(abs(x) <= LIMIT for x in vector):
            msg = tr(
                "{name} must be two numbers from -2 to 2, not {vector!r}", name=name, vector=vector
            )
            raise ConfigError(msg)
    if not (math.isfinite(alpha) and ALPHAS[0] <= alpha <= ALPHAS[1]):
        raise ConfigError(tr("alpha must be a number from 0.001 to 10, not {alpha!r}", alpha=alpha))
