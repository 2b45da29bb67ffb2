"""What a look at the probe set adds to the curves, and which look is reported in the end."""

from __future__ import annotations

from dataclasses import replace

import torch

from mla_core.config import ExperimentConfig
from mla_core.evaluation.metrics import summarise
from mla_core.evaluation.numbers import flat_numbers
from mla_core.methods import Method, Sight, looked_at
from mla_core.records import Evaluation, Summary

LIVE = "live accuracy"
"""Among the numbers of a look where the averaged weights predict: how often the live ones are right."""


def summary_of(
    evaluation: Evaluation, method: Method, sight: Sight, config: ExperimentConfig
) -> Summary:
    """Return what the curves show of a look.

    Parameters
    ----------
    evaluation : Evaluation
        Of the probe set, by `method`.
    method : Method
    sight : Sight
        What instruments may look at.
    config : ExperimentConfig
    """
    judge = ("nll",) if config.stopping == "best_nll" else ()
    numbers = flat_numbers(evaluation, (*config.metrics, *judge))
    if method.average is not None:
        with torch.no_grad():
            live = method.read(method.model.features(sight.probe.inputs), sight.probe.present)
        numbers[LIVE] = replace(evaluation, fused=live.fused).accuracy
    return replace(summarise(evaluation), numbers=numbers, instruments=looked_at(method, sight))


def is_better(now: Summary, then: Summary, stopping: str) -> bool:
    """Whether a look is to be reported rather than an earlier one."""
    if stopping == "best_nll":
        return now.numbers["nll"] < then.numbers["nll"]
    return now.accuracy > then.accuracy
