"""The fusion explorer: spoil the parts of a sample and watch how fusion answers."""

from __future__ import annotations

import asyncio
import contextlib
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import ipywidgets as ipw
import plotly.graph_objects as go
import torch
from torch import Tensor

from mla_core.analysis import (
    OWN,
    Sweep,
    best_modality,
    fitted_temperatures,
    fused_again,
    in_place,
    rules_for,
    sweep,
    weighed_by,
)
from mla_core.data.corruption import Corruptor
from mla_core.language import tr
from mla_core.records import Evaluation
from mla_core.session import TrainingSession
from mla_core.words import sentences
from widgets.charts import MapState, media_html
from widgets.fusion.controls import COLUMN, Choice, FusionControls
from widgets.fusion.curves import HEIGHT, curves_table, refresh_study, rule_name, study_figure
from widgets.fusion.formula import formula_html
from widgets.fusion.pictures import fused_html, heading_html, part_html
from widgets.fusion.report import FusionReport
from widgets.page import LiveWidget, apply_theme, notebook_loop

if TYPE_CHECKING:
    from widgets.page import LiveFigure

QUIET_SECONDS = 0.2  # after the last touch, before the curves follow


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


class FusionExplorer(LiveWidget):
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
        loop = notebook_loop(tr("the live explorer"), "explore_fusion(headless=True)")
        self.session = session.reported().fork()
        self._method = self.session.method
        self._classes = self.session.data.classes
        self._corruptor = Corruptor(self.session.data, self.session.config.seed)
        self._clean = self.session.evaluate(self.session.probe)
        self._rules = rules_for(self._method)
        self._under = lru_cache(64)(self._fused_again)
        self._sweeps: dict[tuple[str, str], Sweep] = {}
        self._shown: Choice | None = None
        self._drawn: tuple[object, ...] = ()
        self._figure: LiveFigure | None = None
        self._measuring: asyncio.Task[None] | None = None
        super().__init__(loop, HEIGHT)
        self._build()
        self._touched()
        self._open()

    def _build(self) -> None:
        names = self._clean.modalities
        self._controls = FusionControls(
            {name: self._corruptor.corruptions(name) for name in names},
            self._rules,
            fitted_temperatures(self._clean),
            names[best_modality(self._clean)],
            self._touched,
        )
        self._heading = ipw.HTML()
        self._fused = ipw.HTML()
        self._formula = ipw.HTML()
        self._progress = ipw.FloatProgress(max=1.0, layout={"width": "200px", "height": "10px"})
        self._table = ipw.HTML()
        fused = ipw.VBox(
            [ipw.HTML(f"<b>◆ {tr('fused')}</b>"), self._fused],
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

    def close(self) -> None:
        """Stop all work and remove every widget."""
        if self._measuring is not None:
            self._measuring.cancel()
        super().close()

    # ------------------------------------- callbacks: any thread, so they only put into the inbox

    def _touched(self) -> None:
        self._inbox.put(lambda: None)  # what the controls say then is followed

    def _on_point(self, trace: Any, points: Any, _state: Any) -> None:
        if points.point_inds:
            sample = self._clean.ids[int(trace.customdata[points.point_inds[0]])]
            self._inbox.put(lambda: self._controls.choose(sample))

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
        weighs = weighed_by(self._method, choice.rule)
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
            html[f"media.{name}"] = media.get(name, f"<p>{tr('absent')}</p>")
            html[f"says.{name}"] = part_html(found, index, m, classes, weighs=weighs)
        return html, _in_words(found, index, classes, choice.rule, weighs=weighs)

    def _accuracies(self, choice: Choice) -> dict[str, list[float]]:
        return self._sweeps[choice.curve].accuracies(self._rules, choice.temperatures)

    # -------------------------------------------------------------------- all below: event loop only

    async def _run(self) -> None:
        while True:
            await self._inbox.wait()
            try:
                for command in self._inbox.take():
                    command()
                await self._follow()
            except Exception as error:  # noqa: BLE001 - every fault becomes a sentence
                self._status.say("failed", f"{type(error).__name__}: {error}")

    async def _follow(self) -> None:
        """Show what the controls say now: the sample at once, the curves when all is quiet."""
        controls = self._controls
        controls.fit()
        rule, temperatures = controls.rule.value, controls.temperatures()
        evaluation = await asyncio.to_thread(self._under, rule, temperatures)
        held = controls.offer(evaluation)
        choice = controls.choice()
        html, said = await asyncio.to_thread(self._html, choice)
        self._show(html)
        self._shown = choice
        if await self._inbox.wait(QUIET_SECONDS):
            return  # touched again: what follows can wait
        nothing = "" if held else tr("No sample of the probe set is in this selection.")
        self._status.say("ready", sentences(nothing, said, self._over_all(choice)))
        if choice.curve not in self._sweeps:
            self._measure(choice)
            return
        accuracies = await asyncio.to_thread(self._accuracies, choice)
        if self._figure is None:
            view = await asyncio.to_thread(MapState().pca, self._clean)
            self._make_figure(
                study_figure(evaluation, view, self._rules, self._sweeps[choice.curve])
            )
        self._draw(choice, evaluation, accuracies)

    def _show(self, html: dict[str, str]) -> None:
        places = {"heading": self._heading, "fused": self._fused, "formula": self._formula}
        for part in self._controls.parts:
            places[f"media.{part.name}"] = part.media
            places[f"says.{part.name}"] = part.says
        for place, shown in html.items():
            places[place].value = shown

    def _over_all(self, choice: Choice) -> str:
        listed = ", ".join(
            f"{rule_name(rule)} {self._under(rule, choice.temperatures).accuracy:.3f}"
            for rule in self._rules
        )
        return tr(
            "Right among the {n} uncorrupted samples: {listed}.",
            n=len(self._clean.ids),
            listed=listed,
        )

    def _measure(self, choice: Choice) -> None:
        """Start the curve that is missing, unless one is being made: then it comes next."""
        if self._measuring is None or self._measuring.done():
            self._measuring = self._loop.create_task(self._sweep(*choice.curve))

    async def _sweep(self, modality: str, corruption: str) -> None:
        def tell(share: float) -> None:
            with contextlib.suppress(RuntimeError):  # the loop was closed a moment ago
                self._loop.call_soon_threadsafe(self._set_progress, share)

        try:
            self._sweeps[modality, corruption] = await asyncio.to_thread(
                sweep, self.session, self._corruptor, modality, corruption, progress=tell
            )
        except Exception as error:  # noqa: BLE001 - every fault becomes a sentence
            said = tr("No curve: {error}", error=f"{type(error).__name__}: {error}")
            self._status.say("failed", said)
            return
        self._touched()

    def _set_progress(self, share: float) -> None:
        self._progress.value = share
        self._progress.layout.visibility = "visible" if share < 1 else "hidden"

    def _make_figure(self, figure: go.Figure) -> None:
        from widgets.page import LiveFigure  # plotly's widget takes seconds to import

        apply_theme(figure, dark=self._status.dark)
        self._figure = LiveFigure(figure)
        for trace in self._figure.data:
            if trace.meta.startswith("map."):
                trace.on_click(self._on_point)
        self._show_figure(self._figure)

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
        refresh_study(
            self._figure,
            evaluation,
            curves=accuracies,
            sweep=found,
            kind=kind,
            rule=choice.rule,
            chosen=(self._clean.ids.index(choice.sample), choice.level()),
        )


def _in_words(
    evaluation: Evaluation, index: int, classes: tuple[str, ...], rule: str, *, weighs: bool
) -> str:
    sample = evaluation.ids[index]
    if evaluation.unanswered[index]:
        return tr("Sample {sample}: no part is present, so there is no answer.", sample=sample)
    fused, label = evaluation.fused[index], int(evaluation.labels[index])
    predicted = int(fused.argmax())
    p = float(fused.softmax(-1)[predicted])
    listed = ", ".join(
        f"{name} {weight:.2f}"
        for name, weight in zip(
            evaluation.modalities, evaluation.weights[:, index].tolist(), strict=True
        )
    )
    if weighs:
        weights = tr("Weights: {listed}.", listed=listed)
    else:
        weights = tr("The head itself fuses.") if rule == OWN else tr("The rule fuses.")
    known = {"sample": sample, "answer": classes[predicted], "p": p}
    said = (
        tr("Sample {sample}: fused {answer} with probability {p:.2f}, right.", **known)
        if predicted == label
        else tr(
            "Sample {sample}: fused {answer} with probability {p:.2f}, wrong, it is {label}.",
            **known,
            label=classes[label],
        )
    )
    return sentences(said, weights)


def _at(index: int) -> Tensor:
    return torch.tensor([index])
