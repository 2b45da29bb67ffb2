"""The gap between modalities in numbers."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mla_core.evaluation.modality_gap import centroid_gap, linear_separability


def cloud(n: int, s: int, seed: int, shift: float = 0.0) -> torch.Tensor:
    return torch.randn(n, s, generator=torch.Generator().manual_seed(seed)) + shift


@settings(deadline=None, max_examples=30)
@given(n=st.integers(1, 20), k=st.integers(1, 20), s=st.integers(1, 9), seed=st.integers(0, 999))
def test_the_gap_is_the_distance_of_the_centroids_of_unit_vectors(n, k, s, seed):
    a, b = cloud(n, s, seed, 1.0), cloud(k, s, seed + 1)
    x, y = a.double().numpy(), b.double().numpy()
    x, y = (z / np.linalg.norm(z, axis=1, keepdims=True) for z in (x, y))
    gap = centroid_gap(a, b)
    assert gap == pytest.approx(np.linalg.norm(x.mean(0) - y.mean(0)), abs=1e-5)
    assert 0 <= gap <= 2 + 1e-6
    assert centroid_gap(b, a) == pytest.approx(gap)


def test_the_gap_does_not_depend_on_lengths():
    a, b = cloud(9, 4, 0), cloud(7, 4, 1, 2.0)
    scaled = a * torch.linspace(0.1, 50, 9)[:, None]
    assert centroid_gap(scaled, b) == pytest.approx(centroid_gap(a, b), abs=1e-6)
    assert centroid_gap(a, a) == 0


@pytest.mark.parametrize("dead", [torch.zeros(3, 4), torch.zeros(0, 4)])
def test_silent_or_missing_features_do_not_raise(dead):
    gap = centroid_gap(dead, torch.ones(2, 4))
    assert math.isnan(gap) if len(dead) == 0 else gap == pytest.approx(1.0)


def test_modalities_apart_are_told_apart():
    parts = [cloud(40, 6, m) + 9 * torch.eye(6)[m] for m in range(4)]
    assert linear_separability(parts) == 1.0


def test_modalities_from_one_cloud_are_told_apart_by_chance_alone():
    parts = [cloud(900, 5, m) for m in range(3)]
    assert linear_separability(parts) == pytest.approx(1 / 3, abs=0.05)


def test_every_modality_counts_the_same_however_many_samples_it_has():
    few, many = cloud(20, 3, 0), cloud(4000, 3, 1, 0.5)
    assert 0.4 < linear_separability([few, many]) < 0.85  # naming the larger one gives 0.5


def test_held_out_samples_decide():
    """In more dimensions than samples any training set is separable, noise included."""
    parts = [cloud(40, 400, m) for m in range(2)]
    assert linear_separability(parts) < 0.75


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_the_unit_of_features_does_not_matter(scale):
    parts = [cloud(60, 4, m, 1.0 * m) for m in range(2)]
    expected = linear_separability(parts)
    assert linear_separability([z * scale for z in parts]) == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize("sizes", [(0, 9), (1, 9), (9, 1)])
def test_too_few_samples_give_no_number(sizes):
    assert math.isnan(linear_separability([cloud(n, 3, n) for n in sizes]))


def test_features_that_are_all_equal_do_not_raise():
    assert 0 <= linear_separability([torch.zeros(8, 3), torch.zeros(8, 3)]) <= 1


def test_features_that_are_not_finite_give_no_number():
    spoilt = torch.full((4, 3), torch.nan)
    assert math.isnan(linear_separability([spoilt, torch.ones(4, 3)]))
    assert math.isnan(centroid_gap(spoilt, torch.ones(4, 3)))
