"""Ctrl-C waits for the end of a sub-step; pressed twice, it does not wait."""

import signal
import threading

import pytest

from mla_core import TrainingSession
from mla_core.methods import Alternating
from mla_core.threads import uninterrupted
from tests.core.lines import count_lines, cut_off_before_line


@pytest.fixture
def ctrl_c():
    """Give Ctrl-C, answered as Python answers it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield lambda: signal.raise_signal(signal.SIGINT)
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_waits_for_the_end_of_the_sub_step_unless_pressed_twice(
    times, ctrl_c, tiny, monkeypatch, assert_same
):
    session, plain = (TrainingSession(tiny()) for _ in range(2))
    session.advance(steps=2)
    move = Alternating.move

    def pressed(*args):
        monkeypatch.setattr(Alternating, "move", move)
        for _ in range(times):
            ctrl_c()
        return move(*args)

    monkeypatch.setattr(Alternating, "move", pressed)
    with pytest.raises(KeyboardInterrupt):
        list(session)
    assert session.step == len(session.history.steps) == (3 if times == 1 else 2)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    list(session)
    list(plain)
    assert_same(session, plain)


@pytest.mark.parametrize("going", ["restore", "rewind", "reconfigure"])
def test_ctrl_c_waits_until_the_session_is_where_it_was_going(going, ctrl_c, tiny, monkeypatch):
    session = TrainingSession(tiny())
    session.advance(steps=5)
    session.reconfigure(alpha=0.5)
    reconfigure, pressed = Alternating.reconfigure, []

    def press(method, config):
        reconfigure(method, config)
        if not pressed:
            pressed.append(ctrl_c())

    monkeypatch.setattr(Alternating, "reconfigure", press)
    deeds = {
        "restore": lambda: session.restore(session.last_good),
        "rewind": session.rewind,
        "reconfigure": lambda: session.reconfigure(alpha=0.7),
    }
    with pytest.raises(KeyboardInterrupt):
        deeds[going]()
    found = (session.step, session.config.alpha, len(session.history.changes))
    assert (
        found == {"restore": (4, 0.1, 0), "rewind": (4, 0.5, 1), "reconfigure": (5, 0.7, 2)}[going]
    )
    monkeypatch.setattr(Alternating, "load_state_dict", None)  # nothing has to be put right
    assert session.snapshot().config.alpha == session.method.config.alpha == found[1]


def test_ctrl_c_waits_for_a_block_and_for_the_blocks_around_it(ctrl_c):
    done = []

    def work():
        with uninterrupted():
            with uninterrupted():
                ctrl_c()
                done.append("within")
            done.append("around")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert done == ["within", "around"]


def test_another_answer_to_ctrl_c_is_left_alone(ctrl_c):
    pressed = []
    signal.signal(signal.SIGINT, lambda *_: pressed.append(1))
    with uninterrupted():
        ctrl_c()
        assert pressed == [1]


def test_a_thread_leaves_the_answer_to_ctrl_c_alone(ctrl_c):
    seen = []

    def work():
        with uninterrupted():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [signal.default_int_handler]


def test_wherever_a_block_is_cut_off_ctrl_c_gets_through_the_second_time(ctrl_c):
    def work():
        with uninterrupted():
            pass

    for number in range(count_lines(work, "threads")):
        with cut_off_before_line(number, "threads"):
            work()
        with pytest.raises(KeyboardInterrupt):
            ctrl_c(), ctrl_c()
        signal.signal(signal.SIGINT, signal.default_int_handler)
