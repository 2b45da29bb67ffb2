"""Play, pause, step, reset: drives training from the event loop without ever blocking it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import NamedTuple

from mla_core.errors import in_a_sentence
from mla_core.language import later, tr
from mla_core.session import TrainingSession
from mla_core.tandem import Tandem
from widgets.bench.scene import Scene
from widgets.charts import Mark, run_of
from widgets.page import Inbox

CHUNK_SECONDS = 0.06

Command = Callable[[], str | None]  # what it returns, if anything, is said


class Loading(NamedTuple):
    """What makes the tandem to go on with, what is said then, and the state before."""

    make: Callable[[], Tandem]
    done: str
    before: str


class Player:
    """Trains as it is told, each chunk in a thread, and knows nothing of who watches.

    Commands may come from any thread at any time: they wait in an inbox, and are applied between
    two chunks. Whoever watches iterates over `moments`.

    Parameters
    ----------
    session : TrainingSession
    inbox : Inbox
        Of commands; others may put theirs in, too.

    Attributes
    ----------
    tandem : Tandem
        The run, and its branch if it has one.
    state : {"ready", "playing", "paused", "finished", "stopped", "failed", "loading"}
    message : str
        Why it failed, or what a command had to say.
    steps_per_second : float
        The speed limit; 0 means none.
    """

    def __init__(self, session: TrainingSession, inbox: Inbox[Command]) -> None:
        self.tandem = Tandem(session)
        self.state = "ready"
        self.message = ""
        self.steps_per_second = 0.0
        self._inbox = inbox
        self._left: int | None = 0  # sub-steps still to take; None means until the end
        self._loading: Loading | None = None
        self._failures: dict[TrainingSession, list[Mark]] = {}  # their histories do not know them

    @property
    def session(self) -> TrainingSession:
        """The run; its branch is ``tandem.branch``."""
        return self.tandem.trunk

    def scene(self) -> Scene:
        """Return everything there is to be seen, as it is now. On the event loop only."""
        tandem = self.tandem
        runs = [run_of(tandem.trunk, self._failures.get(tandem.trunk, ()))]
        if tandem.branch is not None:
            marks = [Mark(tandem.since, later("branch")), *self._failures.get(tandem.branch, ())]
            runs.append(run_of(tandem.branch, marks, tandem.since))
        return Scene(self.state, self.message, tuple(runs))

    # ---------------------------------------------------------------- called from anywhere

    def play(self) -> None:
        """Train until paused or finished."""
        self._inbox.put(lambda: self._go(None))

    def pause(self) -> None:
        """Stop after the current chunk."""
        self._inbox.put(lambda: self._go(0))

    def step(self) -> None:
        """Train one modality once."""
        self._inbox.put(self._go_one_further)

    def step_epoch(self) -> None:
        """Train to the end of the current epoch."""
        self._inbox.put(self._go_to_epoch_end)

    def further(self, epochs: int) -> None:
        """Train for so many more epochs than were planned."""
        self._inbox.put(lambda: self._go_further(epochs))

    def stop(self) -> None:
        """End this run here; only a reset starts another."""
        self._inbox.put(self._stop)

    def replace(self, make: Callable[[], Tandem], message: str, done: str = "") -> None:
        """Go on with what `make` returns; it is called in a thread, while `message` is shown.

        Without `done`, which is said afterwards, a fault ends the run.
        """
        self._inbox.put(lambda: self._load(make, message, done))

    # ------------------------------------------------------------ runs on the event loop

    async def moments(self) -> AsyncIterator[Scene]:
        """Work for ever, and yield whenever anything may have changed.

        Yields
        ------
        Scene
            While training goes on, the next chunk is under way in its thread until more is asked
            for.
        """
        while True:
            seen = self.scene()
            if self.state == "playing":
                started = time.monotonic()
                chunk = asyncio.ensure_future(asyncio.to_thread(self._chunk))
                yield seen
                taken = await self._finish(chunk)
                if self.state == "playing" and self.steps_per_second:
                    yield self.scene()  # now, rather than after the pause
                    spent = time.monotonic() - started
                    await self._inbox.wait(max(0.0, taken / self.steps_per_second - spent))
            else:
                yield seen
                if self._loading is not None:
                    await self._finish_loading(self._loading)
                    continue  # what came of it is seen before anything else happens
                await self._inbox.wait()
            self._apply_commands()

    def _apply_commands(self) -> None:
        for command in self._inbox.take():
            try:
                told = command()
            except Exception as error:  # noqa: BLE001 - one bad command must not end the bench
                told = in_a_sentence(error)
            if told:
                self.message = told
            if self._loading is not None:  # the others are for what comes then
                return

    def _go(self, steps: int | None) -> None:
        if self.state in {"finished", "stopped"}:
            return
        if self.state == "failed":  # the weights may be spoilt
            session = self.tandem.at_work
            self.tandem.rewind()
            mark = Mark(session.step, later("failed, back to here"))
            self._failures.setdefault(session, []).append(mark)
        self._left = steps
        if steps == 0:
            self._set("paused" if self.session.step else "ready")
        else:
            self._set("playing")

    def _go_one_further(self) -> None:
        left = self._left if self.state == "playing" else 0
        if left is not None:  # playing to the end anyway
            self._go(left + 1)

    def _go_to_epoch_end(self) -> None:
        for session in self.tandem.unfinished[:1]:
            self._go(session.steps_per_epoch - session.step_in_epoch)

    def _go_further(self, epochs: int) -> None:
        for session in self.tandem.sessions:
            session.reconfigure(epochs=session.config.epochs + epochs)
        if self.state == "finished":
            self._set("paused")
        self._go(None)

    def _stop(self) -> None:
        if self.state != "failed":
            self._left = 0
            self._set("stopped")

    def _load(self, make: Callable[[], Tandem], message: str, done: str) -> None:
        before = "paused" if self.state == "playing" else self.state
        self._left, self._loading = 0, Loading(make, done, before)
        self._set("loading", message)

    def _set(self, state: str, message: str = "") -> None:
        self.state, self.message = state, message

    def _chunk(self) -> int:
        """Train for a moment, in a thread; return the number of sub-steps taken."""
        limit = self._left
        if self.steps_per_second:
            at_once = max(1, round(self.steps_per_second * CHUNK_SECONDS))
            limit = at_once if limit is None else min(limit, at_once)
        return self.tandem.advance(steps=limit, seconds=CHUNK_SECONDS)

    async def _finish(self, chunk: asyncio.Future[int]) -> int:
        try:
            taken = await chunk
        except Exception as error:  # noqa: BLE001 - every fault becomes a sentence, reset goes on
            self._left = 0
            back = self.tandem.at_work.last_good.step
            self._set(
                "failed",
                tr(
                    "{error} Change a setting and press Play to go on from sub-step {step}, where "
                    "all was well, or Reset.",
                    error=in_a_sentence(error),
                    step=back,
                ),
            )
            return 0
        if self._left is not None:
            self._left -= taken
        if not self.tandem.unfinished:
            self._left = 0
            self._set("finished")
        elif self._left == 0:
            self._set("paused")
        return taken

    async def _finish_loading(self, loading: Loading) -> None:
        self._loading = None
        try:
            tandem = await asyncio.to_thread(loading.make)
        except Exception as error:  # noqa: BLE001 - every fault becomes a sentence
            if loading.done:
                told = tr("Could not write: {error}. Nothing is lost", error=error)
                self._set(loading.before, told)
            else:
                told = tr(
                    "Could not start: {error}. Change the setting and press Reset", error=error
                )
                self._set("stopped", told)
            return
        state = loading.before
        if tandem is not self.tandem:
            begun = any(session.step for session in tandem.sessions)
            state = ("paused" if tandem.unfinished else "finished") if begun else "ready"
            self._failures = {s: m for s, m in self._failures.items() if s in tandem.sessions}
        self.tandem = tandem
        self._set(state, loading.done)
