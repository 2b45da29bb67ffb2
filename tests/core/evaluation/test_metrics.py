"""Calibration and weights, against plain loops and numpy."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import log_softmax, softmax
from scipy.stats import entropy

from mla_core import TrainingSession
from mla_core.evaluation.metrics import (
    QUANTILES,
    brier_score,
    discrepancy_ratios,
    expected_calibration_error,
    mean_surplus,
    negative_log_likelihood,
    oracle_accuracy,
    reliability_bins,
    summarise,
    weight_loss_covariance,
)


def ece_by_loop(logits: np.ndarray, labels: np.ndarray, bins: int) -> float:
    p = softmax(logits.astype(np.float64), axis=1)
    confidence, right = p.max(1), p.argmax(1) == labels
    total = 0.0
    for b in range(bins):
        inside = (confidence > b / bins) & (confidence <= (b + 1) / bins)
        if inside.any():
            total += inside.mean() * abs(right[inside].mean() - confidence[inside].mean())
    return total


@settings(deadline=None, max_examples=40)
@given(
    n=st.integers(1, 60),
    c=st.integers(2, 6),
    bins=st.sampled_from([1, 2, 7, 10, 15]),
    seed=st.integers(0, 999),
)
def test_the_calibration_error_equals_a_loop_over_bins(n, c, bins, seed):
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(n, c)).astype(np.float32) * 3
    labels = rng.integers(0, c, n)
    measured = expected_calibration_error(torch.tensor(logits), torch.tensor(labels), bins)
    assert measured == pytest.approx(ece_by_loop(logits, labels, bins), abs=1e-9)


@pytest.mark.parametrize(
    ("logits", "labels", "expected"),
    [
        ([[1e9, 0.0]], [0], 0.0),  # sure and right
        ([[1e9, 0.0]], [1], 1.0),  # sure and wrong
        ([[0.0, 0.0], [0.0, 0.0]], [0, 1], 0.0),  # 50 % sure, 50 % right
        ([[0.0, 0.0]], [0], 0.5),
    ],
)
def test_the_calibration_error_of_clear_cases(logits, labels, expected):
    measured = expected_calibration_error(torch.tensor(logits), torch.tensor(labels))
    assert measured == pytest.approx(expected)


@pytest.mark.parametrize("label", [0, 1, 2])
def test_what_is_no_answer_is_never_right_whatever_the_true_class(label):
    """Logits of zero name the first class, but nobody has said so."""
    logits, labels = torch.zeros(1, 3), torch.tensor([label])
    nobody = {"answered": torch.tensor([False])}
    assert expected_calibration_error(logits, labels, **nobody) == pytest.approx(1 / 3)
    assert mean_surplus(logits, labels, **nobody) == pytest.approx(1 / 3)
    assert [b.accuracy for b in reliability_bins(logits, labels, **nobody)] == [0.0]


def test_the_calibration_error_does_not_depend_on_which_class_comes_first(tiny, make_data):
    session = TrainingSession(tiny(), make_data(missing=0.5))
    evaluation = session.evaluate("val")
    assert evaluation.unanswered.any()
    order = torch.tensor([2, 0, 1])  # new class -> old class
    renamed = replace(
        evaluation,
        labels=order.argsort()[evaluation.labels],
        logits=evaluation.logits[..., order],
        fused=evaluation.fused[..., order],
    )
    assert summarise(renamed).ece == pytest.approx(summarise(evaluation).ece, abs=1e-9)


def test_nobody_is_calibrated_on_no_samples():
    empty = expected_calibration_error(torch.zeros(0, 3), torch.zeros(0, dtype=torch.int64))
    assert np.isnan(empty)


@settings(deadline=None, max_examples=30)
@given(n=st.integers(1, 40), seed=st.integers(0, 999))
def test_the_weight_loss_covariance_equals_numpys(n, seed):
    rng = np.random.default_rng(seed)
    logits, labels = rng.normal(size=(n, 4)), rng.integers(0, 4, n)
    weights = rng.random(n)
    losses = -log_softmax(logits, axis=1)[np.arange(n), labels]
    expected = np.cov(weights, losses, bias=True)[0, 1]
    measured = weight_loss_covariance(*map(torch.tensor, (logits, labels, weights)))
    assert measured == pytest.approx(expected, abs=1e-9)


@settings(deadline=None, max_examples=30)
@given(n=st.integers(1, 30), c=st.integers(2, 6), seed=st.integers(0, 999))
def test_proper_scores_equal_loops_over_samples(n, c, seed):
    rng = np.random.default_rng(seed)
    logits, labels = rng.normal(size=(n, c)) * 3, rng.integers(0, c, n)
    brier, nll = 0.0, 0.0
    for row, y in zip(logits, labels, strict=True):
        p = softmax(row)
        brier += sum((p[k] - (k == y)) ** 2 for k in range(c)) / n
        nll -= np.log(p[y]) / n
    both = torch.tensor(logits), torch.tensor(labels)
    assert brier_score(*both) == pytest.approx(brier, abs=1e-9)
    assert negative_log_likelihood(*both) == pytest.approx(nll, abs=1e-9)


@pytest.mark.parametrize(
    ("logits", "brier", "nll"),
    [
        ([1e4, 0.0], 0.0, 0.0),  # sure and right
        ([0.0, 1e4], 2.0, 1e4),  # sure and wrong
        ([0.0, 0.0], 0.5, np.log(2)),
    ],
)
def test_proper_scores_of_clear_cases(logits, brier, nll):
    both = torch.tensor([logits]), torch.tensor([0])
    assert brier_score(*both) == pytest.approx(brier)
    assert negative_log_likelihood(*both) == pytest.approx(nll)


def test_nobody_is_scored_on_no_samples():
    nothing = torch.zeros(0, 3), torch.zeros(0, dtype=torch.int64)
    assert np.isnan(brier_score(*nothing))
    assert np.isnan(negative_log_likelihood(*nothing))


def seen(session: TrainingSession, logits: list, present: list | None = None, labels=(0, 0)):
    """Give an evaluation of two samples with these logits (M, 2, C)."""
    logits = torch.tensor(logits, dtype=torch.float32)
    here = torch.ones(logits.shape[:2]) if present is None else torch.tensor(present)
    return replace(
        session.history.latest,
        modalities=tuple("abc"[: len(logits)]),
        labels=torch.tensor(labels),
        present=here.bool(),
        logits=logits,
    )


RIGHT, WRONG, EVEN = [2.0, 0.0], [0.0, 2.0], [0.0, 0.0]


@pytest.mark.parametrize(
    ("logits", "present", "expected"),
    [
        ([[RIGHT, WRONG], [WRONG, RIGHT]], None, 1.0),  # each knows what the other does not
        ([[RIGHT, WRONG], [RIGHT, WRONG]], None, 0.5),
        ([[WRONG, WRONG], [WRONG, WRONG]], None, 0.0),
        ([[RIGHT, WRONG], [WRONG, RIGHT]], [[1, 1], [1, 0]], 0.5),
        ([[RIGHT, RIGHT], [RIGHT, RIGHT]], [[0, 0], [0, 0]], 0.0),
    ],
)
def test_the_oracle_is_right_where_anybody_present_is(logits, present, expected, tiny):
    assert oracle_accuracy(seen(TrainingSession(tiny()), logits, present)) == expected


def test_the_discrepancy_ratio_is_the_mean_ratio_of_the_right_classs_probability(tiny):
    session = TrainingSession(tiny())
    sure = 1 / (1 + np.exp(-2))
    two = discrepancy_ratios(seen(session, [[RIGHT, RIGHT], [EVEN, EVEN]]))
    assert two == pytest.approx({"a": sure / 0.5, "b": 0.5 / sure})
    three = discrepancy_ratios(seen(session, [[RIGHT, RIGHT], [EVEN, EVEN], [WRONG, WRONG]]))
    low = 1 - sure
    expected = {
        "a": (sure / 0.5 + sure / low) / 2,
        "b": (0.5 / sure + 0.5 / low) / 2,
        "c": (low / sure + low / 0.5) / 2,
    }
    assert three == pytest.approx(expected)
    absent = [[1, 0], [1, 1]]  # what stands where a part is absent does not count
    gaps = discrepancy_ratios(seen(session, [[RIGHT, WRONG], [EVEN, EVEN]], absent))
    assert gaps == pytest.approx(two)


def test_a_modality_that_nobody_has_leaves_the_discrepancy_of_the_others_alone(tiny):
    session = TrainingSession(tiny())
    two = discrepancy_ratios(seen(session, [[RIGHT, WRONG], [EVEN, EVEN]]))
    present = [[1, 1], [1, 1], [0, 0]]
    three = discrepancy_ratios(seen(session, [[RIGHT, WRONG], [EVEN, EVEN], [WRONG] * 2], present))
    assert np.isnan(three.pop("c"))
    assert three == two


@pytest.mark.parametrize(
    "logits",
    [
        [[RIGHT, RIGHT]],  # nobody to compare with
        [[RIGHT, RIGHT], [[0.0, 1e6], [0.0, 1e6]]],  # no probability at all is left to divide by
    ],
)
def test_a_discrepancy_that_cannot_be_said_is_nan(logits, tiny):
    ratios = discrepancy_ratios(seen(TrainingSession(tiny()), logits))
    assert np.isnan(list(ratios.values())).all()


def test_a_summary_covers_present_parts_only(tiny, make_data):
    session = TrainingSession(tiny(), make_data(missing=0.4))
    session.advance(epochs=1)
    evaluation = session.evaluate("val")
    summary = summarise(evaluation)
    fused, labels = evaluation.fused.numpy(), evaluation.labels.numpy()
    assert summary.accuracy == pytest.approx((fused.argmax(1) == labels).mean())
    assert summary.ece == pytest.approx(ece_by_loop(fused, labels, 15))
    assert (summary.step, summary.epoch) == (session.step, session.epoch)
    assert (~evaluation.present).any()
    for m, name in enumerate(evaluation.modalities):
        here = evaluation.present[m].numpy()
        logits = evaluation.logits[m].numpy()[here].astype(np.float64)
        weights, y = evaluation.weights[m].numpy()[here], labels[here]
        losses = -log_softmax(logits, axis=1)[np.arange(len(y)), y]
        expected = {
            "unimodal_accuracy": (logits.argmax(1) == y).mean(),
            "unimodal_ece": ece_by_loop(logits, y, 15),
            "mean_entropy": entropy(softmax(logits, axis=1), axis=1).mean(),
            "mean_weight": weights.mean(),
            "weight_loss_covariance": np.cov(weights, losses, bias=True)[0, 1],
            "weight_quantiles": tuple(np.quantile(weights, QUANTILES)),
        }
        for field, value in expected.items():
            assert getattr(summary, field)[name] == pytest.approx(value, abs=1e-5), field
    a, b = (
        z[here] / np.linalg.norm(z[here], axis=1, keepdims=True).clip(1e-12)
        for z, here in zip(evaluation.features.numpy(), evaluation.present.numpy(), strict=True)
    )
    gap = np.linalg.norm(a.mean(0) - b.mean(0))
    assert summary.centroid_gap == pytest.approx({"a|b": gap}, abs=1e-5)
    assert 0 <= summary.separability <= 1


def test_a_modality_that_nobody_has_gives_nan_and_the_rest_stays(tiny, make_data):
    data = make_data()
    val = data.split("val")
    val.present[1] = False
    session = TrainingSession(tiny(), data)
    session.advance(steps=2)
    summary = summarise(session.evaluate("val"))
    for field in ("unimodal_accuracy", "unimodal_ece", "mean_weight", "mean_entropy"):
        values = getattr(summary, field)
        assert np.isnan(values["b"])
        assert np.isfinite(values["a"])
    assert np.isnan(summary.weight_quantiles["b"]).all()
    assert np.isnan(summary.centroid_gap["a|b"])
    assert np.isnan(summary.separability)
    assert np.isfinite(summary.accuracy)
