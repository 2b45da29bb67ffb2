"""Lists that never outgrow their limit, whatever is appended."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mla_core.records.thinning import EvenList


def grown(most: int, count: int) -> EvenList[int]:
    kept = EvenList[int](most)
    for number in range(count):
        kept.append(number)
    return kept


@given(most=st.integers(2, 40), count=st.integers(1, 500))
def test_what_is_kept_is_bounded_even_and_ends_with_the_newest(most, count):
    kept = grown(most, count)
    assert kept == kept.indices
    assert len(kept) <= most
    assert (kept[0], kept[-1]) == (0, count - 1)
    gaps = {b - a for a, b in itertools.pairwise(kept[:-1])}
    assert len(gaps) <= 1  # even, but for the newest
    if count <= most:
        assert len(kept) == count
    elif most > 3:
        assert len(kept) >= most / 2


@given(most=st.integers(2, 20), count=st.integers(1, 100), more=st.integers(0, 100))
def test_a_list_that_is_put_together_again_grows_on_alike(most, count, more):
    half, again = grown(most, count), EvenList[int](most)
    for index, item in zip(half.indices, half, strict=True):
        again.put(index, item)
    for number in range(count, count + more):
        again.append(number)
    assert again == grown(most, count + more)


def test_a_twin_grows_on_its_own():
    kept = grown(4, 3)
    twin, beginning = kept.twin(), kept.twin([0, 1])
    twin.append(3)
    beginning.append(7)
    assert (kept, twin, beginning) == ([0, 1, 2], [0, 1, 2, 3], [0, 1, 7])
    assert (kept.indices, beginning.indices) == ([0, 1, 2], [0, 1, 2])


def test_a_list_without_room_for_two_is_refused():
    with pytest.raises(ValueError, match="at least 2 items, not 1"):
        EvenList(1)
