"""Everything that is said about a trained network: the content of metrics.json."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch

from mla_core.analysis.contribution import missing_curve, utilisation_rates
from mla_core.analysis.fusion_study import fitted_temperatures
from mla_core.data.samples import Split
from mla_core.evaluation import (
    expected_calibration_error,
    negative_log_likelihood,
    numbers_of,
    probe_accuracy,
)
from mla_core.fusion import (
    fuse,
    fused_by_rule,
    importance_weights,
    released_batch_weights,
    uniform_weights,
)
from mla_core.methods import Method, shapley_values, subset_accuracies
from mla_core.records import Evaluation, History
from mla_core.seeding import generator
from mla_core.session import TrainingSession
from mla_core.threads import compute_threads

MISSING_RATES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7)  # as in MLA's table 2


@compute_threads()
def report_of(session: TrainingSession) -> dict[str, Any]:
    """Return all numbers of a trained session as plain JSON values; looks at `test`, once.

    With ``stopping="best"`` they are those of the best look, which ``reported_epoch`` names.
    """
    reported = session.reported()
    train, val = reported.evaluate("train"), reported.evaluate("val")
    test = reported.evaluate("test")
    temperatures = dict(zip(val.modalities, fitted_temperatures(val), strict=True))
    divided = reported.method.model.temperature  # what the logits are divided by already
    sides = {}
    for side, evaluation in (("val", val), ("test", test)):
        split = reported.data.split(side)
        curve = missing_curve(reported.method, split, MISSING_RATES, reported.config.seed)
        sides[side] = numbers_of(evaluation, reported.config.metrics) | {
            "probe_accuracy": _probes(train, evaluation),
            **_contributions(reported.method, split),
            "missing_curve": {f"{rate:.0%}": accuracy for rate, accuracy in curve.items()},
        }
        if reported.method.weighs:
            sides[side]["fusion"] = fusion_rules(evaluation, temperatures, reported.config.fusion)
    return {
        "steps": session.step,
        "reported_epoch": reported.epoch,
        "compute": compute_of(
            session.history, len(reported.data.modalities), reported.method.passes
        ),
        "plasticity": reported.history.steps[-1].plasticity if reported.history.steps else 1.0,
        "forgetting": _mean_forgetting(session.history),
        "temperature": temperatures
        if divided is None
        else dict(zip(val.modalities, divided.tolist(), strict=True)),
        **sides,
    }


def fusion_rules(
    evaluation: Evaluation, temperatures: dict[str, float], own: str = "entropy"
) -> dict[str, dict[str, float]]:
    """Return accuracy and calibration of the same logits under every fusion rule.

    Parameters
    ----------
    evaluation : Evaluation
    temperatures : dict of str to float
        Per modality, from other data; the rules ``..._calibrated`` divide its logits by them.
    own : str
        The configured rule is among them, under its name.

    Notes
    -----
    ``released_batch_64`` cuts batches in the order of the split, as a test loader does; where
    neighbours there are of one class or one writer, ``released_batch_64_shuffled`` differs.
    """
    present = evaluation.present
    scale = torch.tensor([temperatures[name] for name in evaluation.modalities])
    plain, calibrated = evaluation.logits, evaluation.logits / scale[:, None, None]
    n = len(evaluation.labels)
    mixed = torch.randperm(n, generator=generator(0, "order of a test loader"))
    shuffled = released_batch_weights(plain[:, mixed], present[:, mixed], 64)
    fused = {
        "uniform": fuse(plain, uniform_weights(plain, present)),
        "entropy": fuse(plain, importance_weights(plain, present)),
        "uniform_calibrated": fuse(calibrated, uniform_weights(calibrated, present)),
        "entropy_calibrated": fuse(calibrated, importance_weights(calibrated, present)),
        "released_batch_1": fuse(plain, released_batch_weights(plain, present, 1)),
        "released_batch_64": fuse(plain, released_batch_weights(plain, present, 64)),
        "released_batch_64_shuffled": fuse(plain, shuffled[:, mixed.argsort()]),
    }
    if own not in fused and own != "released_batch":
        fused[own] = fused_by_rule(own, plain, present)[1]
    return {
        name: {
            "accuracy": replace(evaluation, fused=logits).accuracy,
            "ece": expected_calibration_error(
                logits, evaluation.labels, answered=~evaluation.unanswered
            ),
            "nll": negative_log_likelihood(logits, evaluation.labels),
        }
        for name, logits in fused.items()
    }


def compute_of(history: History, n_modalities: int, a_step: float = 1.0) -> dict[str, int]:
    """Return what training cost: parts passed through an encoder and back, or only there; updates.

    Parameters
    ----------
    history : History
    n_modalities : int
    a_step : float
        What a step costs as a multiple of one of `concat`, see `Method.passes`.
    """
    passes = sum(r.samples * (n_modalities if r.modality is None else 1) for r in history.steps)
    return {
        "encoder_passes": round(a_step * passes),
        "forward_passes": sum(r.forward_passes for r in history.steps),
        "head_updates": sum(r.sub_steps for r in history.steps),
    }


def _probes(train: Evaluation, other: Evaluation) -> dict[str, float]:
    return {
        name: probe_accuracy(
            train.features[m][train.present[m]],
            train.labels[train.present[m]],
            other.features[m][other.present[m]],
            other.labels[other.present[m]],
        )
        for m, name in enumerate(train.modalities)
    }


def _contributions(method: Method, split: Split) -> dict[str, dict[str, float]]:
    values = subset_accuracies(method, split)
    return {
        "subset_accuracy": {"+".join(sorted(s)): v for s, v in values.items() if s},
        "shapley": shapley_values(values),
        "utilisation": utilisation_rates(values),
    }


def _mean_forgetting(history: History) -> dict[str, float]:
    """Return, per modality, the mean over all sub-steps of what others' head steps cost it."""
    total: dict[str, float] = {}
    sub_steps: dict[str, int] = {}
    for record in history.steps:
        for name, grown in record.forgetting.items():
            total[name] = total.get(name, 0.0) + grown
            sub_steps[name] = sub_steps.get(name, 0) + record.sub_steps
    return {name: total[name] / sub_steps[name] for name in total}
