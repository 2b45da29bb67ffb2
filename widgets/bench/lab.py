"""The bench: one session, its pictures and its controls, in one cell."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import ipywidgets as ipw

from mla_core.config import ExperimentConfig
from mla_core.data import MultimodalDataset
from mla_core.errors import ConfigError
from mla_core.language import LANGUAGES, choose, later, tr
from mla_core.presets import settings_of
from mla_core.session import TrainingSession
from mla_core.tandem import Tandem
from mla_core.words import sentences
from widgets.bench import diagram
from widgets.bench.controls import MORE_EPOCHS, Controls
from widgets.bench.difference import describe_branch
from widgets.bench.in_words import SMALL, InWords
from widgets.bench.map_follower import MapFollower, MapOffice
from widgets.bench.player import Player
from widgets.bench.saving import saving
from widgets.bench.saying import say, say_again
from widgets.bench.scene import Scene
from widgets.bench.stage import Stage
from widgets.bench.timeline import Timeline
from widgets.bench.watching import Watching, needs_reset, with_instruments
from widgets.bench.words import AT_RESET, describe
from widgets.charts import Run, legend_html, marks_html
from widgets.charts import training as charts
from widgets.charts.panels import HEIGHT, watched
from widgets.page import LiveFigure, LiveWidget, Pace, apply_theme, notebook_loop, text

RENDER_SECONDS = 0.1  # at most ten pictures a second ...
RENDER_SHARE = 10  # ... and training keeps ten times as long as a picture takes


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
        loop = notebook_loop(tr("the live bench"), "widgets.open_lab(headless=True)")
        config = config or ExperimentConfig()
        session = TrainingSession(config, data)  # before any widget, since it is what can fail
        super().__init__(loop, HEIGHT)
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
        self._watching = Watching(self._inbox.put, self._watch)
        self._diagram, self._difference, self._legend = (ipw.HTML() for _ in range(3))
        self._happened, self._note = ipw.HTML(), ipw.HTML()
        self._in_words = InWords(lambda: self._inbox.put(self._in_words.fold))
        self._chooser = say(
            ipw.Dropdown(
                style={"description_width": "50px"},
                layout={"width": "auto", "flex": "1 1 150px"},
            ),
            description=lambda: tr("Sample"),
        )
        self._stages: list[Stage] = []
        self._stage_box = ipw.VBox()
        self.view = self._lay_out()
        self._maps = MapOffice()
        self._followers: list[MapFollower] = []
        self._player.steps_per_second = self._controls.speed.value
        self._tandem: Tandem | None = None
        self._scene: Scene | None = None  # what was drawn last
        self._drawn: list[tuple[object, ...]] = []
        self._adopt(self._player.scene())
        self._controls.speed.observe(self._on_speed, "value")
        self._controls.unfold.observe(lambda _: self._inbox.put(self._controls.fold), "value")
        self._controls.language.observe(self._on_language, "value")
        for widget in (self._controls.map, self._chooser):
            widget.observe(lambda _: self._tell(""), "value")
        self._open()

    def _lay_out(self) -> ipw.VBox:
        controls, timeline, watching = self._controls, self._timeline, self._watching
        controls.bar.children += (timeline.unfold,)
        timeline.view.children += (watching.unfold,)
        choosers = ipw.HBox([controls.map, self._chooser])
        parts = {  # css class -> box
            "mla-bench-head": ipw.VBox(
                [controls.bar, timeline.view, ipw.HBox([self._status, controls.further])]
            ),
            "mla-bench-settings": ipw.VBox([controls.settings, timeline.branching, watching.box]),
            "mla-bench-network": ipw.VBox([self._diagram, self._difference]),
            "mla-bench-body": ipw.Box(
                [
                    ipw.VBox([self._legend, self._figure_box, self._happened]),
                    ipw.VBox([choosers, self._stage_box]),
                ]
            ),
            "mla-bench-foot": ipw.VBox([self._in_words.button, self._in_words.told, self._note]),
        }
        for name, box in parts.items():
            box.add_class(name)
        self._stage_box.add_class("mla-bench-stages")
        view = ipw.VBox(list(parts.values()))
        view.add_class("mla-bench")
        return view

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
        for stage in self._stages:
            stage.close()

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
            "reset": self._reset,
            "page": lambda: self._inbox.put(lambda: player.replace(*saving(player.tandem))),
            "more": lambda: player.further(MORE_EPOCHS),
            "seed": lambda: self._inbox.put(self._another_seed),
        }
        actions[name]()

    def _on_setting(self, field: str, value: Any) -> None:
        self._inbox.put(lambda: self._change(field, value))

    def _on_speed(self, change: dict[str, Any]) -> None:
        self._player.steps_per_second = change["new"]

    def _on_language(self, change: dict[str, Any]) -> None:
        self._inbox.put(lambda: self._speak(change["new"]))

    def _on_pick(self, sample: str) -> None:
        self._inbox.put(lambda: self._choose(sample))

    def _tell(self, sentence: str) -> None:
        """Draw anew, with a sentence if there is one."""
        self._inbox.put(lambda: sentence)

    # ------------------------------------------------------------------ all below: event loop only

    async def _run(self) -> None:
        async for scene in self._player.moments():
            await self._follow(scene)

    async def _follow(self, scene: Scene) -> None:
        """Show what the player does, while it goes on; pictures of training only when they are due."""
        player = self._player
        if player.tandem is not self._tandem:
            self._adopt(scene)
        share = 0 if player.steps_per_second else RENDER_SHARE  # at a slow speed, training waits
        if scene.state == self._status.state == "playing" and not self._pace.due(share):
            return
        self._enable(scene.state)
        if scene.state == "loading":
            self._status.say("loading", scene.message)
            return
        with self._pace.drawing():
            self._draw(await self._looked_at(scene))

    def _adopt(self, scene: Scene) -> None:
        """Show another run, or another branch of it: its settings, samples and an empty figure."""
        tandem = self._player.tandem
        session = tandem.trunk
        if self._tandem is None or session is not self._tandem.trunk:
            self._show_run(session)
        branched = tandem.branch is not None
        self._drop_after_the_first()
        if branched:
            first, seed = self._followers[0], session.config.seed
            self._followers.append(MapFollower(self._maps, seed, self._tell, first))
            self._stages.append(
                Stage(session.data, later("Branch"), self._on_pick, self._stages[0])
            )
        self._stages[0].name(later("First run") if branched else "")
        self._stage_box.children = [stage.box for stage in self._stages]
        self._tandem = tandem
        self._travel = None
        self._make_figure(scene)

    def _make_figure(self, scene: Scene) -> None:
        """Show another figure: its panels are those of the run, of a branch, and what is watched."""
        names, shown = list(self.session.data.modalities), watched(self.session.config)
        figure = charts.figure_of(names, *scene.runs)
        apply_theme(figure, dark=self._status.dark)
        self._legend.value = legend_html(names, branch=len(scene.runs) > 1, instruments=shown)
        self._figure = LiveFigure(figure)
        self._show_figure(self._figure)
        self._drawn = []

    def _drop_after_the_first(self) -> None:
        for follower in self._followers[1:]:
            follower.close()
        for stage in self._stages[1:]:
            stage.close()
        del self._followers[1:], self._stages[1:]

    def _show_run(self, session: TrainingSession) -> None:
        self._wanted = session.config
        for follower in self._followers:
            follower.close()
        for stage in self._stages:
            stage.close()
        self._followers = [MapFollower(self._maps, session.config.seed, self._tell)]
        self._stages = [Stage(session.data, "", self._on_pick)]
        self._controls.show(session.config, session.data.modalities)
        self._controls.ask_for_reset(needed=False)
        self._timeline.show(session.config)
        self._watching.show(session.config)
        say(self._note, value=self._told_of_data)
        say(self._chooser, options=self._samples)
        self._chooser.value = ""

    def _told_of_data(self) -> str:
        return f"<p style='{SMALL}'>{text(tr(self.session.data.note))}</p>"

    def _samples(self) -> list[tuple[str, str]]:
        ids = self.session.probe.ids
        return [(tr("choose, or click a point"), ""), *zip(ids, ids, strict=True)]

    async def _looked_at(self, scene: Scene) -> Scene:
        """Return the scene as it is to be seen: now, or at the moment travelled to, with its maps."""
        sessions = self._player.tandem.sessions
        kind, calm = self._controls.map.value, scene.state == "playing"
        runs: list[Run] = []
        for session, run, follower in zip(sessions, scene.runs, self._followers, strict=True):
            snapshot = None if self._travel is None else session.recording.at(self._travel).snapshot
            there = replace(run, then=None if snapshot is None else snapshot.history)
            if there.look is not None:
                view = await follower.follow(there.look, kind, calm=calm)
                there = replace(there, view=view)
            runs.append(there)
        return replace(scene, runs=tuple(runs), travel=self._travel)

    def _draw(self, scene: Scene) -> None:
        names = list(self.session.data.modalities)
        radius = max((run.view.half_width for run in scene.runs if run.view), default=1.0)
        for stage, run in zip(self._stages, scene.runs, strict=True):
            stage.show(run, self._chooser.value, radius)
        self._diagram.value = diagram.beside(
            [diagram.network_svg(names, run) for run in scene.runs]
        )
        told = text(describe_branch(*scene.runs)) if len(scene.runs) > 1 else ""
        self._difference.value = f'<p class="mla-difference">{told}</p>' if told else ""
        self._timeline.follow(scene.first, scene.travel)
        if (drawing := [run.drawing for run in scene.runs]) != self._drawn:
            charts.refresh(self._figure, *scene.runs)
            self._happened.value = marks_html([mark for run in scene.runs for mark in run.marks])
            self._drawn = drawing
            self._status.tick += 1
            self._in_words.tell(scene.first)
        self._enable(scene.state)
        self._status.say(scene.state, describe(scene))
        self._scene = scene

    def _enable(self, state: str) -> None:
        self._controls.enable(state)
        self._timeline.enable(
            busy=state == "loading",
            travelling=self._travel is not None,
            branched=self._player.tandem.branch is not None,
        )

    def _reset(self) -> None:
        self._player.replace(
            lambda: Tandem(TrainingSession(self._wanted, self._data)),
            tr("Loading the data and starting afresh …"),
        )

    def _another_seed(self) -> None:
        self._wanted = self._wanted.replace(seed=self._wanted.seed + 1)
        self._reset()

    def _change(self, field: str, value: Any) -> str:
        """Take over one setting: now if it may change while training runs, else at the reset."""
        changes: dict[str, Any] = {field: value}
        if field == "noise":
            changes = {"dataset_options": {**self._wanted.dataset_options, "noise": value}}
        elif field == "prediction":
            changes = settings_of(value, self.session.config)
        elif field == "dataset":  # another data set has other options
            same = value == self.session.config.dataset
            changes["dataset_options"] = self.session.config.dataset_options if same else {}
            self._controls.offer_noise(offered=same)
        try:
            self._wanted = with_instruments(self._wanted, self._wanted.instruments, **changes)
            if field in ExperimentConfig.live_fields():
                self.session.reconfigure(**changes)
                if field == "fusion":
                    self.session.look_again()
                told = tr(
                    "{field} is {value} from sub-step {step} on.",
                    field=field,
                    value=value,
                    step=self.session.step,
                )
                if self._player.tandem.branch is not None:
                    told = sentences(told, tr("The branch keeps its own."))
            else:
                told = tr(AT_RESET[field])
        except ConfigError as error:
            told = str(error)
        self._controls.ask_for_reset(needed=needs_reset(self._wanted, self.session.config))
        return told

    def _watch(self, names: list[str]) -> str:
        """Show these instruments from now on, of the run and its branch."""
        for session in self._player.tandem.sessions:
            session.reconfigure(instruments=names)
        self._wanted = with_instruments(self._wanted, names)
        self._make_figure(self._player.scene())
        titles = [tr(one.title) for one in watched(self.session.config)]
        return tr(
            "Watched from sub-step {step} on: {titles}.",
            step=self.session.step,
            titles=tr(", ").join(titles) or tr("nothing"),
        )

    def _speak(self, code: str) -> str:
        """Say everything in another language; the run, and all that is chosen, stay as they are."""
        choose(code)
        self._show_figure(None)
        with self._controls.quiet():
            say_again([self.view, *self._loose()])
        for follower, stage in zip(self._followers, self._stages, strict=True):
            follower.say_again()
            stage.say_again()
        self._make_figure(self._player.scene())
        return tr(
            "The bench speaks {language} now. Other cells speak it when they run again.",
            language=LANGUAGES[code],
        )

    def _travel_to(self, step: int | None) -> None:
        self._travel = step if step in self.session.recording.steps else None

    def _branch(self, changes: dict[str, Any]) -> None:
        """Let a second run go on from the moment shown, beside the first."""
        player, trunk = self._player, self.session
        trunk.config.replace(**changes)  # a value out of range is told in a sentence
        at = None if self._travel is None else trunk.recording.at(self._travel).snapshot
        changes = {"instruments": trunk.config.instruments, **changes}
        player.replace(lambda: Tandem(trunk, trunk.fork(at, **changes)), tr("Making the branch …"))

    def _drop(self) -> None:
        self._player.replace(lambda: Tandem(self.session), tr("Dropping the branch …"))

    def _choose(self, sample: str) -> None:
        if sample in {"", *self.session.probe.ids}:  # else it is of another run's samples
            self._chooser.value = sample
