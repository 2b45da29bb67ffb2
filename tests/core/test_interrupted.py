"""A sub-step counts whole or not at all, whatever comes in between, and training goes on alike."""

from collections.abc import Iterable
from dataclasses import replace

import pytest
import torch
from torch import nn

from mla_core import ConfigError, TrainingDivergedError, TrainingSession
from mla_core.methods import Alternating
from tests.core.lines import count_lines, cut_off_before_line

PARTS = ("session", "route", "methods", "records", "threads", "head", "adapted")


KINDS = {
    "paper": {"stopping": "best"},
    "dataset_mean": {"head_gradient": "dataset_mean", "reset": "epoch", "optimizer": "adamw"},
    "qmf": {"method": "qmf", "missing": {"train": 0.4}},
    "remix": {"method": "remix"},
    "own": {"order": "random"},
}


def own() -> nn.Module:
    """Return an encoder that draws by chance and takes in statistics, in training alone."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(5, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.5))


@pytest.fixture(params=KINDS, scope="module")
def begin(request, tiny):
    """Give a function that begins a run."""
    encoders = {"m1": own()} if request.param == "own" else None
    config = tiny(epochs=5, **KINDS[request.param])
    return lambda: TrainingSession(config, encoders=encoders)


def chosen(session: TrainingSession, do, *parts: str) -> Iterable[int]:
    """Return where to cut off: at every line that says where a session stands, or at some of all."""
    lines = count_lines(lambda: do(session), *parts)
    return range(0, lines, 1 if parts == ("session",) else lines // 5)


@pytest.fixture(scope="module")
def straight(begin):
    session = begin()
    session.advance(steps=12)
    return session


# The first of all; one like any other; one before a look; the last of an epoch.
PLACES = [("paper", at) for at in (0, 5, 7, 8)]


@pytest.mark.parametrize(
    ("begin", "at"),
    [
        *PLACES,
        pytest.param("dataset_mean", 0, marks=pytest.mark.long),
        *(("qmf", 7), ("remix", 8), ("own", 7)),
    ],
    indirect=["begin"],
)
def test_a_sub_step_cut_off_anywhere_is_as_if_nothing_had_happened(at, begin, assert_same):
    start = begin()
    start.advance(steps=at)
    whole = start.fork()
    whole.advance(steps=3)
    for parts in (("session",), PARTS):
        for number in chosen(start.fork(), next, *parts):
            session = start.fork()
            with cut_off_before_line(number, *parts):
                next(session)
            step = session.step
            assert step in {at, at + 1}
            assert len(session.advance(steps=at + 3 - step)) == at + 3 - step
            assert_same(session, whole)
            assert session.recording.steps == whole.recording.steps
            assert session.last_good.step == whole.last_good.step


def cut_off_once(session: TrainingSession) -> None:
    """Let the coming sub-step be cut off behind the optimiser's update."""
    step = session.method.optimizer.step

    def cut(*args, **kwargs):
        step(*args, **kwargs)
        session.method.optimizer.step = step
        raise KeyboardInterrupt

    session.method.optimizer.step = cut


def test_the_loop_goes_on_where_it_was_cut_off(begin, straight, assert_same):
    session = begin()
    seen = list(session.advance(steps=6))
    cut_off_once(session)
    with pytest.raises(KeyboardInterrupt):
        seen.extend(session)
    assert session.step == 6
    for record in session:
        seen.append(record)
        if session.step == 12:
            break
    assert seen == straight.history.steps
    assert_same(session, straight)


LOOKS = {
    "snapshot": lambda session: session.restore(session.snapshot()),
    "evaluate": lambda session: session.evaluate("val"),
    "look_again": lambda session: session.look_again(),
    "fork": lambda session: session.fork(),
}


