"""How a notebook keeps what was guessed before an answer was revealed, and what the answer was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, TypedDict

from msgspec import Meta

from mla_core.errors import ConfigError, quoted
from mla_core.outside import check_kind

# Live, the page writes into the cell's metadata, `{"mla_lab": {"guesses": [...]}}`
# (`widgets/questions/keep_guess.js`): running the cell again does not touch them. Headless there is
# no page, and the answer stands in the cell's output.
METADATA = "mla_lab"
MIME = "application/vnd.mla-lab.guess+json"
LONGEST = 2000  # characters of one text
MOST = 100  # guesses of one cell, choices of one question


Text = Annotated[str, Meta(max_length=LONGEST, description=f"a text of at most {LONGEST} letters")]
Choices = Annotated[
    list[Text], Meta(min_length=2, max_length=MOST, description=f"a list of 2 to {MOST} texts")
]


class Kept(TypedDict):
    """One question: what was guessed, nothing headless; what held, nothing before it was revealed."""

    question: Text
    choices: Choices
    guess: Text | None
    answer: Text | None


WANTED = "a question, its choices, a guess and an answer, which are among the choices or nothing"
KIND = Annotated[Kept, Meta(description=WANTED)]


def kept_guess(
    question: str, choices: Sequence[str], guess: str | None = None, answer: str | None = None
) -> Kept:
    """Return what a notebook keeps of a question.

    Examples
    --------
    >>> kept_guess("Is 4 even?", ["yes", "no"], guess="no", answer="yes")["guess"]
    'no'
    """
    return {"question": question, "choices": list(choices), "guess": guess, "answer": answer}


def guesses_of(cell: Mapping[str, Any]) -> list[Kept]:
    """Return what a cell keeps, in the order of its questions.

    Raises
    ------
    ConfigError
        When it keeps something else than a page or a headless run writes.

    Examples
    --------
    >>> kept = kept_guess("Is 4 even?", ["yes", "no"], answer="yes")
    >>> guesses_of({"metadata": {}, "outputs": [{"data": {MIME: kept}}]}) == [kept]
    True
    """
    own = cell["metadata"].get(METADATA, {})
    live = own.get("guesses", []) if isinstance(own, dict) else None
    if not isinstance(live, list) or len(live) > MOST:
        msg = f"its metadata {METADATA!r} must hold a list of at most {MOST} guesses"
        raise ConfigError(msg)
    outputs = cell.get("outputs", [])
    headless = [
        output["data"][MIME]
        for output in (outputs if isinstance(outputs, list) else [])
        if isinstance(output, dict) and MIME in _mapping(output.get("data"))
    ]
    found: list[Kept] = [_checked(one) for one in (*live, *headless)]
    return found


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _checked(one: Any) -> Kept:
    check_kind("a guess", one, KIND)
    if not {one["guess"], one["answer"]} <= {None, *one["choices"]}:
        msg = f"a guess must be {WANTED}, not {quoted(one)}"
        raise ConfigError(msg)
    return kept_guess(one["question"], one["choices"], one["guess"], one["answer"])
