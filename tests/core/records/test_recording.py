"""The way back: every kept moment is the session as it was then."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from mla_core import DataError, TrainingSession
from mla_core.records.recording import BUDGET, FEWEST_MOMENTS, MOST_MOMENTS, Moment, Recording
from tests.core.lines import before_every_line


@pytest.fixture
def session(tiny) -> TrainingSession:
    session = TrainingSession(tiny(evaluate_every=2, epochs=3))
    session.advance(steps=11)
    return session


def test_every_look_is_kept_with_the_way_back_to_it(session, tiny):
    assert session.recording.steps == [0, 2, 4, 6, 8, 10]
    moment = session.recording.at(7)
    assert moment.step == 6
    fresh = TrainingSession(tiny(evaluate_every=2, epochs=3))
    fresh.advance(steps=6)
    torch.testing.assert_close(
        moment.evaluation.logits, fresh.history.latest.logits, rtol=0, atol=0
    )
    session.restore(moment.snapshot)
    assert session.history.steps == fresh.history.steps
    assert session.advance(steps=3) == fresh.advance(steps=3)


def test_going_back_forgets_what_came_after(session):
    session.restore(session.recording.at(4).snapshot)
    assert session.recording.steps == [0, 2, 4]
    session.advance(steps=2)
    assert session.recording.steps == [0, 2, 4, 6]


def test_a_branch_from_the_past_goes_on_with_other_settings_and_leaves_the_trunk(session):
    twin = session.fork(session.recording.at(4).snapshot, head_gradient="off")
    assert (twin.step, twin.recording.steps) == (4, [0, 2, 4])
    assert twin.advance(steps=1)[0].plasticity == 1.0
    assert (session.step, session.recording.steps[-1]) == (11, 10)
    assert session.config.head_gradient != "off"


def test_before_the_first_moment_there_is_only_the_first(session):
    assert session.recording.at(-5).step == 0


def test_moments_are_bounded_in_number_and_in_bytes(session):
    moment = session.recording.moments[0]
    large, small = Recording(), Recording(budget=1)
    for index in range(10_000):
        large.add(moment, index)
        small.add(moment, index)
    assert MOST_MOMENTS / 2 <= len(large) <= MOST_MOMENTS
    assert FEWEST_MOMENTS / 2 <= len(small) <= FEWEST_MOMENTS


def held(recording: Recording) -> int:
    """Return the bytes of all tensors that a recording keeps alive, each piece of memory once."""
    pieces = {}
    for moment in recording.moments:
        snapshots = [moment.snapshot, moment.snapshot.best]
        looks = [moment.evaluation, *(s.history.latest for s in snapshots if s)]
        found = [x for look in looks for x in vars(look).values() if isinstance(x, torch.Tensor)]
        found += [x for s in snapshots if s for x in s.tensors.values()]
        pieces |= {x.untyped_storage().data_ptr(): x.untyped_storage().nbytes() for x in found}
    return sum(pieces.values())


@pytest.mark.parametrize("stopping", ["last", "best"])
@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])  # AdamW remembers nothing at first
def test_the_budget_holds_at_every_moment(optimizer, stopping, tiny):
    settings = {"optimizer": optimizer, "stopping": stopping, "learning_rate": 0.01}
    session = TrainingSession(tiny(feature_size=40, evaluate_every=1, epochs=8, **settings))
    budget = 60 * held(session.recording)
    session.recording = Recording(budget)
    lengths = []
    for _ in session:
        lengths.append(len(session.recording))
        assert held(session.recording) <= budget
    assert FEWEST_MOMENTS < max(lengths) < len(lengths)


def test_the_best_moment_is_the_same_memory_as_the_last_good_one(tiny):
    session = TrainingSession(tiny(stopping="best"))
    session.advance(steps=4)
    best, last = session.best, session.last_good
    assert best.step == last.step == 4
    assert all(best.tensors[name] is tensor for name, tensor in last.tensors.items())
    assert session.recording.moments[-1].snapshot is last


def test_whoever_reads_between_two_lines_finds_whole_moments(session, tmp_path):
    moment, recording = session.recording.moments[0], Recording(BUDGET)
    moments = [
        Moment(replace(moment.evaluation, step=step), moment.snapshot) for step in range(202)
    ]
    for step in range(198):
        recording.add(moments[step], step)

    def read():
        steps = recording.steps
        assert [recording.at(step).step for step in steps] == steps
        assert [look.step for look in recording.evaluations] == steps
        twin = recording.until(1000)
        twin.add(moments[201], 201)
        twin.save(tmp_path)
        assert sorted(int(path.stem) for path in tmp_path.iterdir()) == twin.steps

    with before_every_line(read, "recording", "thinning"):
        for step in (198, 199, 200):
            recording.add(moments[step], step)


def test_looks_on_disk_come_back_whole_and_only_up_to_the_checkpoint(session, tiny, tmp_path):
    session.recording.save(tmp_path / "looks")
    first = sorted(path.name for path in (tmp_path / "looks").iterdir())
    session.advance(steps=2)
    session.recording.save(tmp_path / "looks")
    now = sorted(path.name for path in (tmp_path / "looks").iterdir())
    assert now == [*first, "000000006.safetensors"]

    other = TrainingSession(tiny(evaluate_every=2, epochs=3))
    other.recording.load(tmp_path / "looks", until=9)
    assert other.recording.steps == [0, 2, 4, 6, 8]
    for old, new in zip(session.recording.moments, other.recording.moments, strict=False):
        assert new.snapshot is None
        for key in ("features", "logits", "weights", "fused", "present", "labels"):
            assert np.array_equal(getattr(old.evaluation, key), getattr(new.evaluation, key))
        for key in ("ids", "modalities", "split", "step", "epoch"):
            assert getattr(old.evaluation, key) == getattr(new.evaluation, key)


@pytest.mark.parametrize("where", ["a number", "the step"])
def test_a_look_whose_numbers_were_changed_is_noticed(where, session, tiny, tmp_path):
    session.recording.save(tmp_path / "looks")
    path = tmp_path / "looks" / "000000002.safetensors"
    content = bytearray(path.read_bytes())
    position = content.index(b'step\\": 4') + 8 if where == "the step" else len(content) - 5
    content[position] ^= 1
    path.write_bytes(content)
    other = TrainingSession(tiny(evaluate_every=2, epochs=3))
    with pytest.raises(DataError, match=r"000000002.safetensors' is not what was written .*anew"):
        other.recording.load(tmp_path / "looks", until=9)


def test_without_looks_on_disk_nothing_changes(session, tmp_path):
    session.recording.load(tmp_path / "none", until=99)
    assert session.recording.steps == [0, 2, 4, 6, 8, 10]


def test_a_moment_says_its_step(session):
    assert Moment(session.history.latest, None).step == 10
