"""The player drives a session from an event loop and never blocks it."""

import asyncio
import threading

import pytest

import mla_core as mla
from mla_core.errors import TrainingDivergedError
from mla_core.tandem import Tandem
from widgets import TrainingLab
from widgets.bench.player import Player
from widgets.page import Inbox


class Watcher:
    """Notes what the player yields."""

    def __init__(self, session):
        self.session = session
        self.seen = []
        self.states = []
        self.messages = []

    async def watch(self):
        async for scene in self.player.moments():
            self.seen.append(scene.first.step)
            self.states.append(scene.state)
            self.messages.append(scene.message)

    async def until(self, state):
        """Wait for the next time it is told; a state may last less than a look at the clock."""
        while state not in self.states:  # noqa: ASYNC110 - watches from outside
            await asyncio.sleep(0.005)
        del self.states[: self.states.index(state) + 1]


def drive(session, script):
    """Run a script beside the player on one event loop; return the watcher."""
    watcher = Watcher(session)

    async def main():
        watcher.player = Player(session, Inbox(asyncio.get_running_loop()))
        task = asyncio.create_task(watcher.watch())
        await script(watcher)
        await asyncio.sleep(0.05)
        task.cancel()

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
    assert watcher.seen[-1] == straight.step


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
        await asyncio.to_thread(watcher.player._inbox.put, change)
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


def test_what_is_pressed_while_something_loads_waits_and_changes_no_message(session):
    """Reset pressed during an export must not turn its end into that of a reset."""
    write = threading.Event()

    async def script(watcher):
        player = watcher.player
        kept = player.tandem

        def export():
            write.wait(30)
            return kept

        player.replace(export, "writing", "written")
        await watcher.until("loading")
        other = mla.TrainingSession(session.config, session.data)
        player.replace(lambda: Tandem(other), "starting afresh")
        player.step()
        write.set()
        await watcher.until("paused")
        assert (session.step, other.step) == (0, 1)
        told = [message for message in watcher.messages if message]
        assert list(dict.fromkeys(told)) == ["writing", "written", "starting afresh"]

    drive(session, script)


def test_of_two_things_asked_at_once_both_are_done(session):
    async def script(watcher):
        player, done = watcher.player, []

        def make(name):
            return lambda: done.append(name) or player.tandem

        player.replace(make("one"), "one …", "one is done")
        player.replace(make("two"), "two …", "two is done")
        await watcher.until("loading")
        await watcher.until("loading")
        await watcher.until("ready")
        assert done == ["one", "two"]
        assert "one is done" in watcher.messages

    drive(session, script)


def test_an_export_after_a_divergence_leaves_the_spoilt_weights_behind_all_the_same(session):
    def fail(*_, **__):
        raise TrainingDivergedError("training diverged")

    async def script(watcher):
        player = watcher.player
        session.advance(steps=3)
        session.method.step = fail
        player.play()
        await watcher.until("failed")
        del session.method.step
        player.replace(lambda: player.tandem, "writing", "written")
        await watcher.until("failed")
        assert player.message == "written"
        player.step()
        await watcher.until("paused")
        assert session.step == 1, "rewound to the last look, then one sub-step"

    drive(session, script)


def test_the_bench_needs_an_event_loop():
    with pytest.raises(mla.ConfigError, match="needs a notebook"):
        TrainingLab()
