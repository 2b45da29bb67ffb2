"""A guess first, then the answer; every fault is a sentence; one set of widgets per cell."""

import asyncio
import json
import threading
from types import SimpleNamespace

import pandas as pd
import plotly.graph_objects as go
import pytest
from ipywidgets import HTML, Output
from ipywidgets.widgets.widget import _instances as live_widgets

import mla_core as mla
from widgets import predict
from widgets.page import per_cell
from widgets.questions import question
from widgets.questions.question import Question

HOSTILE = "<img src=x onerror=alert(1)>"
CHOICES = ["image", "audio"]


def asked(reveal, guess=0, choices=CHOICES, before=None):
    """Return the question after a reader guessed and pressed Reveal."""

    async def main():
        quiz = Question("Which?", choices, reveal)
        quiz.form.guess = guess
        quiz.form.asked += 1
        await asyncio.sleep(0)
        for _ in range(500):
            if quiz.form.state != "busy" and quiz._task is not None:
                break
            if before is not None:
                before(quiz)
            await asyncio.sleep(0.01)
        return quiz

    return asyncio.run(main())


@pytest.mark.parametrize(
    ("guess", "verdict"),
    [
        (0, "You guessed “image”, but it is “audio”. It is the noisy one."),
        (1, "Your guess holds: “audio”. It is the noisy one."),
    ],
)
def test_the_verdict_says_whether_the_guess_holds(guess, verdict):
    quiz = asked(lambda: ("audio", "It is the noisy one."), guess)
    assert (quiz.form.state, quiz.form.verdict, quiz.form.holds) == ("revealed", verdict, 1)
    quiz.close()


def test_without_a_guess_nothing_is_computed():
    async def main():
        quiz = Question("Which?", CHOICES, lambda: pytest.fail("nobody guessed"))
        quiz.form.asked += 1
        await asyncio.sleep(0.05)
        assert quiz.form.state == "open"
        assert quiz._task is None
        quiz.close()

    asyncio.run(main())


def test_a_slow_answer_runs_in_a_thread_and_is_asked_for_once():
    release, calls = threading.Event(), []

    def reveal():
        calls.append(threading.current_thread())
        release.wait(20)
        return "image", "."

    def impatient(quiz):
        assert quiz.form.state == "busy"
        assert "Working" in quiz.form.verdict
        if quiz.form.asked == 1:
            quiz.form.asked += 1  # pressed twice
        else:
            release.set()

    quiz = asked(reveal, before=impatient)
    assert quiz.form.state == "revealed"
    assert len(calls) == 1
    assert calls[0] is not threading.main_thread()
    quiz.close()


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        (("smell", "no"), "'smell', which is none of the choices"),
        (("image",), "reveal must return"),
        ("image", "reveal must return"),
    ],
)
def test_a_bad_answer_is_a_sentence_live_and_an_error_headless(told, sentence):
    quiz = asked(lambda: told)
    assert quiz.form.state == "failed"
    assert sentence in quiz.form.verdict
    quiz.close()
    with pytest.raises(mla.ConfigError, match="reveal"):
        predict("Which?", CHOICES, lambda: told, headless=True)


def test_a_failing_reveal_is_told_and_may_be_tried_again():
    answers = iter([ZeroDivisionError("by nought"), ("image", "So.")])

    def reveal():
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def main():
        quiz = Question("Which?", CHOICES, reveal)
        quiz.form.guess = 0
        verdicts = []
        for _ in range(2):
            quiz.form.asked += 1
            await asyncio.sleep(0)
            await quiz._task
            verdicts.append(quiz.form.verdict)
        quiz.close()
        return verdicts

    failed, revealed = asyncio.run(main())
    assert failed == "The answer failed: ZeroDivisionError: by nought. Reveal tries it again."
    assert revealed.startswith("Your guess holds")


@pytest.mark.parametrize(
    ("choices", "message"),
    [([], "at least two"), (["a"], r"at least two choices, not \['a'\]"), (["a", "b", "a"], "'a'")],
)
@pytest.mark.parametrize("headless", [True, False])
def test_bad_choices_are_refused(choices, message, headless):
    with pytest.raises(mla.ConfigError, match=message):
        predict("Which?", choices, lambda: ("a", ""), headless=headless)


def test_a_live_question_needs_an_event_loop():
    with pytest.raises(mla.ConfigError, match="headless=True"):
        predict("Which?", CHOICES, lambda: ("image", ""))


def test_figures_and_tables_go_below_as_data_and_a_widget_as_itself():
    quiz = asked(lambda: ("image", ".", go.Figure(layout={"title": {"text": "seen"}})))
    (below,) = quiz._below.children
    assert isinstance(below, Output)
    assert "seen" in json.dumps(below.outputs[1]["data"]["application/vnd.plotly.v1+json"])
    quiz.close()
    quiz = asked(lambda: ("image", ".", pd.DataFrame({"a": [HOSTILE]})))
    assert "<img" not in quiz._below.children[0].outputs[0]["data"]["text/html"]
    quiz.close()
    note = HTML("note")
    quiz = asked(lambda: ("image", ".", note))
    assert quiz._below.children == (note,)
    quiz.close()


def test_closing_leaves_no_widget():
    before = set(live_widgets)
    asked(lambda: ("image", ".", go.Figure())).close()
    assert [w for key, w in live_widgets.items() if key not in before] == []


def test_headless_shows_the_answer_as_text_and_figure(monkeypatch):
    shown = []
    monkeypatch.setattr(question, "display", lambda it, **_: shown.append(it))
    monkeypatch.setattr(question, "present", shown.append)
    figure = go.Figure()
    predict(HOSTILE, [HOSTILE, "b"], lambda: (HOSTILE, HOSTILE, figure), headless=True)
    assert "<img" not in shown[0].data
    assert shown[0].data.count("&lt;img src=x onerror=alert(1)&gt;") == 3
    assert shown[1] is figure


class Bell:
    def __init__(self):
        self.rung = 0

    def close(self):
        self.rung += 1


def test_running_a_cell_again_closes_what_it_opened_and_nothing_else(monkeypatch):
    kernel = SimpleNamespace(execution_count=1, get_parent=lambda: parent)
    monkeypatch.setattr(per_cell, "get_ipython", lambda: SimpleNamespace(kernel=kernel))
    monkeypatch.setattr(per_cell, "_open", {})
    bells = []
    for cell, run in [("a", 1), ("a", 1), ("b", 2), ("a", 3), ("a", 4)]:
        parent = {"header": {"msg_id": f"{run}"}, "metadata": {"cellId": cell}}
        bells.append(Bell())
        per_cell.register(bells[-1])
    assert [bell.rung for bell in bells] == [1, 1, 0, 1, 0]
