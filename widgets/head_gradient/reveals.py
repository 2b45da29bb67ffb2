"""Answers about the head's gradient, for `widgets.predict`: the choice, a sentence, a figure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from mla_core.analysis import VariantCourse, going_on, why_no_projection
from mla_core.errors import ConfigError
from mla_core.session import TrainingSession
from widgets.charts import thin
from widgets.head_gradient.charts import variant_style
from widgets.head_gradient.projection_toy import project, toy_figure
from widgets.page import apply_theme

SAME = "about the same"
CLOSE = 0.05  # nats; closer totals are no difference
Told = tuple[str, str, go.Figure]
Short = tuple[str, str]


def kept_length(
    h: Sequence[float], g: Sequence[float], alpha: float, choices: Sequence[str]
) -> Told:
    """Return how much of a gradient's length P lets through, in two dimensions.

    Parameters
    ----------
    h, g : sequence of float
        (2,) mean feature and gradient.
    alpha : float
    choices : sequence of str
        From "almost nothing" to "almost all", in order; each stands for an equal share.

    Examples
    --------
    >>> kept_length((1, 0), (1, 0), 0.01, ["little", "half", "much"])[0]
    'little'
    """
    vector = project(h, g, alpha).vector
    kept = sum(x * x for x in vector) ** 0.5 / sum(x * x for x in g) ** 0.5
    choice = choices[min(int(kept * len(choices)), len(choices) - 1)]
    return choice, f"It keeps {kept:.1%} of its length.", toy_figure(h, g, alpha)


def less_forgetting(session: TrainingSession, a: str, b: str, steps: int) -> Told | Short:
    """Return which of two variants forgets less over the coming sub-steps, or that they tie.

    Parameters
    ----------
    session : TrainingSession
        Stays where it is.
    a, b : str
        Keys of `mla_core.head.gradient.VARIANTS`.
    steps : int
        Of each.

    Raises
    ------
    ConfigError
        For an unknown variant, or where no sub-step is taken.
    """
    if "head_gradient" not in session.method.uses:
        return SAME, why_no_projection(session)
    session = going_on(session)
    courses = [VariantCourse(session, variant) for variant in (a, b)]
    figure = go.Figure()
    totals = {}
    for course in courses:
        if not course.advance(steps=steps):
            raise ConfigError(course.failure)
        summed = [sum(values) for values in zip(*course.forgetting.values(), strict=True)]
        totals[course.variant] = summed[-1]
        x = [record.step + 1 for record in course.records]
        style = variant_style(course.variant)
        figure.add_scatter(x=x, y=summed, mode="lines", name=course.variant, line=style)
    figure.update_layout(
        height=300,
        margin={"l": 50, "r": 10, "t": 30, "b": 40},
        xaxis_title="sub-step",
        yaxis_title="forgetting so far, all modalities (nats)",
    )
    apply_theme(figure, dark=False)
    tie = abs(totals[a] - totals[b]) < CLOSE
    taken = min(len(course.records) for course in courses)
    said = " and ".join(f"{total:+.3f} nats with {name}" for name, total in totals.items())
    sentence = (
        f"Over {taken} sub-steps from the same start, the others' steps added up to {said}; "
        "below zero they helped. This is one seed."
    )
    return SAME if tie else min(totals, key=totals.__getitem__), sentence, figure


def plasticity_left(session: TrainingSession, steps: int, choices: Sequence[str]) -> Told:
    """Return how plastic the head still is after further sub-steps with the session's settings.

    Parameters
    ----------
    session : TrainingSession
        Stays where it is.
    steps : int
        At least 1.
    choices : sequence of str
        From low to high; each stands for an equal share of the range from 0 to 1.
    """
    twin = going_on(session)
    twin.advance(steps=steps)
    records = twin.history.steps
    if not records:
        raise ConfigError(f"steps must be at least 1, not {steps}")
    steps_taken = np.array([record.step + 1 for record in records], float)
    x, y = thin(steps_taken, np.array([record.plasticity for record in records], float))
    figure = go.Figure(go.Scatter(x=x, y=y, mode="lines", name="plasticity"))
    figure.update_layout(
        height=260,
        margin={"l": 50, "r": 10, "t": 30, "b": 40},
        xaxis_title="sub-step",
        yaxis={"title": {"text": "plasticity, trace(P) / s"}, "range": [0, 1.02]},
    )
    apply_theme(figure, dark=False)
    left = records[-1].plasticity
    place = min(max(int(left * len(choices)), 0), len(choices) - 1)
    return choices[place], f"After {twin.step} sub-steps it is {left:.3f}.", figure
