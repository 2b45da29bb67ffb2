"""The watch: curves, weights and map of a run that another process trains, as on the bench."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import ipywidgets as ipw
import numpy as np

from mla_core.errors import in_a_sentence
from mla_core.evaluation import Map, Replay
from mla_core.language import tr
from mla_core.runs import Course, Follower, stop_run
from mla_core.words import sentences
from widgets.bench import diagram
from widgets.bench.in_words import InWords
from widgets.bench.map_place import MapPlace, replay_of
from widgets.charts import MapState, MapView, Run, legend_html
from widgets.charts import training as charts
from widgets.charts.panels import HEIGHT, watched
from widgets.following.words import STATES, describe
from widgets.gap.embedding_view import caption_of
from widgets.page import LiveFigure, LiveWidget, apply_theme, asset, notebook_loop, text

POLL_SECONDS = 1.0


class RunWatch(LiveWidget):
    """Watch a run that trains elsewhere: in a terminal, in a sweep, on a machine that shares the folder.

    Parameters
    ----------
    run : str or Path
        ``runs/ID``: where its results are, or will be.
    on_state : callable, optional
        Called without arguments, on the event loop, when the run stands otherwise than before. The
        watch is then part of something larger, which closes it.

    Attributes
    ----------
    course : Course
        What is known of the run.
    view : VBox
        Everything, as one widget.

    Raises
    ------
    ConfigError
        When there is no such run, and outside a notebook, where no event loop runs.

    Examples
    --------
    In the last line of a notebook cell::

        widgets.watch("runs/0123456789ab")
    """

    def __init__(self, run: str | Path, on_state: Callable[[], None] | None = None) -> None:
        loop = notebook_loop(tr("a watch"), tr("the command mla-lab list"))
        self._follower = Follower(run)  # before any widget, since it is what can fail
        super().__init__(loop, HEIGHT)
        self.course: Course | None = None
        self._told = ""  # what came of the button
        self._maps = MapState()
        self._drawn: tuple[object, ...] = ()
        self._placed: tuple[object, MapView | None] = None, None  # what the map shows
        self._panels: tuple[object, ...] = ()
        self._place = MapPlace()
        self._stop = ipw.Button(
            description=tr("Stop"),
            icon="stop",
            disabled=True,
            tooltip=tr(
                "Let it stop at its next snapshot; the command that began it goes on from there"
            ),
        )
        self._in_words = InWords(lambda: self._inbox.put(self._fold_words))
        self._title, self._diagram, self._legend = (ipw.HTML() for _ in range(3))
        self._stop.on_click(lambda _: self._inbox.put(self._ask_to_stop))
        self.view = self._lay_out()
        self._on_state = on_state
        self._open(part=on_state is not None)

    def _lay_out(self) -> ipw.VBox:
        bar = ipw.HBox([self._title, self._stop])
        parts = {  # css class -> box
            "mla-bench-head": ipw.VBox([bar, self._status]),
            "mla-bench-network": ipw.VBox([self._diagram]),
            "mla-bench-body": ipw.Box(
                [ipw.VBox([self._legend, self._figure_box]), ipw.VBox([self._place.box])]
            ),
            "mla-bench-foot": ipw.VBox([self._in_words.button, self._in_words.told]),
        }
        for name, box in parts.items():
            box.add_class(name)
        style = ipw.HTML(f"<style>{asset('bench/moment_slider.css')}</style>")
        view = ipw.VBox([style, *parts.values()])
        view.add_class("mla-bench")
        return view

    # ------------------------------------------------------------------ all below: event loop only

    async def _run(self) -> None:
        while True:
            over = self.course is not None and self.course.state == "finished"
            if not over:  # what is finished does not change any more
                await self._look()
            await self._inbox.wait(None if over else POLL_SECONDS)
            for command in self._inbox.take():
                await command()

    async def _look(self) -> None:
        try:
            await self._show(await asyncio.to_thread(self._follower.read))
        except Exception as error:  # noqa: BLE001 - every fault becomes a sentence; a folder may come back
            told = tr("The run cannot be shown now: {error}.", error=in_a_sentence(error))
            self._status.say("failed", told)

    async def _show(self, course: Course) -> None:
        run, replay = await asyncio.to_thread(self._seen, course)
        if run is not None:
            self._draw(run, course, replay)
        before, self.course = self.course, course
        self._title.value = f"<b>{text(course.folder)}</b> {text(_label(course))}"
        self._stop.disabled = course.state not in {"training", "unknown"}
        told = sentences(describe(course, run), self._told)
        self._status.say(STATES.get(course.state, "failed"), told)
        if self._on_state is not None and before is not None and before.state != course.state:
            self._on_state()

    def _seen(self, course: Course) -> tuple[Run | None, Replay | None]:
        """Return the run as it is to be seen, and its map where that is another one than before."""
        if course.config is None or not course.modalities:
            return None, None
        run = Run(course.config, course.history, course.step, course.total, (course.step,))
        look, finished = course.history.latest, course.replay
        shown, view = self._placed
        if finished is not None:
            if shown is finished:
                return replace(run, view=view), None
            last = _last_look(finished)
            view = _view_of(last)
            self._placed = finished, view
            return replace(run, view=view), last
        if look is None or run.summary is None:
            return replace(run, view=view), None
        if look is shown:
            return replace(run, view=view), None
        view = self._maps.pca(look, tr(", at sub-step {step}", step=look.step))
        self._placed = look, view
        return replace(run, view=view), replay_of(look, view, run.summary, course.classes)

    def _draw(self, run: Run, course: Course, replay: Replay | None) -> None:
        names = list(course.modalities)
        numbers = list(run.summary.numbers) if run.summary else []
        watches = list(run.config.instruments)
        if (panels := (names, run.config.method, numbers, watches)) != self._panels:
            figure = charts.figure_of(names, run)
            apply_theme(figure, dark=self._status.dark)
            self._legend.value = legend_html(names, instruments=watched(run.config))
            self._figure = LiveFigure(figure)
            self._show_figure(self._figure)
            self._panels = panels
        if replay is not None and run.view is not None:
            self._place.show(replay, run.view.half_width)
        drawing = (*run.drawing, run.summary, run.view)
        if drawing != self._drawn:
            charts.refresh(self._figure, run)
            self._diagram.value = diagram.network_svg(names, run)
            self._in_words.tell(run)
            self._status.tick += 1
            self._drawn = drawing

    async def _ask_to_stop(self) -> None:
        try:
            await asyncio.to_thread(stop_run, self._follower.folder)
            self._told = ""  # the state tells it
        except (OSError, ValueError) as error:
            self._told = tr("It was not asked to stop: {error}.", error=in_a_sentence(error))

    async def _fold_words(self) -> None:
        self._in_words.fold()


def watch(run: str | Path) -> RunWatch:
    """Watch a run that trains elsewhere, or has trained.

    Parameters
    ----------
    run : str or Path
        ``runs/ID``, as ``mla-lab list runs`` names it. It is followed a few seconds behind: curves,
        weights, the map of the newest look, and what has become of it.
    """
    return RunWatch(run)


def _label(course: Course) -> str:
    config = course.config
    if config is None:
        return ""
    return tr(
        "{method} on {dataset}, seed {seed}",
        method=config.method,
        dataset=config.dataset,
        seed=config.seed,
    )


def _last_look(replay: Replay) -> Replay:
    """Return a replay of the last look alone, with its PCA."""
    pca = replay.maps["pca"]
    caption = caption_of(pca) + tr(", at sub-step {step}", step=replay.steps[-1])
    last = Map("pca", caption, np.array([0]), pca.coords[-1:], pca.trust[-1:])
    of_looks = (
        "steps", "epochs", "predicted", "fused", "weights", "distances", "centroid_gap",
        "separability",
    )  # fmt: skip
    return replace(
        replay, maps={"pca": last}, **{name: getattr(replay, name)[-1:] for name in of_looks}
    )


def _view_of(replay: Replay) -> MapView:
    pca = replay.maps["pca"]
    reach = 1.08 * float(np.abs(pca.coords).max(initial=0.0))
    return MapView("pca", pca.coords[-1], max(reach, 1e-6), pca.caption)
