"""Typing errors, and texts as character codes."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mla_core.data.samples.characters import LETTERS, decode, edit, encode
from mla_core.errors import ConfigError, DataError

words = st.text(LETTERS, min_size=1, max_size=12)
seeds = st.integers(0, 2**32)


@given(words, seeds)
def test_probability_zero_changes_nothing(word, seed):
    assert edit(word, 0.0, np.random.default_rng(seed)) == word


@given(words, seeds, st.floats(0, 1))
def test_an_edited_word_is_never_empty_and_at_most_twice_as_long(word, seed, probability):
    assert 1 <= len(edit(word, probability, np.random.default_rng(seed))) <= 2 * len(word)


@given(words, seeds, st.floats(0, 1))
def test_the_same_generator_makes_the_same_errors(word, seed, probability):
    one, two = (edit(word, probability, np.random.default_rng(seed)) for _ in range(2))
    assert one == two


@given(st.sampled_from(LETTERS), seeds)
def test_a_lone_character_is_always_changed_at_probability_one(letter, seed):
    assert edit(letter, 1.0, np.random.default_rng(seed)) != letter


def test_all_four_errors_occur_and_nothing_else_does_when_one_character_is_hit():
    word, rng = "abcdefgh", np.random.default_rng(0)
    swapped = {word[:i] + word[i + 1] + word[i] + word[i + 2 :] for i in range(len(word) - 1)}
    kinds = {"shorter": 0, "longer": 0, "swapped": 0, "replaced": 0}
    for _ in range(2000):
        out = edit(word, 0.02, rng)
        differing = sum(a != b for a, b in zip(word, out, strict=False))
        if len(out) == len(word) - 1:
            kinds["shorter"] += 1
        elif len(out) == len(word) + 1:
            kinds["longer"] += 1
        elif out in swapped:
            kinds["swapped"] += 1
        elif differing == 1:
            kinds["replaced"] += 1
    assert min(kinds.values()) > 0.6 * max(kinds.values())
    assert sum(kinds.values()) == pytest.approx(2000 * (1 - 0.98**8), rel=0.15)


def test_every_probability_takes_the_same_draws():
    left = {np.random.default_rng(0).random()}
    for probability in (0.0, 0.3, 1.0):
        rng = np.random.default_rng(1)
        edit("seven", probability, rng)
        left.add(rng.random())
    assert len(left) == 2  # the unused generator's next draw, and one for all probabilities


@pytest.mark.parametrize("bad", [-0.1, 1.01, float("nan"), float("inf")])
def test_a_probability_outside_0_to_1_is_named(bad):
    with pytest.raises(ConfigError, match=rf"{bad}.*0\.\.1"):
        edit("seven", bad, np.random.default_rng(0))


@given(st.lists(st.text("abcäş", max_size=7), min_size=1, max_size=5))
def test_decoding_undoes_encoding(texts):
    codes = encode(texts, "abcäş", 7)
    assert codes.shape == (len(texts), 7)
    assert codes.dtype == torch.int64
    assert [decode(row, "abcäş") for row in codes] == texts


@pytest.mark.parametrize(("text", "named"), [("abcd", "4 characters"), ("axb", "'x'")])
def test_a_text_that_does_not_fit_is_named_instead_of_cut(text, named):
    with pytest.raises(DataError, match=named) as caught:
        encode(["ab", text], "abcd", 3)
    assert repr(text) in str(caught.value)
