"""A modality moves along the gap, and the head reads it there."""

import dataclasses

import numpy as np
import pytest
import torch

import mla_core as mla
from mla_core.analysis import gap_shift
from mla_core.catalogue import METHODS
from mla_core.evaluation.modality_gap import centroid_gap


@pytest.fixture(scope="module")
def session():
    session = mla.TrainingSession(
        mla.ExperimentConfig(dataset="gaussian", probe_size=120, evaluate_every=30)
    )
    session.advance(steps=60)
    return session


def test_the_vector_is_as_long_as_the_gap(session):
    look = session.history.latest
    for a, b in (("m0", "m1"), ("m2", "m0")):
        i, j = look.modalities.index(a), look.modalities.index(b)
        here = [look.features[m][look.present[m]] for m in (i, j)]
        vector = gap_shift.gap_vector(look, a, b)
        assert float(vector.norm()) == pytest.approx(centroid_gap(*here), abs=1e-6)
        assert torch.allclose(vector, -gap_shift.gap_vector(look, b, a), atol=1e-6)


@pytest.mark.parametrize("method", [name for name in METHODS if name != "unimodal"])
def test_a_shift_of_zero_changes_nothing_for_any_method_with_a_gap(method):
    session = mla.TrainingSession(
        mla.ExperimentConfig(dataset="gaussian", method=method, probe_size=40)
    )
    look = session.history.latest
    (same,) = gap_shift.shift(look, session.method, "m1", "m0", shifts=[0])
    assert torch.allclose(same.fused, look.fused, atol=1e-4)
    assert torch.allclose(same.weights, look.weights, atol=1e-4)
    assert torch.equal(same.labels, look.labels)


def test_only_directions_of_the_moved_modality_change(session):
    look = session.history.latest
    before = look.features.clone()
    for moved in gap_shift.shift(look, session.method, "m0", "m2"):
        assert torch.equal(moved.features[1:], look.features[1:])
        lengths = moved.features[0].norm(dim=-1)
        assert torch.allclose(lengths, look.features[0].norm(dim=-1), rtol=1e-4)
    assert torch.equal(look.features, before), "what is given stays as it was"


def test_each_feature_lies_where_the_formula_says(session):
    look = session.history.latest
    z = look.features[0].double().numpy()
    lengths = np.linalg.norm(z, axis=1, keepdims=True)
    other = look.features[1].double().numpy()
    towards = (other / np.linalg.norm(other, axis=1, keepdims=True)).mean(0)
    vector = towards - (z / lengths).mean(0)
    (moved,) = gap_shift.shift(look, session.method, "m0", "m1", shifts=[0.7])
    expected = z / lengths + 0.7 * vector
    expected *= lengths / np.linalg.norm(expected, axis=1, keepdims=True)
    assert np.allclose(moved.features[0].numpy(), expected, atol=1e-4)


def test_moving_along_the_gap_narrows_it_and_moving_back_widens_it(session):
    look = session.history.latest
    gaps = [
        centroid_gap(moved.features[0], moved.features[1])
        for moved in gap_shift.shift(look, session.method, "m0", "m1", shifts=[-1, 0, 1])
    ]
    assert gaps[0] > gaps[1] > gaps[2]


def test_the_default_runs_from_minus_one_to_two_and_passes_zero():
    assert gap_shift.SHIFTS[0] == -1
    assert gap_shift.SHIFTS[-1] == 2
    assert 0.0 in gap_shift.SHIFTS
    assert 1.0 in gap_shift.SHIFTS


@pytest.mark.parametrize(
    ("moved", "towards", "shifts", "said"),
    [
        ("m9", "m0", [0], "no modality 'm9'"),
        ("m0", "m0", [0], "from 'm0' to itself"),
        ("m0", "m1", [float("nan")], "finite"),
    ],
)
def test_bad_input_gives_a_sentence(session, moved, towards, shifts, said):
    with pytest.raises(mla.ConfigError, match=said):
        gap_shift.shift(session.history.latest, session.method, moved, towards, shifts)


def test_a_modality_that_no_sample_has_lies_nowhere(session):
    look = session.history.latest
    present = look.present.clone()
    present[1] = False
    with pytest.raises(mla.ConfigError, match="no sample has the modality 'm1'"):
        gap_shift.gap_vector(dataclasses.replace(look, present=present), "m0", "m1")
