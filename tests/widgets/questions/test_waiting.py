"""An answer about runs waits for them, opens by itself, and says when they are of the past."""

import asyncio
from types import SimpleNamespace

import pytest

import mla_core as mla
from widgets.questions import once_trained, predict, question
from widgets.questions.answers import Later, NotYet, working
from widgets.questions.question import Question

CHOICES = ["image", "audio"]
SIZES = {"sizes": [96, 40, 40], "classes": 3}
CONFIG = mla.ExperimentConfig(dataset="gaussian", dataset_options=SIZES, epochs=1, batch_size=32)


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(question, "LOOK_SECONDS", 0.01)


async def until(quiz, state, what=""):
    for _ in range(1000):
        if quiz.form.state == state and what in quiz.form.verdict:
            return
        await asyncio.sleep(0.01)
    pytest.fail(f"{quiz.form.state}: {quiz.form.verdict}")


def press(quiz, guess=0):
    quiz.form.guess = guess
    quiz.form.asked += 1


def test_it_waits_in_a_sentence_and_opens_by_itself():
    ready = []

    def reveal():
        if not ready:
            raise NotYet("audio has trained 1 of 2 epochs")
        return "audio", "It is the noisy one."

    async def main():
        quiz = Question("Which?", CHOICES, reveal)
        press(quiz)
        await until(quiz, "waiting", "Not yet: audio has trained 1 of 2 epochs. Your guess is kept")
        assert quiz.form.holds == -1
        ready.append(True)
        await until(quiz, "revealed", "You guessed “image”, but it is “audio”")
        quiz.close()

    asyncio.run(main())


def test_what_no_cell_has_made_yet_is_waited_for():
    made = {}

    async def main():
        quiz = Question("Which?", CHOICES, lambda: (eval("answer", made), "."))
        press(quiz)
        await until(quiz, "waiting", "`answer`, which no cell has made yet")
        made["answer"] = "image"
        await until(quiz, "revealed", "Your guess holds")
        quiz.close()

    asyncio.run(main())


def test_an_answer_about_earlier_runs_says_so_and_can_be_asked_again():
    now = {"key": 1, "holds": "audio"}

    def reveal():
        if now["key"] is None:
            raise NotYet("the bench has trained 0 of 1 epochs")
        return Later(f"run {now['key']}", now["key"], lambda: (now["holds"], "."))

    async def main():
        quiz = Question("Which?", CHOICES, reveal)
        press(quiz, guess=1)
        await until(quiz, "revealed", "Your guess holds: “audio”")
        now["key"] = None
        await until(quiz, "outdated", "This answer is about earlier runs (run 1).")
        assert "Since then: the bench has trained 0 of 1 epochs." in quiz.form.verdict
        now["key"] = 1
        await until(quiz, "revealed", "Your guess holds: “audio”")
        now.update(key=2, holds="image")
        await until(quiz, "outdated", "something else to look at: run 2")
        press(quiz, guess=0)
        await until(quiz, "revealed", "Your guess holds: “image”")
        quiz.close()

    asyncio.run(main())


def test_work_that_takes_long_says_how_far_it_is():
    told = []

    def reveal():
        working("start 3 of <10>")
        return "image", "."

    async def main():
        quiz = Question("Which?", CHOICES, reveal)
        quiz.form.observe(lambda change: told.append(change["new"]), "verdict")
        press(quiz)
        await until(quiz, "revealed")
        quiz.close()

    asyncio.run(main())
    assert "Working on the answer: start 3 of <10> …" in told


def run_of(name="", **changes):
    run = SimpleNamespace(session=mla.TrainingSession(CONFIG.replace(**changes)))
    if name:
        run.name = name
    return run


def answered(both):
    return "image", ", ".join(both)


def test_two_runs_are_told_by_the_setting_compared_and_one_is_called_one():
    joint, bench = run_of("concat", method="concat"), run_of()
    with pytest.raises(NotYet, match=r"concat has trained 0 of 1 epochs"):
        once_trained(answered, joint, bench, method=("concat", "mla"))
    for run in (joint, bench):
        run.session.advance(epochs=1)
    later = once_trained(answered, joint, bench, method=("concat", "mla"))
    assert later.about == "concat and mla: gaussian, seed 0, epochs 1"
    told = "concat, mla This is one run (seed 0): another seed may say otherwise."
    assert later.answer() == ("image", told)
    bench.session.reconfigure(epochs=2)
    with pytest.raises(NotYet, match="epochs is 1 in concat, but 2 in the bench"):
        once_trained(answered, joint, bench, method=("concat", "mla"))


def test_a_run_that_cannot_go_on_says_why():
    joint = run_of("concat")
    joint.failure = "concat could not be trained to its end: training diverged"
    with pytest.raises(NotYet, match="training diverged"):
        once_trained(answered, joint)


def test_headless_an_answer_about_runs_is_shown_at_once(monkeypatch):
    shown = []
    monkeypatch.setattr(question, "display", lambda it, **_: shown.append(it.data))
    predict("Which?", CHOICES, lambda: Later("", 0, lambda: ("image", "So.")), headless=True)
    assert "<b>image</b>. So." in shown[0]
