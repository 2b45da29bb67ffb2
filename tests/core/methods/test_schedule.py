"""Which samples and which modality every sub-step uses."""

import math
from collections import Counter

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mla_core import ConfigError, Split
from mla_core.methods.schedule import Batch, alternating_epoch, joint_epoch, learning_rate_at

NAMES = ("a", "b", "c")


def complete(n: int, names: tuple[str, ...] = NAMES) -> Split:
    return Split.complete(
        "train", {m: torch.zeros(n, 2) for m in names}, torch.zeros(n, dtype=torch.int64)
    )


def unpaired(**sizes: int) -> Split:
    labels = {m: torch.zeros(n, dtype=torch.int64) for m, n in sizes.items()}
    return Split.unpaired("train", {m: torch.zeros(n, 2) for m, n in sizes.items()}, labels)


def plain(plan: list[Batch]) -> list[tuple[str | None, list[int]]]:
    return [(batch.modality, batch.indices.tolist()) for batch in plan]


def walked(plan: list[Batch], modality: str) -> list[int]:
    return [i for name, indices in plain(plan) for i in indices if name == modality]


def rounds(plan: list[Batch], size: int) -> list[list[Batch]]:
    return [plan[start : start + size] for start in range(0, len(plan), size)]


@settings(deadline=None, max_examples=40)
@given(
    n=st.integers(1, 70),
    batch_size=st.integers(1, 80),
    order=st.sampled_from(["cyclic", "random", ("c", "a", "b")]),
    epoch=st.integers(0, 9),
)
def test_paired_sub_steps_of_a_round_share_their_samples(n, batch_size, order, epoch):
    plan = alternating_epoch(complete(n), epoch, seed=3, batch_size=batch_size, order=order)
    assert len(plan) == 3 * math.ceil(n / batch_size)
    for own in rounds(plan, 3):
        assert sorted(str(batch.modality) for batch in own) == ["a", "b", "c"]
        assert all(torch.equal(batch.indices, own[0].indices) for batch in own)
    for name in NAMES:  # every sample once per epoch and modality
        assert sorted(walked(plan, name)) == list(range(n))


@pytest.mark.parametrize("pairing", ["paired", "independent"])
@pytest.mark.parametrize(
    ("order", "expected"), [("cyclic", NAMES), (("b", "c", "a"), ("b", "c", "a"))]
)
def test_a_fixed_order_repeats_every_round(order, expected, pairing):
    plan = alternating_epoch(complete(40), 0, seed=0, batch_size=10, order=order, pairing=pairing)
    assert [batch.modality for batch in plan] == [*expected] * 4


@pytest.mark.parametrize("pairing", ["paired", "independent"])
def test_a_random_order_is_a_permutation_drawn_anew_every_round(pairing):
    plan = alternating_epoch(
        complete(200), 0, seed=0, batch_size=4, order="random", pairing=pairing
    )
    drawn = {tuple(batch.modality for batch in own) for own in rounds(plan, 3)}
    assert len(drawn) == 6  # 50 rounds meet every permutation of three
    assert all(set(own) == set(NAMES) for own in drawn)


@pytest.mark.parametrize("pairing", ["paired", "independent"])
def test_a_modality_named_twice_is_trained_twice_a_round(pairing):
    order = ("a", "b", "a", "c")
    plan = alternating_epoch(complete(24), 0, seed=0, batch_size=4, order=order, pairing=pairing)
    assert Counter(batch.modality for batch in plan[:4]) == {"a": 2, "b": 1, "c": 1}
    assert all(tuple(b.modality for b in own) == order for own in rounds(plan, 4))


@settings(deadline=None, max_examples=40)
@given(
    sizes=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    batch_size=st.integers(1, 50),
    order=st.sampled_from(["cyclic", "random", ("b", "a", "a")]),
)
def test_independent_modalities_walk_their_own_samples(sizes, batch_size, order):
    split = unpaired(a=sizes[0], b=sizes[1])
    plan = alternating_epoch(
        split, 0, seed=0, batch_size=batch_size, order=order, pairing="independent"
    )
    for name in ("a", "b"):
        own = split.samples_of(name).tolist()
        seen = walked(plan, name)
        assert set(seen) == set(own)
        # Whoever runs out starts again: nobody is seen twice more often than anybody else.
        counts = Counter(seen)
        assert max(counts.values()) - min(counts.values()) <= 1
        assert sorted(seen[: len(own)]) == own
    per_round = Counter(order if isinstance(order, tuple) else ("a", "b"))
    needed = [math.ceil(n / (batch_size * per_round[m])) for m, n in zip("ab", sizes, strict=True)]
    assert len(plan) == max(needed) * per_round.total()


