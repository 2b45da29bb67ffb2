"""What a question's `reveal` may do: answer, answer once something is there, say how far it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, NamedTuple

from mla_core.errors import ConfigError
from mla_core.language import tr

Told = tuple[Any, ...]  # the choice that holds, a sentence and, perhaps, a picture


class NotYet(ConfigError):  # noqa: N818 - no error: it will come
    """There is no answer yet; the sentence says what it waits for."""


@dataclass(frozen=True)
class Later:
    """An answer about something that may change, worked out only where it is shown.

    Attributes
    ----------
    about : str
        What it is about, for the reader.
    key : object
        Equal as long as the answer would be the same.
    answer : callable
        Returns the choice that holds, a sentence and, perhaps, a picture.
    """

    about: str
    key: object
    answer: Callable[[], Told]


Reveal = Callable[[], Told | Later]


class Answer(NamedTuple):
    """Which choice holds, why, what else to show (None for nothing), and what it is about."""

    holds: int
    sentence: str
    picture: Any
    later: Later | None


def ask(reveal: Reveal, choices: Sequence[str]) -> Answer:
    """Return the answer, checked.

    Raises
    ------
    NotYet
        When there is none yet.
    ConfigError
        When `reveal` returns something else than asked for.

    Examples
    --------
    >>> ask(lambda: ("even", "Two divides it."), ["even", "odd"]).holds
    0
    >>> ask(lambda: (undefined, ""), ["even", "odd"])
    Traceback (most recent call last):
    widgets.questions.answers.NotYet: it needs `undefined`, which no cell has made yet: run ...
    """
    found = _found(reveal)
    later, told = (found, found.answer()) if isinstance(found, Later) else (None, found)
    if not isinstance(told, tuple) or len(told) not in (2, 3):
        msg = tr(
            "reveal must return (choice, sentence) or (choice, sentence, figure), not {kind}",
            kind=type(told).__name__,
        )
        raise ConfigError(msg)
    holds, sentence, picture = (*told, None)[:3]
    if holds not in choices:
        msg = tr(
            "reveal returned {holds!r}, which is none of the choices {choices}",
            holds=holds,
            choices=choices,
        )
        raise ConfigError(msg)
    return Answer(choices.index(holds), str(sentence), picture, later)


def why_outdated(reveal: Reveal, known: Later) -> str:
    """Say why an answer is about something that is no more; empty while it holds."""
    try:
        found = _found(reveal)
    except ConfigError as reason:
        return str(reason)
    if not isinstance(found, Later) or found.key != known.key:
        about = getattr(found, "about", tr("another answer"))
        return tr("there is something else to look at: {about}", about=about)
    return ""


_told: ContextVar[Callable[[str], None]] = ContextVar("told", default=lambda _: None)


def working(sentence: str) -> None:
    """Tell the reader how far the work on an answer is; call it within a `reveal` that takes long.

    Examples
    --------
    >>> working("start 3 of 10")  # where nobody waits, nothing is said
    """
    _told.get()(sentence)


@contextmanager
def telling(tell: Callable[[str], None]) -> Iterator[None]:
    """Let `working` call `tell`, in this block and in the threads that it starts."""
    token = _told.set(tell)
    try:
        yield
    finally:
        _told.reset(token)


def _found(reveal: Reveal) -> Told | Later:
    try:
        return reveal()
    except NameError as error:
        # A cell above has not been run, or the kernel was started anew.
        msg = tr(
            "it needs `{name}`, which no cell has made yet: run the cells above", name=error.name
        )
        raise NotYet(msg) from error
