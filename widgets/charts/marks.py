"""What happened to a run on the way, marked on its curves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from mla_core.language import tr
from widgets.page import text

SIGNS = "①②③④⑤⑥⑦⑧⑨⑩⑪⑫⑬⑭⑮⑯⑰⑱⑲⑳"


class Mark(NamedTuple):
    """Something that happened to a run: after how many sub-steps, and what, in English."""

    step: int
    name: str


def signs(marks: Iterable[Mark]) -> list[tuple[str, int, str]]:
    """Return a sign for each sub-step at which something happened: (sign, step, all that did).

    Examples
    --------
    >>> signs([Mark(3, "alpha 0.1 → 1"), Mark(9, "branch"), Mark(9, "fusion uniform")])
    [('①', 3, 'alpha 0.1 → 1'), ('②', 9, 'branch, fusion uniform')]
    """
    at: dict[int, list[str]] = {}
    for mark in sorted(marks):
        at.setdefault(mark.step, []).append(tr(mark.name))
    return [
        (SIGNS[i] if i < len(SIGNS) else f"({i + 1})", step, tr(", ").join(dict.fromkeys(names)))
        for i, (step, names) in enumerate(at.items())
    ]


def marks_html(marks: Sequence[Mark]) -> str:
    """Return what the signs on the curves mean, as HTML; nothing where there are none."""
    told = [
        tr("{sign} sub-step {step}: {name}", sign=sign, step=step, name=text(name))
        for sign, step, name in signs(marks)
    ]
    whole = tr("; ").join(told)
    return f'<p class="mla-marks">{whole}</p>' if told else ""
