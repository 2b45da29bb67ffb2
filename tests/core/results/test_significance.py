"""Intervals, paired tests and Holm's steps against scipy and against their definitions."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from mla_core import ConfigError
from mla_core.results.significance import (
    PairedDifference,
    detectable_difference,
    holm,
    mean_interval,
    paired_difference,
)

NUMBERS = st.floats(-1e3, 1e3, allow_nan=False).map(lambda x: round(x, 6))
SEVERAL = st.lists(NUMBERS, min_size=2, max_size=12)
PROBABILITIES = st.lists(st.floats(0, 1), max_size=12)


@given(SEVERAL)
def test_the_interval_is_scipys(values):
    mean, half = mean_interval(values)
    assert mean == pytest.approx(np.mean(values), abs=1e-9)
    error = stats.sem(values)
    if len(set(values)) == 1:
        assert half == 0.0
    else:
        low, high = stats.t.interval(0.95, len(values) - 1, loc=np.mean(values), scale=error)
        assert (mean - half, mean + half) == pytest.approx((low, high), rel=1e-6, abs=1e-9)


@given(SEVERAL, st.floats(0.1, 10), NUMBERS)
def test_the_interval_follows_a_change_of_scale_and_origin(values, scale, origin):
    mean, half = mean_interval(values)
    moved = mean_interval([scale * x + origin for x in values])
    assert moved == pytest.approx((scale * mean + origin, scale * half), rel=1e-6, abs=1e-6)


def test_one_value_has_no_interval():
    mean, half = mean_interval([0.25])
    assert mean == 0.25
    assert math.isnan(half)


@pytest.mark.parametrize("n", [2, 3, 7, 10])
def test_equal_values_have_an_interval_of_exactly_zero(n):
    assert mean_interval([0.1] * n) == (0.1, 0.0)  # whose computed mean is not always 0.1


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_value_that_is_no_number_makes_the_mean_none(bad):
    assert all(map(math.isnan, mean_interval([0.5, bad, 0.7])))


def test_no_value_at_all_is_an_error():
    with pytest.raises(ConfigError, match="at least one value"):
        mean_interval([])
    with pytest.raises(ConfigError, match="at least one value"):
        paired_difference([], [])


def test_95_percent_of_the_intervals_hold_the_true_mean():
    draws = np.random.default_rng(0).normal(3.0, 2.0, size=(4000, 5))
    intervals = [mean_interval(list(row)) for row in draws]
    held = np.mean([abs(mean - 3.0) <= half for mean, half in intervals])
    assert held == pytest.approx(0.95, abs=0.012)  # 3.5 standard errors


@given(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=2, max_size=12))
def test_the_paired_test_is_scipys(pairs):
    a, b = map(list, zip(*pairs, strict=True))
    found = paired_difference(a, b)
    differences = np.subtract(a, b)
    assert found.n == len(pairs)
    assert found.mean == pytest.approx(differences.mean(), abs=1e-9)
    if np.ptp(differences) > 1e-6:
        right = stats.ttest_rel(a, b)
        assert found.p_value == pytest.approx(right.pvalue, rel=1e-5, abs=1e-12)
        interval = right.confidence_interval(0.95)
        expected = (interval.low, interval.high)
        assert (found.mean - found.half, found.mean + found.half) == pytest.approx(
            expected, rel=1e-6, abs=1e-7
        )
    else:
        assert not math.isnan(found.p_value)
        assert not math.isnan(found.half)


@given(SEVERAL)
def test_a_method_does_not_differ_from_itself(values):
    assert paired_difference(values, values) == PairedDifference(0.0, 0.0, 1.0, len(values))


def test_the_same_difference_for_every_seed_is_as_sure_as_a_sign_test():
    same = paired_difference([3.0, 2.0, 5.0], [2.0, 1.0, 4.0])
    assert same == PairedDifference(1.0, 0.0, 0.25, 3)
    rounded = paired_difference([321 / 359, 322 / 359], [320 / 359, 321 / 359])
    assert rounded.p_value == 0.5


def test_one_pair_tests_nothing():
    found = paired_difference([0.75], [0.5])
    assert (found.mean, found.n) == (0.25, 1)
    assert math.isnan(found.half)
    assert math.isnan(found.p_value)


def test_values_without_a_partner_are_refused():
    with pytest.raises(ConfigError, match="not 2 and 3 of them"):
        paired_difference([1.0, 2.0], [1.0, 2.0, 3.0])


def stepped_down(p_values, level):
    """Holm's procedure as he states it: reject the smallest while it is below its own bound."""
    m, rejected = len(p_values), set()
    for rank, index in enumerate(sorted(range(m), key=lambda i: p_values[i])):
        if p_values[index] * (m - rank) > level:
            break
        rejected.add(index)
    return rejected


@given(PROBABILITIES, st.floats(0.001, 0.999))
def test_adjusted_values_reject_what_holms_procedure_rejects(p_values, level):
    rejected = {i for i, p in enumerate(holm(p_values)) if p <= level}
    assert rejected == stepped_down(p_values, level)


@given(PROBABILITIES)
def test_adjusted_values_lie_between_the_plain_ones_and_bonferronis(p_values):
    for plain, adjusted in zip(p_values, holm(p_values), strict=True):
        assert plain <= adjusted <= min(1.0, plain * len(p_values))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8, unique=True), st.randoms())
def test_the_order_of_comparisons_does_not_matter(p_values, source):
    adjusted = dict(zip(p_values, holm(p_values), strict=True))
    source.shuffle(p_values)
    assert [adjusted[p] for p in p_values] == holm(p_values)


def test_an_example_worked_by_hand():
    """4 * 0.01, 3 * 0.02, 2 * 0.03, and 0.04 raised to the one before."""
    assert holm([0.01, 0.02, 0.03, 0.04]) == pytest.approx([0.04, 0.06, 0.06, 0.06])


@pytest.mark.parametrize("bad", [-0.1, 1.1, math.nan])
def test_what_is_no_probability_is_refused(bad):
    with pytest.raises(ConfigError, match=f"from 0 to 1, not {bad}"):
        holm([0.5, bad])


@pytest.mark.parametrize("n", [3, 5, 10, 34])
@pytest.mark.parametrize("level", [0.05, 0.05 / 36, 0.05 / 270])
def test_what_would_be_seen_is_seen_in_four_of_five_cases(n, level):
    """By the power of the one-sample t-test, from scipy's non-central t-distribution."""
    error = 0.7
    half = stats.t.ppf(0.975, n - 1) * error
    shift = detectable_difference(half, n, level) / error
    critical = stats.t.ppf(1 - level / 2, n - 1)
    assert stats.nct.sf(critical, n - 1, shift) == pytest.approx(0.8, abs=1e-5)


@pytest.mark.parametrize(("n", "effect"), [(10, 0.996), (34, 0.495)])
def test_what_would_be_seen_agrees_with_the_tables_of_power(n, effect):
    """Effect size d_z of the paired t-test, two-sided 0.05, power 0.8, as G*Power prints it."""
    half = stats.t.ppf(0.975, n - 1) / math.sqrt(n)  # differences with a deviation of 1
    assert detectable_difference(half, n) == pytest.approx(effect, abs=5e-4)


def test_without_a_spread_there_is_nothing_to_be_missed():
    assert math.isnan(detectable_difference(math.nan, 1))
    assert detectable_difference(0.0, 5) == 0.0
