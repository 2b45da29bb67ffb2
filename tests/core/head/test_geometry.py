"""Shares, angles and spectra against formulas of their own."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from mla_core.head.geometry import degrees, share_seen, spectrum
from mla_core.head.gradient import VARIANTS, HeadGradientModification


def normal(*shape: int, seed: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 99), scale=st.floats(1e-3, 1e3))
def test_the_share_knows_neither_scale_nor_the_order_of_classes(seed, scale):
    A, h = normal(4, 6, seed=seed), normal(6, seed=seed + 1000)
    share = share_seen(A, h)
    assert 0 <= share <= 1
    assert share_seen(-scale * A.flip(0), scale * h) == pytest.approx(share)


def test_the_share_of_one_row_is_the_cosine():
    a, h = torch.tensor([[3.0, 4.0]]), torch.tensor([1.0, 0.0])
    assert share_seen(a, h) == pytest.approx(0.6)
    assert degrees(share_seen(a, h)) == pytest.approx(math.degrees(math.atan2(4, 3)))


def test_nothing_has_no_direction():
    assert math.isnan(share_seen(torch.zeros(2, 3), torch.ones(3)))
    assert math.isnan(degrees(math.nan))


def test_the_spectrum_of_the_equations_is_known_in_closed_form():
    """One mean h: P = (I + h h^T / alpha)^-1 has the eigenvalue alpha / (alpha + |h|^2) once."""
    h, alpha = normal(5, seed=0), 0.3
    hgm = HeadGradientModification(5, alpha)
    hgm.update(h[None])
    least = alpha / (alpha + float(h @ h))
    assert spectrum(hgm.transform).tolist() == pytest.approx([1, 1, 1, 1, least])


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_spectrum_bounds_what_passes(variant):
    hgm = HeadGradientModification(6, 0.2, variant)
    for seed in range(3):
        hgm.update(normal(4, 6, seed=seed))
    strengths = spectrum(hgm.transform)
    assert (strengths.diff() <= 0).all()
    for seed in range(20):
        row = normal(1, 6, seed=100 + seed)
        passed = float(hgm.project(row).norm() / row.norm())
        assert float(strengths[-1]) - 1e-9 <= passed <= float(strengths[0]) + 1e-9