@pytest.mark.parametrize("look", LOOKS)
def test_nobody_sees_half_a_sub_step(look, begin, straight, assert_same):
    session, whole = begin(), begin()
    for one in (session, whole):
        one.advance(steps=6)
    cut_off_once(session)
    with pytest.raises(KeyboardInterrupt):
        next(session)
    seen = LOOKS[look](session)
    assert_same(seen if look == "fork" else session, whole)
    if look == "evaluate":
        assert torch.equal(seen.fused, whole.evaluate("val").fused)
    session.advance(steps=6)
    assert_same(session, straight)


@pytest.mark.parametrize("begin", ["paper", "own"], indirect=True)
def test_putting_it_right_may_be_cut_off_too(begin, assert_same):
    start = begin()
    start.advance(steps=6)
    whole = start.fork()
    whole.advance(steps=2)

    def cut() -> TrainingSession:
        session = start.fork()
        cut_off_once(session)
        with pytest.raises(KeyboardInterrupt):
            next(session)
        return session

    for parts in (("session",), PARTS):
        for number in chosen(cut(), TrainingSession.snapshot, *parts):
            session = cut()
            with cut_off_before_line(number, *parts):
                session.snapshot()
            assert session.step == 6
            session.advance(steps=2)
            assert_same(session, whole)


def test_settings_changed_since_the_last_look_hold_where_they_held(tiny, assert_same):
    sessions = [TrainingSession(tiny(evaluate_every=50, epochs=9)) for _ in range(2)]
    for session, cut in zip(sessions, (True, False), strict=True):
        session.advance(steps=3)
        session.reconfigure(alpha=0.7, learning_rate=0.1, learning_rate_schedule="cosine")
        session.advance(steps=2)
        session.reconfigure(head_gradient="off")
        session.reconfigure(head_gradient="paper")  # P starts afresh
        session.advance(steps=3)
        session.reconfigure(epochs=4)
        if cut:
            cut_off_once(session)
            with pytest.raises(KeyboardInterrupt):
                next(session)
            session.reconfigure(momentum=0.3)  # before anything has been put right
        else:
            session.reconfigure(momentum=0.3)
        session.advance(steps=5)
    assert sessions[0].config == sessions[1].config
    assert sessions[0].history.changes == sessions[1].history.changes
    assert_same(*sessions)


def test_a_change_cut_off_anywhere_is_told_if_and_only_if_it_happened(tiny, assert_same):
    start = TrainingSession(tiny())
    start.advance(steps=3)
    changes = {"head_gradient": "off", "learning_rate": 0.2}
    ends = {told: start.fork(**changes) if told else start.fork() for told in (True, False)}
    for end in ends.values():
        end.advance(steps=3)
    for parts in (("session",), PARTS):
        for number in chosen(start.fork(), lambda one: one.reconfigure(**changes), *parts):
            session = start.fork()
            with cut_off_before_line(number, *parts):
                session.reconfigure(**changes)
            told = {change.field: change.after for change in session.history.changes}
            assert told in ({}, changes)
            session.advance(steps=3)
            assert session.config == ends[bool(told)].config
            assert_same(session, ends[bool(told)])


def test_a_look_cut_off_anywhere_leaves_training_as_it_was(tiny, assert_same):
    start, plain = (TrainingSession(tiny(), encoders={"m0": own()}) for _ in range(2))
    plain.advance(steps=2)
    parts = ("model.py", "adapted.py")
    twin = start.fork()
    for number in range(count_lines(lambda: twin.evaluate("val"), *parts)):
        session = start.fork()
        with cut_off_before_line(number, *parts):
            session.evaluate("val")
        session.advance(steps=2)
        assert_same(session, plain)


def test_a_session_learns_also_where_gradients_are_switched_off(tiny):
    one, two = (TrainingSession(tiny()) for _ in range(2))
    with torch.no_grad():
        assert one.advance(steps=2) == two.advance(steps=2)
    assert two.advance(steps=2) == one.advance(steps=2)


