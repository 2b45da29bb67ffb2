"""How a branch differs from the run that it left, in words."""

from __future__ import annotations

import math

from mla_core.config import config_differences
from widgets.charts import Run
from widgets.page import listed


def describe_branch(trunk: Run, branch: Run) -> str:
    """Return what was changed, and what came of it at the last look that both took.

    Parameters
    ----------
    trunk, branch : Run
    """
    apart = config_differences([trunk.config, branch.config])
    changed = [f"{key} {theirs} instead of {ours}" for key, (ours, theirs) in apart.items()]
    told = f"Branch from sub-step {branch.since}: {', '.join(changed) or 'the same settings'}."
    before = {
        summary.step: summary for summary in trunk.history.summaries if summary.step > branch.since
    }
    both = [summary for summary in branch.history.summaries if summary.step in before]
    if not both:
        return f"{told} Press Play: it first catches up, then both go on together."
    late, early = both[-1], before[both[-1].step]
    gains = {
        "fused": late.accuracy - early.accuracy,
        **{m: a - early.unimodal_accuracy[m] for m, a in late.unimodal_accuracy.items()},
    }
    told += f" At sub-step {late.step} its accuracy differs by {_points(gains)}"
    weights = {m: _change(w, early.mean_weight[m]) for m, w in late.mean_weight.items()}
    if any(abs(w) >= 0.005 for w in weights.values()):
        told += f"; its mean weights by {listed(weights, '+.2f')}"
    gaps = {
        pair.replace("|", " and "): g - early.centroid_gap[pair]
        for pair, g in late.centroid_gap.items()
    }
    if any(abs(g) >= 0.005 for g in gaps.values()):
        told += f"; its modality gap by {_gaps(gaps)}"
    return told + "."


def _gaps(changes: dict[str, float]) -> str:
    """Return every pair's change, or of more than three the outermost two."""
    if len(changes) <= 3:
        return listed(changes, "+.2f")
    least, most = min(changes, key=changes.__getitem__), max(changes, key=changes.__getitem__)
    return f"{changes[least]:+.2f} ({least}) to {changes[most]:+.2f} ({most})"


def _change(now: float, before: float) -> float:
    return round(now - before, 2) + 0.0  # never a minus zero


def _points(gains: dict[str, float]) -> str:
    """Return ``fused +1.5, image -0.3 points``; a modality that no sample has is left out."""
    known = {name: 100 * gain for name, gain in gains.items() if not math.isnan(gain)}
    return f"{listed(known, '+.1f')} percentage points"
