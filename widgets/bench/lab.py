"""The bench: one session, its pictures and its controls, in one cell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ipywidgets as ipw

from mla_core.config import ExperimentConfig
from mla_core.data import MultimodalDataset
from mla_core.errors import ConfigError
from mla_core.records import Evaluation, History
from mla_core.session import TrainingSession
from mla_core.tandem import Tandem
from widgets.bench import diagram
from widgets.bench.controls import Controls
from widgets.bench.difference import describe_branch
from widgets.bench.map_follower import MapFollower, MapOffice
from widgets.bench.player import Player
from widgets.bench.timeline import Timeline
from widgets.charts import sample as sample_view
from widgets.charts import training as charts
from widgets.export import export_session
from widgets.page import (
    LiveWidget,
    Pace,
    apply_theme,
    describe,
    describe_training,
    notebook_loop,
    text,
)

RENDER_SECONDS = 0.1  # at most ten pictures a second ...
RENDER_SHARE = 10  # ... and training keeps ten times as long as a picture takes
SMALL = "font-size:12px;line-height:1.4"


class TrainingLab(LiveWidget):
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
        loop = notebook_loop("the live bench", "widgets.open_lab(headless=True)")
        config = config or ExperimentConfig()
        session = TrainingSession(config, data)  # before any widget, since it is what can fail
        super().__init__(loop, charts.HEIGHT)
        self._data = data
        self._wanted = config  # what the settings show, and what Reset starts
        self._travel: int | None = None  # the moment shown; None means now
        self._player = Player(session, self._inbox)
        self._pace = Pace(self._status, RENDER_SECONDS)
        self._controls = Controls(
            config, self._on_button, self._on_setting, own_data=data is not None
        )
        self._timeline = Timeline(
            config, self._inbox.put, self._travel_to, self._branch, self._drop
        )
        self._diagram = ipw.HTML()
        self._difference = ipw.HTML()
        self._details = ipw.HTML()
        self._words = ipw.HTML()
        self._note = ipw.HTML()
        self._chooser = ipw.Dropdown(description="Sample", layout={"width": "250px"})
        self._progress = ipw.FloatProgress(max=1.0, layout={"width": "99%", "height": "10px"})
        self.view = ipw.VBox(
            [
                self._controls.bar,
                self._progress,
                self._status,
                self._controls.unfold,
                self._controls.settings,
                self._timeline.view,
                self._diagram,
                self._difference,
                self._figure_box,
                self._words,
                self._chooser,
                self._details,
                self._note,
            ]
        )
        self._maps = MapOffice()
        self._followers: list[MapFollower] = []
        self._player.steps_per_second = self._controls.speed.value
        self._tandem: Tandem | None = None
        self._moments: tuple[Evaluation | None, ...] = ()
        self._sample = ""
        self._adopt(self._player.tandem)
        self._controls.speed.observe(self._on_speed, "value")
        self._controls.unfold.observe(lambda _: self._inbox.put(self._controls.fold), "value")
        for widget in (self._controls.map, self._chooser):
            widget.observe(lambda _: self._tell(""), "value")
        self._open()

    @property
    def session(self) -> TrainingSession:
        """The session being shown."""
        return self._player.session

    def close(self) -> None:
        """Stop training, end the map's process, and remove every widget."""
        for follower in self._followers:
            follower.close()
        self._maps.close()
        super().close()

    def _loose(self) -> list[ipw.Widget]:
        return [*self._controls.widgets(), *self._timeline.widgets()]

    # ---------------------------------------- callbacks: any thread, so they only queue a command

    def _on_button(self, name: str) -> None:
        player = self._player
        actions = {
            "play": player.play,
            "pause": player.pause,
            "step": player.step,
            "epoch": player.step_epoch,
            "stop": player.stop,
            "reset": lambda: player.replace(
                lambda: Tandem(TrainingSession(self._wanted, self._data)),
                "Loading the data and starting afresh …",
            ),
            "page": lambda: self._inbox.put(self._save_page),
        }
        actions[name]()

    def _on_setting(self, field: str, value: Any) -> None:
        self._inbox.put(lambda: self._change(field, value))

    def _on_speed(self, change: dict[str, Any]) -> None:
        self._player.steps_per_second = change["new"]

    def _on_point(self, trace: Any, points: Any, _state: Any) -> None:
        if points.point_inds:
            index = int(trace.customdata[points.point_inds[0]])
            self._inbox.put(lambda: self._choose(index))

    def _tell(self, sentence: str) -> None:
        """Draw anew, with a sentence if there is one."""
        self._inbox.put(lambda: sentence)

    # ------------------------------------------------------------------ all below: event loop only

    async def _run(self) -> None:
        async for histories in self._player.moments():
            await self._follow(histories)

    async def _follow(self, histories: list[History]) -> None:
        """Show what the player does, while it goes on; pictures of training only when they are due."""
        player = self._player
        if player.tandem is not self._tandem:
            self._adopt(player.tandem)
        share = 0 if player.steps_per_second else RENDER_SHARE  # at a slow speed, training waits
        if player.state == self._status.state == "playing" and not self._pace.due(share):
            return
        self._enable()
        if player.state == "loading":
            self._status.say("loading", player.message)
            return
        with self._pace.drawing():
            runs = await self._look(histories)
            self._draw(runs)
        self._say(runs[0].moment)

    def _adopt(self, tandem: Tandem) -> None:
        """Show another run, or another branch of it: its settings, samples and an empty figure."""
        from widgets.page import LiveFigure  # plotly's widget takes seconds to import

        session = tandem.trunk
        if self._tandem is None or session is not self._tandem.trunk:
            self._show_run(session)
        for follower in self._followers[1:]:
            follower.close()
        del self._followers[1:]
        if tandem.branch is not None:
            seed = session.config.seed
            branch = MapFollower(self._maps, seed, self._tell, self._followers[0])
            self._followers.append(branch)
        self._tandem = tandem
        self._since = tandem.branch.step if tandem.branch is not None else 0
        self._travel = None
        self._drawn: list[tuple[object, ...]] = []
        figure = charts.training_figure(
            list(session.data.modalities),
            session.config.method,
            branch=len(self._followers) > 1,
            numbers=list(session.history.summaries[-1].numbers),
        )
        apply_theme(figure, dark=self._status.dark)
        self._figure = LiveFigure(figure)
        for trace in self._figure.data:
            if trace.meta.startswith(("map.", "branch.map.")):
                trace.on_click(self._on_point)
        self._show_figure(self._figure)

    def _show_run(self, session: TrainingSession) -> None:
        self._wanted = session.config
        for follower in self._followers:
            follower.close()
        self._followers = [MapFollower(self._maps, session.config.seed, self._tell)]
        self._controls.show(session.config, session.data.modalities)
        self._controls.ask_for_reset(needed=False)
        self._timeline.show(session.config)
        self._note.value = f"<p style='{SMALL}'>{text(session.data.note)}</p>"
        ids = session.probe.ids
        self._chooser.options = [("choose, or click a point", "")] + [(s, s) for s in ids]

    async def _look(self, histories: list[History]) -> list[charts.Shown]:
        """Return what is to be seen of every run, now or at the moment travelled to."""
        sessions = self._player.tandem.sessions
        kind, calm = self._controls.map.value, self._player.state == "playing"
        runs: list[charts.Shown] = []
        for session, history, follower in zip(sessions, histories, self._followers, strict=True):
            snapshot = None if self._travel is None else session.recording.at(self._travel).snapshot
            then = None if snapshot is None else snapshot.history
            look = (then or history).latest
            view = None if look is None else await follower.follow(look, kind, calm=calm)
            runs.append(charts.Shown(history, view, then, self._since if runs else 0))
        return runs

    def _draw(self, runs: list[charts.Shown]) -> None:
        self._show_sample(tuple(run.moment.latest for run in runs), self._chooser.value)
        names = list(self.session.data.modalities)
        diagrams = [
            diagram.network_svg(
                names, run.moment, config.method, config.head_gradient, config.fusion
            )
            for session, run in zip(self._player.tandem.sessions, runs, strict=True)
            for config in (session.config,)
        ]
        self._diagram.value = diagram.beside(diagrams)
        self._difference.value = self._in_words()
        self._progress.value = self.session.progress
        self._timeline.follow(self.session.recording.steps, self._travel)
        if (drawing := [run.drawing for run in runs]) != self._drawn:
            charts.refresh(self._figure, *runs)
            self._drawn = drawing
            self._status.tick += 1
            self._put_into_words(runs[0])

    def _in_words(self) -> str:
        tandem = self._player.tandem
        if tandem.branch is None:
            return ""
        told = describe_branch(tandem.trunk, tandem.branch, self._since)
        return f'<p class="mla-difference" style="margin:2px 0">{text(told)}</p>'

    def _say(self, moment: History) -> None:
        player, epochs = self._player, self.session.config.epochs
        message = player.message
        if self._travel is not None:
            message = f"{message} Back at sub-step {self._travel} of {self.session.step}".strip()
        self._status.say(player.state, describe(player.state, moment, epochs, message))

    def _put_into_words(self, run: charts.Shown) -> None:
        caption = run.view.caption if run.view is not None else ""
        told = text(describe_training(run.moment, caption))
        self._words.value = f"<p style='{SMALL}' aria-live='off'>In words. {told}</p>"

    def _enable(self) -> None:
        state = self._player.state
        self._controls.enable(state)
        self._timeline.enable(
            busy=state == "loading",
            travelling=self._travel is not None,
            branched=self._player.tandem.branch is not None,
        )

    def _change(self, field: str, value: Any) -> str:
        """Take over one setting: now if it may change while training runs, else at the reset."""
        changes: dict[str, Any] = {field: value}
        if field == "noise":
            changes = {"dataset_options": {**self._wanted.dataset_options, "noise": value}}
        elif field == "dataset":  # another data set has other options
            same = value == self.session.config.dataset
            changes["dataset_options"] = self.session.config.dataset_options if same else {}
            self._controls.offer_noise(offered=same)
        try:
            self._wanted = self._wanted.replace(**changes)
            if field in ExperimentConfig.live_fields():
                self.session.reconfigure(**changes)
                if field == "fusion":
                    self.session.look_again()
                told = f"{field} is {value} from sub-step {self.session.step} on."
                if self._player.tandem.branch is not None:
                    told += " The branch keeps its own."
            else:
                told = f"Press Reset to start afresh with the new {field}."
        except ConfigError as error:
            told = str(error)
        waiting = self._wanted.replace(**self.session.config.live_values()) != self.session.config
        self._controls.ask_for_reset(needed=waiting)
        return told

    def _travel_to(self, step: int | None) -> None:
        self._travel = step

    def _branch(self, changes: dict[str, Any]) -> None:
        """Let a second run go on from the moment shown, beside the first."""
        player, trunk = self._player, self.session
        trunk.config.replace(**changes)  # a value out of range is told in a sentence
        at = None if self._travel is None else trunk.recording.at(self._travel).snapshot
        player.replace(lambda: Tandem(trunk, trunk.fork(at, **changes)), "Making the branch …")

    def _drop(self) -> None:
        trunk = self.session
        self._player.replace(lambda: Tandem(trunk), "Dropping the branch …")

    def _save_page(self) -> None:
        """Write the run so far beside the notebook, as a page that needs no kernel."""
        tandem, config = self._player.tandem, self.session.config
        name = f"{config.dataset}-{config.method}-seed{config.seed}-step{self.session.step}.html"
        path = Path(name).resolve()

        def write() -> Tandem:
            export_session(tandem.trunk, path)
            return tandem

        done = f"The run so far is in {path}: a page that opens by a double click"
        self._player.replace(write, "Writing the page …", done)

    def _choose(self, index: int) -> None:
        self._chooser.value = self.session.probe.ids[index]

    def _show_sample(self, moments: tuple[Evaluation | None, ...], sample: str) -> None:
        if moments == self._moments and sample == self._sample:
            return
        self._moments, self._sample, blocks = moments, sample, []
        for session, look in zip(self._player.tandem.sessions, moments, strict=True):
            if look is not None and sample in look.ids:
                how = session.config.method, session.config.fusion
                blocks.append(sample_view.sample_html(session.data, look, sample, *how))
        titles = ("First run: ", "Branch: ") if len(blocks) > 1 else ("",)
        self._details.value = (
            "".join(
                f"<div>{title}{block}</div>" for title, block in zip(titles, blocks, strict=True)
            )
            if blocks
            else sample_view.EMPTY
        )
