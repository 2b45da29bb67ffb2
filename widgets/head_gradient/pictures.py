"""Pictures of one sub-step in slow motion, as HTML: five cards and a table."""

from __future__ import annotations

import io
import math
from base64 import b64encode
from collections.abc import Sequence

import numpy as np
from PIL import Image
from torch import Tensor

from mla_core.analysis import STAGES, SlowStep, VariantCourse
from mla_core.head import degrees, rounding_note
from mla_core.language import later, tr
from mla_core.words import sentences
from widgets.page import MODALITY_GLYPHS, colour, pick, text

POSITIVE, NEGATIVE = (118, 42, 131), (27, 120, 55)  # no modality's colours, for everybody's eyes
FAINT = "color:var(--jp-ui-font-color2,#666)"
TITLES = {
    "forward": later("Forward"),
    "loss": later("Loss"),
    "gradient": later("Gradient"),
    "projection": later("Projection"),
    "update": later("Update"),
}
FOLLOWED = {"released_enabled": "G Pᵀ", "additive": "G + G Pᵀ"}  # all others: G P
BINS = 16  # of the histogram of losses


def stages_html(slow: SlowStep, reached: int) -> str:
    """Return one card per stage; those not reached yet bear their name only.

    Parameters
    ----------
    slow : SlowStep
    reached : int
        How many stages have been reached, from 1.
    """
    cards = []
    for i, stage in enumerate(slow.stages):
        state = "now" if i == reached - 1 else "done" if i < reached else "ahead"
        border = (
            "var(--jp-brand-color1,#1976d2)" if state == "now" else "var(--jp-border-color1,#bbb)"
        )
        body = _CARDS[stage](slow) if state != "ahead" else ""
        current = ' aria-current="step"' if state == "now" else ""
        cards.append(
            f'<li data-stage="{stage}" data-state="{state}"{current} style="flex:1 1 210px;'
            f"min-width:200px;box-sizing:border-box;padding:6px 10px;border:1px solid {border};"
            f"border-top:4px solid {border};border-radius:4px;"
            f'opacity:{0.55 if state == "ahead" else 1}">'
            f"<b>{i + 1}. {tr(TITLES[stage])}</b>{body}</li>"
        )
    return (
        f'<ol aria-label="{tr("Stages of the sub-step")}" style="display:flex;flex-wrap:wrap;'
        'gap:8px;list-style:none;margin:4px 0;padding:0;font-size:12px;line-height:1.5">'
        f"{''.join(cards)}</ol>"
    )


def seen_html(slow: SlowStep, reached: int) -> str:
    """Return a table: what each modality's mean feature sees of the head's step so far.

    Parameters
    ----------
    slow, reached
        As in `stages_html`.
    """
    head = slow.head
    if not head.means:
        return f'<p data-reason="" style="margin:4px">{text(slow.reason)}</p>'
    shown = set(slow.stages[:reached])
    rows = []
    for m, name in enumerate(slow.after.data.modalities):
        role = tr("trained now") if name == head.record.modality else ""
        role = tr("trained before") if name == head.previous else role
        cells = ["–"] * 4
        if name in head.means:
            seen = head.seen_by(name)
            for i, (stage, share) in enumerate(
                (
                    ("gradient", seen.gradient),
                    ("projection", seen.followed),
                    ("update", seen.update),
                )
            ):
                if stage in shown:
                    cells[i] = f"{_share(share)} &ensp; {_angle(share)}"
            grown = head.record.forgetting.get(name)
            if "update" in shown and grown is not None:
                cells[3] = f"{grown:+.4f}"
        mark = f'<span style="color:{colour(m)}">{pick(MODALITY_GLYPHS, m)}</span>'
        rows.append([f"{mark} {text(name)}", role, *cells])
    if slow.projection is None:
        rows = [[*row[:3], *row[4:]] for row in rows]
    projected = [tr("… of what P makes of G")] if slow.projection is not None else []
    table = table_html(
        tr(
            "What each modality's mean feature h̄ sees of the head's step: |A h̄| / (|A| |h̄|), and "
            "the angle; 0 and 90° leave its answer alone"
        ),
        [
            tr("modality"),
            "",
            tr("… of the gradient G"),
            *projected,
            tr("… of the update ΔW"),
            tr("its loss rises by (nats)"),
        ],
        rows,
    )
    reason = f'<p data-reason="" style="margin:4px">{text(slow.reason)}</p>' if slow.reason else ""
    return reason + table


