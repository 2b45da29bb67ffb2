"""The panels of the bench's figure: where each stands, what it is called, and when it is empty."""

from __future__ import annotations

import re
from collections.abc import Sequence

from mla_core.catalogue import traits, weighs
from mla_core.config import ExperimentConfig
from mla_core.language import later, tr
from mla_core.methods import Instrument
from mla_core.words import sentence, sentences
from widgets.page import text, wrapped

PANELS = {  # panel -> (row, column, title)
    "loss": (1, 1, later("Training loss (nats)")),
    "accuracy": (1, 2, later("Accuracy, probe set")),
    "weights": (2, 1, later("Importance weights")),
    "plasticity": (2, 2, later("Head plasticity")),
    "forgetting": (3, 1, later("Head forgetting (nats)")),
    "gap": (3, 2, later("Modality gap")),
}
MORE = {  # below the others, where there are any
    "difference": later("Accuracy, branch minus first run"),
    "number": later("Further numbers"),
}
HEIGHT = 430
MORE_HEIGHT = 150
MANY_PAIRS = 3  # more gaps than these are told by each modality's mean
SHARES = {"accuracy", "weights", "plasticity"}  # from 0 to 1
WIDTH_OF_WORDS = 27  # letters in a line of an empty panel, of a figure beside the map


def places(
    *, branch: bool, numbers: bool, method: str = "", instruments: Sequence[str] = ()
) -> dict[str, tuple[int, int, str]]:
    """Return row, column and title of every panel.

    Parameters
    ----------
    branch, numbers : bool
        Whether there is a branch, and numbers of one's own: each gets a wide panel.
    method : str
    instruments : sequence of str
        Those of the method that are watched, two in a row.

    Examples
    --------
    >>> places(branch=True, numbers=True)["number"]
    (5, 1, 'Further numbers')
    >>> places(branch=False, numbers=False, method="ogm_ge", instruments=["ratio"])[
    ...     "instrument.ratio"
    ... ]
    (4, 1, 'Discrepancy ratio')
    """
    found = {panel: (row, column, tr(title)) for panel, (row, column, title) in PANELS.items()}
    for i, name in enumerate(instruments):
        title = text(tr(instrument_of(method, name).title))
        found[f"instrument.{name}"] = (4 + i // 2, 1 + i % 2, title)
    for name, wanted in (("difference", branch), ("number", numbers)):
        if wanted:
            found[name] = (max(row for row, *_ in found.values()) + 1, 1, tr(MORE[name]))
    return found


def instrument_of(method: str, name: str) -> Instrument:
    """Return an instrument of a method; of one whose code may not be imported, what is known."""
    unknown = Instrument(name, later("Its method is not known here."))
    found: Instrument = traits(method).instruments.get(name, unknown)
    return found


def watched(config: ExperimentConfig) -> list[Instrument]:
    """Return the instruments that a run watches."""
    return [instrument_of(config.method, name) for name in config.instruments]


def emptiness(panel: str, method: str, fusion: str, modalities: int) -> str:
    """Return why a panel holds no curve; it is shown while there is none.

    Parameters
    ----------
    panel : str
        A key of `places`.
    method, fusion : str
    modalities : int
        How many there are.

    Examples
    --------
    >>> emptiness("forgetting", "concat", "entropy", 3)
    'All modalities learn at once:<br>no step is for one alone.'
    """
    if panel.startswith("instrument."):
        meaning = instrument_of(method, panel.removeprefix("instrument.")).meaning
        first = re.split(r"\. |。", tr(meaning))[0]  # its button tells the rest
        return wrapped(sentences(sentence(first), tr("Nothing yet.")), WIDTH_OF_WORDS)
    kind = traits(method)
    fuses = (
        later("The rule fuses by itself:<br>nothing is weighed.")
        if kind.weighs
        else later("The head fuses by itself:<br>nothing is weighed.")
    )
    reasons = {  # (panel, whether it holds) -> in words
        ("weights", not weighs(method, fusion)): fuses,
        ("plasticity", "head_gradient" not in kind.uses): later(
            "Nothing is projected<br>in this method."
        ),
        ("forgetting", kind.head == "own"): later(
            "Each modality has its own head:<br>none is disturbed."
        ),
        ("forgetting", not kind.one_at_a_time): later(
            "All modalities learn at once:<br>no step is for one alone."
        ),
        ("gap", modalities < 2): later("One modality has no gap."),
        ("difference", True): later("Press Play: the branch first catches up."),
    }
    return tr(reasons.get((panel, True), later("Nothing trained yet.")))
