"""One sample in all its modalities: seen, heard and read, with what each one predicts."""

from __future__ import annotations

from base64 import b64encode

import torch

from mla_core.catalogue import traits, weighs
from mla_core.data import MultimodalDataset
from mla_core.data.samples import Media
from mla_core.fusion import predictive_entropy
from mla_core.records import Evaluation
from widgets.page import FUSED_COLOUR, MODALITY_GLYPHS, colour, pick, text

SHORT = 24  # characters of a text that is a word rather than a paragraph
EMPTY = (
    '<p style="color:var(--jp-ui-font-color2)">Click a point of the map to see and hear the sample '
    "behind it, and what every modality makes of it.</p>"
)


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
    label = int(evaluation.labels[i])
    predicted = int(evaluation.fused[i].argmax())
    verdict = "right" if predicted == label else "wrong"
    media = {part.modality: part for part in data.media(sample)}
    columns = []
    for m, name in enumerate(evaluation.modalities):
        title = f"{pick(MODALITY_GLYPHS, m)} {text(name)}"
        if not evaluation.present[m, i]:
            columns.append(_column(title, "<p>absent, weight 0</p>", ""))
            continue
        logits = evaluation.logits[m, i]
        numbers = (
            f"entropy e = {float(predictive_entropy(logits)):.2f} nats<br>"
            f"weight λ = {float(evaluation.weights[m, i]):.2f}"
            if weighed
            else f"entropy e = {float(predictive_entropy(logits)):.2f} nats"
        )
        seen = media_html(media[name], data.modalities[name].note) if name in media else ""
        bars = _bars(torch.softmax(logits, -1).tolist(), data.classes, label, colour(m))
        columns.append(
            _column(title, seen, f"<div style='margin:4px 0;line-height:1.4'>{numbers}</div>{bars}")
        )
    if evaluation.unanswered[i]:
        verdict = "no part is present, so this is no answer"
    fused = _bars(
        torch.softmax(evaluation.fused[i], -1).tolist(), data.classes, label, FUSED_COLOUR
    )
    says = f"<div style='margin:4px 0'>says {text(data.classes[predicted])}: {verdict}</div>"
    by = "the rule" if traits(method).weighs else "the head"
    title = "fused Σ λ·logits" if weighed else f"fused by {by}"
    columns.append(_column(title, "", says + fused))
    return (
        f'<div data-sample="{text(sample)}" aria-label="sample {text(sample)}">'
        f"<b>{text(sample)}</b>, true class <b>{text(data.classes[label])}</b>, after "
        f"{evaluation.step} sub-steps"
        '<div style="display:flex;gap:18px;flex-wrap:wrap;align-items:flex-start">'
        f"{''.join(columns)}</div></div>"
    )


def _column(title: str, media: str, numbers: str) -> str:
    return (
        '<section style="flex:1 1 190px;max-width:260px">'
        f'<div style="height:150px">{media}</div><b>{title}</b>{numbers}</section>'
    )


def media_html(part: Media, note: str) -> str:
    """Return one part as a picture, a player or a text, with its caption."""
    caption = ". ".join(filter(None, (part.caption, note)))
    below = f'<div style="font-size:11px;line-height:1.3">{text(caption)}</div>'
    if part.mime == "text/plain":
        shown = text(part.data.decode())
        if len(part.data) > SHORT:  # a paragraph, which the keyboard can scroll, too
            style = "height:96px;overflow:auto;font-size:12px;line-height:1.35"
            return f'<div tabindex="0" style="{style}">{shown}</div>{below}'
        return f'<div style="font:600 20px monospace;padding:10px 0">{shown}</div>{below}'
    source = f"data:{part.mime};base64,{b64encode(part.data).decode()}"
    if part.mime == "audio/wav":
        label = text(f"{part.modality} of this sample")
        style = "width:100%;height:36px"
        return (
            f'<audio controls src="{source}" aria-label="{label}" style="{style}"></audio>{below}'
        )
    style = "height:88px;image-rendering:pixelated"
    return f'<img src="{source}" alt="{text(part.modality)} of this sample" style="{style}">{below}'


def _bars(
    probabilities: list[float], classes: tuple[str, ...], label: int, hue: str, most: int = 10
) -> str:
    """Return bars of the likeliest classes, in class order; the true class is marked."""
    likeliest = sorted(range(len(classes)), key=lambda c: -probabilities[c])[:most]
    rows = [
        '<div style="display:flex;align-items:center;font-size:11px;line-height:14px">'
        f'<span style="width:52px;overflow:hidden">{"→" if c == label else "&nbsp;&nbsp;"} '
        f"{text(classes[c])}</span>"
        f'<span style="width:{110 * probabilities[c]:.1f}px;height:9px;background:{hue}"></span>'
        f"<span>&nbsp;{probabilities[c]:.2f}</span></div>"
        for c in sorted(likeliest)
    ]
    return "".join(rows)