def test_a_shorter_modality_starts_again_reshuffled():
    plan = alternating_epoch(unpaired(a=8, b=64), 0, seed=0, batch_size=8, pairing="independent")
    passes = [batch.indices.tolist() for batch in plan if batch.modality == "a"]
    assert len(passes) == 8
    assert all(sorted(own) == list(range(8)) for own in passes)
    assert len({tuple(own) for own in passes}) > 1


def test_independent_modalities_do_not_share_their_batches_on_paired_data():
    plan = alternating_epoch(complete(64), 0, seed=0, batch_size=16, pairing="independent")
    first, second, third = plan[:3]
    assert len({tuple(sorted(b.indices.tolist())) for b in (first, second, third)}) == 3


def test_paired_sub_steps_leave_out_samples_that_lack_the_modality():
    split = complete(12, ("a", "b"))
    split.present[0, 4:] = False
    plan = alternating_epoch(split, 0, seed=0, batch_size=2)
    assert sorted(walked(plan, "a")) == [0, 1, 2, 3]
    assert sorted(walked(plan, "b")) == list(range(12))
    assert all(len(batch.indices) for batch in plan)  # a batch where nobody has it is left out


def test_pairs_asked_of_data_without_pairs_are_refused_with_the_sizes():
    with pytest.raises(ConfigError, match=r"'a': 5, 'b': 7.*pairing='independent'"):
        alternating_epoch(unpaired(a=5, b=7), 0, seed=0, batch_size=4)


def test_a_modality_without_any_sample_is_named():
    split = complete(6, ("a", "b"))
    split.present[1] = False
    with pytest.raises(ConfigError, match="no training sample has the modality 'b'"):
        alternating_epoch(split, 0, seed=0, batch_size=4, pairing="independent")


@pytest.mark.parametrize(
    ("order", "message"),
    [
        (("a", "b", "d"), r"unknown modality 'd'.*'a', 'b', 'c'"),
        (("a", "b"), "leaves out the modality 'c'"),
        ((), "leaves out the modality 'a'"),
    ],
)
@pytest.mark.parametrize("pairing", ["paired", "independent"])
def test_a_bad_order_is_refused(order, message, pairing):
    with pytest.raises(ConfigError, match=message):
        alternating_epoch(complete(9), 0, seed=0, batch_size=4, order=order, pairing=pairing)


@pytest.mark.parametrize("pairing", ["paired", "independent"])
@pytest.mark.parametrize("order", ["cyclic", "random"])
def test_seed_and_epoch_alone_decide_the_plan(order, pairing):
    def plan(seed: int, epoch: int) -> list[tuple[str | None, list[int]]]:
        return plain(
            alternating_epoch(
                complete(30), epoch, seed=seed, batch_size=8, order=order, pairing=pairing
            )
        )

    assert plan(0, 2) == plan(0, 2)
    assert plan(0, 2) != plan(0, 3)
    assert plan(0, 2) != plan(1, 2)


def test_joint_training_sees_every_sample_once_in_batches_of_all_modalities():
    plan = joint_epoch(complete(21), 4, seed=0, batch_size=8)
    assert [batch.modality for batch in plan] == [None] * 3
    assert sorted(torch.cat([batch.indices for batch in plan]).tolist()) == list(range(21))
    assert plain(plan) == plain(joint_epoch(complete(21), 4, seed=0, batch_size=8))


def test_joint_training_leaves_out_samples_without_any_part():
    split = complete(12, ("a", "b"))
    split.present[:, 4:] = False
    split.present[1, 7] = True
    plan = joint_epoch(split, 0, seed=0, batch_size=2)
    assert sorted(torch.cat([batch.indices for batch in plan]).tolist()) == [0, 1, 2, 3, 7]
    assert all(len(batch.indices) for batch in plan)


def test_joint_and_paired_training_walk_the_same_batches():
    joint = joint_epoch(complete(21), 4, seed=0, batch_size=8)
    alternating = alternating_epoch(complete(21), 4, seed=0, batch_size=8)
    assert [b.indices.tolist() for b in joint] == [b.indices.tolist() for b in alternating[::3]]


@pytest.mark.parametrize(
    ("schedule", "progress", "factor"),
    [
        ("constant", 0.0, 1.0),
        ("constant", 0.99, 1.0),
        ("step", 0.0, 1.0),
        ("step", 69 / 100, 1.0),
        ("step", 70 / 100, 0.1),
        ("step", 7 / 10, 0.1),
        ("step", 0.99, 0.1),
        ("cosine", 0.0, 1.0),
        ("cosine", 1 / 3, 0.75),
        ("cosine", 0.5, 0.5),
        ("cosine", 0.999999, 0.0),
    ],
)
def test_the_learning_rate_follows_its_schedule(schedule, progress, factor):
    rate = learning_rate_at(schedule, 0.2, progress)
    assert rate == pytest.approx(0.2 * factor, abs=1e-9)
    assert rate > 0
