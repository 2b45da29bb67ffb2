"""The head gradient explorer: a sub-step in slow motion, and variants side by side."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import ipywidgets as ipw

from mla_core.analysis import (
    HeadStep,
    SlowStep,
    VariantCourse,
    going_on,
    slow_step,
    watch_step,
    why_no_projection,
)
from mla_core.config import ExperimentConfig
from mla_core.errors import ConfigError, in_a_sentence
from mla_core.head import VARIANTS
from mla_core.language import tr
from mla_core.records import EvenList
from mla_core.session import TrainingSession
from mla_core.threads import compute_threads
from mla_core.words import sentences
from widgets.head_gradient import charts as head_gradient_charts
from widgets.head_gradient import pictures as head_gradient_pictures
from widgets.head_gradient.controls import HeadGradientControls
from widgets.head_gradient.report import HeadGradientReport
from widgets.page import LiveWidget, Pace, notebook_loop

CHUNK_SECONDS = 0.06
RENDER_SECONDS = 0.4
MOST_ANGLES = 500

Command = Callable[[], Coroutine[Any, Any, None]]


def explore_head_gradient(
    start: TrainingSession | ExperimentConfig,
    *,
    headless: bool = False,
    variants: Sequence[str] = ("off", "paper"),
    steps: int = 60,
) -> HeadGradientExplorer | HeadGradientReport:
    """Return the live explorer of the head's gradient, or, headless, a report of the same.

    Parameters
    ----------
    start : TrainingSession or ExperimentConfig
        Where to begin. A session itself is not moved; a finished one gets an epoch more.
    headless : bool
    variants : sequence of str
        Which to compare at first, keys of `mla_core.head.gradient.VARIANTS`.
    steps : int
        Sub-steps of a comparison, from 1.

    Raises
    ------
    ConfigError
        For an unknown variant or a bad number of steps; live, also outside a notebook.
    """
    for variant in variants:
        ExperimentConfig(head_gradient=variant)  # names what is wrong with it
    if not isinstance(steps, int) or isinstance(steps, bool) or steps < 1:
        raise ConfigError(tr("steps must be a whole number from 1, not {steps!r}", steps=steps))
    kind = HeadGradientReport if headless else HeadGradientExplorer
    session = going_on(start) if isinstance(start, TrainingSession) else TrainingSession(start)
    return kind(session, variants, steps)


class HeadGradientExplorer(LiveWidget):
    """Walk through a sub-step stage by stage; run variants from the point reached.

    Parameters
    ----------
    session : TrainingSession
        Belongs to the explorer from now on.
    variants : sequence of str
    steps : int

    Attributes
    ----------
    session : TrainingSession
        Where the slow motion stands.
    courses : list of VariantCourse
        The last comparison.
    view : VBox
        Everything, as one widget.

    Raises
    ------
    ConfigError
        Outside a notebook, where no event loop runs.
    """

    def __init__(self, session: TrainingSession, variants: Sequence[str], steps: int) -> None:
        super().__init__(
            notebook_loop(tr("the live explorer"), "headless=True"), head_gradient_charts.HEIGHT
        )
        self.session = session
        self.courses: list[VariantCourse] = []
        self._accuracies: list[float] = []
        self._slow: SlowStep | None = None
        self._reached = 0
        self._angles: EvenList[head_gradient_charts.Angles] = EvenList(MOST_ANGLES)
        self._training = 0  # sub-steps still to take
        self._racing = 0  # sub-steps of each course; 0: none runs
        self._length = steps  # of the last comparison
        self._pace = Pace(self._status, RENDER_SECONDS)
        config = session.config
        self._controls = HeadGradientControls(
            config,
            variants,
            steps,
            self._told,
            compares="head_gradient" in session.method.uses,
        )
        from widgets.page import LiveFigure  # plotly's widget takes seconds to import

        self._figure = LiveFigure(head_gradient_charts.explorer_figure())
        self._show_figure(self._figure)
        self.view = self._controls.lay_out(self._status, self._figure_box)
        self._open()

    def _loose(self) -> list[ipw.Widget]:
        return self._controls.widgets()

    def _told(self, what: str, value: Any = None) -> None:
        """Queue what was pressed or changed; may be called in any thread."""
        commands: dict[str, Command] = {
            "next": self._next_stage,
            "finish": self._finish_step,
            "epoch": self._train_epoch,
            "compare": self._compare,
            "stop": self._stop,
        }
        self._inbox.put(commands.get(what) or (lambda: self._change(what, value)))

    # ------------------------------------------------------------------ all below: event loop only

    async def _run(self) -> None:
        self._say("ready", self._invitation())
        await self._render()
        while True:
            for command in self._inbox.take():
                await self._guarded(command)
            if self._racing:
                await self._guarded(self._race_on)
            elif self._training:
                await self._guarded(self._train_on)
            else:
                await self._inbox.wait()

    async def _guarded(self, command: Command) -> None:
        """Every fault becomes a sentence, and the explorer goes on."""
        try:
            await command()
        except Exception as error:  # noqa: BLE001
            self._training = self._racing = 0
            self._say("failed", in_a_sentence(error))
            await self._render()

    async def _next_stage(self) -> None:
        await self._begin()
        await self._reach(self._reached + 1)

    async def _finish_step(self) -> None:
        await self._reach(len((await self._begin()).stages))

    async def _begin(self) -> SlowStep:
        """Return the sub-step under way, or begin the coming one."""
        if self._slow is None or self._reached == len(self._slow.stages):
            self._slow = await asyncio.to_thread(slow_step, self.session)
            self._reached = 0
        return self._slow

    async def _reach(self, stage: int) -> None:
        slow = self._slow
        assert slow is not None  # noqa: S101 - its stages are walked
        self._reached = stage
        record = slow.head.record
        told = tr(
            "Sub-step {step}, {who}: {stage}.",
            step=record.step + 1,
            who=record.modality or tr("all modalities"),
            stage=tr(head_gradient_pictures.TITLES[slow.stages[stage - 1]]).lower(),
        )
        if stage == len(slow.stages):
            self.session = slow.after  # the session moves only now
            self._note(slow.head)
            done = tr("The sub-step is done; Next stage begins the one after.")
            told = sentences(told, done)
        self._say("paused", told)
        await self._render()

    async def _train_epoch(self) -> None:
        if self.session.finished:
            await asyncio.to_thread(watch_step, self.session)  # says that training is over
        self._slow, self._reached = None, 0
        self._training = self.session.steps_per_epoch - self.session.step_in_epoch

    async def _train_on(self) -> None:
        def chunk() -> list[HeadStep]:
            start = time.monotonic()
            heads: list[HeadStep] = []
            while len(heads) < self._training and time.monotonic() - start < CHUNK_SECONDS:
                heads.append(watch_step(self.session))
            return heads

        for head in await asyncio.to_thread(chunk):
            self._training -= 1
            self._note(head)
        session = self.session
        if self._training <= 0:
            self._training = 0
            told = tr(
                "Epoch {epoch} is done, {steps} sub-steps so far.",
                epoch=session.epoch,
                steps=session.step,
            )
            self._say("paused", told)
            await self._render()
        elif self._pace.due():
            told = tr("Training, {steps} sub-steps of the epoch to go.", steps=self._training)
            self._say("playing", told)
            await self._render()

    def _note(self, head: HeadStep) -> None:
        if (angles := head_gradient_charts.angles_of(head)) is not None:
            self._angles.append(angles)

    async def _stop(self) -> None:
        if self._training or self._racing:
            self._training = self._racing = 0
            self._say("stopped", tr("Stopped; what was done so far is shown."))
            await self._render()

    async def _change(self, field: str, value: Any) -> None:
        """Take over a setting; a sub-step under way is walked again from its forward stage."""
        await asyncio.to_thread(lambda: self.session.reconfigure(**{field: value}))
        self._slow, self._reached = None, 0
        told = tr(
            "{field} is {value} from sub-step {step} on.",
            field=field,
            value=f"{value:g}" if isinstance(value, float) else value,
            step=self.session.step + 1,
        )
        self._say("paused", told)
        await self._render()

    async def _compare(self) -> None:
        variants, steps = self._controls.chosen, self._controls.steps
        if not variants:
            raise ConfigError(
                tr("choose at least one variant to compare: {names}", names=", ".join(VARIANTS))
            )
        self.courses, self._accuracies = [], []
        for variant in variants:
            course = await asyncio.to_thread(VariantCourse, self.session, variant)
            self.courses.append(course)
            self._accuracies.append(math.nan)
        self._racing = self._length = steps

    async def _race_on(self) -> None:
        open_ = [c for c in self.courses if not c.failure and len(c.records) < self._racing]
        if open_:
            course = min(open_, key=lambda c: len(c.records))  # all grow side by side
            left = self._racing - len(course.records)
            await asyncio.to_thread(course.advance, steps=left, seconds=CHUNK_SECONDS)
            if self._pace.due():
                self._say("playing", tr("Comparing {n} variants …", n=len(self.courses)))
                await self._render()
            return
        self._accuracies = [await asyncio.to_thread(c.accuracy) for c in self.courses]
        self._racing = 0
        self._say("finished", self._verdict())
        await self._render()

    def _verdict(self) -> str:
        totals = {
            course.variant: sum(sums[-1] for sums in course.forgetting.values() if sums)
            for course in self.courses
        }
        told = tr(
            "Compared over {steps} sub-steps. Forgetting, all modalities, summed (nats): {listed}.",
            steps=max(len(course.records) for course in self.courses),
            listed=", ".join(f"{name} {total:+.3f}" for name, total in totals.items()),
        )
        failed = [f"{c.variant}: {c.failure}" for c in self.courses if c.failure]
        return f"{told} {'; '.join(failed)}"

    def _invitation(self) -> str:
        reason = why_no_projection(self.session)
        press = (
            tr(
                "Press Next stage to walk through the coming sub-step, or Compare to run variants "
                "from here."
            )
            if self._controls.compares
            else tr("Press Next stage to walk through the coming sub-step.")
        )
        return sentences(reason, press)

    # ------------------------------------------------------------------------------- the pictures

    async def _render(self) -> None:
        with self._pace.drawing():
            controls = self._controls
            controls.enable(busy=bool(self._training or self._racing))
            done = sum(len(course.records) for course in self.courses)
            controls.progress.value = done / max(1, self._length * len(self.courses))
            stages, seen, table, shown = await asyncio.to_thread(self._drawn)
            if self._slow is not None:
                controls.show_stages(stages, seen)
            else:
                controls.show_no_stages(self.session)
            controls.table.value = table
            waits = head_gradient_charts.waits_for(self.session)
            head_gradient_charts.refresh(self._figure, shown, waits)
            self._status.tick += 1

    def _drawn(self) -> tuple[str, str, str, dict[str, Any]]:
        """Draw everything, in a thread: spectra of large matrices take their time."""
        slow, reached = self._slow, self._reached
        with compute_threads():
            table = head_gradient_pictures.courses_html(self.courses, self._accuracies)
            projected = slow is not None and "projection" in slow.stages[:reached]
            shown = head_gradient_charts.curves(
                self.session.history,
                slow.projection if slow is not None and projected else None,
                self._angles,
                self.courses,
            )
            if slow is None:
                return "", "", table, shown
            stages = head_gradient_pictures.stages_html(slow, reached)
            return stages, head_gradient_pictures.seen_html(slow, reached), table, shown

    def _say(self, state: str, sentence: str) -> None:
        self._status.say(state, sentence)
