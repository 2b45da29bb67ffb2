"""The bench: one session, its pictures and its controls, in one cell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ipywidgets as ipw
from IPython.display import display

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
    StatusLine,
    apply_theme,
    close,
    describe,
    describe_training,
    notebook_loop,
    per_cell,
    text,
)

ANSWER_SECONDS = 3.0
SMALL = "font-size:12px;line-height:1.4"


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
        self._loop = notebook_loop("the live bench", "widgets.open_lab(headless=True)")
        config = config or ExperimentConfig()
        session = TrainingSession(config, data)  # first, since it is what can fail
        per_cell.register(self)
        self._data = data
        self._wanted = config  # what the settings show, and what Reset starts
        self._travel: int | None = None  # the moment shown; None means now
        self._status = StatusLine()
        self._player = Player(
            session, self._render, self._on_state, lambda: self._status.tock == self._status.tick
        )
        self._controls = Controls(
            config, self._on_button, self._on_setting, own_data=data is not None
        )
        self._timeline = Timeline(
            config, self._player.queue, self._travel_to, self._branch, self._drop
        )
        self._diagram = ipw.HTML()
        self._difference = ipw.HTML()
        self._details = ipw.HTML()
        self._words = ipw.HTML()
        self._note = ipw.HTML()
        self._chooser = ipw.Dropdown(description="Sample", layout={"width": "250px"})
        self._progress = ipw.FloatProgress(max=1.0, layout={"width": "99%", "height": "10px"})
        self._figure_box = ipw.VBox(layout={"min_height": f"{charts.HEIGHT}px"})
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
        self._adopt(self._player.tandem)
        self._status.observe(lambda _: self._loop.call_soon_threadsafe(self._apply_theme), "dark")
        self._controls.speed.observe(self._on_speed, "value")
        self._controls.unfold.observe(lambda _: self._player.queue(self._controls.fold), "value")
        self._controls.map.observe(lambda _: self._player.queue(self._show_other_map), "value")
        self._chooser.observe(lambda _: self._player.queue(self._show_sample), "value")
        self._player.start()

    @property
    def session(self) -> TrainingSession:
        """The session being shown."""
        return self._player.session

    def close(self) -> None:
        """Stop training, end the map's process, and remove every widget."""
        self._player.close()
        for follower in self._followers:
            follower.close()
        self._maps.close()
        self._retire_figure()
        parts = [*self.view.children, *self._controls.widgets(), *self._timeline.widgets()]
        for widget in [self.view, *parts]:
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
            "reset": lambda: player.replace(
                lambda: Tandem(TrainingSession(self._wanted, self._data)),
                "Loading the data and starting afresh …",
            ),
            "page": lambda: player.queue(self._save_page),
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
            branch = MapFollower(self._maps, seed, self._map_changed, self._followers[0])
            self._followers.append(branch)
        self._tandem = tandem
        self._since = tandem.branch.step if tandem.branch is not None else 0
        self._travel = None
        self._moments: tuple[Evaluation | None, ...] = ()
        figure = charts.training_figure(
            list(session.data.modalities), session.config.method, branch=len(self._followers) > 1
        )
        apply_theme(figure, dark=self._status.dark)
        runs = self._look(tandem.histories())
        charts.refresh(figure, *runs)
        self._drawn = [run.drawing for run in runs]
        self._put_into_words(runs[0])
        self._figure = LiveFigure(figure)
        for trace in self._figure.data:
            if trace.meta.startswith(("map.", "branch.map.")):
                trace.on_click(self._on_point)
        self._retire_figure()
        self._figure_box.children = [self._figure]

    def _show_run(self, session: TrainingSession) -> None:
        self._wanted = session.config
        for follower in self._followers:
            follower.close()
        self._followers = [MapFollower(self._maps, session.config.seed, self._map_changed)]
        self._controls.show(session.config, session.data.modalities)
        self._controls.ask_for_reset(needed=False)
        self._timeline.show(session.config)
        self._note.value = f"<p style='{SMALL}'>{text(session.data.note)}</p>"
        ids = session.probe.ids
        self._chooser.options = [("choose, or click a point", "")] + [(s, s) for s in ids]

    def _retire_figure(self) -> None:
        """Take the figure off the screen now, and close it when the page has answered it."""
        old, self._figure_box.children = self._figure_box.children, ()
        for widget in old:
            # The page still answers the last update, which fails on a closed channel.
            self._loop.call_later(ANSWER_SECONDS, close, widget)

    def _look(self, histories: list[History]) -> list[charts.Shown]:
        """Return what is to be seen of every run, now or at the moment travelled to."""
        sessions = self._player.tandem.sessions
        kind, calm = self._controls.map.value, self._player.state == "playing"
        runs: list[charts.Shown] = []
        for session, history, follower in zip(sessions, histories, self._followers, strict=True):
            snapshot = None if self._travel is None else session.recording.at(self._travel).snapshot
            then = None if snapshot is None else snapshot.history
            look = (then or history).latest
            if look is not None and look is not follower.shown:
                follower.follow(look, kind, calm=calm)
            since = self._since if runs else 0
            runs.append(charts.Shown(history, follower.view, then, since))
        return runs

    def _render(self, histories: list[History]) -> None:
        if self._player.tandem is not self._tandem:
            self._adopt(self._player.tandem)
        runs = self._look(histories)
        moments = tuple(run.moment.latest for run in runs)
        if moments != self._moments:
            self._moments = moments
            self._show_sample()
        names = list(self.session.data.modalities)
        diagrams = [
            diagram.network_svg(
                names, run.moment, session.config.method, session.config.head_gradient
            )
            for session, run in zip(self._player.tandem.sessions, runs, strict=True)
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
        self._say(runs[0].moment)

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

    def _on_state(self) -> None:
        player = self._player
        self._enable()
        if player.state in {"paused", "finished"} and self._controls.map.value == "umap":
            self._show_other_map()
        if player.state == "loading":
            self._status.say("loading", player.message)
        else:
            self._say(self._look(player.tandem.histories())[0].moment)

    def _enable(self) -> None:
        state = self._player.state
        self._controls.enable(state)
        self._timeline.enable(
            busy=state == "loading",
            travelling=self._travel is not None,
            branched=self._player.tandem.branch is not None,
        )

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
                if player.tandem.branch is not None:
                    player.message += " The branch keeps its own."
            else:
                player.message = f"Press Reset to start afresh with the new {field}."
        except ConfigError as error:
            player.message = str(error)
        waiting = self._wanted.replace(**self.session.config.live_values()) != self.session.config
        self._controls.ask_for_reset(needed=waiting)
        player.redraw()
        self._on_state()

    def _travel_to(self, step: int | None) -> None:
        self._travel = step
        self._enable()
        self._player.redraw()

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

    def _show_sample(self) -> None:
        sample, blocks = self._chooser.value, []
        for session, look in zip(self._player.tandem.sessions, self._moments, strict=False):
            if look is not None and sample in look.ids:
                method = session.config.method
                blocks.append(sample_view.sample_html(session.data, look, sample, method))
        titles = ("First run: ", "Branch: ") if len(blocks) > 1 else ("",)
        self._details.value = (
            "".join(
                f"<div>{title}{block}</div>" for title, block in zip(titles, blocks, strict=True)
            )
            if blocks
            else sample_view.EMPTY
        )

    def _apply_theme(self) -> None:
        apply_theme(self._figure, dark=self._status.dark)

    def _show_other_map(self) -> None:
        for follower in self._followers:
            if follower.shown is not None:
                follower.follow(follower.shown, self._controls.map.value)
        self._player.redraw()

    def _map_changed(self, message: str) -> None:
        if message:
            self._player.message = message
            self._on_state()
        self._player.queue(self._player.redraw)
