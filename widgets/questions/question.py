"""Predict, then reveal: a guess is taken before the answer is computed and shown."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import anywidget
import ipywidgets as ipw
import traitlets
from IPython.core.formatters import DisplayFormatter
from IPython.display import HTML, display
from plotly.basedatatypes import BaseFigure

from mla_core.analysis.guesses import shown
from mla_core.classroom import MIME, kept_guess
from mla_core.errors import ConfigError, in_a_sentence
from mla_core.language import later, tr
from widgets.page import (
    close,
    figure_bundles,
    in_words,
    notebook_loop,
    on_page,
    per_cell,
    present,
    script,
    stylesheet,
    text,
)
from widgets.page.spoken import Spoken
from widgets.questions.answers import Answer, Later, NotYet, Reveal, ask, telling, why_outdated

INVITATION = later("Take a guess, then press Reveal.")
LOOK_SECONDS = 1.0  # how often an answer that waits, or may change, is looked after


class QuestionForm(Spoken, anywidget.AnyWidget):
    """The question on the page (``question.js``).

    Attributes
    ----------
    prompt : str
    choices : list of str
        Both as they are kept with the notebook, whatever the language.
    shown : list of str
        The prompt and the choices as the reader sees them.
    guess, holds : int
        Which choice the reader took, and which one holds; -1 while there is none.
    state : {"open", "busy", "waiting", "revealed", "outdated", "failed"}
        Waiting: there is no answer yet, and it opens by itself. Outdated: what the answer is about
        is no more.
    verdict : str
        What the live region says.
    asked : int
        How often the reader asked for the answer.
    cell : str
        The id of the notebook's cell, in whose metadata the page keeps the guess; empty elsewhere.
    known : dict
        On a page without a kernel the answer is there already: which choice ``holds``, and the
        ``verdicts`` on each guess. Empty elsewhere.
    """

    _esm = script("page/dom", "questions/keep_guess", "questions/question")
    _css = stylesheet("questions/question")
    prompt = traitlets.Unicode().tag(sync=True)
    choices = traitlets.List(traitlets.Unicode()).tag(sync=True)
    shown = traitlets.List(traitlets.Unicode()).tag(sync=True)
    guess = traitlets.Int(-1).tag(sync=True)
    holds = traitlets.Int(-1).tag(sync=True)
    state = traitlets.Unicode("open").tag(sync=True)
    verdict = traitlets.Unicode().tag(sync=True)
    asked = traitlets.Int(0).tag(sync=True)
    cell = traitlets.Unicode("").tag(sync=True)
    known = traitlets.Dict().tag(sync=True)

    @traitlets.default("shown")
    def _shown(self) -> list[str]:
        return [tr(self.prompt), *map(shown, self.choices)]

    @traitlets.default("verdict")
    def _invitation(self) -> str:
        return tr(INVITATION)


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
        self._loop = notebook_loop(tr("a live question"), "widgets.predict(headless=True)")
        self._task: asyncio.Task[None] | None = None
        cell, _ = per_cell.running_cell() or ("", "")
        self.form = QuestionForm(prompt=prompt, choices=self._choices, cell=cell)
        self._below = ipw.VBox()
        self.view = ipw.VBox([self.form, self._below])
        # The callback may run in another thread.
        self.form.observe(lambda _: self._loop.call_soon_threadsafe(self._start), "asked")
        per_cell.register(self)

    def close(self) -> None:
        """Remove every widget; an answer still being computed is dropped."""
        if self._task is not None:
            self._task.cancel()
        self._show(())
        for widget in (self._below, self.form, self.view):
            close(widget)

    def _ipython_display_(self) -> None:
        display(self.view)

    def _start(self) -> None:
        if self.form.guess >= 0 and self.form.state in {"open", "outdated", "failed"}:
            if self._task is not None:
                self._task.cancel()
            self._say("busy", tr("Working on the answer …"))
            self._task = self._loop.create_task(self._work())

    async def _work(self) -> None:
        """Answer as soon as that can be done, and look after the answer from then on."""
        self.form.holds = -1
        self._show(())
        try:
            answer = await self._answer()
        except Exception as error:  # noqa: BLE001 - every fault becomes a sentence
            fault = in_a_sentence(error).rstrip(".")
            self._say(
                "failed", tr("The answer failed: {fault}. Reveal tries it again.", fault=fault)
            )
            return
        if answer.picture is not None:
            self._show(_on_page(answer.picture))
        self.form.holds = answer.holds
        guess = self.form.guess
        verdict = _judged(self._choices, guess, answer)
        self._say("revealed", verdict)
        if answer.later is not None:
            await self._look_after(answer.later, guess, verdict)

    async def _answer(self) -> Answer:
        while True:
            try:
                with telling(self._tell_from_thread):
                    return await asyncio.to_thread(ask, self._reveal, self._choices)
            except NotYet as reason:
                waiting = tr(
                    "Not yet: {reason}. Your guess is kept, and the answer opens by itself.",
                    reason=_bare(reason),
                )
                self._say("waiting", waiting)
            await asyncio.sleep(LOOK_SECONDS)

    async def _look_after(self, known: Later, guess: int, verdict: str) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            reason = await asyncio.to_thread(why_outdated, self._reveal, known)
            if reason:
                outdated = tr(
                    "This answer is about earlier runs ({about}). {verdict} Since then: {reason}. "
                    "Guess again, and ask.",
                    about=known.about,
                    verdict=verdict,
                    reason=_bare(reason),
                )
                self._say("outdated", outdated)
            elif self.form.state == "outdated":
                self.form.guess = guess
                self._say("revealed", verdict)

    def _show(self, below: Sequence[ipw.Widget]) -> None:
        before, self._below.children = self._below.children, tuple(below)
        for widget in before:
            close(widget)

    def _tell_from_thread(self, sentence: str) -> None:
        self._loop.call_soon_threadsafe(self._tell, sentence)

    def _tell(self, sentence: str) -> None:
        if self.form.state == "busy":  # what comes late from a thread is of the past
            self._say("busy", tr("Working on the answer: {sentence} …", sentence=sentence))

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
        below, if anything: a plotly figure, a widget, a table. Or a `Later`, an answer about
        something that may change. It may take long: live, it runs in a thread. Where it raises
        `NotYet`, the question waits, and opens by itself.
    headless : bool
        Show the answer at once, as text and static figure; on a page that runs the widgets' scripts
        (`on_page`), take the guess first.

    Raises
    ------
    ConfigError
        For fewer than two choices or two that are the same; headless, also when `reveal` returns
        something else than asked for. A live question says so in a sentence.

    Examples
    --------
    >>> reveal = lambda: ("even", "Two divides it.")
    >>> predict("Is 4 even or odd?", ["even", "odd"], reveal, headless=True)
    Is 4 even or odd? even. Two divides it.
    """
    if not headless:
        display(Question(prompt, choices, reveal))
        return
    known = _checked(choices)
    answer = ask(reveal, known)
    if on_page():
        verdicts = [_judged(known, guess, answer) for guess in range(len(known))]
        told = {"holds": answer.holds, "verdicts": verdicts}
        display(QuestionForm(prompt=prompt, choices=known, known=told))
    else:
        display(_Revealed(prompt, known, answer))
    if isinstance(answer.picture, BaseFigure):
        present(answer.picture)
    elif answer.picture is not None:
        display(answer.picture)
    if on_page():
        display(HTML('<span class="mla-answer-end"></span>'))  # until where the page hides it