def courses_html(courses: Sequence[VariantCourse], accuracies: Sequence[float]) -> str:
    """Return the comparison in numbers.

    Parameters
    ----------
    courses : sequence of VariantCourse
    accuracies : sequence of float
        Fused, on the probe set, one per course; NaN while it is not known.
    """
    if not courses:
        return ""
    names = list(courses[0].forgetting)
    rows = []
    for course, accuracy in zip(courses, accuracies, strict=True):
        before, after = mean_angles(course)
        totals = {name: sums[-1] if sums else 0.0 for name, sums in course.forgetting.items()}
        rows.append(
            [
                f'<span data-variant="{text(course.variant)}">{text(course.variant)}</span>',
                str(len(course.records)),
                *(f"{totals[name]:+.3f}" for name in names),
                f"{sum(totals.values()):+.3f}",
                f"{course.plasticity[-1]:.3f}" if course.records else "–",
                f"{_number(before, '.1f')}° → {_number(after, '.1f')}°",
                _number(accuracy, ".1%"),
                text(course.failure),
            ]
        )
    note = rounding_note(course.variant for course in courses)
    told = tr(
        "From the same starting point, with the same batches: how much the head's steps for one "
        "modality raised the loss of the others, summed (nats)."
    )
    return table_html(
        sentences(told, text(note)),
        [
            tr("variant"),
            tr("sub-steps"),
            *map(text, names),
            tr("all"),
            tr("plasticity"),
            tr("mean angle,<br>G → step"),
            tr("fused right<br>(probe)"),
            "",
        ],
        rows,
    )


def mean_angles(course: VariantCourse) -> tuple[float, float]:
    """Return the mean angles (degrees) of gradient and step to the mean of the modality before.

    NaN while no modality was trained before.
    """
    seen = [one for one in course.seen if one is not None]
    if not seen:
        return math.nan, math.nan
    before = np.mean([degrees(one.gradient) for one in seen])
    return float(before), float(np.mean([degrees(one.followed) for one in seen]))


