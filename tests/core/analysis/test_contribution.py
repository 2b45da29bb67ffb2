"""Shapley values against their axioms and the average over orders; accuracies of subsets."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mla_core import TrainingSession
from mla_core.analysis.contribution import missing_curve, utilisation_rates
from mla_core.catalogue import METHODS
from mla_core.data.shortage import shorten
from mla_core.methods import Answers, shapley_values, subset_accuracies

NAMES = "abcd"


def subsets(names):
    for size in range(len(names) + 1):
        yield from map(frozenset, itertools.combinations(names, size))


def values_of(m: int) -> st.SearchStrategy[dict[frozenset[str], float]]:
    share = st.floats(0, 1)
    return st.fixed_dictionaries(dict.fromkeys(subsets(NAMES[:m]), share))


ANY = st.integers(1, 4).flatmap(values_of)


@settings(deadline=None, max_examples=60)
@given(ANY)
def test_shapley_values_are_the_mean_gain_over_all_orders_of_joining(values):
    names = sorted(max(values, key=len))
    gains = dict.fromkeys(names, 0.0)
    orders = list(itertools.permutations(names))
    for order in orders:
        for i, name in enumerate(order):
            before = frozenset(order[:i])
            gains[name] += (values[before | {name}] - values[before]) / len(orders)
    assert shapley_values(values) == pytest.approx(gains, abs=1e-12)


@settings(deadline=None, max_examples=40)
@given(ANY)
def test_shapley_values_add_up_to_what_everybody_together_gains(values):
    whole = max(values, key=len)
    total = values[whole] - values[frozenset()]
    assert sum(shapley_values(values).values()) == pytest.approx(total, abs=1e-12)


@settings(deadline=None, max_examples=40)
@given(values_of(3))
def test_who_never_changes_anything_contributes_nothing(values):
    dummy = {s: values[s - {"c"}] for s in values}
    assert shapley_values(dummy)["c"] == 0
    assert utilisation_rates(dummy)["c"] == 0 or values[frozenset("ab")] == 0


@settings(deadline=None, max_examples=40)
@given(values_of(3))
def test_who_can_be_exchanged_contributes_equally(values):
    swap = str.maketrans("ab", "ba")
    even = {s: values[s] + values[frozenset("".join(s).translate(swap))] for s in values}
    shares = shapley_values(even)
    assert shares["a"] == pytest.approx(shares["b"], abs=1e-12)


@settings(deadline=None, max_examples=40)
@given(values_of(3), values_of(3))
def test_shapley_values_of_a_sum_are_the_sums(one, two):
    both = shapley_values({s: one[s] + two[s] for s in one})
    apart = [shapley_values(one), shapley_values(two)]
    assert both == pytest.approx({m: apart[0][m] + apart[1][m] for m in both}, abs=1e-12)


@pytest.mark.parametrize(
    ("both", "a", "b", "expected"),
    [
        (0.8, 0.8, 0.1, {"a": 0.875, "b": 0.0}),  # b is not used
        (0.8, 0.4, 0.4, {"a": 0.5, "b": 0.5}),
        (0.5, 0.6, 0.5, {"a": 0.0, "b": -0.2}),  # b does harm
    ],
)
def test_the_utilisation_rate_is_the_share_lost_without_a_modality(both, a, b, expected):
    values = {"": 0.1, "a": a, "b": b, "ab": both}
    rates = utilisation_rates({frozenset(s): v for s, v in values.items()})
    assert rates == pytest.approx(expected)


def test_nothing_can_be_lost_of_nothing():
    values = {frozenset(s): 0.0 for s in ("", "a", "b", "ab")}
    assert np.isnan(list(utilisation_rates(values).values())).all()


@pytest.mark.parametrize("method", METHODS)
def test_a_subsets_accuracy_is_that_on_data_without_the_others(method, of):
    config = of(method, dataset_options={"sizes": [80, 40, 40]})
    session = TrainingSession(config)
    session.advance(epochs=1)
    split = session.data.split("val")
    values = subset_accuracies(session.method, split)
    names = list(session.data.modalities)
    assert set(values) == set(subsets(names))
    assert values[frozenset()] == 1 / 4
    assert values[frozenset(names)] == session.evaluate("val").accuracy
    for name in names:
        rates = {"val": {other: 1.0 for other in names if other != name}}
        less = shorten(session.data, missing=rates).split("val")
        right = session.method.predict(less).fused.argmax(1) == split.labels
        assert values[frozenset([name])] == float(right.double().mean())


@pytest.mark.parametrize("options", [{"absent": "left_out"}, {"absent": "zeros"}])
@pytest.mark.parametrize("method", ["concat", "sum", "film", "late_fusion", "qmf"])
def test_what_is_taken_away_is_answered_as_if_it_had_never_been_there(method, options, tiny):
    """A network that encodes zeros for an absent part must see zeros, not the part."""
    few = {"sizes": [80, 40, 40]}
    session = TrainingSession(tiny(method=method, method_options=options, dataset_options=few))
    session.advance(epochs=1)
    split = session.data.split("val")
    less = shorten(session.data, missing={"val": {"m0": 0.5, "m1": 1.0}}).split("val")
    found = Answers(session.method, split).fused(less.present)
    torch.testing.assert_close(found, session.method.predict(less).fused)
    whole = session.method.predict(split).fused
    assert not torch.isclose(found, whole).all(1).any()  # m1 is missed everywhere


def test_a_sample_without_any_part_counts_as_a_guess(tiny, make_data):
    """Otherwise a modality that nobody has would contribute something, and less than nothing."""
    data = make_data(missing=0.4)
    data.split("val").present[1] = False
    session = TrainingSession(tiny(method="concat"), data)
    session.advance(epochs=1)
    split = session.data.split("val")
    values = subset_accuracies(session.method, split)
    assert values[frozenset("b")] == pytest.approx(1 / 3)
    assert shapley_values(values)["b"] == pytest.approx(0, abs=1e-12)
    evaluation = session.evaluate("val")
    lost = float(evaluation.unanswered.double().mean())
    assert lost > 0
    assert values[frozenset("ab")] == pytest.approx(evaluation.accuracy + lost / 3)


def test_the_curve_of_missing_parts_is_the_accuracy_on_shortened_data(tiny):
    session = TrainingSession(tiny(method="concat", dataset_options={"sizes": [80, 40, 40]}))
    session.advance(epochs=2)
    curve = missing_curve(session.method, session.data.split("val"), [0.0, 0.5, 1.0], seed=3)
    assert curve[0.0] == session.evaluate("val").accuracy
    assert curve[1.0] == 0.0
    less = shorten(session.data, missing={"val": 0.5}, seed=3)
    half = TrainingSession(session.config, less)
    half.method.load_state_dict(session.method.state_dict())
    assert curve[0.5] == half.evaluate("val").accuracy
