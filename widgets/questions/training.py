"""A run that trains in the background, behind whatever the reader does."""

from __future__ import annotations

import asyncio
from weakref import WeakKeyDictionary

import anywidget
import traitlets
from IPython.display import display

from mla_core.config import ExperimentConfig
from mla_core.errors import in_a_sentence
from mla_core.language import tr
from mla_core.runs import train
from mla_core.session import TrainingSession
from mla_core.threads import others_at_work
from widgets.page import close, notebook_loop, per_cell, script, stylesheet
from widgets.page.spoken import Spoken

CHUNK_SECONDS = 0.05
REST_SECONDS = 0.01  # after each, for whatever else the event loop has to do
PATIENCE_SECONDS = 0.5  # with other threads that compute, such as the bench's
_turns: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()


class TrainingForm(Spoken, anywidget.AnyWidget):
    """One line and a bar (``training.js``).

    Attributes
    ----------
    text : str
        What the live region says.
    progress : float
        From 0 to 1; the bar is gone when it is over.
    state : {"waiting", "training", "finished", "failed"}
    """

    _esm = script("page/dom", "questions/training")
    _css = stylesheet("questions/training")
    text = traitlets.Unicode().tag(sync=True)
    progress = traitlets.Float(0.0).tag(sync=True)
    state = traitlets.Unicode("waiting").tag(sync=True)


class BackgroundTraining:
    """Trains one run while the notebook goes on.

    A task on the event loop has chunk after chunk trained in a thread. So running cells come first,
    and between chunks it lets other threads that compute, such as the bench's, go first. Several
    trainings take turns, one after the other.

    Parameters
    ----------
    config : ExperimentConfig

    Attributes
    ----------
    session : TrainingSession
        Finished or not.
    name : str
        The method, with its head gradient where that is not the paper's.
    failure : str
        Why it cannot go on, empty while it can.

    Raises
    ------
    ConfigError
        Outside a notebook, where no event loop runs.
    """

    def __init__(self, config: ExperimentConfig) -> None:
        instead = "train_in_background(headless=True)"
        loop = notebook_loop(tr("training in the background"), instead)
        self.session = TrainingSession(config)  # before the form, since it is what can fail
        self.name = name_of(self.session)
        self.failure = ""
        self.view = TrainingForm(text=tr("{run} waits for its turn to train.", run=self.name))
        per_cell.register(self)
        self._task = loop.create_task(self._run(_turns.setdefault(loop, asyncio.Lock())))

    def close(self) -> None:
        """Stop training and remove the line."""
        self._task.cancel()
        close(self.view)

    def _ipython_display_(self) -> None:
        display(self.view)

    async def _run(self, turn: asyncio.Lock) -> None:
        async with turn:
            try:
                while not self.session.finished:
                    self._say("training", self._how_far())
                    await self._give_way()
                    await asyncio.to_thread(self.session.advance, seconds=CHUNK_SECONDS)
            except Exception as error:  # noqa: BLE001 - every fault becomes a sentence
                self.failure = tr(
                    "{run} could not be trained to its end: {fault}",
                    run=self.name,
                    fault=in_a_sentence(error),
                )
                failed = tr("{failure}. Run this cell again.", failure=self.failure.rstrip("."))
                self._say("failed", failed)
                return
        trained = tr(
            "{run} is trained: {epochs} epochs.",
            run=self.name,
            epochs=self.session.config.epochs,
        )
        self._say("finished", trained)

    def _how_far(self) -> str:
        return tr(
            "Training {run} in the background: epoch {now} of {epochs}.",
            run=self.name,
            now=self.session.epoch + 1,
            epochs=self.session.config.epochs,
        )

    async def _give_way(self) -> None:
        await asyncio.sleep(REST_SECONDS)
        waited = 0.0
        while others_at_work() and waited < PATIENCE_SECONDS:
            await asyncio.sleep(CHUNK_SECONDS)
            waited += CHUNK_SECONDS

    def _say(self, state: str, text: str) -> None:
        with self.view.hold_sync():
            self.view.state, self.view.text = state, text
            self.view.progress = self.session.progress


class Trained:
    """A run that is trained already, headless.

    Parameters
    ----------
    session : TrainingSession
    """

    def __init__(self, session: TrainingSession) -> None:
        self.session = session
        self.name = name_of(session)


def name_of(session: TrainingSession) -> str:
    """Return what a run is called: its method, with its head gradient where that is not the paper's.

    Examples
    --------
    >>> config = ExperimentConfig(dataset="gaussian", head_gradient="off")
    >>> name_of(TrainingSession(config)), name_of(TrainingSession(config.replace(method="sum")))
    ('mla (off)', 'sum')
    """
    config = session.config
    plain = "head_gradient" not in session.method.uses or config.head_gradient == "paper"
    return config.method if plain else f"{config.method} ({config.head_gradient})"


def train_in_background(
    config: ExperimentConfig, *, headless: bool = False
) -> BackgroundTraining | Trained:
    """Show how far a run is that trains behind the rest of the notebook, and return it.

    Parameters
    ----------
    config : ExperimentConfig
    headless : bool
        Train it now, to the end.

    Examples
    --------
    >>> config = ExperimentConfig(dataset="gaussian", epochs=1)
    >>> train_in_background(config, headless=True).session.finished
    True
    """
    if headless:
        return Trained(train(config, progress=True))
    training = BackgroundTraining(config)
    display(training)
    return training
