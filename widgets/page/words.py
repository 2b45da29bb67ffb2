"""Pictures in words: what curves and maps show, for those who cannot see them."""

from __future__ import annotations

import math
from collections.abc import Mapping

from mla_core.language import tr
from mla_core.records import History, Summary
from mla_core.words import sentences

FEW_PAIRS = 3  # more gaps than these are told by the widest and the narrowest


def listed(values: Mapping[str, float], form: str) -> str:
    """Return names and values; a modality that no sample has is told as such.

    Examples
    --------
    >>> listed({"image": 0.95, "audio": float("nan")}, ".0%")
    'image 95%, audio absent'
    """
    return tr(", ").join(f"{name} {_told(value, form)}" for name, value in values.items())


def describe_training(history: History, caption: str = "") -> str:
    """Return what the bench's figure shows: where each curve begins, where it is, and the map.

    Parameters
    ----------
    history : History
    caption : str
        Of the map.

    Examples
    --------
    >>> from mla_core.records.history import History
    >>> describe_training(History(), "PCA")
    'The curves are empty so far. Map: PCA.'
    """
    said = []
    if history.steps:
        first: dict[str, float] = {}
        last: dict[str, float] = {}
        forgotten: dict[str, float] = {}
        for record in history.steps:
            who = record.modality or tr("all")
            first.setdefault(who, record.loss)
            last[who] = record.loss
            for name, grown in record.forgetting.items():
                forgotten[name] = forgotten.get(name, 0.0) + grown
        said.append(tr("Training loss in nats: {told}.", told=_moved(first, last, ".2f")))
        if forgotten:
            said.append(tr("Head forgetting, summed: {told}.", told=listed(forgotten, ".2f")))
    else:
        said.append(tr("The curves are empty so far."))
    if history.steps and history.summaries:
        start, now = history.summaries[0], history.summaries[-1]
        accuracies = _moved(_accuracies(start), _accuracies(now), ".0%")
        said.append(tr("Accuracy: {told}.", told=accuracies))
        weights = _moved(start.mean_weight, now.mean_weight, ".2f")
        said.append(tr("Mean weight: {told}.", told=weights))
        said.append(_gaps(start.centroid_gap, now.centroid_gap))
        read = {**history.steps[-1].instruments, **now.instruments}
        if read:
            said.append(tr("Instruments: {told}.", told=listed(read, ".3g")))
        if now.numbers:
            numbers = _moved(start.numbers, now.numbers, ".3g")
            said.append(tr("Further numbers: {told}.", told=numbers))
    if caption:
        said.append(tr("Map: {caption}.", caption=caption))
    return sentences(*said)


def _accuracies(summary: Summary) -> dict[str, float]:
    return {tr("fused"): summary.accuracy, **summary.unimodal_accuracy}


def _moved(start: Mapping[str, float], now: Mapping[str, float], form: str) -> str:
    return tr(", ").join(
        tr(
            "{name} from {before} to {after}",
            name=name,
            before=_told(start.get(name, math.nan), form),
            after=_told(value, form),
        )
        for name, value in now.items()
    )


def _gaps(start: Mapping[str, float], now: Mapping[str, float]) -> str:
    if not now:
        return ""
    before = {_pair(pair): gap for pair, gap in start.items()}
    gaps = {_pair(pair): gap for pair, gap in now.items()}
    known = {pair: gap for pair, gap in gaps.items() if not math.isnan(gap)}
    if len(gaps) > FEW_PAIRS and known:
        ends = (max(known, key=lambda pair: known[pair]), min(known, key=lambda pair: known[pair]))
        gaps = {pair: known[pair] for pair in ends}
        return tr("Gap, widest and narrowest: {told}.", told=_moved(before, gaps, ".2f"))
    return tr("Gap: {told}.", told=_moved(before, gaps, ".2f"))


def _pair(key: str) -> str:
    a, b = key.split("|")
    return tr("{a} to {b}", a=a, b=b)


def _told(value: float, form: str) -> str:
    return tr("absent") if math.isnan(value) else format(value, form)
