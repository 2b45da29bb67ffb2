"""Encoders that work side by side do what they do one by one, bit for bit."""

import threading
import time

import pytest
import torch

from mla_core import TrainingDivergedError, TrainingSession, threads
from mla_core.head import VARIANTS
from mla_core.methods import Alternating, OneAtATime, one_at_a_time
from mla_core.threads import side_by_side
from tests.core.lines import count_lines, cut_off_before_line

KINDS = {
    **{variant: {"head_gradient": variant} for variant in VARIANTS},
    "update": {"projection": "update", "learning_rate_schedule": "cosine"},
    "step": {"learning_rate_schedule": "step", "epochs": 4, "evaluate_every": 100},
    "adamw": {"optimizer": "adamw", "learning_rate": 0.01, "order": "random", "averaging": 1.0},
    "independent": {"pairing": "independent", "alpha_schedule": "run_decay"},
    "order": {"order": ["m0", "m1", "m0", "m2", "m2"], "averaging": 1.0},
    "reset": {"reset": "round", "stopping": "best", "evaluate_every": 0},
    "missing": {"missing": {"train": 0.7}},
    "no weights": {"encoder": "none", "feature_size": 12},
    "ensemble": {"method": "ensemble", "order": "random", "learning_rate_schedule": "cosine"},
    "unimodal": {"method": "unimodal", "modalities": ["m1"]},
    "reconboost": {"method": "reconboost", "missing": {"train": 0.3}},
    "udi": {"method": "udi", "missing": {"train": 0.3}, "epochs": 3},
    "aug": {"method": "aug", "epochs": 3, "evaluate_every": 0},
}


@pytest.fixture(params=[1, 3], ids=["alone", "with helpers"])
def tiny_counts(request, monkeypatch):
    """Let tiny encoders work side by side, and say how many cores there are."""
    monkeypatch.setattr(one_at_a_time, "ENOUGH", 0)
    monkeypatch.setattr(one_at_a_time, "helped", lambda: True)
    monkeypatch.setattr(threads, "cores", lambda: request.param)
    threads._helpers.cache_clear()
    yield
    threads._helpers.cache_clear()


@pytest.fixture
def lengths(monkeypatch):
    """Note how many sub-steps were taken at once, each time."""
    found: list[int] = []
    steps = OneAtATime.steps

    def noting(self, turns, train):
        found.append(len(turns))
        return steps(self, turns, train)

    monkeypatch.setattr(OneAtATime, "steps", noting)
    return found


def one_by_one(session: TrainingSession) -> TrainingSession:
    while not session.finished:
        session.advance(steps=1)
    return session


@pytest.mark.parametrize("kind", KINDS)
def test_the_records_are_those_of_single_sub_steps(kind, tiny, tiny_counts, lengths, assert_same):
    single = one_by_one(TrainingSession(tiny(**KINDS[kind])))
    assert set(lengths) == {1}
    lengths.clear()
    together = TrainingSession(single.config)
    together.advance(epochs=99)
    assert (max(lengths) > 1) == (kind != "unimodal")
    assert_same(together, single)


@pytest.mark.parametrize("kind", ["paper", "paper_previous", "order", "ensemble"])
def test_a_snapshot_in_the_middle_of_a_round_goes_on_alike(kind, tiny, tiny_counts, assert_same):
    single = one_by_one(TrainingSession(tiny(**KINDS[kind])))
    for at in (1, 2, 4, 5):  # looks are at 4 and 8, rounds end at 3, 6 and 9
        session = TrainingSession(single.config)
        session.advance(steps=at)
        assert session.step == at
        later = session.fork()
        later.advance(epochs=99)
        assert_same(later, single)
        session.restore(session.snapshot())
        list(session)
        assert_same(session, single)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, [3, 1, 3, 1, 1]),  # a look every 4 sub-steps, 9 an epoch
        ({"evaluate_every": 0}, [3, 3, 3]),
        ({"evaluate_every": 1}, [1] * 9),
        ({"order": ["m0", "m1", "m0", "m2"], "evaluate_every": 0}, [2] * 6),
    ],
)
def test_looks_and_second_turns_part_what_is_done_at_once(
    settings, expected, tiny, tiny_counts, lengths
):
    TrainingSession(tiny(**settings)).advance(epochs=1)
    assert lengths == expected


