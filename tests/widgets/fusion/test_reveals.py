"""Answers to the fusion notebook's questions hold for the session at hand."""

import pytest
import torch

import mla_core as mla
from mla_core.analysis.fusion_study import broken, fitted_temperatures, fused_again, rescued
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


def test_confidence_is_held_against_accuracy(trained):
    choice, told = reveals.honest_when_spoilt(trained)
    assert choice in reveals.HONESTY
    assert "m0, with T = " in told
    surplus = float(told.split(" and ")[1].split()[0])
    assert (choice == "too sure") == (surplus > reveals.HONEST)


def test_sure_and_wrong_is_held_against_another_modality_alone(trained):
    choice, told, figure = reveals.misled_when_spoilt(trained)
    worst = Corruptor(trained.data).corrupt(trained.probe, [Damage("m0", "noise", 4.0)])
    judged = trained.evaluate(worst.subset(torch.arange(1, len(worst), 2)))
    fitting = trained.evaluate(worst.subset(torch.arange(0, len(worst), 2)))
    alone = max(judged.unimodal_accuracy[m] for m in ("m1", "m2"))
    fused = fused_again(judged, "entropy").accuracy
    plain = fused_again(judged, "uniform").accuracy
    assert (
        f"{fused:.1%} fused by entropy, {plain:.1%} by the plain mean and {alone:.1%} by m" in told
    )
    assert choice == reveals.MISLED[2 if fused == alone else fused < alone]
    product = fused_again(judged, "product", fitted_temperatures(fitting)).accuracy
    assert f"{product:.1%} with those that fit samples spoilt like these" in told
    assert {trace.meta for trace in figure.data} >= {"curve.entropy", f"curve.{reveals.SPOILT}"}


def test_without_rules_nobody_is_misled(session):
    joint = mla.TrainingSession(session.config.replace(method="concat"), session.data)
    choice, told, _ = reveals.misled_when_spoilt(joint)
    assert (choice, told.startswith("The head itself fuses")) == (reveals.MISLED[2], True)
