"""One sample in all its modalities: seen, heard and read, with what each one predicts."""

from __future__ import annotations

from base64 import b64encode

import torch
from torch import Tensor

from mla_core.catalogue import traits, weighs
from mla_core.data import MultimodalDataset
from mla_core.data.samples import Media
from mla_core.fusion import predictive_entropy
from mla_core.language import later, tr
from mla_core.records import Evaluation
from widgets.page import FUSED_COLOUR, MODALITY_GLYPHS, colour, folded, pick, text

SHORT = 24  # characters of a text that is a word rather than a paragraph
LIKELIEST = 2  # classes that get a bar, beside the true one


def hint_html() -> str:
    """Return what stands where no sample is shown."""
    told = tr(
        "Click a point of the map to see and hear the sample behind it, and what every modality "
        "makes of it."
    )
    return f'<p class="mla-hint">{told}</p>'


def sample_html(
    data: MultimodalDataset,
    evaluation: Evaluation,
    sample: str,
    method: str = "mla",
    fusion: str = "entropy",
) -> str:
    """Return one sample as HTML, with probabilities, entropies and weights.

    Parameters
    ----------
    data : MultimodalDataset
        Where the sample comes from.
    evaluation : Evaluation
        Must contain the sample.
    sample : str
        Its id.
    method, fusion : str
        Decide whether modalities are weighed; a joint head fuses by itself, and so may a rule of
        your own.
    """
    weighed = weighs(method, fusion)
    i = evaluation.ids.index(sample)
    true = int(evaluation.labels[i])
    media = {part.modality: part for part in data.media(sample)}
    parts = []
    for m, name in enumerate(evaluation.modalities):
        title = f'<span aria-hidden="true" style="color:{colour(m)}">{pick(MODALITY_GLYPHS, m)}</span> {text(name)}'
        if not evaluation.present[m, i]:
            parts.append(_part(title, tr("absent, weight 0") if weighed else tr("absent")))
            continue
        logits = evaluation.logits[m, i]
        numbers = tr("entropy {entropy:.2f} nats", entropy=float(predictive_entropy(logits)))
        if weighed:
            numbers += tr(", ") + f"λ = {float(evaluation.weights[m, i]):.2f}"
        seen = media_html(media[name], data.modalities[name].note) if name in media else ""
        below = f"{seen}<div>{numbers}</div>{_bars(logits, data.classes, true, colour(m))}"
        parts.append(_part(title, _verdict(logits, data.classes, true), below))
    by = tr("fused by the rule") if traits(method).weighs else tr("fused by the head")
    title = tr("fused Σ λ·logits") if weighed else by
    if evaluation.unanswered[i]:
        parts.append(_part(title, tr("no part is present, so there is no answer")))
    else:
        fused = evaluation.fused[i]
        bars = _bars(fused, data.classes, true, FUSED_COLOUR)
        parts.append(_part(title, _verdict(fused, data.classes, true), bars))
    what = tr(
        "<b>{sample}</b>, true class <b>{label}</b>, at sub-step {step}",
        sample=text(sample),
        label=text(data.classes[true]),
        step=evaluation.step,
    )
    label = text(tr("sample {sample}", sample=sample))
    return (
        f'<div data-sample="{text(sample)}" aria-label="{label}">'
        f'<div style="overflow-wrap:anywhere">{what}</div>'
        f'<div class="mla-parts" style="display:flex;flex-wrap:wrap;gap:4px 16px">'
        f"{''.join(parts)}</div></div>"
    )


def _part(title: str, verdict: str, below: str = "") -> str:
    told = tr("<b>{part}</b>: {verdict}", part=title, verdict=verdict)
    return (
        '<section style="flex:1 1 170px;min-width:0;max-width:260px;font-size:12px;'
        'line-height:1.35;border-top:1px solid var(--jp-border-color2,#ccc);padding:2px 0">'
        f"<div>{told}</div>{below}</section>"
    )


def _verdict(logits: Tensor, classes: tuple[str, ...], label: int) -> str:
    said = int(logits.argmax())
    right = later("says {name} ✓ right")
    wrong = later("says {name} ✗ wrong")
    return tr(right if said == label else wrong, name=text(classes[said]))


def media_html(part: Media, note: str) -> str:
    """Return one part as a picture, a player or a text; its caption is there to be unfolded."""
    caption = ". ".join(filter(None, (part.caption, note)))
    style = "font-size:11px;line-height:1.3;color:var(--jp-ui-font-color2,#555)"
    about = folded(tr("about it"), text(caption))
    below = f'<div style="{style}">{about}</div>' if caption else ""
    if part.mime == "text/plain":
        shown = text(part.data.decode())
        if len(part.data) > SHORT:  # a paragraph, which the keyboard can scroll, too
            style = "height:84px;overflow:auto;font-size:12px;line-height:1.35"
            return f'<div tabindex="0" style="{style}">{shown}</div>{below}'
        return f'<div style="font:600 17px monospace;padding:3px 0">{shown}</div>{below}'
    source = f"data:{part.mime};base64,{b64encode(part.data).decode()}"
    label = text(tr("{modality} of this sample", modality=part.modality))
    if part.mime == "audio/wav":
        style = "width:100%;max-width:240px;height:30px;display:block"
        return (
            f'<audio controls src="{source}" aria-label="{label}" style="{style}"></audio>{below}'
        )
    style = "height:56px;image-rendering:pixelated;display:block"
    return f'<img src="{source}" alt="{label}" style="{style}">{below}'


def _bars(logits: Tensor, classes: tuple[str, ...], label: int, hue: str) -> str:
    """Return bars of the likeliest classes and of the true one, likeliest first."""
    shares = torch.softmax(logits, -1).tolist()
    likeliest = sorted(range(len(classes)), key=lambda c: -shares[c])
    chosen = [*likeliest[:LIKELIEST], *(c for c in likeliest[LIKELIEST:] if c == label)]
    rows = [
        '<div style="display:flex;align-items:center;gap:4px;font-size:11px;line-height:13px">'
        f'<span style="flex:0 0 64px;overflow:hidden;text-overflow:ellipsis;white-space:nowrap" '
        f'title="{text(classes[c])}">{"→ " if c == label else ""}{text(classes[c])}</span>'
        f'<span style="flex:0 0 {70 * shares[c]:.1f}px;height:8px;background:{hue}"></span>'
        f"<span>{shares[c]:.2f}</span></div>"
        for c in chosen
    ]
    return "".join(rows)
