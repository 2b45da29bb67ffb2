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


SIZES = {"sizes": [160, 60, 60], "classes": 4}
CONFIG = mla.ExperimentConfig(dataset="gaussian", dataset_options=SIZES, epochs=3, batch_size=32)


def ends_of(seed):
    """What both variants forget in 12 sub-steps after the first epoch."""
    session = mla.TrainingSession(CONFIG.replace(seed=seed))
    session.advance(epochs=1)
    ends = {}
    for variant in ("off", "paper"):
        course = VariantCourse(session, variant)
        course.advance(steps=12)
        ends[variant] = sum(sum(record.forgetting.values()) for record in course.records)
    return ends


def test_who_forgets_less_is_counted_over_starts():
    seeds = (3, 4, 5)
    choice, sentence, figure = reveals.less_forgetting(CONFIG, "off", "paper", 12, seeds)
    ends = [ends_of(seed) for seed in seeds]
    said = [
        reveals.SAME if abs(e["off"] - e["paper"]) < reveals.CLOSE else min(e, key=e.get)
        for e in ends
    ]
    for what in set(said):
        assert f"{what} in {said.count(what)}" in sentence
    assert sentence.startswith("Of 3 starts: ")
    assert choice == (said[0] if len(set(said)) == 1 else reveals.DEPENDS)
    for variant in ("off", "paper"):
        shown = [trace.y[-1] for trace in figure.data if trace.name == variant]
        assert shown == pytest.approx([e[variant] for e in ends]), "all of them are drawn"
        assert f"({min(shown):+.2f} to {max(shown):+.2f}) with {variant}" in sentence


@pytest.mark.parametrize(
    ("gaps", "choice"),
    [([1] * 9 + [-1], "off"), ([1] * 8 + [-1] * 2, reveals.DEPENDS), ([0] * 10, reveals.SAME)],
)
def test_a_finding_needs_nine_starts_of_ten(monkeypatch, gaps, choice):
    courses = iter([[float(x)] for gap in gaps for x in (0, gap)])
    monkeypatch.setattr(reveals, "_forgotten", lambda *_: next(courses))
    assert reveals.less_forgetting(CONFIG, "off", "paper", 1, range(10))[0] == choice


def test_where_nothing_is_projected_both_are_the_same():
    config = CONFIG.replace(method="ensemble")
    choice, sentence = reveals.less_forgetting(config, "off", "paper", 5, [0, 1])
    assert choice == reveals.SAME
    assert "a head of its own" in sentence


def test_plasticity_is_the_one_of_further_training(session):
    choice, sentence, figure = reveals.plasticity_left(session, 9, ["low", "middle", "high"])
    twin = session.fork()
    left = twin.advance(steps=9)[-1].plasticity
    assert choice == ("low", "middle", "high")[int(3 * left)]
    assert f"{left:.3f}" in sentence
    assert figure.data[0].y[-1] == left
