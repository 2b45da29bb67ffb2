"""Revealed answers are computed from the networks, not typed in."""

import pytest

import mla_core as mla
from mla_core.analysis.variant_courses import VariantCourse
from widgets.head_gradient import reveals


@pytest.mark.parametrize(
    ("g", "alpha", "choice"),
    [((1.0, 0.0), 0.1, "low"), ((1.0, 0.0), 10.0, "high"), ((0.0, 1.0), 0.1, "high")],
)
def test_the_length_kept_decides(g, alpha, choice):
    assert reveals.kept_length((1.0, 0.0), g, alpha, ["low", "half", "high"])[0] == choice


def test_who_forgets_less_is_who_has_the_smaller_sum(session):
    choice, sentence, figure = reveals.less_forgetting(session, "off", "paper", 12)
    totals = {}
    for variant in ("off", "paper"):
        course = VariantCourse(session, variant)
        course.advance(steps=12)
        totals[variant] = sum(sum(record.forgetting.values()) for record in course.records)
        assert f"{totals[variant]:+.3f} nats with {variant}" in sentence
    tie = abs(totals["off"] - totals["paper"]) < reveals.CLOSE
    assert choice == (reveals.SAME if tie else min(totals, key=totals.get))
    assert [trace.y[-1] for trace in figure.data] == pytest.approx(list(totals.values()))
    assert session.step == 0


def test_where_nothing_is_projected_both_are_the_same():
    session = mla.TrainingSession(mla.ExperimentConfig(dataset="gaussian", method="ensemble"))
    choice, sentence = reveals.less_forgetting(session, "off", "paper", 5)
    assert choice == reveals.SAME
    assert "a head of its own" in sentence


def test_plasticity_is_the_one_of_further_training(session):
    choice, sentence, figure = reveals.plasticity_left(session, 9, ["low", "middle", "high"])
    twin = session.fork()
    left = twin.advance(steps=9)[-1].plasticity
    assert choice == ("low", "middle", "high")[int(3 * left)]
    assert f"{left:.3f}" in sentence
    assert figure.data[0].y[-1] == left
