"""From a history to the numbers that curves show, thinned to what a screen can hold."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping

import numpy as np

from mla_core.records import History

MAX_POINTS = 1000  # per curve


def curves(history: History) -> dict[str, dict[str, np.ndarray]]:
    """Return what each curve shows: trace key -> ``{"x": ..., "y": ...}``.

    Keys are ``loss.<modality>``, ``forgetting.<modality>``, ``plasticity``,
    ``accuracy.<modality or fused>``, ``weight.<modality>``, ``band.<modality>``, ``gap.<a>|<b>``,
    ``apart.<modality>`` for its mean gap to the others, ``number.<name>`` for numbers of your own,
    and ``instrument.<name>.<line>``.
    """
    found: dict[str, tuple[list[float], list[float]]] = {}
    for key, step, value in itertools.chain(_of_steps(history), _of_looks(history)):
        xs, ys = found.setdefault(key, ([], []))
        xs.append(step)
        ys.append(value)
    shown = {}
    for key, (xs, ys) in found.items():
        x, y = thin(np.asarray(xs, float), np.asarray(ys, float))
        shown[key] = {"x": x, "y": y}
    steps = [summary.step for summary in history.summaries]
    for name in history.summaries[0].weight_quantiles if history.summaries else ():
        low = [summary.weight_quantiles[name][0] for summary in history.summaries]
        high = [summary.weight_quantiles[name][-1] for summary in history.summaries]
        # There and back again: the outline of the band from the 5 % to the 95 % quantile.
        outline = {"x": steps + steps[::-1], "y": high + low[::-1]}
        shown[f"band.{name}"] = {axis: np.asarray(v, float) for axis, v in outline.items()}
    return shown


def _of_steps(history: History) -> Iterator[tuple[str, int, float]]:
    """Yield what every sub-step adds: key, x and y."""
    total: dict[str, float] = {}
    for record in history.steps:
        step = record.step + 1
        yield f"loss.{record.modality or 'all'}", step, record.loss
        yield "plasticity", step, record.plasticity
        for name, grown in record.forgetting.items():
            total[name] = total.get(name, 0.0) + grown
            yield f"forgetting.{name}", step, total[name]
        for name, value in record.instruments.items():
            yield f"instrument.{name}", step, value


def _of_looks(history: History) -> Iterator[tuple[str, int, float]]:
    """Yield what every look adds."""
    for summary in history.summaries:
        step, median = summary.step, {k: q[2] for k, q in summary.weight_quantiles.items()}
        yield "accuracy.fused", step, summary.accuracy
        for kind, values in (
            ("accuracy", summary.unimodal_accuracy),
            ("weight", median),
            ("gap", summary.centroid_gap),
            ("apart", _mean_gaps(summary.centroid_gap)),
            ("number", summary.numbers),
            ("instrument", summary.instruments),
        ):
            for name, value in values.items():
                yield f"{kind}.{name}", step, value


def _mean_gaps(gaps: Mapping[str, float]) -> dict[str, float]:
    """Return how far each modality lies from the others, on average; absent ones left out."""
    of: dict[str, list[float]] = {}
    for pair, gap in gaps.items():
        for name in pair.split("|"):
            of.setdefault(name, []).extend([] if math.isnan(gap) else [gap])
    return {name: sum(found) / len(found) if found else math.nan for name, found in of.items()}


def differences(trunk: History, branch: History) -> dict[str, dict[str, np.ndarray]]:
    """Return how much better the branch is, at every look that both took.

    Keys are ``difference.<modality or fused>``: accuracy, branch minus trunk.
    """
    before = {summary.step: summary for summary in trunk.summaries}
    pairs = [(before[late.step], late) for late in branch.summaries if late.step in before]
    steps = np.array([late.step for _, late in pairs], float)
    values: dict[str, list[float]] = {"fused": [b.accuracy - a.accuracy for a, b in pairs]}
    for name in pairs[0][1].unimodal_accuracy if pairs else ():
        values[name] = [b.unimodal_accuracy[name] - a.unimodal_accuracy[name] for a, b in pairs]
    return {f"difference.{name}": {"x": steps, "y": np.array(y)} for name, y in values.items()}


def thin(x: np.ndarray, y: np.ndarray, limit: int = MAX_POINTS) -> tuple[np.ndarray, np.ndarray]:
    """Keep at most `limit` points of a curve: the lowest and the highest of every bin.

    Examples
    --------
    >>> x = np.arange(10_000.0)
    >>> kept, _ = thin(x, np.where(x == 77, 5.0, 0.0), limit=100)
    >>> len(kept) <= 100, 77.0 in kept
    (True, True)
    """
    if len(x) <= limit:
        return x, y
    edges = np.linspace(0, len(x), limit // 2 + 1).astype(int)
    kept: set[int] = set()
    for start, end in itertools.pairwise(edges):
        kept |= {start + int(y[start:end].argmin()), start + int(y[start:end].argmax())}
    index = np.array(sorted(kept))
    return x[index], y[index]
