"""What a linear classifier finds in frozen features."""

import math

import pytest
import torch
from sklearn.linear_model import LogisticRegression

from mla_core.evaluation.linear_probe import MOST, probe_accuracy


def clouds(n: int, c: int = 4, noise: float = 0.5, seed: int = 0):
    """Draw n samples of c classes that come in turns, as generated data do."""
    source = torch.Generator().manual_seed(seed)
    labels = torch.arange(n) % c
    return torch.eye(c)[labels] * 2 + noise * torch.randn(n, c, generator=source), labels


def test_the_probe_is_logistic_regression_on_standardised_features():
    (x, y), (u, v) = clouds(300, noise=1.5), clouds(200, noise=1.5, seed=1)
    mean, deviation = x.mean(0), x.std(0, correction=0)
    plain = LogisticRegression(C=0.1, max_iter=1000).fit((x - mean) / deviation, y)
    expected = plain.score((u - mean) / deviation, v)
    assert probe_accuracy(x, y, u, v) == pytest.approx(expected, abs=0.01)
    assert expected < 0.95


@pytest.mark.parametrize("classes", [2, 4, 10])
@pytest.mark.parametrize("times", [2, 4])
def test_of_much_data_no_class_is_left_out(classes, times):
    """Labels that come in turns would lose classes if every k-th sample were taken."""
    (x, y), (u, v) = clouds(times * MOST, classes, 0.1), clouds(200, classes, 0.1, seed=1)
    assert probe_accuracy(x, y, u, v) == 1.0


def test_scale_and_shift_of_features_do_not_matter():
    (x, y), (u, v) = clouds(300, noise=1.5), clouds(200, noise=1.5, seed=1)
    scale, shift = torch.tensor([1e-2, 1.0, 10.0, 1e2]), torch.tensor([3.0, 0.0, -9.0, 1e2])
    moved = probe_accuracy(x * scale + shift, y, u * scale + shift, v)
    assert moved == pytest.approx(probe_accuracy(x, y, u, v), abs=0.01)


def test_features_that_are_all_the_same_are_at_chance():
    _, y = clouds(40)
    assert probe_accuracy(torch.ones(40, 3), y, torch.ones(40, 3), y) == 0.25


def test_nothing_can_be_said_without_samples_or_with_one_class():
    x, y = clouds(40)
    assert math.isnan(probe_accuracy(x, y, x[:0], y[:0]))
    assert math.isnan(probe_accuracy(x[:0], y[:0], x, y))
    assert math.isnan(probe_accuracy(x, torch.zeros_like(y), x, y))
