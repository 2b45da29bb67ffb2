"""Answers about the head's gradient, for `widgets.predict`: the choice, a sentence, a figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from mla_core.analysis import VariantCourse, going_on, one_run, why_no_projection
from mla_core.config import ExperimentConfig
from mla_core.errors import ConfigError
from mla_core.language import later, tr
from mla_core.session import TrainingSession
from mla_core.words import sentences
from widgets.charts import thin
from widgets.head_gradient.charts import variant_style
from widgets.head_gradient.projection_toy import project, toy_figure
from widgets.page import apply_theme
from widgets.questions import working

SAME = later("about the same")
DEPENDS = later("that depends on the start")
LESS = ("off", "paper", SAME, DEPENDS)
AGREED = 0.9  # share of starts from which a finding is more than an anecdote
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
    told = tr("It keeps {kept:.1%} of its length.", kept=kept)
    return choice, told, toy_figure(h, g, alpha)


def less_forgetting(
    config: ExperimentConfig, a: str, b: str, steps: int, seeds: Sequence[int]
) -> Told | Short:
    """Return which of two variants forgets less from most of several starts, or that it depends.

    Parameters
    ----------
    config : ExperimentConfig
        Each start has learnt for one epoch with it, and with a seed of its own.
    a, b : str
        Keys of `mla_core.head.gradient.VARIANTS`.
    steps : int
        Of each.
    seeds : sequence of int
        Of the starts.

    Returns
    -------
    tuple
        `a`, `b` or `SAME` where that holds in at least `AGREED` of the starts, else `DEPENDS`; a
        sentence that counts them; and the curves of all.

    Raises
    ------
    ConfigError
        For an unknown variant, or where no sub-step is taken.
    """
    found: dict[str, list[list[float]]] = {a: [], b: []}
    for place, seed in enumerate(seeds, 1):
        working(tr("start {place} of {n}", place=place, n=len(seeds)))
        session = TrainingSession(config.replace(seed=seed))
        if "head_gradient" not in session.method.uses:
            return SAME, why_no_projection(session)
        session.advance(epochs=1)
        for variant in (a, b):
            found[variant].append(_forgotten(session, variant, steps))
    ends = [(one[-1], other[-1]) for one, other in zip(found[a], found[b], strict=True)]
    said = [SAME if abs(x - y) < CLOSE else (a if x < y else b) for x, y in ends]
    count = {choice: said.count(choice) for choice in (a, b, SAME)}
    most = max(count, key=count.__getitem__)
    choice = most if count[most] >= AGREED * len(said) else DEPENDS
    sentence = tr(
        "Of {n} starts: {counted}. Over {steps} sub-steps the others' steps added up to "
        "{spread_a} with {a} and {spread_b} with {b}; below zero they helped.",
        n=len(said),
        counted=", ".join(
            tr("{what} in {n}", what=tr(what), n=n) for what, n in count.items() if n
        ),
        steps=steps,
        spread_a=_spread(found[a]),
        a=a,
        spread_b=_spread(found[b]),
        b=b,
    )
    return choice, sentence, _courses_figure(found)


def _forgotten(session: TrainingSession, variant: str, steps: int) -> list[float]:
    """Return what the others' steps added to all losses so far (nats), after each sub-step."""
    course = VariantCourse(going_on(session), variant)
    if not course.advance(steps=steps):
        raise ConfigError(course.failure or tr("steps must be at least 1, not {n}", n=steps))
    return [sum(values) for values in zip(*course.forgetting.values(), strict=True)]


def _spread(courses: Sequence[Sequence[float]]) -> str:
    ends = [course[-1] for course in courses]
    if len(ends) == 1:
        return tr("{end:+.2f} nats", end=ends[0])
    return tr(
        "{middle:+.2f} nats in the middle ({low:+.2f} to {high:+.2f})",
        middle=np.median(ends),
        low=min(ends),
        high=max(ends),
    )


def _courses_figure(found: Mapping[str, Sequence[Sequence[float]]]) -> go.Figure:
    """Return one thin line for every start, and in the legend one of each variant."""
    figure = go.Figure()
    for variant, courses in found.items():
        look = variant_style(variant) | {"width": 1.5}
        for place, course in enumerate(courses):
            figure.add_scatter(
                x=list(range(1, len(course) + 1)),
                y=course,
                mode="lines",
                name=variant,
                legendgroup=variant,
                showlegend=place == 0,
                line=look,
                opacity=0.8,
            )
    figure.update_layout(
        height=340,
        margin={"l": 50, "r": 10, "t": 30, "b": 40},
        xaxis_title=tr("sub-step from the start"),
        yaxis_title=tr("forgetting so far, all modalities (nats)"),
        showlegend=True,
    )
    apply_theme(figure, dark=False)
    return figure


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
        raise ConfigError(tr("steps must be at least 1, not {n}", n=steps))
    steps_taken = np.array([record.step + 1 for record in records], float)
    x, y = thin(steps_taken, np.array([record.plasticity for record in records], float))
    figure = go.Figure(go.Scatter(x=x, y=y, mode="lines", name=tr("plasticity")))
    figure.update_layout(
        height=260,
        margin={"l": 50, "r": 10, "t": 30, "b": 40},
        xaxis_title=tr("sub-step"),
        yaxis={"title": {"text": tr("plasticity, trace(P) / s")}, "range": [0, 1.02]},
    )
    apply_theme(figure, dark=False)
    left = records[-1].plasticity
    place = min(max(int(left * len(choices)), 0), len(choices) - 1)
    told = tr("After {steps} sub-steps it is {left:.3f}.", steps=twin.step, left=left)
    return choices[place], sentences(told, one_run(session.config.seed)), figure