def test_a_refused_sub_step_has_done_nothing_that_must_be_undone(tiny, assert_same, monkeypatch):
    session, plain = (TrainingSession(tiny()) for _ in range(2))
    for one in (session, plain):
        one.advance(steps=6)
    move = Alternating.move
    monkeypatch.setattr(Alternating, "move", lambda *_: refuse())

    def refuse():
        raise TrainingDivergedError

    with pytest.raises(TrainingDivergedError):
        next(session)
    monkeypatch.setattr(Alternating, "move", move)
    monkeypatch.setattr(Alternating, "load_state_dict", None)
    list(session)
    list(plain)
    assert_same(session, plain)


def test_after_a_diverging_look_the_sub_step_may_be_taken_anew(tiny):
    session = TrainingSession(tiny(epochs=20))
    session.advance(steps=7)
    session.reconfigure(learning_rate=1e30)
    with pytest.raises(TrainingDivergedError, match="predictions for the probe set"):
        session.advance(steps=1)
    assert session.step == len(session.history.steps) == 7
    session.reconfigure(learning_rate=0.01)
    again = TrainingSession(tiny(epochs=20))
    again.advance(steps=7)
    again.reconfigure(learning_rate=0.01)
    assert session.advance(steps=9) == again.advance(steps=9)


def spoilt(snapshot, tiny):
    tensors = dict(snapshot.tensors)
    del tensors["model.head.bias"]
    other = TrainingSession(tiny(feature_size=13)).snapshot()
    return {
        "another size": (other, ConfigError, "feature_size=13, but here it is 12"),
        "another seed": (
            replace(snapshot, config=tiny(seed=1)), ConfigError, "seed=1, but here it is 0",
        ),
        "a tensor less": (replace(snapshot, tensors=tensors), ConfigError, "head.bias"),
        "other tensors": (
            replace(snapshot, config=tiny(alpha=9.0), tensors=other.tensors), ConfigError, "size",
        ),
    }  # fmt: skip


@pytest.mark.parametrize("what", ["another size", "another seed", "a tensor less", "other tensors"])
def test_what_cannot_be_restored_changes_nothing(what, tiny, assert_same, bits):
    session, plain = (TrainingSession(tiny()) for _ in range(2))
    early = session.snapshot()
    for one in (session, plain):
        one.advance(steps=6)
        one.reconfigure(alpha=0.5)
    bad, error, message = spoilt(early, tiny)[what]
    with pytest.raises(error, match=message):
        session.restore(bad)
    assert session.config == session.method.config == plain.config
    assert session.history.changes == plain.history.changes
    assert session.last_good.step == 4
    assert_same(session, plain)
    list(session)
    list(plain)
    assert_same(session, plain)


def test_going_back_cut_off_anywhere_goes_back_or_not(tiny, assert_same):
    start = TrainingSession(tiny())
    start.advance(steps=2)
    early = start.snapshot()
    start.reconfigure(alpha=0.5)
    start.advance(steps=4)
    ends = {}
    for step, one in ((2, start.fork(early)), (6, start.fork())):
        one.advance(steps=5)
        ends[step] = one
    for parts in (("session",), PARTS):
        for number in chosen(start.fork(), lambda one: one.restore(early), *parts):
            session = start.fork()
            with cut_off_before_line(number, *parts):
                session.restore(early)
            came = session.step
            session.advance(steps=5)
            assert_same(session, ends[came])
            assert session.config == ends[came].config


def test_the_way_back_after_a_restore_is_the_restored_moment(tiny):
    session = TrainingSession(tiny(epochs=20))
    session.advance(steps=3)
    early = session.snapshot()
    session.advance(steps=8)
    session.restore(early)
    assert session.last_good.step == 3
    session.reconfigure(learning_rate=1e30)
    with pytest.raises(TrainingDivergedError):
        session.advance(steps=9)
    session.reconfigure(learning_rate=0.03)
    session.rewind()
    assert session.step == 3
    assert session.history.steps == early.history.steps