class _Revealed(HTML):
    """An answer to look at, as plain text, and as data for a key of answers."""

    def __init__(self, prompt: str, choices: Sequence[str], answer: Answer) -> None:
        holds = choices[answer.holds]
        self._plain = f"{tr(prompt)} {shown(holds)}. {answer.sentence}"
        self._kept = kept_guess(prompt, choices, answer=holds)
        told = f"<b>{text(shown(holds))}</b>. {text(answer.sentence)}"
        super().__init__(f"<p><b>{text(tr(prompt))}</b></p><p>{told}</p>")

    def __repr__(self) -> str:
        return self._plain

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        return {MIME: self._kept}


def _checked(choices: Sequence[str]) -> list[str]:
    known = [str(choice) for choice in choices]
    if len(known) < 2:
        msg = tr("a question needs at least two choices, not {choices}", choices=known)
        raise ConfigError(msg)
    if twice := sorted({choice for choice in known if known.count(choice) > 1}):
        msg = tr("the choice {choice!r} is offered twice: give each choice once", choice=twice[0])
        raise ConfigError(msg)
    return known


def _judged(choices: list[str], guess: int, answer: Answer) -> str:
    truth = shown(choices[answer.holds])
    if guess == answer.holds:
        return tr("Your guess holds: “{truth}”. {why}", truth=truth, why=answer.sentence)
    return tr(
        "You guessed “{guess}”, but it is “{truth}”. {why}",
        guess=shown(choices[guess]),
        truth=truth,
        why=answer.sentence,
    )


def _bare(reason: object) -> str:
    return str(reason).rstrip(".")


def _on_page(picture: Any) -> list[ipw.Widget]:
    if isinstance(picture, ipw.Widget):
        return [picture]
    if not isinstance(picture, BaseFigure):
        data, _ = DisplayFormatter().format(picture)
        return [_output(data)]
    # As data that JupyterLab draws itself: a FigureWidget each would cost megabytes.
    summary = [ipw.HTML(in_words(picture))] if picture.layout.meta else []
    return [_output(*figure_bundles(picture)), *summary]


def _output(*bundles: dict[str, Any]) -> ipw.Output:
    shown = ({"output_type": "display_data", "data": data, "metadata": {}} for data in bundles)
    return ipw.Output(outputs=tuple(shown))
