"""Predict, then reveal: a guess is taken before the answer is computed and shown."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import anywidget
import ipywidgets as ipw
import traitlets
from IPython.core.formatters import DisplayFormatter
from IPython.display import HTML, display
from plotly.basedatatypes import BaseFigure

from mla_core.errors import ConfigError
from widgets.page import (
    close,
    figure_bundles,
    notebook_loop,
    per_cell,
    present,
    script,
    stylesheet,
    text,
)

INVITATION = "Take a guess, then press Reveal."
Reveal = Callable[[], tuple[Any, ...]]


class Answer(NamedTuple):
    """What `reveal` told: which choice holds, why, and what else to show (None for nothing)."""

    holds: int
    sentence: str
    picture: Any


class QuestionForm(anywidget.AnyWidget):
    """The question on the page (``question.js``).

    Attributes
    ----------
    prompt : str
    choices : list of str
    guess, holds : int
        Which choice the reader took, and which one holds; -1 while there is none.
    state : {"open", "busy", "revealed", "failed"}
    verdict : str
        What the live region says.
    asked : int
        How often the reader asked for the answer.
    """

    _esm = script("questions/question")
    _css = stylesheet("questions/question")
    prompt = traitlets.Unicode().tag(sync=True)
    choices = traitlets.List(traitlets.Unicode()).tag(sync=True)
    guess = traitlets.Int(-1).tag(sync=True)
    holds = traitlets.Int(-1).tag(sync=True)
    state = traitlets.Unicode("open").tag(sync=True)
    verdict = traitlets.Unicode(INVITATION).tag(sync=True)
    asked = traitlets.Int(0).tag(sync=True)


class Question:
    """A question that takes a guess before it shows the answer.

    Parameters
    ----------
    prompt, choices, reveal
        As in `predict`.

    Attributes
    ----------
    form : QuestionForm
    view : VBox
        The form, and below it what `reveal` shows.

    Raises
    ------
    ConfigError
        For fewer than two choices or two that are the same, and outside a notebook.
    """

    def __init__(self, prompt: str, choices: Sequence[str], reveal: Reveal) -> None:
        self._choices = _checked(choices)
        self._reveal = reveal
        self._loop = notebook_loop("a live question", "widgets.predict(headless=True)")
        self._task: asyncio.Task[None] | None = None
        self.form = QuestionForm(prompt=prompt, choices=self._choices)
        self._below = ipw.VBox()
        self.view = ipw.VBox([self.form, self._below])
        # The callback may run in another thread.
        self.form.observe(lambda _: self._loop.call_soon_threadsafe(self._start), "asked")
        per_cell.register(self)

    def close(self) -> None:
        """Remove every widget; an answer still being computed is dropped."""
        if self._task is not None:
            self._task.cancel()
        for widget in (*self._below.children, self._below, self.form, self.view):
            close(widget)

    def _ipython_display_(self) -> None:
        display(self.view)

    def _start(self) -> None:
        if self.form.guess >= 0 and self.form.state in {"open", "failed"}:
            self._say("busy", "Working on the answer …")
            self._task = self._loop.create_task(self._answer())

    async def _answer(self) -> None:
        guess = self.form.guess
        try:
            answer = await asyncio.to_thread(_ask, self._reveal, self._choices)
        except Exception as error:  # noqa: BLE001 - every fault becomes a sentence
            known = isinstance(error, ConfigError)
            fault = str(error) if known else f"{type(error).__name__}: {error}"
            self._say("failed", f"The answer failed: {fault.rstrip('.')}. Reveal tries it again.")
            return
        if answer.picture is not None:
            self._below.children = _on_page(answer.picture)
        self.form.holds = answer.holds
        self._say("revealed", _judged(self._choices, guess, answer))

    def _say(self, state: str, verdict: str) -> None:
        with self.form.hold_sync():
            self.form.state = state
            self.form.verdict = verdict


def predict(prompt: str, choices: Sequence[str], reveal: Reveal, *, headless: bool = False) -> None:
    """Ask the reader for a guess, and show the answer when it has been taken.

    Parameters
    ----------
    prompt : str
        The question, as plain text.
    choices : sequence of str
        At least two; whatever is in them is shown literally.
    reveal : callable
        Takes nothing and returns ``(the choice that holds, a sentence)`` and, third, what to show
        below, if anything: a plotly figure, a widget, a table. It may take long: live, it runs in
        a thread.
    headless : bool
        Show the answer at once, as text and static figure.

    Raises
    ------
    ConfigError
        For fewer than two choices or two that are the same; headless, also when `reveal` returns
        something else than asked for. A live question says so in a sentence.

    Examples
    --------
    >>> reveal = lambda: ("even", "Two divides it.")
    >>> predict("Is 4 even or odd?", ["even", "odd"], reveal, headless=True)
    <IPython.core.display.HTML object>
    """
    if not headless:
        display(Question(prompt, choices, reveal))
        return
    answer = _ask(reveal, _checked(choices))
    told = f"<b>{text(choices[answer.holds])}</b>. {text(answer.sentence)}"
    display(HTML(f"<p><b>{text(prompt)}</b></p><p>{told}</p>"))
    if isinstance(answer.picture, BaseFigure):
        present(answer.picture)
    elif answer.picture is not None:
        display(answer.picture)


def _checked(choices: Sequence[str]) -> list[str]:
    known = [str(choice) for choice in choices]
    if len(known) < 2:
        raise ConfigError(f"a question needs at least two choices, not {known}")
    if twice := sorted({choice for choice in known if known.count(choice) > 1}):
        raise ConfigError(f"the choice {twice[0]!r} is offered twice: give each choice once")
    return known


def _ask(reveal: Reveal, choices: list[str]) -> Answer:
    told = reveal()
    if not isinstance(told, tuple) or len(told) not in (2, 3):
        raise ConfigError(
            "reveal must return (choice, sentence) or (choice, sentence, figure), "
            f"not {type(told).__name__}"
        )
    holds, sentence, picture = (*told, None)[:3]
    if holds not in choices:
        raise ConfigError(f"reveal returned {holds!r}, which is none of the choices {choices}")
    return Answer(choices.index(holds), str(sentence), picture)


def _judged(choices: list[str], guess: int, answer: Answer) -> str:
    truth = choices[answer.holds]
    if guess == answer.holds:
        return f"Your guess holds: “{truth}”. {answer.sentence}"
    return f"You guessed “{choices[guess]}”, but it is “{truth}”. {answer.sentence}"


def _on_page(picture: Any) -> list[ipw.Widget]:
    if isinstance(picture, ipw.Widget):
        return [picture]
    if not isinstance(picture, BaseFigure):
        data, _ = DisplayFormatter().format(picture)
        return [_output(data)]
    # As data that JupyterLab draws itself: a FigureWidget each would cost megabytes.
    summary = [ipw.HTML(f"<p>{text(picture.layout.meta)}</p>")] if picture.layout.meta else []
    return [_output(*figure_bundles(picture)), *summary]


def _output(*bundles: dict[str, Any]) -> ipw.Output:
    shown = ({"output_type": "display_data", "data": data, "metadata": {}} for data in bundles)
    return ipw.Output(outputs=tuple(shown))
