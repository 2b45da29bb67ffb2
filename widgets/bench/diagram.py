"""The picture of the method: encoders, shared head, fusion; the part at work is lit."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from mla_core.catalogue import traits, weighs
from mla_core.records import History
from widgets.page import MODALITY_GLYPHS, colour, pick, text

ROW = 40
WIDTH = 900
HEADS = {"shared": "shared head", "own": "a head each", "joint": "joint head"}
CAPTIONS = {True: "learns from one at a time", False: "learns from all at once"}


def network_svg(
    modalities: Sequence[str],
    history: History,
    method: str,
    variant: str,
    fusion: str = "entropy",
) -> str:
    """Return the network as SVG: who learns, how plastic the head still is, who counts how much.

    Parameters
    ----------
    modalities : sequence of str
    history : History
        Its last step decides what is lit, its last summary the weights and the accuracy.
    method : str
        Decides who learns at once, what the head is called, and whether modalities are weighed.
    variant : str
        Of the head gradient, written under the head.
    fusion : str
        A rule of your own may fuse logits without weighing.
    """
    last = history.steps[-1] if history.steps else None
    look = history.summaries[-1] if history.summaries else None
    active = last.modality if last else None
    kind, weighed = traits(method), weighs(method, fusion)
    modified = "head_gradient" in kind.uses
    all_lit = not kind.one_at_a_time and last is not None
    plasticity = last.plasticity if last else 1.0
    weights = {m: w for m, w in look.mean_weight.items() if not math.isnan(w)} if look else {}
    accuracy = look.accuracy if look else 0.0
    caption = f"head gradient: {variant}" if modified else CAPTIONS[kind.one_at_a_time]
    height = max(3, len(modalities)) * ROW + 22
    middle = height / 2
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="100%" style="max-height:{height + 30}px" '
        f'role="img" aria-label="{text(_in_words(active, plasticity, weights, all_lit=all_lit))}" '
        'font-family="var(--jp-ui-font-family, sans-serif)" font-size="13" '
        'fill="var(--jp-ui-font-color1, #333)">'
    ]
    top = middle - len(modalities) * ROW / 2
    for m, name in enumerate(modalities):
        y = top + m * ROW + ROW / 2
        lit = all_lit or name == active
        stroke, width = (colour(m), 3) if lit else ("var(--jp-ui-font-color3, #999)", 1)
        parts += [
            f'<g data-encoder="{text(name)}" data-lit="{str(lit).lower()}">',
            f'<text x="128" y="{y + 4}" text-anchor="end">{text(name)} '
            f'<tspan fill="{colour(m)}">{pick(MODALITY_GLYPHS, m)}</tspan></text>',
            f'<path d="M 134 {y} H 165" stroke="{stroke}" stroke-width="{width}"/>',
            _box(165, y - 15, 130, 30, colour(m), "encoder", lit=lit),
            f'<path d="M 295 {y} C 350 {y} 340 {middle} 390 {middle}" fill="none" '
            f'stroke="{stroke}" stroke-width="{width}"/></g>',
        ]
    lit_head = last is not None
    head_colour = colour(modalities.index(active)) if active in modalities else "#808080"
    parts += [
        _box(390, middle - 34, 170, 68, head_colour, "", lit=lit_head),
        f'<text x="475" y="{middle - 14}" text-anchor="middle" font-weight="bold">'
        f"{HEADS[kind.head]}</text>",
        _plasticity_bar(middle, plasticity, head_colour) if modified else "",
        f'<text x="475" y="{middle + 50}" text-anchor="middle" font-size="11">{text(caption)}</text>',
        f'<path d="M 560 {middle} H 605" stroke="var(--jp-ui-font-color2, #666)"/>',
        _box(605, top + 2, 170, len(modalities) * ROW - 4, "#808080", "", lit=False),
    ]
    if not weighed:
        by = "the rule" if kind.weighs else "the head"
        parts.append(f'<text x="690" y="{middle + 4}" text-anchor="middle">fused by {by}</text>')
    for m, name in enumerate(modalities if weighed else []):
        y = top + m * ROW + ROW / 2
        weight = weights.get(name, 0.0)
        parts += [
            f'<text x="615" y="{y + 4}" font-size="11">λ <tspan fill="{colour(m)}">'
            f"{pick(MODALITY_GLYPHS, m)}</tspan></text>",
            f'<rect x="645" y="{y - 6}" width="{90 * weight:.1f}" height="12" rx="2" '
            f'fill="{colour(m)}" data-weight="{text(name)}"/>',
            f'<text x="768" y="{y + 4}" text-anchor="end" font-size="11">{weight:.2f}</text>',
        ]
    parts += [
        f'<path d="M 775 {middle} H 810" stroke="var(--jp-ui-font-color2, #666)"/>',
        f'<text x="818" y="{middle - 2}" font-weight="bold">{accuracy:.1%}</text>',
        f'<text x="818" y="{middle + 15}" font-size="11">fused right</text>',
        "</svg>",
    ]
    return "".join(parts)


def beside(pictures: Sequence[str]) -> str:
    """Return the pictures of a run, and of a branch of it, side by side as HTML."""
    if len(pictures) == 1:
        return pictures[0]
    parts = zip(("First run", "Branch"), pictures, strict=True)
    cells = "".join(f'<div style="flex:1 1 45%"><b>{name}</b>{svg}</div>' for name, svg in parts)
    return f'<div style="display:flex;gap:16px">{cells}</div>'


def _plasticity_bar(middle: float, plasticity: float, hue: str) -> str:
    y, share = middle - 3, min(1.0, max(0.0, plasticity))
    return (
        f'<rect x="405" y="{y}" width="140" height="8" rx="4" fill="none" '
        'stroke="var(--jp-ui-font-color3, #999)"/>'
        f'<rect x="405" y="{y}" width="{140 * share:.1f}" height="8" rx="4" fill="{hue}" '
        f'data-plasticity="{plasticity:.4f}"/>'
        f'<text x="475" y="{y + 25}" text-anchor="middle" font-size="11">'
        f"plasticity {plasticity:.3f}</text>"
    )


def _box(
    x: float, y: float, width: float, height: float, hue: str, label: str, *, lit: bool
) -> str:
    stroke = hue if lit else "var(--jp-ui-font-color3, #999)"
    opacity = 0.25 if lit else 0
    return (
        f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="7" fill="{hue}" '
        f'fill-opacity="{opacity}" stroke="{stroke}" stroke-width="{3 if lit else 1}"/>'
        f'<text x="{x + width / 2}" y="{y + height / 2 + 4}" text-anchor="middle">{label}</text>'
    )


def _in_words(
    active: str | None, plasticity: float, weights: Mapping[str, float], *, all_lit: bool
) -> str:
    if all_lit:
        return "At work: all encoders and the head."
    at_work = f"encoder {active} and the head" if active else "nothing yet"
    shares = ", ".join(f"{name} {weight:.2f}" for name, weight in weights.items())
    return (
        f"At work: {at_work}. Head plasticity {plasticity:.3f}. Mean importance weights: {shares}."
    )
