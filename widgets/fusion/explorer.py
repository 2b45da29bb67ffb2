"""The fusion explorer: spoil the parts of a sample and watch how fusion answers."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import ipywidgets as ipw
import torch
from IPython.display import display
from torch import Tensor

from mla_core.analysis import (
    Sweep,
    best_modality,
    fitted_temperatures,
    fused_again,
    in_place,
    rules_for,
    sweep,
)
from mla_core.data.corruption import Corruptor
from mla_core.records import Evaluation
from mla_core.session import TrainingSession
from widgets.charts import MapState, media_html
from widgets.fusion.controls import COLUMN, Choice, FusionControls
from widgets.fusion.curves import HEIGHT, RULE_NAMES, curves_table, refresh_study, study_figure
from widgets.fusion.formula import formula_html
from widgets.fusion.pictures import fused_html, heading_html, part_html
from widgets.fusion.report import FusionReport
from widgets.page import StatusLine, apply_theme, close, notebook_loop, per_cell

if TYPE_CHECKING:
    from widgets.page import LiveFigure

QUIET_SECONDS = 0.2  # after the last touch, before the curves follow
ANSWER_SECONDS = 3.0


def explore_fusion(
    session: TrainingSession, *, headless: bool = False
) -> FusionExplorer | FusionReport:
    """Return the live fusion explorer of a session, or, headless, a report of the same.

    Parameters
    ----------
    session : TrainingSession
        Explored as it stands now, on its probe set; it may train on meanwhile.
    headless : bool
    """
    return FusionReport(session) if headless else FusionExplorer(session)


class FusionExplorer:
    """Pick a sample, spoil its parts, change the rule; numbers, bars and curves follow.

    Parameters
    ----------
    session : TrainingSession

    Attributes
    ----------
    session : TrainingSession
        A twin of the given one, which trains no further.
    view : VBox
        Everything, as one widget.

    Raises
    ------
    ConfigError
        Outside a notebook, where no event loop runs.
    """

    def __init__(self, session: TrainingSession) -> None:
        self._loop = notebook_loop("the live explorer", "explore_fusion(headless=True)")
        self.session = session.reported().fork()
        self._closed = False
        self._method = self.session.method
        self._classes = self.session.data.classes
        self._corruptor = Corruptor(self.session.data, self.session.config.seed)
        self._clean = self.session.evaluate(self.session.probe)
        self._rules = rules_for(self._method)
        self._under = lru_cache(64)(self._fused_again)
        self._sweeps: dict[tuple[str, str], Sweep] = {}
        self._clicked: int | None = None
        self._shown: Choice | None = None
        self._drawn: tuple[object, ...] = ()
        self._figure: LiveFigure | None = None
        self._measuring: asyncio.Task[None] | None = None
        self._build()
        per_cell.register(self)
        self._wake = asyncio.Event()
        self._wake.set()
        self._task = self._loop.create_task(self._run())

    def _build(self) -> None:
        names = self._clean.modalities
        self._status = StatusLine()
        self._controls = FusionControls(
            {name: self._corruptor.corruptions(name) for name in names},
            self._rules,
            fitted_temperatures(self._clean),
            names[best_modality(self._clean)],
            self._poke,
        )
        self._heading = ipw.HTML()
        self._fused = ipw.HTML()
        self._formula = ipw.HTML()
        self._progress = ipw.FloatProgress(max=1.0, layout={"width": "200px", "height": "10px"})
        self._table = ipw.HTML()
        self._figure_box = ipw.VBox(layout={"min_height": f"{HEIGHT}px"})
        fused = ipw.VBox(
            [ipw.HTML("<b>◆ fused</b>"), self._fused],
            layout={**COLUMN, "align_self": "flex-end"},  # its classes beside theirs
        )
        columns = [*(part.view for part in self._controls.parts), fused]
        row = {"flex_flow": "row wrap", "align_items": "center"}
        first, second = self._controls.rows
        self.view = ipw.VBox(
            [
                ipw.HBox([*first, self._heading], layout=row),
                ipw.HBox(second, layout=row),
                ipw.HBox(columns, layout={"flex_flow": "row wrap", "grid_gap": "0 14px"}),
                self._formula,
                self._status,
                ipw.HBox([self._controls.curve, self._progress], layout=row),
                self._figure_box,
                self._table,
            ]
        )
        self._status.observe(lambda _: self._loop.call_soon_threadsafe(self._apply_theme), "dark")

    def close(self) -> None:
        """Stop all work and remove every widget."""
        if self._closed:
            return
        self._closed = True
        for task in (self._task, self._measuring):
            if task is not None:
                task.cancel()
        figure, self._figure_box.children = self._figure, ()
        if figure is not None and not self._loop.is_closed():
            # The page still answers the last update, which fails on a closed channel.
            self._loop.call_later(ANSWER_SECONDS, close, figure)
        for widget in list(_descendants(self.view)):
            close(widget)

    def _ipython_display_(self) -> None:
        display(self.view)

    # ---------------------------------------------- callbacks: any thread, so they only wake the loop

    def _poke(self) -> None:
        if not self._closed and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake.set)

    def _on_point(self, trace: Any, points: Any, _state: Any) -> None:
        if points.point_inds:
            self._clicked = int(trace.customdata[points.point_inds[0]])
            self._poke()

    # -------------------------------------------------------------------- in a thread: computations

    def _fused_again(self, rule: str, temperatures: tuple[float, ...]) -> Evaluation:
        return fused_again(self._clean, rule, temperatures)

    def _html(self, choice: Choice) -> tuple[dict[str, str], str]:
        """Return the HTML of every place that depends on the sample, and a sentence."""
        name_of, classes = self.session.data.modalities, self._classes
        index = self._clean.ids.index(choice.sample)
        one = self.session.probe.subset(_at(index))
        answer = self.session.evaluate(self._corruptor.corrupt(one, choice.damages))
        found = fused_again(in_place(self._clean, answer), choice.rule, choice.temperatures)
        before = int(self._under(choice.rule, choice.temperatures).fused[index].argmax())
        weighs = self._method.weighs
        media = {
            part.modality: media_html(part, name_of[part.modality].note)
            for part in self._corruptor.media(choice.sample, choice.damages)
        }
        html = {
            "heading": heading_html(found, index, classes),
            "fused": fused_html(found, index, classes, before),
            "formula": formula_html(
                found, index, choice.rule, classes, weighs=weighs, temperatures=choice.temperatures
            ),
        }
        for m, name in enumerate(found.modalities):
            html[f"media.{name}"] = media.get(name, "<p>absent</p>")
            html[f"says.{name}"] = part_html(found, index, m, classes, weighs=weighs)
        return html, _in_words(found, index, classes, weighs=weighs)

    def _accuracies(self, choice: Choice) -> dict[str, list[float]]:
        return self._sweeps[choice.curve].accuracies(self._rules, choice.temperatures)

    # -------------------------------------------------------------------- all below: event loop only

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                await self._follow()
            except Exception as error:  # noqa: BLE001 - every fault becomes a sentence
                self._status.say("failed", f"{type(error).__name__}: {error}")

    async def _follow(self) -> None:
        """Show what the controls say now: the sample at once, the curves when all is quiet."""
        controls = self._controls
        controls.fit()
        if self._clicked is not None:
            sample, self._clicked = self._clean.ids[self._clicked], None
            controls.choose(sample)
        rule, temperatures = controls.rule.value, controls.temperatures()
        evaluation = await asyncio.to_thread(self._under, rule, temperatures)
        held = controls.offer(evaluation)
        choice = controls.choice()
        html, said = await asyncio.to_thread(self._html, choice)
        self._show(html)
        self._shown = choice
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), QUIET_SECONDS)
            return  # touched again: what follows can wait
        nothing = "" if held else "No sample of the probe set is in this selection. "
        self._status.say("ready", f"{nothing}{said} {self._over_all(choice)}")
        if choice.curve not in self._sweeps:
            self._measure(choice)
            return
        accuracies = await asyncio.to_thread(self._accuracies, choice)
        self._draw(choice, evaluation, accuracies)

    def _show(self, html: dict[str, str]) -> None:
        places = {"heading": self._heading, "fused": self._fused, "formula": self._formula}
        for part in self._controls.parts:
            places[f"media.{part.name}"] = part.media
            places[f"says.{part.name}"] = part.says
        for place, shown in html.items():
            places[place].value = shown

    def _over_all(self, choice: Choice) -> str:
        n = len(self._clean.ids)
        listed = ", ".join(
            f"{RULE_NAMES[rule]} {self._under(rule, choice.temperatures).accuracy:.3f}"
            for rule in self._rules
        )
        return f"Right among the {n} uncorrupted samples: {listed}."

    def _measure(self, choice: Choice) -> None:
        """Start the curve that is missing, unless one is being made: then it comes next."""
        if self._measuring is None or self._measuring.done():
            self._measuring = self._loop.create_task(self._sweep(*choice.curve))

    async def _sweep(self, modality: str, corruption: str) -> None:
        def tell(share: float) -> None:
            if not self._closed:
                with contextlib.suppress(RuntimeError):  # the loop was closed a moment ago
                    self._loop.call_soon_threadsafe(self._set_progress, share)

        try:
            self._sweeps[modality, corruption] = await asyncio.to_thread(
                sweep, self.session, self._corruptor, modality, corruption, progress=tell
            )
        except Exception as error:  # noqa: BLE001 - every fault becomes a sentence
            self._status.say("failed", f"No curve: {type(error).__name__}: {error}")
            return
        self._wake.set()

    def _set_progress(self, share: float) -> None:
        if not self._closed:
            self._progress.value = share
            self._progress.layout.visibility = "visible" if share < 1 else "hidden"

    def _draw(
        self, choice: Choice, evaluation: Evaluation, accuracies: dict[str, list[float]]
    ) -> None:
        drawing = (choice.sample, choice.rule, choice.temperatures, choice.curve, choice.level())
        if drawing == self._drawn:
            return
        self._drawn = drawing
        found, (modality, corruption) = self._sweeps[choice.curve], choice.curve
        kind = self._corruptor.corruptions(modality)[corruption]
        self._table.value = curves_table(found, kind, accuracies)
        # Drawn before it is shown: an update that reaches the page before the figure does is lost.
        figure = self._figure or study_figure(
            evaluation, MapState().pca(self._clean), self._rules, found
        )
        if self._figure is None:
            apply_theme(figure, dark=self._status.dark)
        refresh_study(
            figure,
            evaluation,
            curves=accuracies,
            sweep=found,
            kind=kind,
            rule=choice.rule,
            chosen=(self._clean.ids.index(choice.sample), choice.level()),
        )
        if self._figure is None:
            from widgets.page import LiveFigure

            self._figure = LiveFigure(figure)
            for trace in self._figure.data:
                if trace.meta.startswith("map."):
                    trace.on_click(self._on_point)
            self._figure_box.children = [self._figure]

    def _apply_theme(self) -> None:
        if self._figure is not None and not self._closed:
            apply_theme(self._figure, dark=self._status.dark)


def _in_words(evaluation: Evaluation, index: int, classes: tuple[str, ...], *, weighs: bool) -> str:
    fused, label = evaluation.fused[index], int(evaluation.labels[index])
    predicted = int(fused.argmax())
    p = float(fused.softmax(-1)[predicted])
    listed = ", ".join(
        f"{name} {weight:.2f}"
        for name, weight in zip(
            evaluation.modalities, evaluation.weights[:, index].tolist(), strict=True
        )
    )
    weights = f" Weights: {listed}." if weighs else " The head itself fuses."
    right = "right" if predicted == label else f"wrong, it is {classes[label]}"
    return (
        f"Sample {evaluation.ids[index]}: fused {classes[predicted]} with probability {p:.2f}, "
        f"{right}.{weights}"
    )


def _at(index: int) -> Tensor:
    return torch.tensor([index])


def _descendants(widget: ipw.Widget) -> Iterator[ipw.Widget]:
    yield widget
    for child in getattr(widget, "children", ()):
        yield from _descendants(child)
