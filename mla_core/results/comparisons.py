"""All methods of a table against those that it is asked about, corrected together."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mla_core.errors import one_of
from mla_core.language import tr
from mla_core.results.tables import markdown_table
from mla_core.results.verdict import Verdict, compare, listed, measure_of, together, told_p, what
from mla_core.words import counted

if TYPE_CHECKING:
    import pandas as pd


def compare_with(
    frame: pd.DataFrame, others: Sequence[str], value: str = "test.accuracy"
) -> tuple[list[Verdict], list[str]]:
    """Compare every label with each of `others`, wherever both are, and correct for all of it.

    Parameters
    ----------
    frame : DataFrame
        As for `compare`.
    others : sequence of str
        Labels.
    value : str

    Returns
    -------
    verdicts : list of Verdict
        By condition and label, p-values adjusted by Holm's method for their number. Two of `others`
        are compared once.
    left_out : list of str
        Sentences about conditions that lack one of `others`.

    Raises
    ------
    ConfigError
        As `compare`.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"label": list("aabbcc"), "condition": "emoji", "seed": [0, 1] * 3})
    >>> frame["test.accuracy"] = [0.5, 0.6, 0.5, 0.7, 0.4, 0.6]
    >>> verdicts, _ = compare_with(frame, ["a", "b"])
    >>> [(v.a, v.b, v.family) for v in verdicts]
    [('b', 'a', 3), ('c', 'a', 3), ('c', 'b', 3)]
    """
    found, left_out = list[Verdict](), list[str]()
    for other in others:
        one_of("label", other, dict.fromkeys(map(str, frame["label"])))
    for where in dict.fromkeys(frame["condition"]):
        labels = [*dict.fromkeys(frame.loc[frame["condition"] == where, "label"])]
        here = [one for one in dict.fromkeys(others) if one in labels]
        left_out += [f"there is no {one} on {where}" for one in others if one not in labels]
        for i, b in enumerate(here):
            found += [compare(frame, a, b, value, where) for a in labels if a not in here[: i + 1]]
    return together(found), left_out


def ahead_of_all(
    frame: pd.DataFrame, controls: Sequence[str], value: str = "test.accuracy"
) -> tuple[str, list[Verdict]]:
    """Return which labels are ahead of every one of `controls`, in a sentence, and what says so.

    Parameters and errors as for `compare_with`, whose correction it is.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame(
    ...     {"label": list("aaabbbccc"), "condition": "emoji", "seed": [0, 1, 2] * 3}
    ... )
    >>> frame["test.accuracy"] = [0.50, 0.51, 0.52, 0.60, 0.61, 0.62, 0.70, 0.71, 0.73]
    >>> ahead_of_all(frame, ["a", "b"])[0]
    'Ahead of a and b: 1 of 1 pair of method and data set: c on emoji.'
    """
    verdicts, _ = compare_with(frame, controls, value)
    asked = [v for v in verdicts if v.a not in controls]
    better = [v for v in asked if v.kind == "better"]
    pairs = list(dict.fromkeys((v.a, v.where) for v in asked))
    wins = Counter((v.a, v.where) for v in better)
    ahead: dict[str, list[str]] = {}
    for label, where in pairs:
        if wins[label, where] == len(set(controls)):
            ahead.setdefault(where, []).append(label)
    values = {
        "controls": listed(list(dict.fromkeys(controls))),
        "pairs": counted(len(pairs), tr("pair"), tr("pairs")),
    }
    if not ahead:
        return tr("Ahead of {controls}: none of {pairs} of method and data set.", **values), better
    told = tr(
        "Ahead of {controls}: {n} of {pairs} of method and data set: {where}.",
        n=sum(map(len, ahead.values())),
        where=tr("; ").join(tr("{a} on {places}", a=listed(a), places=p) for p, a in ahead.items()),
        **values,
    )
    return told, better


def compare_variants(
    frame: pd.DataFrame, plain: Sequence[str], value: str = "test.accuracy"
) -> list[Verdict]:
    """Compare every variant of a method with the plain one of the same method, wherever both are.

    Parameters
    ----------
    frame : DataFrame
        As for `compare`, with ``method``.
    plain : sequence of str
        Labels, one of a method.
    value : str

    Returns
    -------
    list of Verdict
        By condition and method, p-values adjusted by Holm's method for their number.

    Raises
    ------
    ConfigError
        As `compare`, and for a label that is not there.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"label": ["a (1)", "a (2)", "b"] * 2, "method": list("aab") * 2})
    >>> frame = frame.assign(condition="emoji", seed=[0, 0, 0, 1, 1, 1])
    >>> frame["test.accuracy"] = [0.5, 0.6, 0.4, 0.6, 0.8, 0.5]
    >>> [(v.a, v.b) for v in compare_variants(frame, ["a (2)"])]
    [('a (1)', 'a (2)')]
    """
    for label in plain:
        one_of("label", label, dict.fromkeys(map(str, frame["label"])))
    found = list[Verdict]()
    for (where, _), runs in frame.groupby(["condition", "method"], sort=False):
        labels = dict.fromkeys(runs["label"])
        found += [
            compare(runs, label, base, value, str(where))
            for base in plain
            if base in labels
            for label in labels
            if label != base
        ]
    return together(found)


def comparisons_markdown(verdicts: Sequence[Verdict]) -> str:
    """Return verdicts as a Markdown table, with what could have been seen beside each."""
    if not verdicts:
        return tr("nothing to compare")
    measure = measure_of(verdicts[0].value)
    difference = tr("difference")
    if measure.unit:
        difference = tr("{name} ({unit})", name=difference, unit=tr(measure.unit))

    def number(x: float) -> str:
        return "–" if math.isnan(x) else measure.number(x)

    names = [
        *(tr("condition"), tr("method"), tr("minus"), difference),
        *(tr("95 % interval"), tr("adjusted p"), tr("would be seen"), "seeds", tr("verdict")),
    ]
    rows = [
        [
            *(v.where, v.a, v.b, number(v.mean)),
            tr("{low} to {high}", low=number(v.mean - v.half), high=number(v.mean + v.half)),
            "–" if math.isnan(v.adjusted) else told_p(v.adjusted).removeprefix("= "),
            *(number(v.detectable), str(v.n), tr(v.kind)),
        ]
        for v in verdicts
    ]
    title = tr(
        "{what}: paired differences, p adjusted by Holm for {n} comparisons; a true difference as "
        "large as in 'would be seen' shows in four of five cases",
        what=what(verdicts[0].value),
        n=max(v.family for v in verdicts),
    )
    table = markdown_table(names, rows)
    notes = [f"\n{note}" for note in dict.fromkeys(v.note for v in verdicts) if note]
    return "\n".join([title, "", table, *notes])
