"""What fusion does to one sample, as bars and words: pure functions that return HTML."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from mla_core.fusion import predictive_entropy
from mla_core.language import later, tr
from mla_core.records import Evaluation
from widgets.page import FUSED_COLOUR, MODALITY_GLYPHS, colour, pick, text

MOST_CLASSES = 10
NO_ANSWER = later("no part is present, so there is no answer")
RIGHT, WRONG = later("✓ right"), later("✗ wrong")
SMALL = "font-size:11px;line-height:15px"


def shown_classes(evaluation: Evaluation, index: int) -> list[int]:
    """Return the classes whose bars are drawn: the likeliest of any part, and the true one."""
    here = evaluation.present[:, index]
    rows = [*evaluation.logits[here, index], evaluation.fused[index]]
    best = torch.stack([torch.softmax(row, -1) for row in rows]).amax(0)  # (C,)
    best[evaluation.labels[index]] = 2.0  # always among them
    return sorted(best.topk(min(MOST_CLASSES, len(best))).indices.tolist())


def part_html(
    evaluation: Evaluation, index: int, m: int, classes: Sequence[str], *, weighs: bool
) -> str:
    """Return what one modality says about one sample: bars of classes, entropy and weight."""
    name = evaluation.modalities[m]
    if not evaluation.present[m, index]:
        absent = tr("absent, weight λ = 0") if weighs else tr("absent")
        return f'<div data-part="{text(name)}">{absent}</div>'
    logits = evaluation.logits[m, index]
    predicted, label = int(logits.argmax()), int(evaluation.labels[index])
    entropy = float(predictive_entropy(logits))
    share = entropy / math.log(len(classes)) if len(classes) > 1 else 0.0
    rows = [_bar(tr("entropy e"), share, f"{entropy:.2f}", colour(m))]
    if weighs:
        weight = float(evaluation.weights[m, index])
        rows.append(_bar(tr("weight λ"), weight, f"{weight:.2f}", colour(m)))
    return (
        f'<div data-part="{text(name)}"><div>{_says(classes[predicted], predicted == label)}</div>'
        f"{''.join(rows)}<hr style='margin:3px 0;opacity:.3'>"
        f"{_bars(evaluation, index, logits, classes, colour(m), name)}</div>"
    )


def fused_html(evaluation: Evaluation, index: int, classes: Sequence[str], before: int) -> str:
    """Return the fused prediction of one sample as bars.

    Parameters
    ----------
    evaluation : Evaluation
    index : int
    classes : sequence of str
    before : int
        The class predicted without corruption, named where it was another.
    """
    was = tr("uncorrupted: <b>{answer}</b>", answer=text(classes[before]))
    if evaluation.unanswered[index]:
        return f'<div data-part="fused"><div>{tr(NO_ANSWER)}</div><div>{was}</div></div>'
    logits, label = evaluation.fused[index], int(evaluation.labels[index])
    predicted = int(logits.argmax())
    changed = f"<div>{was}</div>" if before != predicted else ""
    entropy = float(predictive_entropy(logits))
    share = entropy / math.log(len(classes)) if len(classes) > 1 else 0.0
    return (
        f'<div data-part="fused" data-predicted="{text(classes[predicted])}">'
        f"<div>{_says(classes[predicted], predicted == label)}</div>{changed}"
        f"{_bar(tr('entropy e'), share, f'{entropy:.2f}', FUSED_COLOUR)}"
        "<hr style='margin:3px 0;opacity:.3'>"
        f"{_bars(evaluation, index, logits, classes, FUSED_COLOUR, tr('fused'))}</div>"
    )


def title_html(name: str, m: int) -> str:
    """Return a modality's name with its mark."""
    glyph = f'<span style="color:{colour(m)}">{pick(MODALITY_GLYPHS, m)}</span>'
    return f"<b>{glyph} <span>{text(name)}</span></b>"


def heading_html(evaluation: Evaluation, index: int, classes: Sequence[str]) -> str:
    """Return which sample this is, what it is, and what fusion says."""
    sample, label = evaluation.ids[index], classes[int(evaluation.labels[index])]
    predicted = classes[int(evaluation.fused[index].argmax())]
    said = tr(
        "Sample <b>{sample}</b>, true class <b>{label}</b>, fused prediction <b>{answer}</b>",
        sample=text(sample),
        label=text(label),
        answer=text(tr("none") if evaluation.unanswered[index] else predicted),
    )
    return f'<div data-sample="{text(sample)}" style="margin:2px 4px">{said}</div>'


def _says(answer: str, right: bool) -> str:
    verdict = tr(RIGHT) if right else tr(WRONG)
    return tr("says <b>{answer}</b>: {verdict}", answer=text(answer), verdict=verdict)


def _bars(
    evaluation: Evaluation, index: int, logits: Tensor, classes: Sequence[str], hue: str, who: str
) -> str:
    p = torch.softmax(logits, -1).tolist()
    label = int(evaluation.labels[index])
    rows = "".join(
        _bar(f"{'→ ' if c == label else ''}{classes[c]}", p[c], f"{p[c]:.2f}", hue)
        for c in shown_classes(evaluation, index)
    )
    likeliest = sorted(range(len(p)), key=lambda c: -p[c])[:3]
    listed = ", ".join(f"{classes[c]} {p[c]:.2f}" for c in likeliest)
    told = tr("{who} says: {listed}", who=who, listed=listed)
    return f'<div role="img" aria-label="{text(told)}">{rows}</div>'


def _bar(label: str, share: float, number: str, hue: str) -> str:
    return (
        f'<div style="display:flex;align-items:center;{SMALL}">'
        f'<span title="{text(label)}" style="flex:0 0 58px;overflow:hidden;white-space:nowrap;'
        f'text-overflow:ellipsis">{text(label)}</span>'
        f'<span style="flex:1 1 40px;height:9px"><span style="display:block;height:9px;'
        f'width:{100 * min(1.0, share):.1f}%;background:{hue}"></span></span>'
        f'<span style="flex:0 0 30px;text-align:right">{number}</span></div>'
    )
