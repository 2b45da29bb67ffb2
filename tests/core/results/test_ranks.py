"""Mean ranks and their critical difference, against published values and by hand."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import mla_core as mla
from mla_core.results import mean_ranks


def frame_of(table, column="test.accuracy"):
    """Return runs of labels m0, m1, ... from one row of values per block."""
    rows = [
        {"label": f"m{k}", "condition": f"c{n % 2}", "seed": n // 2, column: value}
        for n, row in enumerate(table)
        for k, value in enumerate(row)
    ]
    return pd.DataFrame(rows)


@pytest.mark.parametrize(
    ("labels", "quantile"),  # Demsar 2006, table 5a: the two-tailed Nemenyi test at 0.05
    [(3, 2.343), (4, 2.569), (5, 2.728), (6, 2.850), (7, 2.949), (8, 3.031), (10, 3.164)],
)
def test_the_critical_difference_is_that_of_the_published_table(labels, quantile):
    table = np.random.default_rng(0).random((6, labels))
    found = mean_ranks(frame_of(table))
    expected = quantile * math.sqrt(labels * (labels + 1) / (6 * 6))
    assert found.critical == pytest.approx(expected, abs=2e-3)
    assert found.blocks == 6


def test_friedmans_statistic_by_hand():
    table = [[0.9, 0.5, 0.4], [0.8, 0.6, 0.7], [0.9, 0.5, 0.1], [0.7, 0.8, 0.2]]
    found = mean_ranks(frame_of(table))
    ranks = np.array([[1, 2, 3], [1, 3, 2], [1, 2, 3], [2, 1, 3]]).mean(axis=0)
    assert list(found.mean.items()) == [("m0", ranks[0]), ("m1", ranks[1]), ("m2", ranks[2])]
    statistic = 12 * 4 / (3 * 4) * ((ranks - 2) ** 2).sum()
    assert found.p_value == pytest.approx(math.exp(-statistic / 2))  # chi square of two degrees


def test_less_is_better_of_an_error_and_equals_share_their_ranks():
    found = mean_ranks(frame_of([[0.1, 0.1, 0.3], [0.2, 0.2, 0.1]], "test.nll"), "test.nll")
    assert found.mean == {"m0": 2.0, "m1": 2.0, "m2": 2.0}
    assert found.not_behind("m0") == ["m1", "m2"]


def test_a_label_that_lacks_a_block_is_left_out_and_named():
    frame = frame_of(np.random.default_rng(1).random((4, 5)))
    frame.loc[(frame["label"] == "m1") & (frame["seed"] == 0), "test.accuracy"] = math.nan
    frame = frame[(frame["label"] != "m3") | (frame["condition"] == "c0")]
    found = mean_ranks(frame)
    assert found.left_out == ("m1", "m3")
    assert set(found.mean) == {"m0", "m2", "m4"}
    assert found.blocks == 4


@given(st.integers(3, 8), st.integers(2, 9), st.integers(0, 99))
def test_ranks_always_add_up(labels, blocks, seed):
    table = np.random.default_rng(seed).integers(0, 4, (blocks, labels)) / 4
    found = mean_ranks(frame_of(table))
    assert sum(found.mean.values()) == pytest.approx(labels * (labels + 1) / 2)
    assert list(found.mean.values()) == sorted(found.mean.values())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f[f["label"] != "m0"], "ranks need three labels or more"),
        (lambda f: f[(f["seed"] == 0) & (f["condition"] == "c0")], "there are 3 in 1"),
        (lambda f: pd.concat([f, f]), "several runs of one label, condition and seed"),
    ],
)
def test_what_cannot_be_ranked_is_refused(change, message):
    with pytest.raises(mla.ConfigError, match=message):
        mean_ranks(change(frame_of(np.random.default_rng(2).random((4, 3)))))


def test_a_column_without_a_better_side_is_refused():
    with pytest.raises(mla.ConfigError, match="'plasticity' cannot be ranked"):
        mean_ranks(frame_of([[0.1, 0.2, 0.3]] * 3, "plasticity"), "plasticity")
