"""Which choice holds follows from the numbers, for any numbers."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mla_core as mla
from mla_core import language
from mla_core.analysis.guesses import HOW_MANY, highest, how_many, in_range, lowest, ranges, shown

NAN = float("nan")
numbers = st.floats(-1e3, 1e3)


@settings(deadline=None)
@given(st.dictionaries(st.text(min_size=1), numbers, min_size=1))
def test_the_extremes_are_values_that_no_other_passes(values):
    assert all(values[highest(values)[0]] >= value for value in values.values())
    assert all(values[lowest(values)[0]] <= value for value in values.values())


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"a": 0.5, "b": NAN}, "a 50.0%, b absent."),
        ({"a": 0.5, "b": 0.5}, "a 50.0%, b 50.0%. Equal: a and b."),
    ],
)
def test_absent_and_equal_ones_are_told(values, sentence):
    assert highest(values) == lowest(values) == ("a", sentence)


@settings(deadline=None)
@given(st.lists(st.integers(-50, 50), min_size=1, unique=True).map(sorted), numbers)
def test_every_value_lies_in_exactly_one_range(edges, value):
    choices = ranges(edges)
    assert len(set(choices)) == len(edges) + 1
    low, high = [-math.inf, *edges], [*edges, math.inf]
    place = choices.index(in_range(value, edges, "points")[0])
    assert low[place] <= value < high[place]


@pytest.mark.parametrize(
    ("count", "n", "choice"),
    [(0, 8, 0), (1, 8, 1), (2, 8, 2), (4, 8, 2), (5, 8, 3), (8, 8, 3), (0, 1, 0), (1, 1, 3)],
)
def test_shares_are_counted(count, n, choice):
    flags = [i < count for i in range(n)]
    assert how_many(flags, "rows") == (HOW_MANY[choice], f"{count} of {n} rows.")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: highest({"a": NAN}), "no number to compare among"),
        (lambda: lowest({}), "no number to compare among"),
        (lambda: ranges([2, 1]), r"must grow, unlike \[2, 1\]"),
        (lambda: ranges([]), "must grow"),
        (lambda: in_range(NAN, [1], "points"), "no number of points"),
        (lambda: how_many([], "rows"), "no rows to count"),
    ],
)
def test_without_numbers_there_is_a_sentence(call, message):
    with pytest.raises(mla.ConfigError, match=message):
        call()


def test_choices_are_shown_in_the_readers_language_and_stay_what_they_are(monkeypatch):
    words = {"below {high}": "<{high}", "{low} to {high}": "{low}…{high}", "none": "无"}
    monkeypatch.setattr(language, "messages", lambda *_: words)
    assert [shown(choice) for choice in ranges([-1.5, 1e-7])] == [
        "<-1.5",
        "-1.5…1e-07",
        "1e-07 or more",
    ]
    assert [shown(choice) for choice in ("none", "audio", "below par")] == [
        "无",
        "audio",
        "below par",
    ]
