"""Variants side by side start alike, and what they report is what their records say."""

import pytest
import torch

from mla_core import ConfigError, TrainingSession
from mla_core.analysis.variant_courses import VariantCourse
from mla_core.head.gradient import VARIANTS


@pytest.fixture(scope="module")
def session(tiny):
    session = TrainingSession(tiny(epochs=3))
    session.advance(steps=7)
    return session


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_course_is_a_fork_whose_projection_starts_afresh(session, variant):
    twin = session.fork(head_gradient="off")
    twin.reconfigure(head_gradient=variant)
    course = VariantCourse(session, variant)
    assert course.advance(steps=6) == 6
    assert course.records == twin.advance(steps=6)
    assert session.step == 7
    assert course.plasticity == [record.plasticity for record in course.records]
    assert course.accuracy() == twin.evaluate(twin.probe).accuracy


def test_all_take_the_same_batches_from_the_same_weights(session):
    courses = [VariantCourse(session, variant) for variant in VARIANTS]
    for course in courses:
        course.advance(steps=1)
    assert len({course.records[0].loss for course in courses}) == 1
    assert len({course.records[0].modality for course in courses}) == 1


def test_variants_that_do_nothing_agree_to_the_last_bit(session):
    off, released = VariantCourse(session, "off"), VariantCourse(session, "released")
    off.advance(steps=9)
    released.advance(steps=9)
    assert off.records == released.records
    assert torch.equal(off.spectrum, torch.ones(12, dtype=torch.float64))


def test_forgetting_adds_up(session):
    course = VariantCourse(session, "paper")
    course.advance(steps=5)
    for name, sums in course.forgetting.items():
        grown = [record.forgetting.get(name, 0.0) for record in course.records]
        assert sums == pytest.approx(torch.tensor(grown, dtype=torch.float64).cumsum(0).tolist())


def test_the_projection_is_seen_less_than_the_gradient(tiny):
    session = TrainingSession(tiny(alpha=1e-4))
    session.advance(steps=6)
    course = VariantCourse(session, "paper")
    course.advance(steps=6)
    later = course.seen[3:]  # P has taken in every modality
    assert all(seen.followed < seen.gradient for seen in later)
    plain = VariantCourse(session, "off")
    plain.advance(steps=6)
    assert all(seen.followed == seen.gradient for seen in plain.seen)


def test_it_ends_with_the_training_and_says_so(session):
    course = VariantCourse(session, "off")
    assert course.advance(steps=100) == 27 - 7
    assert course.failure == "the training is over after 27 sub-steps"
    assert course.advance(steps=1) == 0


def test_a_divergence_is_told(tiny):
    session = TrainingSession(tiny(learning_rate=1e30))
    course = VariantCourse(session, "off")
    course.advance(steps=9)
    assert "diverged" in course.failure
    assert len(course.records) < 9


def test_chunks_of_time_change_nothing(session):
    whole, pieces = VariantCourse(session, "paper"), VariantCourse(session, "paper")
    whole.advance(steps=4)
    while len(pieces.records) < 4:
        pieces.advance(steps=4 - len(pieces.records), seconds=0.0)
    assert whole.records == pieces.records


@pytest.mark.parametrize("method", ["ensemble", "concat", "sum"])
def test_a_method_without_a_projection_says_why(of, method):
    with pytest.raises(ConfigError, match=method):
        VariantCourse(TrainingSession(of(method)), "paper")


def test_an_unknown_variant_is_named(session):
    with pytest.raises(ConfigError, match="papre"):
        VariantCourse(session, "papre")
