"""Answers to the fusion notebook's questions hold for the session at hand."""

import pytest

import mla_core as mla
from mla_core.analysis.fusion_study import broken, fused_again, rescued
from mla_core.data.corruption.corruptor import Corruptor, Damage
from widgets.fusion import reveals


@pytest.fixture
def trained(session):
    session.advance(epochs=2)
    return session


def test_rescued_and_broken_samples_are_counted(trained):
    found = trained.evaluate(trained.probe)
    good, bad = len(rescued(found)), len(broken(found))
    choice, told = reveals.rescued_or_broken(trained)
    assert told.startswith(f"Of {len(found.ids)} samples, {good} are rescued and {bad} are broken.")
    expected = {True: "more rescued than broken", False: "more broken than rescued"}
    assert choice == ("as many of both" if good == bad else expected[good > bad])


def test_the_best_modality_is_spoilt_and_both_rules_are_named(trained):
    choice, told, figure = reveals.weighing_when_spoilt(trained)
    worst = Corruptor(trained.data).corrupt(trained.probe, [Damage("m0", "noise", 4.0)])
    spoilt = trained.evaluate(worst)
    weighed, plain = (fused_again(spoilt, rule).accuracy for rule in ("entropy", "uniform"))
    assert f"{weighed:.1%} by entropy and {plain:.1%} by the plain mean" in told
    if weighed != plain:
        assert choice == reveals.WEIGHING[0 if weighed > plain else 1]
    assert {trace.meta for trace in figure.data} >= {"curve.entropy", "curve.uniform"}


def test_confidence_is_held_against_accuracy(trained):
    choice, told = reveals.honest_when_spoilt(trained)
    assert choice in reveals.HONESTY
    assert "m0, with T = " in told
    surplus = float(told.split(" and ")[1].split()[0])
    assert (choice == "too sure") == (surplus > reveals.HONEST)


def test_where_the_head_fuses_there_is_nothing_to_compare(session):
    joint = mla.TrainingSession(session.config.replace(method="concat"), session.data)
    choice, told, _ = reveals.weighing_when_spoilt(joint)
    assert (choice, told.startswith("The head itself fuses")) == (reveals.WEIGHING[2], True)
