"""The picture of the method: encoders, shared head, fusion; the part at work is lit."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from mla_core.catalogue import traits, weighs
from mla_core.language import later, tr
from widgets.charts import Run
from widgets.page import FUSED_COLOUR, MODALITY_GLYPHS, colour, listed, pick, text

LONG = 17  # characters of a name that fit
# Where the columns begin, and how wide they are, in pixels at full size.
ENCODER, HEAD, WEIGHTS, ANSWER = (160, 84), (284, 150), (456, 150), (628, 92)
BAR = 66  # a weight of 1
HEADS = {
    "shared": later("shared head"),
    "own": later("a head each"),
    "joint": later("joint head"),
}
CAPTIONS = {True: later("learns from one at a time"), False: later("learns from all at once")}


def network_svg(modalities: Sequence[str], run: Run) -> str:
    """Return the network as SVG: who learns, how plastic the head still is, who counts how much.

    Parameters
    ----------
    modalities : sequence of str
    run : Run
        The last step of the moment shown decides what is lit, its look the weights (mean, and the
        5 to 95 % quantiles as a thin line) and the accuracy.
    """
    config, summary = run.config, run.summary
    last = run.shown.steps[-1] if run.shown.steps else None
    active = last.modality if last else None
    kind, weighed = traits(config.method), weighs(config.method, config.fusion)
    modified = "head_gradient" in kind.uses
    all_lit = not kind.one_at_a_time and last is not None
    plasticity = last.plasticity if last else 1.0
    weights = {m: w for m, w in summary.mean_weight.items() if not math.isnan(w)} if summary else {}
    caption = (
        tr("head gradient: {variant}", variant=config.head_gradient)
        if modified
        else tr(CAPTIONS[kind.one_at_a_time])
    )
    row = 32 if len(modalities) <= 4 else 24
    height = max(96, len(modalities) * row) + 6
    middle = height / 2
    told = _in_words(active, plasticity, weights, all_lit=all_lit)
    left = 138 - 24 - 8 * min(LONG, max(map(len, modalities)))  # of the names, which end at 138
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" '
        f'viewBox="{left} 0 {sum(ANSWER) - left} {height}" width="100%" '
        f'style="max-height:{height + 10}px;display:block" role="img" aria-label="{text(told)}" '
        'font-family="var(--jp-ui-font-family, sans-serif)" font-size="13" '
        'fill="var(--jp-ui-font-color1, #333)">'
    ]
    top = middle - len(modalities) * row / 2
    for m, name in enumerate(modalities):
        y = top + m * row + row / 2
        lit = all_lit or name == active
        stroke, width = (colour(m), 3) if lit else ("var(--jp-ui-font-color3, #999)", 1)
        shown = name if len(name) <= LONG else f"{name[: LONG - 1]}…"
        parts += [
            f'<g data-encoder="{text(name)}" data-lit="{str(lit).lower()}">',
            f'<text x="138" y="{y + 4}" text-anchor="end"><title>{text(name)}</title>{text(shown)} '
            f'<tspan fill="{colour(m)}">{pick(MODALITY_GLYPHS, m)}</tspan></text>',
            f'<path d="M 144 {y} H {ENCODER[0]}" stroke="{stroke}" stroke-width="{width}"/>',
            _box(
                ENCODER[0], y - row / 2 + 3, ENCODER[1], row - 6, colour(m), tr("encoder"), lit=lit
            ),
            f'<path d="M {sum(ENCODER)} {y} C 268 {y} 260 {middle} {HEAD[0]} {middle}" fill="none" '
            f'stroke="{stroke}" stroke-width="{width}"/></g>',
        ]
    lit_head = last is not None
    head_colour = colour(modalities.index(active)) if active in modalities else FUSED_COLOUR
    centre = HEAD[0] + HEAD[1] / 2
    grey = 'stroke="var(--jp-ui-font-color2, #666)"'
    parts += [
        _box(HEAD[0], middle - 46, HEAD[1], 92, head_colour, "", lit=lit_head),
        f'<text x="{centre}" y="{middle - 27}" text-anchor="middle" font-weight="bold">'
        f"{text(tr(HEADS[kind.head]))}</text>",
        _plasticity_bar(centre, middle, plasticity) if modified else "",
        f'<text x="{centre}" y="{middle + 37}" text-anchor="middle" font-size="11">'
        f"{text(caption)}</text>",
        f'<path d="M {sum(HEAD)} {middle} H {WEIGHTS[0]}" {grey}/>',
        _box(
            WEIGHTS[0], top + 2, WEIGHTS[1], len(modalities) * row - 4, FUSED_COLOUR, "", lit=False
        ),
    ]
    if not weighed:
        by = text(tr("fused by the rule") if kind.weighs else tr("fused by the head"))
        x = WEIGHTS[0] + WEIGHTS[1] / 2
        parts.append(f'<text x="{x}" y="{middle + 4}" text-anchor="middle">{by}</text>')
    for m, name in enumerate(modalities if weighed else []):
        y = top + m * row + row / 2
        spread = summary.weight_quantiles[name] if summary else ()
        parts.append(_weight(m, name, y, weights.get(name, 0.0), spread))
    accuracy = f"{summary.accuracy:.1%}" if summary else ""
    when = (tr("fused right"), tr("at sub-step {step}", step=summary.step)) if summary else ("", "")
    parts += [
        f'<path d="M {sum(WEIGHTS)} {middle} H {ANSWER[0] - 4}" {grey}/>',
        f'<text x="{ANSWER[0]}" y="{middle - 8}" font-weight="bold">{accuracy}</text>',
        *(
            f'<text x="{ANSWER[0]}" y="{middle + 6 + 13 * i}" font-size="10">{text(line)}</text>'
            for i, line in enumerate(when)
        ),
        "</svg>",
    ]
    return "".join(parts)


def _weight(m: int, name: str, y: float, mean: float, spread: Sequence[float]) -> str:
    """Return one modality's mean weight as a bar, and the range of most samples as a line over it."""
    known = [q for q in spread if not math.isnan(q)]
    label, bar = WEIGHTS[0] + 10, WEIGHTS[0] + 42
    line = (
        f'<path d="M {bar + BAR * known[0]:.1f} {y} H {bar + BAR * known[-1]:.1f}" '
        'stroke="var(--jp-ui-font-color1, #333)" stroke-width="1.5"/>'
        if known
        else ""
    )
    return (
        f'<text x="{label}" y="{y + 4}" font-size="11">λ <tspan fill="{colour(m)}">'
        f"{pick(MODALITY_GLYPHS, m)}</tspan></text>"
        f'<rect x="{bar}" y="{y - 6}" width="{BAR * mean:.1f}" height="12" rx="2" '
        f'fill="{colour(m)}" data-weight="{text(name)}"/>{line}'
        f'<text x="{sum(WEIGHTS) - 7}" y="{y + 4}" text-anchor="end" font-size="11">{mean:.2f}</text>'
    )


