"""The numbers of one evaluation, one function each, by the names that `metrics.json` gives them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor

from mla_core.catalogue import METRICS
from mla_core.errors import ConfigError
from mla_core.evaluation.metrics import (
    brier_score,
    negative_log_likelihood,
    oracle_accuracy,
    summarise,
)
from mla_core.records import Evaluation


def numbers_of(evaluation: Evaluation, own: Iterable[str] = ()) -> dict[str, Any]:
    """Return all numbers of one evaluation as plain JSON values.

    Parameters
    ----------
    evaluation : Evaluation
    own : iterable of str
        Names of numbers beside those that are always there.

    Examples
    --------
    >>> from mla_core import ExperimentConfig, TrainingSession
    >>> session = TrainingSession(ExperimentConfig(dataset="gaussian"))
    >>> sorted(numbers_of(session.evaluate("val")))[:3]
    ['accuracy', 'brier', 'centroid_gap']
    """
    return {name: _plain(METRICS[name](evaluation)) for name in (*METRICS.built_in, *own)}


def flat_numbers(evaluation: Evaluation, own: Iterable[str]) -> dict[str, float]:
    """Return numbers of one's own for the curves: those of a mapping as ``"name.key"``."""
    found: dict[str, float] = {}
    for name in own:
        value = _plain(METRICS[name](evaluation))
        if isinstance(value, dict):
            found |= {f"{name}.{key}": float(number) for key, number in value.items()}
        else:
            found[name] = float(value)
    return found


def check_metric(name: str, function: Any) -> None:
    """Try a number of one's own on a tiny evaluation.

    Raises
    ------
    ConfigError
        Saying what was expected: a function of an `Evaluation`; a finite number, or a mapping of
        names to such; the same every time; the evaluation left as it is.
    """
    what = f"number {name!r}"
    if not callable(function):
        msg = f"{what} must be a function of an Evaluation, not {function!r}"
        raise ConfigError(msg)
    evaluation, untouched = _tiny(), _tiny()
    try:
        first, again = function(evaluation), function(_tiny())
    except Exception as error:
        msg = f"{what} does not work on an Evaluation: {type(error).__name__}: {error}"
        raise ConfigError(msg) from error
    values = list(first.values()) if isinstance(first, Mapping) else [first]
    named = not isinstance(first, Mapping) or all(isinstance(key, str) for key in first)
    if not (named and values and all(map(_is_number, values))):
        msg = f"{what} must return a number, or a mapping of names to numbers, not {first!r}"
        raise ConfigError(msg)
    if not all(math.isfinite(float(value)) for value in values):
        msg = f"{what} must return finite numbers where every part is there, not {first!r}"
        raise ConfigError(msg)
    if _plain(first) != _plain(again):
        raise ConfigError(f"{what} must return the same every time: draw nothing at random")
    if not all(
        torch.equal(getattr(evaluation, key), getattr(untouched, key))
        for key in ("labels", "present", "features", "logits", "weights", "fused")
    ):
        raise ConfigError(f"{what} must leave the evaluation as it is: change copies")


# ------------------------------------------------------------------------- those that are always there


def samples(evaluation: Evaluation) -> int:
    """Return N."""
    return len(evaluation.ids)


def unanswered(evaluation: Evaluation) -> int:
    """Return how many samples have no part at all."""
    return int(evaluation.unanswered.sum())


def accuracy(evaluation: Evaluation) -> float:
    """Return the share of samples whose fused prediction is right."""
    return evaluation.accuracy


def unimodal_accuracy(evaluation: Evaluation) -> dict[str, float]:
    """Return the accuracy of each modality alone, among the samples that have it."""
    return dict(evaluation.unimodal_accuracy)


def ece(evaluation: Evaluation) -> float:
    """Return the expected calibration error of the fused prediction."""
    return summarise(evaluation).ece


def unimodal_ece(evaluation: Evaluation) -> dict[str, float]:
    """Return the expected calibration error of each modality alone."""
    return dict(summarise(evaluation).unimodal_ece)


def brier(evaluation: Evaluation) -> float:
    """Return the Brier score of the fused prediction."""
    return brier_score(evaluation.fused, evaluation.labels)


def nll(evaluation: Evaluation) -> float:
    """Return the cross-entropy of the fused prediction in nats."""
    return negative_log_likelihood(evaluation.fused, evaluation.labels)


def unimodal_brier(evaluation: Evaluation) -> dict[str, float]:
    """Return the Brier score of each modality alone."""
    return _per_modality(evaluation, brier_score)


def unimodal_nll(evaluation: Evaluation) -> dict[str, float]:
    """Return the cross-entropy of each modality alone in nats."""
    return _per_modality(evaluation, negative_log_likelihood)


def oracle(evaluation: Evaluation) -> float:
    """Return the share of samples that at least one modality gets right."""
    return oracle_accuracy(evaluation)


def oracle_gap(evaluation: Evaluation) -> float:
    """Return what a fusion that always picks the right modality would still gain."""
    return oracle_accuracy(evaluation) - evaluation.accuracy


def mean_weight(evaluation: Evaluation) -> dict[str, float]:
    """Return the mean importance weight of each modality, among the samples that have it."""
    return dict(summarise(evaluation).mean_weight)


def weight_loss_covariances(evaluation: Evaluation) -> dict[str, float]:
    """Return, per modality, the covariance of its weight and its loss over the samples."""
    return dict(summarise(evaluation).weight_loss_covariance)


def centroid_gaps(evaluation: Evaluation) -> dict[str, float]:
    """Return, per pair ``"a|b"``, the distance of the two modalities' mean features."""
    return dict(summarise(evaluation).centroid_gap)


def separability(evaluation: Evaluation) -> float:
    """Return the held-out accuracy of a linear classifier that names the modality."""
    return summarise(evaluation).separability


def _per_modality(
    evaluation: Evaluation, metric: Callable[[Tensor, Tensor], float]
) -> dict[str, float]:
    return {
        name: metric(evaluation.logits[m][here], evaluation.labels[here])
        if here.any()
        else math.nan
        for m, (name, here) in enumerate(
            zip(evaluation.modalities, evaluation.present, strict=True)
        )
    }


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    return value if isinstance(value, int) else float(value)


def _is_number(value: object) -> bool:
    try:
        return not isinstance(value, bool | str) and math.isfinite(float(value)) in {True, False}  # type: ignore[arg-type]
    except (TypeError, ValueError, RuntimeError):
        return False


def _tiny() -> Evaluation:
    """Return an evaluation of twelve samples, three modalities and four classes."""
    m, n, c, s = 3, 12, 4, 5
    draw = torch.Generator().manual_seed(0)
    logits = torch.randn(m, n, c, generator=draw)
    return Evaluation(
        split="val",
        step=1,
        epoch=0,
        modalities=("a", "b", "c"),
        ids=tuple(f"val-{i:04d}" for i in range(n)),
        labels=torch.arange(n) % c,
        present=torch.ones(m, n, dtype=torch.bool),
        features=torch.randn(m, n, s, generator=draw),
        logits=logits,
        weights=torch.full((m, n), 1 / m),
        fused=logits.mean(0),
    )
