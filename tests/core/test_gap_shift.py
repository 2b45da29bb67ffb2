"""Features moved along the modality gap, checked against the formula written out in numpy."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mla_core import ConfigError, TrainingSession
from mla_core.gap_shift import AMOUNTS, gap_vector, shift, shifted
from mla_core.methods.registry import METHODS
from mla_core.modality_gap import centroid_gap
from mla_core.replay import Replay


def cloud(seed: int, n: int = 12, size: int = 5) -> torch.Tensor:
    return torch.randn(n, size, generator=torch.Generator().manual_seed(seed)) + 1


def unit(z: np.ndarray) -> np.ndarray:
    return z / np.linalg.norm(z, axis=1, keepdims=True)


@settings(deadline=None)
@given(st.integers(0, 50), st.integers(51, 99))
def test_the_vector_is_as_long_as_the_gap_and_points_from_the_first_to_the_second(one, two):
    a, b = cloud(one), cloud(two, n=7)
    vector = gap_vector(a, b)
    assert float(vector.norm()) == pytest.approx(centroid_gap(a, b), abs=1e-6)
    expected = unit(b.numpy()).mean(0) - unit(a.numpy()).mean(0)
    np.testing.assert_allclose(vector.numpy(), expected, atol=1e-6)
    torch.testing.assert_close(gap_vector(b, a), -vector)


@settings(deadline=None)
@given(st.integers(0, 50), st.floats(-1, 2))
def test_a_shift_is_liangs_formula_and_keeps_every_length(seed, amount):
    a, b = cloud(seed), cloud(seed + 100)
    vector = gap_vector(a, b)
    moved = shift(a, vector, amount).numpy()
    lengths = np.linalg.norm(a.numpy(), axis=1)
    expected = lengths[:, None] * unit(unit(a.numpy()) + amount * vector.numpy())
    np.testing.assert_allclose(moved, expected, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(moved, axis=1), lengths, rtol=1e-5)


def test_nothing_moves_at_zero_and_absent_parts_stay_finite():
    z = torch.cat([cloud(0), torch.zeros(1, 5)])
    assert shift(z, torch.ones(5), 0.0) is z
    assert torch.isfinite(shift(z, torch.ones(5), 1.0)).all()


@pytest.mark.parametrize("method", [name for name in METHODS if name != "unimodal"])
def test_only_the_moved_modality_moves_and_the_network_stays(method, of):
    session = TrainingSession(of(method, missing={"val": 0.3}))
    session.advance(steps=5)
    before = session.snapshot().tensors
    looks = shifted(session, "m0", "m2", amounts=[0.0, 1.0])
    plain = session.evaluate(session.probe)
    for name in ("features", "logits", "weights", "fused"):
        assert torch.equal(getattr(looks[0], name), getattr(plain, name)), name
    assert torch.equal(looks[1].features[1:], plain.features[1:])
    here = plain.present[0]
    assert not torch.equal(looks[1].features[0][here], plain.features[0][here])
    said = session.method.read(looks[1].features, plain.present)
    assert torch.equal(looks[1].fused, said.fused)
    after = session.snapshot().tensors
    assert all(torch.equal(before[key], after[key]) for key in before)


def test_the_gap_closes_on_the_way(tiny):
    session = TrainingSession(tiny(probe_size=24))
    session.advance(steps=9)
    replay = Replay.of(shifted(session, "m0", "m1"), session.data.classes)
    gap = dict(zip(AMOUNTS, replay.centroid_gap[:, replay.pairs.index(("m0", "m1"))], strict=True))
    assert gap[1.0] < 0.5 * gap[0.0] < 0.5 * gap[-1.0]
    others = replay.centroid_gap[:, replay.pairs.index(("m1", "m2"))]
    assert np.ptp(others) == 0


@pytest.mark.parametrize(
    ("moved", "towards", "told"),
    [("m0", "m0", "cannot move towards itself"), ("m9", "m0", "'m9'"), ("m0", "", "''")],
)
def test_bad_choices_are_told(moved, towards, told, tiny):
    with pytest.raises(ConfigError, match=told):
        shifted(TrainingSession(tiny()), moved, towards)


def test_a_modality_that_no_probe_sample_has_is_told(tiny):
    session = TrainingSession(tiny())
    session.probe.present[1] = False
    with pytest.raises(ConfigError, match="no probe sample has the modality 'm1'"):
        shifted(session, "m0", "m1")
