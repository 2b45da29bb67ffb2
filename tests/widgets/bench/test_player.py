"""The player drives a session from an event loop and never blocks it."""

import asyncio
import threading

import pytest

import mla_core as mla
from mla_core.errors import TrainingDivergedError
from mla_core.tandem import Tandem
from widgets import TrainingLab
from widgets.bench.player import Player


class Watcher:
    def __init__(self, session):
        self.rendered = []
        self.states = []
        self.threads = set()
        self.player = Player(session, self.render, self.state)

    def render(self, histories):
        self.rendered.append(len(histories[0].steps))
        self.threads.add(threading.current_thread())

    def state(self):
        self.states.append(self.player.state)

    async def until(self, state):
        """Wait for the next time it is told; a state may last less than a look at the clock."""
        while state not in self.states:  # noqa: ASYNC110 - watches from outside
            await asyncio.sleep(0.005)
        del self.states[: self.states.index(state) + 1]


def drive(session, script):
    """Run a script beside the player on one event loop; return the watcher."""
    watcher = Watcher(session)

    async def main():
        watcher.player.start()
        await script(watcher)
        await asyncio.sleep(0.05)
        watcher.player.close()

    asyncio.run(asyncio.wait_for(main(), 60))
    return watcher


def test_playing_gives_the_same_records_as_running_straight_through(session):
    async def script(watcher):
        watcher.player.play()
        await watcher.until("finished")

    watcher = drive(session, script)
    straight = mla.TrainingSession(session.config, session.data)
    straight.advance()
    assert session.history.steps == straight.history.steps
    assert session.history.summaries == straight.history.summaries
    assert watcher.rendered[-1] == straight.step, "the last picture shows the end"
    assert watcher.threads == {threading.main_thread()}, "widgets are written on the event loop"


def test_steps_epochs_and_pauses_stop_where_they_should(session):
    async def script(watcher):
        player = watcher.player
        player.step()
        await watcher.until("playing")
        await watcher.until("paused")
        assert session.step == 1
        player.step_epoch()
        await watcher.until("playing")
        await watcher.until("paused")
        assert (session.epoch, session.step_in_epoch) == (1, 0)

    drive(session, script)


def test_pause_holds_still_and_stop_ends_the_run(session):
    async def script(watcher):
        player = watcher.player
        player.steps_per_second = 50.0
        player.play()
        await watcher.until("playing")
        await asyncio.sleep(0.1)
        player.pause()
        await watcher.until("paused")
        held = session.step
        await asyncio.sleep(0.15)
        assert session.step == held > 0
        player.stop()
        await watcher.until("stopped")
        player.play()
        await asyncio.sleep(0.1)
        assert player.state == "stopped"

    drive(session, script)


def test_a_page_that_cannot_follow_is_not_flooded(session, monkeypatch):
    monkeypatch.setattr("widgets.bench.player.PATIENCE_SECONDS", 1e9)

    async def script(watcher):
        watcher.player._caught_up = lambda: False
        watcher.player.play()
        await watcher.until("finished")

    watcher = drive(session, script)
    assert watcher.rendered == [0, session.step], "the first picture and the last"


def test_a_slow_speed_still_listens_at_once(session):
    async def script(watcher):
        watcher.player.steps_per_second = 0.01  # the next sub-step would come in 100 seconds
        watcher.player.play()
        await watcher.until("playing")
        await asyncio.sleep(0.2)
        watcher.player.pause()
        await watcher.until("paused")
        assert session.step == 1

    drive(session, script)


def test_commands_from_another_thread_are_applied_between_chunks(session):
    async def script(watcher):
        watcher.player.play()
        await watcher.until("playing")
        change = lambda: session.reconfigure(alpha=7.0)  # noqa: E731
        await asyncio.to_thread(watcher.player.queue, change)
        await watcher.until("finished")

    drive(session, script)
    assert [(c.field, c.after) for c in session.history.changes] == [("alpha", 7.0)]


def test_a_divergence_is_told_and_a_reset_goes_on(session):
    def fail(*_, **__):
        raise TrainingDivergedError("training diverged at step 3")

    async def script(watcher):
        player = watcher.player
        session.advance(steps=3)
        session.method.step = fail
        player.play()
        await watcher.until("failed")
        assert "diverged at step 3" in player.message
        assert "go on from sub-step 0" in player.message, "the last look at the probe set"
        assert len(session.history.steps) == 3
        del session.method.step
        player.step()
        await watcher.until("paused")
        assert session.step == 1, "rewound, then one sub-step"
        player.replace(lambda: Tandem(mla.TrainingSession(session.config, session.data)), "again")
        await watcher.until("ready")
        assert player.session is not session
        player.step()
        await watcher.until("playing")
        await watcher.until("paused")
        assert player.session.step == 1

    drive(session, script)


def test_a_session_that_cannot_be_made_is_told_in_a_sentence(session):
    def make():
        raise mla.DataError("no such thing")

    async def script(watcher):
        watcher.player.replace(make, "loading")
        await watcher.until("stopped")
        assert watcher.player.message.startswith("Could not start: no such thing.")

    drive(session, script)


def test_the_bench_needs_an_event_loop():
    with pytest.raises(mla.ConfigError, match="needs a notebook"):
        TrainingLab()
