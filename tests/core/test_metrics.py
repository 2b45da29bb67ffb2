"""Calibration and weights, against plain loops and numpy."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import log_softmax, softmax
from scipy.stats import entropy

from mla_core import TrainingSession
from mla_core.metrics import (
    QUANTILES,
    expected_calibration_error,
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
