"""Numbers that judge predictions: calibration, entropies, weights; all from one `Evaluation`."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import torch
from torch import Tensor
from torch.nn import functional as F

from mla_core.evaluation import modality_gap
from mla_core.fusion import predictive_entropy
from mla_core.methods import leads, scores
from mla_core.records import Evaluation, Summary

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)

_SUMMARIES: WeakKeyDictionary[Evaluation, Summary] = WeakKeyDictionary()


def expected_calibration_error(
    logits: Tensor, labels: Tensor, bins: int = 15, answered: Tensor | None = None
) -> float:
    """Return the mean distance of confidence and accuracy over bins of equal width.

    Parameters
    ----------
    logits : Tensor
        (N, C).
    labels : Tensor
        (N,).
    bins : int
    answered : Tensor, optional
        (N,) bool; what is no answer is never right, whichever class its even logits seem to name.

    Notes
    -----
    Guo et al., ICML 2017: ``sum_b |B_b|/N |accuracy(B_b) - confidence(B_b)|``.

    Examples
    --------
    >>> expected_calibration_error(torch.tensor([[0.0, 0.0]] * 2), torch.tensor([0, 1]))
    0.0
    """
    if len(labels) == 0:
        return float("nan")
    confidence, right = _sure_and_right(logits, labels, answered)
    index = _bin_of(confidence, bins)
    per_bin = torch.zeros(bins, dtype=torch.float64).index_add_(0, index, confidence - right)
    return float(per_bin.abs().sum() / len(labels))


def mean_surplus(logits: Tensor, labels: Tensor, answered: Tensor | None = None) -> float:
    """Return mean confidence less accuracy: above 0 a prediction is too sure of itself.

    Parameters
    ----------
    logits, labels, answered
        As for `expected_calibration_error`.

    Examples
    --------
    >>> round(mean_surplus(torch.tensor([[9.0, 0.0]] * 2), torch.tensor([0, 1])), 2)
    0.5
    """
    confidence, right = _sure_and_right(logits, labels, answered)
    return float((confidence - right).mean())


@dataclass(frozen=True)
class ReliabilityBin:
    """The samples whose confidence lies in one bin: how many, how sure and how often right."""

    count: int
    confidence: float
    accuracy: float


def reliability_bins(
    logits: Tensor, labels: Tensor, bins: int = 10, answered: Tensor | None = None
) -> list[ReliabilityBin]:
    """Return the bins of a reliability diagram that hold any sample, from unsure to sure.

    Parameters
    ----------
    logits, labels, bins, answered
        As for `expected_calibration_error`.

    Notes
    -----
    Guo et al., ICML 2017, figure 1: a calibrated prediction has its accuracy at its confidence.

    Examples
    --------
    >>> reliability_bins(torch.tensor([[0.0, 0.0]] * 2), torch.tensor([0, 1]))
    [ReliabilityBin(count=2, confidence=0.5, accuracy=0.5)]
    """
    confidence, right = _sure_and_right(logits, labels, answered)
    index = _bin_of(confidence, bins)
    groups = [index == b for b in index.unique().tolist()]  # sorted
    return [
        ReliabilityBin(
            int(group.sum()), float(confidence[group].mean()), float(right[group].mean())
        )
        for group in groups
    ]


def _sure_and_right(
    logits: Tensor, labels: Tensor, answered: Tensor | None
) -> tuple[Tensor, Tensor]:
    """Return the confidence (N,) of each prediction, and 1 where it is right, else 0."""
    confidence, predicted = torch.softmax(logits.double(), -1).max(-1)
    right = predicted == labels if answered is None else (predicted == labels) & answered
    return confidence, right.double()


def _bin_of(confidence: Tensor, bins: int) -> Tensor:
    return (confidence * bins).ceil().long().clamp(1, bins) - 1


def brier_score(logits: Tensor, labels: Tensor) -> float:
    """Return the mean squared distance of probabilities (N, C) and the truth, from 0 to 2.

    Examples
    --------
    >>> brier_score(torch.tensor([[0.0, 0.0]]), torch.tensor([1]))
    0.5
    """
    p = torch.softmax(logits.double(), -1)
    truth = F.one_hot(labels, logits.shape[-1])
    return float((p - truth).square().sum(-1).mean())


def negative_log_likelihood(logits: Tensor, labels: Tensor) -> float:
    """Return the mean cross-entropy in nats of logits (N, C).

    Examples
    --------
    >>> negative_log_likelihood(torch.tensor([[0.0, 0.0]]), torch.tensor([1]))
    0.693...
    """
    return float(F.cross_entropy(logits.double(), labels))


def oracle_accuracy(evaluation: Evaluation) -> float:
    """Return the share of samples that at least one present modality gets right.

    No rule that picks one modality per sample can do better; what is missing to it, the oracle
    gap, is what a better fusion could still gain.
    """
    right = (evaluation.logits.argmax(-1) == evaluation.labels) & evaluation.present  # (M, N)
    return float(right.any(0).double().mean())


def discrepancy_ratios(evaluation: Evaluation) -> dict[str, float]:
    """Return, per modality, the mean over the others of ``s_m / s_j`` (Peng et al., CVPR 2022).

    ``s_m`` is the mean probability that modality m's own logits give to the right class, over
    samples that have it; modalities that no sample has are left out. Above 1 the modality leads;
    NaN where nothing can be compared.
    """
    scored = scores(evaluation.logits.double(), evaluation.labels, evaluation.present)
    ratios = torch.full_like(scored, torch.nan) if (scored == 0).any() else leads(scored)
    return dict(zip(evaluation.modalities, ratios.tolist(), strict=True))


def weight_loss_covariance(logits: Tensor, labels: Tensor, weights: Tensor) -> float:
    """Return the covariance over samples of one modality's weight and loss.

    Dynamic fusion can only help when it is negative: a modality must weigh less where it is wrong
    (Zhang et al., QMF, ICML 2023).

    Parameters
    ----------
    logits : Tensor
        (N, C).
    labels, weights : Tensor
        (N,).

    Examples
    --------
    >>> logits = torch.tensor([[5.0, 0.0], [5.0, 0.0]])
    >>> weight_loss_covariance(logits, torch.tensor([0, 1]), torch.tensor([0.9, 0.1])) < 0
    True
    """
    losses = F.cross_entropy(logits, labels, reduction="none")
    return float(((weights - weights.mean()) * (losses - losses.mean())).mean())


def summarise(evaluation: Evaluation) -> Summary:
    """Return the numbers that the curves show. Modalities without a sample give NaN.

    They are computed once for each evaluation, however often they are asked for.
    """
    if (summary := _SUMMARIES.get(evaluation)) is None:
        summary = _SUMMARIES[evaluation] = _summary(evaluation)
    return summary


def _summary(evaluation: Evaluation) -> Summary:
    names = evaluation.modalities
    here = dict(zip(names, evaluation.present, strict=True))
    logits = {m: evaluation.logits[i][here[m]] for i, m in enumerate(names)}
    weights = {m: evaluation.weights[i][here[m]] for i, m in enumerate(names)}
    features = {m: evaluation.features[i][here[m]] for i, m in enumerate(names)}
    labels = {m: evaluation.labels[here[m]] for m in names}
    quantiles = torch.tensor(QUANTILES)
    return Summary(
        step=evaluation.step,
        epoch=evaluation.epoch,
        accuracy=evaluation.accuracy,
        ece=expected_calibration_error(
            evaluation.fused, evaluation.labels, answered=~evaluation.unanswered
        ),
        unimodal_accuracy=evaluation.unimodal_accuracy,
        unimodal_ece={m: expected_calibration_error(logits[m], labels[m]) for m in names},
        mean_entropy={m: float(predictive_entropy(logits[m]).mean()) for m in names},
        mean_weight={m: float(weights[m].mean()) for m in names},
        weight_quantiles={
            m: tuple(w.quantile(quantiles).tolist()) if len(w) else (float("nan"),) * len(QUANTILES)
            for m, w in weights.items()
        },
        weight_loss_covariance={
            m: weight_loss_covariance(logits[m], labels[m], weights[m]) for m in names
        },
        centroid_gap={
            f"{a}|{b}": modality_gap.centroid_gap(features[a], features[b])
            for a, b in itertools.combinations(names, 2)
        },
        separability=modality_gap.linear_separability(list(features.values())),
    )
