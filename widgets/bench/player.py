"""Play, pause, step, reset: drives training from the event loop without ever blocking it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from mla_core.errors import TrainingDivergedError
from mla_core.records import History
from mla_core.session import TrainingSession
from mla_core.tandem import Tandem

CHUNK_SECONDS = 0.06
RENDER_SECONDS = 0.1  # at most ten renders a second ...
RENDER_SHARE = 10  # ... and training keeps ten times as long as a render takes
PATIENCE_SECONDS = 2.0  # for a page that does not answer: it may be closed

Command = Callable[[], None]


class Player:
    """One task on the event loop; each chunk of training runs in a thread.

    Callbacks may come from any thread at any time: they only queue a command, which is applied
    between two chunks. Widgets are written on the event loop alone.

    Parameters
    ----------
    session : TrainingSession
    on_render : callable
        Receives histories that nobody changes any more: the run's, and its branch's if it has one.
    on_state : callable
        Called when ``state`` or ``message`` changed, on the event loop.
    caught_up : callable, optional
        Whether the page has drawn what it was sent; until then it is sent nothing more, unless it
        does not answer at all.

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

    def __init__(
        self,
        session: TrainingSession,
        on_render: Callable[[list[History]], None],
        on_state: Callable[[], None],
        caught_up: Callable[[], bool] = lambda: True,
    ) -> None:
        self.tandem = Tandem(session)
        self.state = "ready"
        self.message = ""
        self.steps_per_second = 0.0
        self._on_render = on_render
        self._on_state = on_state
        self._caught_up = caught_up
        self._commands: deque[Command] = deque()
        self._left: int | None = 0  # sub-steps still to take; None means until the end
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._render_cost = 0.0
        self._rendered_at = 0.0
        self._dirty = False
        self._seen = self.tandem.histories()
        self._done = ""
        self._make: Callable[[], Tandem] | None = None

    @property
    def session(self) -> TrainingSession:
        """The run; its branch is ``tandem.branch``."""
        return self.tandem.trunk

    # ---------------------------------------------------------------- called from anywhere

    def start(self) -> None:
        """Start the task on the running event loop."""
        self._loop = asyncio.get_running_loop()
        self._task = self._loop.create_task(self._run())
        self._task.add_done_callback(self._ended)

    def queue(self, command: Command) -> None:
        """Apply `command` between two chunks."""
        self._commands.append(command)  # a deque: safe from any thread
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake.set)

    def play(self) -> None:
        """Train until paused or finished."""
        self.queue(lambda: self._go(None))

    def pause(self) -> None:
        """Stop after the current chunk."""
        self.queue(lambda: self._go(0))

    def step(self) -> None:
        """Train one modality once."""
        self.queue(self._go_one_further)

    def step_epoch(self) -> None:
        """Train to the end of the current epoch."""
        self.queue(self._go_to_epoch_end)

    def stop(self) -> None:
        """End this run here; only a reset starts another."""
        self.queue(self._stop)

    def replace(self, make: Callable[[], Tandem], message: str, done: str = "") -> None:
        """Go on with what `make` returns; it is called in a thread, while `message` is shown.

        Without `done`, which is said afterwards, a fault ends the run.
        """
        self._done = done
        self.queue(lambda: self._set("loading", message, make=make))

    def close(self) -> None:
        """End the task."""
        if self._task is not None:
            self._task.cancel()

    # ------------------------------------------------------------ runs on the event loop

    def redraw(self) -> None:
        """Render again soon, even when nothing is training."""
        self._dirty = True
        self._seen = self.tandem.histories()

    def _go(self, steps: int | None) -> None:
        if self.state in {"finished", "stopped", "loading"}:
            return
        if self.state == "failed":  # the weights may be spoilt
            self.tandem.rewind()
            self.redraw()
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

    def _stop(self) -> None:
        if self.state in {"loading", "failed"}:
            return
        self._left = 0
        self._set("stopped", f"stopped after {self.session.step} sub-steps")

    def _set(self, state: str, message: str = "", make: Callable[[], Tandem] | None = None) -> None:
        self.state, self.message, self._make = state, message, make
        self._on_state()

    async def _run(self) -> None:
        self._render(self.tandem.histories())
        self._on_state()
        while True:
            self._apply_commands()
            if self.state == "loading":
                await self._load()
                continue
            if self._left == 0 or self.state != "playing":
                if self._dirty:
                    self._render(self.tandem.histories())
                self._wake.clear()
                if not self._commands:
                    await self._wake.wait()
                continue
            chunk = asyncio.ensure_future(asyncio.to_thread(self._chunk))
            if self._dirty and self._due():
                # Only lists grow while the thread works, and this copy is ours.
                self._render(self._seen)
            await self._finish(chunk)

    async def _finish(self, chunk: asyncio.Future[Any]) -> None:
        started = time.monotonic()
        try:
            taken = await chunk
        except Exception as error:  # noqa: BLE001 - every fault becomes a sentence, reset goes on
            self._left = 0
            self._dirty = True
            known = isinstance(error, TrainingDivergedError)
            back = self.tandem.at_work.last_good.step
            self._set(
                "failed",
                f"{error if known else f'{type(error).__name__}: {error}'} Change a setting and "
                f"press Play to go on from sub-step {back}, where all was well, or Reset.",
            )
            return
        self._dirty = True
        self._seen = self.tandem.histories()
        if self._left is not None:
            self._left -= taken
        if not self.tandem.unfinished:
            self._left = 0
            self._set("finished")
        elif self._left == 0:
            self._set("paused")
        elif self.steps_per_second:
            if self._due():
                self._render(self._seen)
            pause = taken / self.steps_per_second - (time.monotonic() - started)
            await self._sleep(pause)

    async def _sleep(self, seconds: float) -> None:
        """Wait, but wake at once for a command."""
        self._wake.clear()
        if seconds > 0 and not self._commands:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), seconds)

    async def _load(self) -> None:
        make = self._make
        assert make is not None  # noqa: S101 - set together with the state
        try:
            self.tandem = await asyncio.to_thread(make)
        except Exception as error:  # noqa: BLE001 - every fault becomes a sentence
            hint = "Nothing is lost" if self._done else "Change the setting and press Reset"
            what = "write" if self._done else "start"
            self._set("paused" if self._done else "stopped", f"Could not {what}: {error}. {hint}")
            return
        self._left = 0
        self._render(self.tandem.histories())
        self._render_cost = 0.0  # a new figure is no measure for the next update
        begun = any(session.step for session in self.tandem.sessions)
        state = ("paused" if self.tandem.unfinished else "finished") if begun else "ready"
        self._set(state, self._done)

    def _chunk(self) -> int:
        """Train for a moment, in a thread; return the number of sub-steps taken."""
        limit = self._left
        if self.steps_per_second:
            at_once = max(1, round(self.steps_per_second * CHUNK_SECONDS))
            limit = at_once if limit is None else min(limit, at_once)
        return self.tandem.advance(steps=limit, seconds=CHUNK_SECONDS)

    def _apply_commands(self) -> None:
        while self._commands:
            try:
                self._commands.popleft()()
            except Exception as error:  # noqa: BLE001 - one bad command must not end the bench
                self._set(self.state, f"{type(error).__name__}: {error}", self._make)

    def _due(self) -> bool:
        waited = time.monotonic() - self._rendered_at
        if not self._caught_up() and waited < PATIENCE_SECONDS:
            return False
        if self.steps_per_second:  # a person watches, and training waits anyway
            return waited >= RENDER_SECONDS
        return waited >= max(RENDER_SECONDS, RENDER_SHARE * self._render_cost)

    def _render(self, histories: list[History]) -> None:
        started = time.monotonic()
        self._dirty = False
        self._on_render(histories)
        self._rendered_at = time.monotonic()
        self._render_cost = self._rendered_at - started

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._set("failed", f"the interface failed: {type(error).__name__}: {error}")
