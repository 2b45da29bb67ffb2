"""Eq. 6 to 8 with one sample's numbers written into them, as MathML."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from mla_core.analysis import OWN
from mla_core.fusion import predictive_entropy
from mla_core.language import later, tr
from mla_core.records import Evaluation
from widgets.page import MODALITY_GLYPHS, colour, pick, text

HEAD_FUSES = later(
    "The head itself fuses: it reads the features of all modalities together, so "
    "at test time there are no weights λ, and eq. 6 to 8 do not apply. What stands under a modality "
    "is what the head answers when it is given that one alone."
)
RULE_FUSES = later(
    "This rule gives fused logits and no weights λ, so eq. 6 to 8 do not apply. "
    "What stands under a modality is what it answers alone."
)
BATCH = later(
    "one number for the whole batch of up to 64 samples (softmax over the batch, entropies summed): "
    "the neighbours decide"
)
THIN = '<mspace width="0.17em"/>'
OPEN, CLOSE = '<mo stretchy="false">(</mo>', '<mo stretchy="false">)</mo>'
ENTROPY = later("the surer a modality, the more it counts")


def formula_html(
    evaluation: Evaluation,
    index: int,
    rule: str,
    classes: Sequence[str],
    *,
    weighs: bool = True,
    temperatures: Sequence[float] | None = None,
) -> str:
    """Return the fusion of one sample as formulas with its numbers in place.

    Parameters
    ----------
    evaluation : Evaluation
        Fused by `rule`, its logits already divided by `temperatures`.
    index : int
        The sample's place in it.
    rule : str
        A fusion rule, or ``"own"``.
    classes : sequence of str
    weighs : bool
        False where the method's head fuses, or a rule of your own that gives no weights: then a
        sentence says so.
    temperatures : sequence of float, optional
        Named where any is not 1.
    """
    if not weighs:
        if rule == OWN:
            return f"<p data-head-fuses>{tr(HEAD_FUSES)}</p>"
        return f"<p data-rule-fuses>{tr(RULE_FUSES)}</p>"
    names, here = evaluation.modalities, evaluation.present[:, index]
    if not here.any():
        none = tr("No part is present: every weight is 0, and there is no answer.")
        return f"<p>{none}</p>"
    entropies = predictive_entropy(evaluation.logits[:, index])  # (M,)
    lines, absent = [], []
    for m, name in enumerate(names):
        mark = (
            f'<span style="color:{colour(m)}" aria-hidden="true">{pick(MODALITY_GLYPHS, m)}</span>'
        )
        if not here[m]:
            absent.append(f"<div>{mark} {tr('{name}: absent, λ = 0', name=text(name))}</div>")
            continue
        p = torch.softmax(evaluation.logits[m, index], -1)
        weight = float(evaluation.weights[m, index])
        lines += [
            f"<div>{mark} {_entropy(name, p, float(entropies[m]))}</div>",
            f"<div>{_weight(name, m, weight, rule, entropies, here)}</div>",
        ]
    return (
        '<div class="mla-formula" style="line-height:1.9">'
        f"{_scaled(names, temperatures)}"
        # Two columns, or one where the notebook is narrow.
        '<div style="display:grid;grid-template-columns:repeat(auto-fit,minmax(310px,1fr));'
        f'max-width:940px;gap:4px 20px;align-items:center">{_titles(rule, entropies, here)}{"".join(lines)}'
        f"</div>{''.join(absent)}{_sums(evaluation, index, classes)}</div>"
    )


def _titles(rule: str, entropies: Tensor, here: Tensor) -> str:
    about = {
        "entropy": tr(ENTROPY),
        "uniform": tr("every present part counts the same"),
        "released_batch": tr(BATCH),
        OWN: tr("the method's own weights"),
    }.get(rule, tr("as {rule} says", rule=text(rule)))
    total = ""
    if rule == "entropy":
        terms = (entropies[here].max() - entropies[here]).exp().tolist()
        total = f"; Σ = {' + '.join(_number(x) for x in terms)} = {_number(sum(terms))}"
    weight = (
        tr("<b>Importance weight</b> (eq. 8): {about}", about=about)
        if rule == "entropy"
        else tr("<b>Importance weight</b>: {about}", about=about)
    )
    return f"<div>{tr('<b>Uncertainty</b> (eq. 7), in nats')}</div><div>{weight}{total}</div>"


def _scaled(names: Sequence[str], temperatures: Sequence[float] | None) -> str:
    if temperatures is None or all(value == 1 for value in temperatures):
        return ""
    listed = ", ".join(
        f"{text(name)} {value:.2f}" for name, value in zip(names, temperatures, strict=True)
    )
    told = tr("All logits f are divided by a temperature T: {listed}", listed=listed)
    return f"<div data-temperatures>{told}</div>"


def _entropy(name: str, p: Tensor, entropy: float) -> str:
    top = p.topk(min(2, len(p))).values.tolist()
    terms = "<mo>+</mo>".join(
        f"<mn>{x:.2f}</mn>{THIN}<mi>log</mi>{THIN}<mn>{x:.2f}</mn>" for x in top
    )
    more = "<mo>+</mo><mo>…</mo>" if len(p) > len(top) else ""
    return _math(
        f"{_sub('e', name)}<mo>=</mo><mo>−</mo>{OPEN}{terms}{more}{CLOSE}<mo>=</mo>"
        f'<mn data-entropy="{text(name)}">{_number(entropy)}</mn>'
    )


def _weight(name: str, m: int, weight: float, rule: str, entropies: Tensor, here: Tensor) -> str:
    result = f'<mn data-weight="{text(name)}" style="font-weight:bold">{weight:.2f}</mn>'
    middle = ""
    if rule == "entropy":
        top = float(entropies[here].max())
        power = f"<mn>{_number(top)}</mn><mo>−</mo><mn>{_number(float(entropies[m]))}</mn>"
        total = float((entropies[here].max() - entropies[here]).exp().sum())
        above = f"<mi>exp</mi>{OPEN}{power}{CLOSE}"
        middle = f"<mfrac><mrow>{above}</mrow><mn>{_number(total)}</mn></mfrac><mo>=</mo>"
    elif rule == "uniform":
        middle = f"<mfrac><mn>1</mn><mn>{int(here.sum())}</mn></mfrac><mo>=</mo>"
    return _math(f"{_sub('λ', name)}<mo>=</mo>{middle}{result}")


def _sums(evaluation: Evaluation, index: int, classes: Sequence[str]) -> str:
    """Return eq. 6 for the class that is predicted and, where it is another, the true one."""
    fused, label = evaluation.fused[index], int(evaluation.labels[index])
    predicted = int(fused.argmax())
    shown = [(predicted, "predicted")] + [(label, "true")] * (label != predicted)
    lines = "".join(
        f"<div>{_sum(evaluation, index, c, classes[c], what)}</div>" for c, what in shown
    )
    title = tr("<b>Fused logits</b> (eq. 6), of the class that is predicted")
    return f"<div>{title}</div>{lines}"


def _sum(evaluation: Evaluation, index: int, c: int, label: str, what: str) -> str:
    weights, logits = evaluation.weights[:, index], evaluation.logits[:, index, c]
    here = evaluation.present[:, index]
    pairs = list(zip(weights[here].tolist(), logits[here].tolist(), strict=True))
    terms = "<mo>+</mo>".join(f"<mn>{w:.2f}</mn><mo>·</mo>{_signed(x)}" for w, x in pairs)
    scale = _scale(evaluation, index)
    if abs(scale - 1) > 1e-3:  # QMF's weights do not add up to 1
        terms = f"<mn>{scale:.2f}</mn><mo>·</mo>{OPEN}{terms}{CLOSE}"
    fused = evaluation.fused[index]
    p = float(torch.softmax(fused, -1)[c])
    return _math(
        f"{_sub('ŷ', label)}<mo>=</mo>{terms}<mo>=</mo>"
        f'<mn data-fused="{what}">{_number(float(fused[c]))}</mn><mo>⇒</mo>{_sub("p", label)}'
        f'<mo>=</mo><mn data-probability="{what}" style="font-weight:bold">{p:.2f}</mn>'
    ) + ("" if what == "predicted" else f" {tr('(the true class)')}")


def _scale(evaluation: Evaluation, index: int) -> float:
    """Return by how much the fused logits exceed the weighted sum, as if all weights were too small."""
    used = torch.where(evaluation.present[:, index, None], evaluation.logits[:, index], 0.0)
    plain = (evaluation.weights[:, index, None] * used).sum(0).double()
    square = float(plain @ plain)
    return float(plain @ evaluation.fused[index].double()) / square if square > 0 else 1.0


def _math(inside: str) -> str:
    return f'<math displaystyle="true"><mrow>{inside}</mrow></math>'


def _sub(letter: str, name: str) -> str:
    return f"<msub><mi>{letter}</mi><mtext>{text(name)}</mtext></msub>"


def _number(value: float) -> str:
    """Return a number with a minus sign rather than a hyphen.

    >>> _number(-1.234), _number(-0.001)
    ('−1.23', '0.00')
    """
    shown = f"{value:.2f}"
    return shown.removeprefix("-") if float(shown) == 0 else shown.replace("-", "−")


def _signed(value: float) -> str:
    shown = _number(value)
    return f"{OPEN}<mn>{shown}</mn>{CLOSE}" if shown.startswith("−") else f"<mn>{shown}</mn>"