class Loud(Alternating):
    """One's own class may read in `move` what the encoder will follow."""

    def move(self, modality, features, position, train):
        assert any(p.grad is not None for p in self.model.encoders[modality].parameters())
        return super().move(modality, features, position, train)


def test_a_class_of_ones_own_is_asked_one_by_one_unless_it_says_otherwise(
    tiny, tiny_counts, lengths, monkeypatch
):
    assert Alternating.head_moves_alone
    assert not Loud.head_moves_alone
    monkeypatch.setattr("mla_core.session.method_class", lambda name: Loud)
    TrainingSession(tiny()).advance(epochs=1)
    assert set(lengths) == {1}


def test_encoders_with_chance_in_them_work_one_by_one(tiny, tiny_counts, lengths):
    own = torch.nn.Sequential(torch.nn.Linear(5, 8), torch.nn.Dropout(0.5))
    TrainingSession(tiny(), encoders={"m1": own}).advance(epochs=1)
    assert set(lengths) == {1}


def test_tiny_encoders_and_a_single_core_work_one_by_one(tiny, monkeypatch):
    assert not TrainingSession(tiny()).method.takes_several
    monkeypatch.setattr(one_at_a_time, "ENOUGH", 0)
    for number in (1, 2):
        monkeypatch.setattr(threads, "cores", lambda number=number: number)
        threads._helpers.cache_clear()
        assert TrainingSession(tiny()).method.takes_several == (number > 1)
    threads._helpers.cache_clear()


def test_what_came_before_a_divergence_counts(tiny, make_data, tiny_counts, assert_same):
    def spoilt() -> TrainingSession:
        session = TrainingSession(tiny(evaluate_every=100), make_data())
        session.advance(steps=2)
        session.data.split("train").inputs["b"][:] = torch.inf
        return session

    together, single = spoilt(), spoilt()
    single.advance(steps=1)
    for session in (together, single):
        with pytest.raises(TrainingDivergedError, match=r"sub-step 4 .*modality b"):
            session.advance(steps=2)
        assert session.step == 3
    assert_same(together, single)


def test_a_round_cut_off_anywhere_is_as_if_it_had_not_begun(tiny, tiny_counts, assert_same):
    start = TrainingSession(tiny(evaluate_every=100, epochs=3))
    start.advance(steps=3)
    whole = start.fork()
    whole.advance(steps=6)

    def do(session: TrainingSession) -> None:
        session.advance(steps=3)

    parts = ("session", "route", "one_at_a_time", "threads")
    lines = count_lines(lambda: do(start.fork()), *parts)
    for number in range(0, lines, 7):
        session = start.fork()
        with cut_off_before_line(number, *parts):
            do(session)
        assert session.step in {3, 4, 5, 6}
        session.advance(steps=9 - session.step)
        assert_same(session, whole)


@pytest.mark.parametrize("cores", [1, 2, 3])
def test_tasks_give_their_results_in_order_and_the_first_error(cores, monkeypatch):
    monkeypatch.setattr(threads, "cores", lambda: cores)
    threads._helpers.cache_clear()
    assert side_by_side([lambda i=i: i * i for i in range(7)]) == [i * i for i in range(7)]
    assert side_by_side([]) == []
    done: list[int] = []

    def fail(number: int) -> None:
        time.sleep(0.01 * (3 - number))
        done.append(number)
        raise ValueError(number)

    with pytest.raises(ValueError, match=r"^0$"):
        side_by_side([lambda i=i: fail(i) for i in range(3)])
    assert sorted(done) == ([0] if cores == 1 else [0, 1, 2])
    threads._helpers.cache_clear()


def test_every_thread_computes_with_the_same_number_of_threads(monkeypatch):
    monkeypatch.setattr(threads, "cores", lambda: 2)
    threads._helpers.cache_clear()
    meet = threading.Barrier(2)

    def number() -> tuple[int, int]:
        meet.wait(10)
        return threading.get_ident(), torch.get_num_threads()

    found = side_by_side([number, number])
    assert len({thread for thread, _ in found}) == 2
    assert {count for _, count in found} == {threads.threads()}
    threads._helpers.cache_clear()
