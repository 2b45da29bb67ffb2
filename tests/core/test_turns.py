"""Several threads and one session: they take turns, and nobody's change is lost."""

import threading

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from mla_core import TrainingSession
from mla_core.records import Recording
from tests.core.lines import before_every_line

PATIENCE = 0.1  # seconds in which another thread would have gone ahead if it were let


def meanwhile(session: TrainingSession, *others) -> list[threading.Thread]:
    """Take a sub-step in whose middle other threads begin; return those who did not wait."""
    step = session.method.optimizer.step
    threads = [threading.Thread(target=other) for other in others]

    def middle(*args, **kwargs):
        session.method.optimizer.step = step
        for thread in threads:
            thread.start()
        step(*args, **kwargs)  # from here until the end of the sub-step nothing fits together
        for thread in threads:
            thread.join(PATIENCE)
            if not thread.is_alive():
                hasty.append(thread)

    hasty: list[threading.Thread] = []
    session.method.optimizer.step = middle
    session.advance(steps=1)
    for thread in threads:
        thread.join()
    return hasty


DEEDS = {
    "next": next,
    "evaluate": lambda session: session.evaluate("val"),
    "look_again": lambda session: session.look_again(),
    "snapshot": lambda session: session.snapshot(),
    "fork": lambda session: session.fork(),
    "reconfigure": lambda session: session.reconfigure(alpha=0.5),
    "restore": lambda session: session.restore(session.last_good),
    "rewind": lambda session: session.rewind(),
}


@pytest.mark.parametrize("deed", DEEDS)
def test_who_comes_in_the_middle_of_a_sub_step_waits_for_its_end(deed, tiny, assert_same, bits):
    session, alone = (TrainingSession(tiny()) for _ in range(2))
    for one in (session, alone):
        one.advance(steps=5)
    found = []
    assert meanwhile(session, lambda: found.append(DEEDS[deed](session))) == []
    alone.advance(steps=1)
    expected = DEEDS[deed](alone)
    assert_same(session, alone)
    assert session.history.changes == alone.history.changes
    if deed == "next":
        assert found == [expected]
    if deed == "evaluate":
        assert torch.equal(found[0].fused, expected.fused)
    if deed == "snapshot":
        assert bits(found[0].tensors) == bits(expected.tensors)
    if deed == "fork":
        assert_same(found[0], expected)


def test_the_last_sub_step_is_taken_once(tiny):
    session = TrainingSession(tiny())
    session.advance(steps=17)
    found = []
    meanwhile(session, *[lambda: found.append(next(session, None))] * 2)
    assert found == [None, None]
    assert (session.step, len(session.history.steps)) == (18, 18)


def test_threads_that_iterate_share_the_sub_steps(tiny, assert_same):
    session, alone = (TrainingSession(tiny(epochs=6)) for _ in range(2))
    found: list[list] = [[], [], []]
    threads = [threading.Thread(target=lambda mine=mine: mine.extend(session)) for mine in found]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted((r for mine in found for r in mine), key=lambda r: r.step) == list(alone)
    assert_same(session, alone)


def test_each_thread_takes_as_many_sub_steps_as_it_was_asked_for(tiny):
    session = TrainingSession(tiny(epochs=9))
    counts = []
    others = [lambda: counts.append(len(session.advance(steps=20)))] * 3
    meanwhile(session, *others)
    assert counts == [20, 20, 20]
    assert session.step == 61


def test_two_changes_at_once_both_happen_and_both_are_told(tiny):
    session = TrainingSession(tiny())
    before = session.config
    changes = [{"alpha": 0.5}, {"learning_rate": 0.1}, {"alpha": 0.7, "momentum": 0.5}]
    meanwhile(session, *[lambda c=change: session.reconfigure(**c) for change in changes])
    told = session.history.changes
    assert len(told) == 4
    values = before
    for change in told:
        assert getattr(values, change.field) == change.before
        values = values.replace(**{change.field: change.after})
    assert session.config == session.method.config == values
    assert (values.learning_rate, values.momentum) == (0.1, 0.5)
    assert values.alpha in {0.5, 0.7}


def test_where_a_session_stands_is_one_place_at_every_moment(tiny):
    session = TrainingSession(tiny(evaluate_every=50, epochs=3))

    def read():
        assert session.step == 9 * session.epoch + session.step_in_epoch
        assert session.step_in_epoch < 9
        session.progress, session.next_modality  # noqa: B018 - they must not raise

    with before_every_line(read, "session", "route"):
        session.advance(steps=20)
    early = session.fork().snapshot()
    with before_every_line(read, "session", "route"):
        session.restore(early)


def behind(deed, other: threading.Thread):
    """Return `deed`, behind which another thread begins, and goes ahead if it is let."""

    def both(*args):
        found = deed(*args)
        other.start()
        other.join(PATIENCE)
        return found

    return both


def test_a_change_during_a_rewind_comes_after_it(tiny):
    session = TrainingSession(tiny())
    session.advance(steps=5)
    other = threading.Thread(target=lambda: session.reconfigure(alpha=0.9))
    session.restore = behind(session.restore, other)
    session.rewind()
    other.join()
    assert [(c.before, c.after) for c in session.history.changes] == [(0.1, 0.9)]
    assert session.config.alpha == 0.9


def test_a_fork_has_the_recording_of_the_moment_it_leaves(tiny):
    session = TrainingSession(tiny(evaluate_every=1))
    session.recording = Recording(budget=1)  # thinned with the eighth moment
    session.advance(steps=7)
    other = threading.Thread(target=lambda: session.advance(steps=3))
    session.snapshot = behind(session.snapshot, other)
    assert session.fork().recording.steps == list(range(1, 8))
    other.join()


class Pausing(nn.Module):
    """(B, 5) -> (B, 8): drops out by chance, after whatever `pause` does."""

    def __init__(self) -> None:
        super().__init__()
        with torch.random.fork_rng():
            self.weight = nn.Parameter(torch.ones(5, 8))
        self.pause = lambda: None

    def forward(self, x):
        if self.training:
            self.pause()
        return F.dropout(x @ self.weight, 0.5, self.training)


@pytest.mark.parametrize("deed", ["next", "fork"])  # whoever builds a network draws, too
def test_another_sessions_chance_is_its_own(deed, tiny, assert_same, monkeypatch):
    session, other, alone = (TrainingSession(tiny(), encoders={"m0": Pausing()}) for _ in range(3))
    other.advance(steps=3)
    thread = threading.Thread(target=DEEDS[deed], args=[other])
    drawing, drawn = threading.Event(), threading.Event()

    def middle():
        thread.start()
        drawing.wait(PATIENCE)

    def hold():
        if threading.current_thread() is thread:
            drawing.set()
            drawn.wait(PATIENCE)

    reset = nn.Linear.reset_parameters
    monkeypatch.setattr(nn.Linear, "reset_parameters", lambda layer: (reset(layer), hold()))
    session.method.model.encoders["m0"].body.pause = middle
    other.method.model.encoders["m0"].body.pause = hold
    next(session)
    drawn.set()
    thread.join()
    next(alone)
    assert_same(session, alone)
