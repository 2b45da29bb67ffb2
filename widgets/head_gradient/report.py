"""The head gradient explorer on paper: one whole sub-step and one comparison."""

from __future__ import annotations

from collections.abc import Sequence

from IPython.display import HTML, display

from mla_core.analysis import HeadStep, VariantCourse, slow_step, watch_step
from mla_core.language import tr
from mla_core.session import TrainingSession
from widgets.head_gradient import charts as head_gradient_charts
from widgets.head_gradient import pictures as head_gradient_pictures
from widgets.page import show, tell_what_needs_a_kernel


class HeadGradientReport:
    """What the explorer shows after a sub-step and a comparison.

    Parameters
    ----------
    session : TrainingSession
        Takes one round of sub-steps, whose angles are shown, and then the one that is taken apart.
    variants : sequence of str
        Compared from there; not where the method projects nothing.
    steps : int
        Of each.

    Attributes
    ----------
    slow : SlowStep
    courses : list of VariantCourse
    figure : Figure
    """

    def __init__(self, session: TrainingSession, variants: Sequence[str], steps: int) -> None:
        heads: list[HeadStep] = []
        while len(heads) < len(session.data.modalities) and session.progress < 1:
            heads.append(watch_step(session))
        self.slow = slow_step(session)
        heads.append(self.slow.head)
        self.courses = (
            [VariantCourse(self.slow.after, variant) for variant in variants]
            if "head_gradient" in session.method.uses
            else []
        )
        for course in self.courses:
            course.advance(steps=steps)
        self._accuracies = [course.accuracy() for course in self.courses]
        self.figure = head_gradient_charts.explorer_figure()
        angles = [a for a in map(head_gradient_charts.angles_of, heads) if a is not None]
        shown = head_gradient_charts.curves(
            self.slow.after.history, self.slow.projection, angles, self.courses
        )
        waits = head_gradient_charts.waits_for(self.slow.after)
        head_gradient_charts.refresh(self.figure, shown, waits)

    def _ipython_display_(self) -> None:
        tell_what_needs_a_kernel(tr("To walk through a sub-step and to compare variants yourself"))
        slow, done = self.slow, len(self.slow.stages)
        display(HTML(head_gradient_pictures.stages_html(slow, done)))
        display(HTML(head_gradient_pictures.seen_html(slow, done)))
        if self.courses:
            display(HTML(head_gradient_pictures.courses_html(self.courses, self._accuracies)))
        show(self.figure)
