"""Pictures in words: what curves and maps show, for those who cannot see them."""

from __future__ import annotations

import math
from collections.abc import Mapping

from mla_core.records import History, Summary

FEW_PAIRS = 3  # more gaps than these are told by the widest and the narrowest


def listed(values: Mapping[str, float], form: str) -> str:
    """Return names and values; a modality that no sample has is told as such.

    Examples
    --------
    >>> listed({"image": 0.95, "audio": float("nan")}, ".0%")
    'image 95%, audio absent'
    """
    return ", ".join(f"{name} {_told(value, form)}" for name, value in values.items())


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
            who = record.modality or "all"
            first.setdefault(who, record.loss)
            last[who] = record.loss
            for name, grown in record.forgetting.items():
                forgotten[name] = forgotten.get(name, 0.0) + grown
        said.append(f"Training loss in nats: {_moved(first, last, '.2f')}.")
        if forgotten:
            said.append(f"Head forgetting, summed: {listed(forgotten, '.2f')}.")
    else:
        said.append("The curves are empty so far.")
    if history.steps and history.summaries:
        start, now = history.summaries[0], history.summaries[-1]
        said.append(f"Accuracy: {_moved(_accuracies(start), _accuracies(now), '.0%')}.")
        said.append(f"Mean weight: {_moved(start.mean_weight, now.mean_weight, '.2f')}.")
        said.append(_gaps(start.centroid_gap, now.centroid_gap))
        read = {**history.steps[-1].instruments, **now.instruments}
        if read:
            said.append(f"Instruments: {listed(read, '.3g')}.")
        if now.numbers:
            said.append(f"Further numbers: {_moved(start.numbers, now.numbers, '.3g')}.")
    if caption:
        said.append(f"Map: {caption}.")
    return " ".join(filter(None, said))


def _accuracies(summary: Summary) -> dict[str, float]:
    return {"fused": summary.accuracy, **summary.unimodal_accuracy}


def _moved(start: Mapping[str, float], now: Mapping[str, float], form: str) -> str:
    return ", ".join(
        f"{name} from {_told(start.get(name, math.nan), form)} to {_told(value, form)}"
        for name, value in now.items()
    )


def _gaps(start: Mapping[str, float], now: Mapping[str, float]) -> str:
    if not now:
        return ""
    before = {pair.replace("|", " to "): gap for pair, gap in start.items()}
    gaps = {pair.replace("|", " to "): gap for pair, gap in now.items()}
    known = {pair: gap for pair, gap in gaps.items() if not math.isnan(gap)}
    if len(gaps) > FEW_PAIRS and known:
        ends = (max(known, key=lambda pair: known[pair]), min(known, key=lambda pair: known[pair]))
        gaps = {pair: known[pair] for pair in ends}
        return f"Gap, widest and narrowest: {_moved(before, gaps, '.2f')}."
    return f"Gap: {_moved(before, gaps, '.2f')}."


def _told(value: float, form: str) -> str:
    return "absent" if math.isnan(value) else format(value, form)