def beside(pictures: Sequence[str]) -> str:
    """Return the pictures of a run, and of a branch of it, side by side as HTML."""
    if len(pictures) == 1:
        return pictures[0]
    parts = zip((tr("First run"), tr("Branch")), pictures, strict=True)
    cells = "".join(f'<div style="flex:1 1 45%"><b>{name}</b>{svg}</div>' for name, svg in parts)
    return f'<div style="display:flex;gap:16px">{cells}</div>'


def _plasticity_bar(centre: float, middle: float, plasticity: float) -> str:
    x, y, share = centre - 60, middle - 15, min(1.0, max(0.0, plasticity))
    told = tr("plasticity {share:.3f}", share=plasticity)
    return (
        f'<rect x="{x}" y="{y}" width="120" height="8" rx="4" fill="none" '
        'stroke="var(--jp-ui-font-color3, #999)"/>'
        f'<rect x="{x}" y="{y}" width="{120 * share:.1f}" height="8" rx="4" '
        f'fill="{FUSED_COLOUR}" data-plasticity="{plasticity:.4f}"/>'
        f'<text x="{centre}" y="{y + 25}" text-anchor="middle" font-size="11">'
        f"{text(told)}</text>"
    )


def _box(
    x: float, y: float, width: float, height: float, hue: str, label: str, *, lit: bool
) -> str:
    stroke = hue if lit else "var(--jp-ui-font-color3, #999)"
    opacity, middle = 0.25 if lit else 0, y + height / 2 + 4
    return (
        f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="7" fill="{hue}" '
        f'fill-opacity="{opacity}" stroke="{stroke}" stroke-width="{3 if lit else 1}"/>'
        f'<text x="{x + width / 2}" y="{middle}" text-anchor="middle">{text(label)}</text>'
    )


def _in_words(
    active: str | None, plasticity: float, weights: Mapping[str, float], *, all_lit: bool
) -> str:
    if all_lit:
        return tr("At work: all encoders and the head.")
    return tr(
        "At work: {at_work}. Head plasticity {plasticity:.3f}. Mean importance weights: {weights}.",
        at_work=tr("encoder {modality} and the head", modality=active)
        if active
        else tr("nothing yet"),
        plasticity=plasticity,
        weights=listed(weights, ".2f"),
    )
