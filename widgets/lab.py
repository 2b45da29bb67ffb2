"""The bench: one session, its pictures and its controls, in one cell."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from typing import Any

import ipywidgets as ipw
import plotly.graph_objects as go
from IPython.display import display

from mla_core.config import ExperimentConfig
from mla_core.data.dataset import MultimodalDataset
from mla_core.embedding import MapWorker
from mla_core.errors import ConfigError
from mla_core.history import Evaluation, History
from mla_core.replay import unit_features
from mla_core.session import TrainingSession
from widgets import charts, diagram, per_cell, sample_view
from widgets.controls import Controls, close
from widgets.map_state import MapState, umap_caption
from widgets.player import Player
from widgets.status import StatusLine, describe
from widgets.style import text

ANSWER_SECONDS = 3.0
THEME_SECONDS = 0.7


class TrainingLab:
    """Play, pause and step a training run, and watch it.

    Parameters
    ----------
    config : ExperimentConfig, optional
    data : MultimodalDataset, optional
        Instead of the one that `config` names.

    Attributes
    ----------
    session : TrainingSession
        The one being shown; look at ``session.history`` from another cell while it trains.
    view : VBox
        Everything, as one widget.

    Raises
    ------
    ConfigError
        Outside a notebook, where no event loop runs.

    Examples
    --------
    In the last line of a notebook cell::

        TrainingLab(mla.ExperimentConfig(epochs=10))
    """

    def __init__(
        self, config: ExperimentConfig | None = None, *, data: MultimodalDataset | None = None
    ) -> None:
        try:
            self._loop = asyncio.get_running_loop()
        except RuntimeError as error:
            msg = "the live bench needs a notebook; elsewhere use widgets.open_lab(headless=True)"
            raise ConfigError(msg) from error
        config = config or ExperimentConfig()
        session = TrainingSession(config, data)  # first, since it is what can fail
        per_cell.register(self)
        self._closed = False
        self._data = data
        self._wanted = config  # what the settings show, and what Reset starts
        self._status = StatusLine()
        self._controls = Controls(
            config, self._on_button, self._on_setting, own_data=data is not None
        )
        self._diagram = ipw.HTML()
        self._details = ipw.HTML()
        self._note = ipw.HTML()
        self._chooser = ipw.Dropdown(description="Sample", layout={"width": "250px"})
        self._progress = ipw.FloatProgress(max=1.0, layout={"width": "99%", "height": "10px"})
        self._figure_box = ipw.VBox(layout={"min_height": f"{charts.HEIGHT}px"})
        self.view = ipw.VBox(
            [
                self._controls.bar,
                self._progress,
                self._status,
                ipw.Accordion([self._controls.settings], titles=("Settings",)),
                self._diagram,
                self._figure_box,
                self._chooser,
                self._details,
                self._note,
            ]
        )
        self._worker = MapWorker()
        self._player = Player(
            session, self._render, self._on_state, lambda: self._status.tock == self._status.tick
        )
        self._player.steps_per_second = self._controls.speed.value
        self._adopt(self._player.session)
        self._status.observe(
            # Not at once: the page tells its theme before it has drawn the figure.
            lambda _: self._loop.call_soon_threadsafe(
                self._loop.call_later, THEME_SECONDS, self._apply_theme
            ),
            "dark",
        )
        self._controls.speed.observe(self._on_speed, "value")
        self._controls.map.observe(lambda _: self._player.queue(self._show_other_map), "value")
        self._chooser.observe(
            lambda change: self._player.queue(lambda: self._show_sample(change["new"])), "value"
        )
        self._player.start()

    @property
    def session(self) -> TrainingSession:
        """The session being shown."""
        return self._player.session

    def close(self) -> None:
        """Stop training, end the map's process, and remove every widget."""
        self._closed = True
        self._player.close()
        self._worker.close()
        self._retire_figure()
        for widget in [self.view, *self.view.children, *self._controls.widgets()]:
            close(widget)

    def _ipython_display_(self) -> None:
        display(self.view)

    # ---------------------------------------- callbacks: any thread, so they only queue a command

    def _on_button(self, name: str) -> None:
        player = self._player
        actions = {
            "play": player.play,
            "pause": player.pause,
            "step": player.step,
            "epoch": player.step_epoch,
            "stop": player.stop,
            "reset": lambda: player.replace(lambda: TrainingSession(self._wanted, self._data)),
        }
        actions[name]()

    def _on_setting(self, field: str, value: Any) -> None:
        self._player.queue(lambda: self._change(field, value))

    def _on_speed(self, change: dict[str, Any]) -> None:
        self._player.steps_per_second = change["new"]

    def _on_point(self, trace: Any, points: Any, _state: Any) -> None:
        if points.point_inds:
            index = int(trace.customdata[points.point_inds[0]])
            self._player.queue(lambda: self._choose(index))

    # ------------------------------------------------------------------ all below: event loop only

    def _adopt(self, session: TrainingSession) -> None:
        """Show another session: its settings, samples and an empty figure."""
        self._session = session
        self._wanted = session.config
        self._shown = session.history.latest
        self._maps = MapState()
        self._map_view: charts.MapView | None = None
        self._pending_map: Future[Any] | None = None
        self._mapped: Evaluation | None = None  # while training, one UMAP an epoch
        data = session.data
        self._controls.show(session.config, data.modalities)
        self._controls.ask_for_reset(needed=False)
        self._note.value = f"<p style='font-size:12px'>{text(data.note)}</p>"
        ids = self._shown.ids if self._shown is not None else ()
        self._chooser.options = [("choose, or click a point", "")] + [(s, s) for s in ids]
        self._follow_map()
        # Drawn before it is shown: an update that reaches the page before the figure does is lost.
        figure = charts.training_figure(list(data.modalities), session.config.method)
        charts.apply_theme(figure, dark=self._status.dark)
        charts.refresh(figure, session.history, self._map_view)
        self._drawn: tuple[object, ...] = (0, self._shown, self._map_view)
        self._figure = go.FigureWidget(figure)
        for trace in self._figure.data:
            if trace.meta.startswith("map."):
                trace.on_click(self._on_point)
        self._retire_figure()
        self._figure_box.children = [self._figure]

    def _retire_figure(self) -> None:
        """Take the figure off the screen now, and close it when the page has answered it."""
        old, self._figure_box.children = self._figure_box.children, ()
        for widget in old:
            # The page still answers the last update, which fails on a closed channel.
            self._loop.call_later(ANSWER_SECONDS, close, widget)

    def _render(self, history: History) -> None:
        if self._player.session is not self._session:
            self._adopt(self._player.session)
        evaluation = history.latest
        assert evaluation is not None  # noqa: S101 - made with the session
        if evaluation is not self._shown:
            self._shown = evaluation
            self._follow_map()
            self._show_sample(self._chooser.value)
        config = self._session.config
        self._diagram.value = diagram.network_svg(
            list(self._session.data.modalities), history, config.method, config.head_gradient
        )
        self._progress.value = self._session.progress
        drawing = (len(history.steps), evaluation, self._map_view)
        if drawing != self._drawn:
            charts.refresh(self._figure, history, self._map_view)
            self._drawn = drawing
            self._status.tick += 1
        self._say(history)

    def _say(self, history: History) -> None:
        player = self._player
        sentence = describe(player.state, history, self._session.config.epochs, player.message)
        self._status.say(player.state, sentence)

    def _on_state(self) -> None:
        self._controls.enable(self._player.state)
        if self._player.state in {"paused", "finished"} and self._controls.map.value == "umap":
            self._follow_map()
        if self._player.state == "loading":
            self._status.say("loading", "Loading the data and starting afresh …")
        else:
            self._say(self._player.session.history.copy())

    def _change(self, field: str, value: Any) -> None:
        """Take over one setting: now if it may change while training runs, else at the reset."""
        changes: dict[str, Any] = {field: value}
        if field == "noise":
            changes = {"dataset_options": {**self._wanted.dataset_options, "noise": value}}
        elif field == "dataset":  # another data set has other options
            same = value == self.session.config.dataset
            changes["dataset_options"] = self.session.config.dataset_options if same else {}
            self._controls.offer_noise(offered=same)
        player = self._player
        try:
            self._wanted = self._wanted.replace(**changes)
            if field in ExperimentConfig.live_fields():
                self.session.reconfigure(**changes)
                if field == "fusion":
                    self.session.look_again()
                player.message = f"{field} is {value} from sub-step {self.session.step} on."
            else:
                player.message = f"Press Reset to start afresh with the new {field}."
        except ConfigError as error:
            player.message = str(error)
        waiting = self._wanted.replace(**_live_values(self.session.config)) != self.session.config
        self._controls.ask_for_reset(needed=waiting)
        player.redraw()
        self._on_state()

    def _choose(self, index: int) -> None:
        if self._shown is not None and index < len(self._shown.ids):
            self._chooser.value = self._shown.ids[index]

    def _show_sample(self, sample: str) -> None:
        self._details.value = (
            sample_view.sample_html(
                self._session.data, self._shown, sample, self._session.config.method
            )
            if self._shown is not None and sample in self._shown.ids
            else sample_view.EMPTY
        )

    def _apply_theme(self) -> None:
        charts.apply_theme(self._figure, dark=self._status.dark)

    # --------------------------------------------------------------------------------- the map

    def _show_other_map(self) -> None:
        self._follow_map()
        self._player.redraw()

    def _follow_map(self) -> None:
        """Map the newest features: PCA at once, UMAP when its process answers."""
        evaluation = self._shown
        if evaluation is None:
            return
        if self._controls.map.value == "pca":
            self._map_view = self._maps.pca(evaluation)
            return
        if (view := self._maps.views.get("umap")) is None:
            warming = "" if self._worker.warm_up.done() else ", UMAP is warming up"
            view = self._maps.pca(evaluation, meanwhile=warming)
        self._map_view = view
        mapped = self._mapped
        playing = self._player.state == "playing"
        same_epoch = mapped is not None and mapped.epoch == evaluation.epoch
        if self._pending_map is not None or evaluation is mapped or (playing and same_epoch):
            return
        session, points = self._session, unit_features(evaluation)
        try:
            self._pending_map = self._worker.submit(
                points, self._maps.previous("umap"), session.config.seed
            )
        except BrokenProcessPool:  # somebody ended the process; the next look finds a new one
            self._worker = MapWorker()
            return
        self._mapped = evaluation

        def tell(done: Future[Any]) -> None:
            if not self._loop.is_closed():
                self._loop.call_soon_threadsafe(self._map_ready, done, session, evaluation)

        self._pending_map.add_done_callback(tell)

    def _map_ready(
        self, done: Future[Any], session: TrainingSession, evaluation: Evaluation
    ) -> None:
        if self._closed or session is not self._session or done.cancelled():
            return
        self._pending_map = None
        if (error := done.exception()) is not None:
            self._mapped = None
            self._player.message = f"The UMAP failed ({type(error).__name__}), it will start again."
            self._on_state()
            return
        coords, trust = done.result()
        view = self._maps.keep("umap", coords, umap_caption(trust, evaluation.step))
        if self._controls.map.value == "umap":
            self._map_view = view
            self._player.queue(self._player.redraw)
            if self._shown is not evaluation:  # training went on meanwhile
                self._follow_map()


def _live_values(config: ExperimentConfig) -> dict[str, Any]:
    return {name: getattr(config, name) for name in config.live_fields()}
