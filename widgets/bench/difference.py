"""How a branch differs from the run that it left, in words."""

from __future__ import annotations

import math

from mla_core.config import config_differences
from mla_core.language import tr
from mla_core.words import sentence, sentences
from widgets.charts import Run
from widgets.page import listed


def describe_branch(trunk: Run, branch: Run) -> str:
    """Return what was changed, and what came of it at the last look that both took.

    Parameters
    ----------
    trunk, branch : Run
    """
    apart = config_differences([trunk.config, branch.config])
    changed = [
        tr("{setting} {theirs} instead of {ours}", setting=key, theirs=theirs, ours=ours)
        for key, (ours, theirs) in apart.items()
    ]
    changes = tr(", ").join(changed) or tr("the same settings")
    told = tr("Branch from sub-step {step}: {changes}.", step=branch.since, changes=changes)
    before = {
        summary.step: summary for summary in trunk.history.summaries if summary.step > branch.since
    }
    both = [summary for summary in branch.history.summaries if summary.step in before]
    if not both:
        wait = tr("Press Play: it first catches up, then both go on together.")
        return sentences(told, wait)
    late, early = both[-1], before[both[-1].step]
    gains = {
        tr("fused"): late.accuracy - early.accuracy,
        **{m: a - early.unimodal_accuracy[m] for m, a in late.unimodal_accuracy.items()},
    }
    apart_by = [
        tr(
            "At sub-step {step} its accuracy differs by {changes} percentage points",
            step=late.step,
            changes=_points(gains),
        )
    ]
    weights = {m: _change(w, early.mean_weight[m]) for m, w in late.mean_weight.items()}
    if any(abs(w) >= 0.005 for w in weights.values()):
        apart_by.append(tr("its mean weights by {changes}", changes=listed(weights, "+.2f")))
    gaps = {_pair(pair): g - early.centroid_gap[pair] for pair, g in late.centroid_gap.items()}
    if any(abs(g) >= 0.005 for g in gaps.values()):
        apart_by.append(tr("its modality gap by {changes}", changes=_gaps(gaps)))
    return sentences(told, sentence(tr("; ").join(apart_by)))


def _pair(pair: str) -> str:
    a, b = pair.split("|")
    return tr("{a} and {b}", a=a, b=b)


def _gaps(changes: dict[str, float]) -> str:
    """Return every pair's change, or of more than three the outermost two."""
    if len(changes) <= 3:
        return listed(changes, "+.2f")
    least, most = min(changes, key=changes.__getitem__), max(changes, key=changes.__getitem__)
    return tr(
        "{low:+.2f} ({least}) to {high:+.2f} ({most})",
        low=changes[least],
        least=least,
        high=changes[most],
        most=most,
    )


def _change(now: float, before: float) -> float:
    return round(now - before, 2) + 0.0  # never a minus zero


def _points(gains: dict[str, float]) -> str:
    """Return ``fused +1.5, image -0.3``; a modality that no sample has is left out."""
    known = {name: 100 * gain for name, gain in gains.items() if not math.isnan(gain)}
    return listed(known, "+.1f")