def table_html(caption: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table; caption, heads and cells are markup already, the first cell heads its row."""
    cell = 'style="padding:2px 12px 2px 4px;text-align:right;white-space:nowrap"'
    first = 'style="padding:2px 12px 2px 4px;text-align:left;font-weight:normal"'
    top = "".join(
        f'<th scope="col" {first if i == 0 else cell}>{head}</th>' for i, head in enumerate(heads)
    )
    body = "".join(
        f'<tr><th scope="row" {first}>{row[0]}</th>'
        + "".join(f"<td {cell}>{value}</td>" for value in row[1:])
        + "</tr>"
        for row in rows
    )
    return (
        '<div style="overflow-x:auto"><table style="font-size:12px;line-height:1.5;'
        'border-collapse:collapse;font-variant-numeric:tabular-nums;margin:6px 2px">'
        f'<caption style="text-align:left;{FAINT}">{caption}</caption>'
        f"<thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def heat_html(matrix: Tensor, what: str, height: int, limit: float | None = None) -> str:
    """Return a matrix as a picture: purple above zero, green below, nothing at zero.

    Parameters
    ----------
    matrix : Tensor
        (R, K).
    what : str
        For those who cannot see it.
    height : int
        Pixels on the page.
    limit : float, optional
        The size that has the full colour, by default the largest.
    """
    values = np.nan_to_num(matrix.detach().double().numpy())
    limit = limit or float(np.abs(values).max()) or 1.0
    pixels = np.empty((*values.shape, 4), dtype=np.uint8)
    pixels[..., :3] = np.where(values[..., None] > 0, POSITIVE, NEGATIVE)
    pixels[..., 3] = 255 * np.clip(np.abs(values) / limit, 0, 1) ** 0.6  # small ones show, too
    out = io.BytesIO()
    Image.fromarray(pixels, "RGBA").save(out, "PNG")
    told = tr(
        "{what}, {size}, from {low:.3g} to {high:.3g}",
        what=what,
        size=" × ".join(map(str, values.shape)),
        low=values.min(),
        high=values.max(),
    )
    return (
        f'<img alt="{text(told)}" title="{text(told)}" '
        f'src="data:image/png;base64,{b64encode(out.getvalue()).decode()}" '
        f'style="display:block;width:100%;height:{height}px;image-rendering:pixelated;margin:3px 0;'
        'box-sizing:border-box;border:1px solid var(--jp-border-color2,#ccc)">'
    )


# --------------------------------------------------------------------------------------- the cards


def _forward(slow: SlowStep) -> str:
    modality, features = slow.head.record.modality, slow.features
    who, n = text(modality) if modality else tr("all modalities"), len(slow.ids)
    flat = features if modality else features.transpose(0, 1).flatten(1)  # (B, s) or (B, M s)
    mean = flat.mean(0, keepdim=True)
    right = int((slow.logits.argmax(1) == slow.labels).sum())
    return (
        _line(tr("{n} samples of <b>{who}</b> → features Z", n=n, who=who))
        + heat_html(flat, tr("features, one row per sample"), 64)
        + _line(tr("mean feature h̄, |h̄| = {norm}", norm=_norm(mean)))
        + heat_html(mean, tr("mean feature"), 12)
        + _line(tr("head: logits = Z Wᵀ + b; {right} of {n} right", right=right, n=n))
    )


def _loss(slow: SlowStep) -> str:
    losses, record, classes = slow.losses, slow.head.record, slow.after.data.classes
    worst = int(losses.argmax())
    mean = float(losses.mean())
    number = f'<b data-number="loss">{mean:.4f}</b>'
    guessing = f"ln {len(classes)} = {math.log(len(classes)):.4f}"
    if math.isclose(mean, record.loss, rel_tol=1e-3):
        what, told = tr("mean of −log p(true class):"), tr("{loss} nats", loss=number)
    else:
        what = tr("mean of −log p(true class) of the fused logits:")
        told = tr("{loss} nats; with further terms {total:.4f}", loss=number, total=record.loss)
    largest = tr(
        "largest: {loss:.2f}, {sample}, truly {label}",
        loss=float(losses[worst]),
        sample=text(slow.ids[worst]),
        label=text(classes[int(slow.labels[worst])]),
    )
    return (
        _line(what)
        + _line(told)
        + _line(tr("guessing: {loss}", loss=guessing), faint=True)
        + _histogram(losses)
        + _line(largest)
    )


def _gradient(slow: SlowStep) -> str:
    G = slow.head.gradient
    return (
        _line(tr("G = ∂L/∂W, one row per class"))
        + heat_html(G, tr("gradient of the head's weight"), 64)
        + _line(f'|G| = <b data-number="gradient">{_norm(G)}</b>')
        + _before(slow, "gradient")
    )


def _projection(slow: SlowStep) -> str:
    head, moved = slow.head, slow.projection
    assert moved is not None  # noqa: S101 - the stage exists with it
    if moved.mean is None:
        took = tr("P takes nothing in: the first step is a plain one")
    elif moved.denominator is None:
        took = tr(
            "P takes h̄ in, a denominator for each entry (α = {alpha:.3g}), then P / |P|",
            alpha=moved.alpha,
        )
    else:
        took = (
            f"q = P h̄ / (α + h̄ᵀP h̄) = P h̄ / ({moved.alpha:.3g} + "
            f"{moved.denominator - (moved.alpha or 0):.3g}), P ← P − q h̄ᵀP"
        )
    name = FOLLOWED.get(moved.variant, "G P")
    if moved.afresh:
        took = tr("P starts afresh; {took}", took=took)
    limit = float(head.gradient.abs().max()) or None
    was, now = moved.plasticity
    share = float(head.followed.norm()) / (float(head.gradient.norm()) or math.nan)
    return (
        _line(took)
        + heat_html(head.followed, tr("{name}, colours as for G", name=name), 64, limit)
        + _line(
            tr(
                "|{name}| = {norm}, {share} of |G|; turned by {angle:.1f}°",
                name=name,
                norm=f'<b data-number="projected">{_norm(head.followed)}</b>',
                share=_share(share),
                angle=head.record.angle,
            )
        )
        + _line(tr("plasticity {was:.4f} → {now:.4f}", was=was, now=now))
        + _before(slow, "followed")
    )


def _update(slow: SlowStep) -> str:
    head = slow.head
    grown = [f"{text(name)} {value:+.4f}" for name, value in head.record.forgetting.items()]
    moved = slow.projection
    follows = FOLLOWED.get(moved.variant, "G P") if moved is not None else "G"
    rest = tr(
        "the rest, |ΔW + γ ({follows})| / |ΔW| = {share}, is momentum and weight decay",
        follows=follows,
        share=_number(head.rest, ".0%"),
    )
    others = tr("others' losses: {listed} nats", listed=", ".join(grown))
    return (
        _line(tr("W ← W + ΔW; learning rate γ = {rate:.3g}", rate=head.record.learning_rate))
        + heat_html(head.update, tr("change of the head's weight"), 64)
        + _line(f'|ΔW| = <b data-number="update">{_norm(head.update)}</b>')
        + _line(rest)
        + (_line(others) if grown else "")
    )


_CARDS = {
    "forward": _forward,
    "loss": _loss,
    "gradient": _gradient,
    "projection": _projection,
    "update": _update,
}
assert tuple(_CARDS) == STAGES  # noqa: S101 - a new stage needs a card


def _before(slow: SlowStep, part: str) -> str:
    previous = slow.head.previous
    if previous not in slow.head.means:
        return ""
    bold = f"<b>{_angle(getattr(slow.head.seen_by(str(previous)), part))}</b>"
    return _line(tr("angle to the mean of {who}: {angle}", who=text(previous), angle=bold))


def _histogram(losses: Tensor) -> str:
    values = np.nan_to_num(losses.numpy())
    counts, edges = np.histogram(values, BINS, range=(0, max(float(values.max()), 1e-9)))
    tall = counts.max() or 1
    bars = "".join(
        f'<rect x="{i * 10}" y="{50 - 50 * n / tall:.1f}" width="9" height="{50 * n / tall:.1f}"/>'
        for i, n in enumerate(counts)
    )
    told = tr("Histogram of {n} losses from 0 to {end:.2f} nats", n=len(values), end=edges[-1])
    return (
        f'<svg viewBox="0 0 {BINS * 10} 51" preserveAspectRatio="none" role="img" '
        f'aria-label="{told}" style="display:block;width:100%;height:64px;margin:3px 0" '
        f'fill="#808080">{bars}</svg>'
    )


def _line(markup: str, *, faint: bool = False) -> str:
    return f'<div style="overflow-wrap:anywhere;{FAINT if faint else ""}">{markup}</div>'


def _norm(matrix: Tensor) -> str:
    return f"{float(matrix.norm()):.4g}"


def _share(value: float) -> str:
    return _number(value, ".1%")


def _angle(share: float) -> str:
    return _number(degrees(share), ".1f") + ("" if math.isnan(share) else "°")


def _number(value: float, form: str) -> str:
    return "–" if math.isnan(value) else format(value, form)
