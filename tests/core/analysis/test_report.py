"""Every number of a report, computed once more in another way."""

import dataclasses
import json
import math

import numpy as np
import pytest
import torch
from scipy.special import log_softmax, softmax
from scipy.stats import entropy

from mla_core import TrainingSession
from mla_core.analysis.contribution import utilisation_rates
from mla_core.analysis.report import compute_of, fusion_rules, report_of
from mla_core.catalogue import METHODS
from mla_core.evaluation.linear_probe import probe_accuracy
from mla_core.fusion import fit_temperature, released_batch_weights
from mla_core.methods import shapley_values, subset_accuracies

SIZES = {"sizes": [120, 60, 60]}


def nll(logits: np.ndarray, labels: np.ndarray) -> float:
    return float(-log_softmax(logits, 1)[np.arange(len(labels)), labels].mean())


def brier(logits: np.ndarray, labels: np.ndarray) -> float:
    p = softmax(logits, 1)
    p[np.arange(len(labels)), labels] -= 1
    return float((p**2).sum(1).mean())


@pytest.fixture(scope="module")
def session(tiny) -> TrainingSession:
    session = TrainingSession(tiny(dataset_options=SIZES, missing={"val": 0.2, "test": 0.2}))
    list(session)
    return session


@pytest.fixture(scope="module")
def report(session) -> dict:
    return report_of(session)


@pytest.mark.parametrize("side", ["val", "test"])
def test_what_is_said_about_predictions(side, session, report):
    said, evaluation = report[side], session.evaluate(side)
    fused = evaluation.fused.double().numpy()
    labels = evaluation.labels.numpy()
    answered = evaluation.present.any(0).numpy()
    accuracy = float(((fused.argmax(1) == labels) & answered).mean())
    assert said["samples"] == 60
    assert said["unanswered"] == int((~answered).sum())
    assert said["accuracy"] == pytest.approx(accuracy)
    assert said["nll"] == pytest.approx(nll(fused, labels), rel=1e-6)
    assert said["brier"] == pytest.approx(brier(fused, labels), rel=1e-6)
    some = np.zeros(60, dtype=bool)
    scores = []
    for m, name in enumerate(evaluation.modalities):
        here = evaluation.present[m].numpy()
        logits = evaluation.logits[m].double().numpy()
        right = logits.argmax(1) == labels
        some |= right & here
        scores.append(softmax(logits[here], 1)[np.arange(here.sum()), labels[here]].mean())
        assert said["unimodal_accuracy"][name] == pytest.approx(right[here].mean())
        assert said["unimodal_nll"][name] == pytest.approx(nll(logits[here], labels[here]))
        assert said["unimodal_brier"][name] == pytest.approx(brier(logits[here], labels[here]))
        weights = evaluation.weights[m].numpy()[here]
        losses = -log_softmax(logits[here], 1)[np.arange(here.sum()), labels[here]]
        assert said["mean_weight"][name] == pytest.approx(weights.mean())
        covariance = np.cov(weights, losses, bias=True)[0, 1]
        assert said["weight_loss_covariance"][name] == pytest.approx(covariance, abs=1e-6)
    assert said["oracle_accuracy"] == pytest.approx(some.mean())
    assert said["oracle_gap"] == pytest.approx(some.mean() - accuracy)
    for m, name in enumerate(evaluation.modalities):
        ratio = np.mean([scores[m] / scores[j] for j in range(3) if j != m])
        assert said["discrepancy_ratio"][name] == pytest.approx(ratio)


@pytest.mark.parametrize("side", ["val", "test"])
def test_what_is_said_about_modalities(side, session, report):
    said, split = report[side], session.data.split(side)
    values = subset_accuracies(session.method, split)
    named = {"+".join(sorted(s)): v for s, v in values.items() if s}
    assert said["subset_accuracy"] == named
    assert said["shapley"] == shapley_values(values)
    assert said["utilisation"] == utilisation_rates(values)
    train, own = session.evaluate("train"), session.evaluate(side)
    for m, name in enumerate(own.modalities):
        here = own.present[m]
        expected = probe_accuracy(
            train.features[m], train.labels, own.features[m][here], own.labels[here]
        )
        assert said["probe_accuracy"][name] == expected


def weights_of(rule: str, logits: np.ndarray, present: np.ndarray) -> np.ndarray:
    scores = np.zeros(present.shape)
    if rule.startswith("entropy"):
        scores = -entropy(softmax(logits, -1), axis=-1)
    raw = np.exp(scores) * present
    return raw / np.maximum(raw.sum(0), 1e-30)


@pytest.mark.parametrize("rule", ["uniform", "entropy", "uniform_calibrated", "entropy_calibrated"])
@pytest.mark.parametrize("side", ["val", "test"])
def test_fusion_rules_with_and_without_temperatures_of_val(side, rule, session, report):
    evaluation, val = session.evaluate(side), session.evaluate("val")
    logits, labels = evaluation.logits.double().numpy(), evaluation.labels.numpy()
    if rule.endswith("calibrated"):
        for m, name in enumerate(val.modalities):
            here = val.present[m]
            temperature = fit_temperature(val.logits[m][here], val.labels[here])
            assert report["temperature"][name] == temperature
            logits[m] /= temperature
    present = evaluation.present.numpy()
    fused = np.einsum("mn,mnc->nc", weights_of(rule, logits, present), logits)
    said = report[side]["fusion"][rule]
    right = (fused.argmax(1) == labels) & present.any(0)
    assert said["accuracy"] == pytest.approx(right.mean())
    assert said["nll"] == pytest.approx(nll(fused, labels), rel=1e-4)
    assert 0 <= said["ece"] <= 1


@pytest.mark.parametrize("size", [1, 64])
def test_the_released_rule_cuts_the_side_into_batches(size, session, report):
    evaluation = session.evaluate("test")
    weights = released_batch_weights(evaluation.logits, evaluation.present, size).double()
    fused = (weights[..., None] * evaluation.logits.double()).sum(0).numpy()
    said = report["test"]["fusion"][f"released_batch_{size}"]
    assert said["nll"] == pytest.approx(nll(fused, evaluation.labels.numpy()), rel=1e-4)
    if size == 1:  # alone in its batch, every sample is equally certain
        assert said == report["test"]["fusion"]["uniform"]
    else:
        assert said != report["test"]["fusion"]["uniform"]


def test_the_order_of_the_samples_matters_to_the_released_rule_alone(tiny):
    session = TrainingSession(tiny(dataset_options={"sizes": [40, 24, 200]}, epochs=1))
    session.advance(epochs=1)
    evaluation = session.evaluate("test")
    one = dict.fromkeys(evaluation.modalities, 1.0)
    sorted_by_class = evaluation.labels.argsort()
    blocks = dataclasses.replace(
        evaluation,
        logits=evaluation.logits[:, sorted_by_class],
        labels=evaluation.labels[sorted_by_class],
    )
    before, after = fusion_rules(evaluation, one), fusion_rules(blocks, one)
    assert before["entropy"] == pytest.approx(after["entropy"])
    assert before["released_batch_64"]["nll"] != pytest.approx(after["released_batch_64"]["nll"])
    mixed = after["released_batch_64_shuffled"]["nll"]
    assert mixed != after["released_batch_64"]["nll"]


def test_what_nobody_answers_counts_the_same_whatever_its_class(tiny, make_data):
    evaluation = TrainingSession(tiny(), make_data(missing=0.5)).evaluate("val")
    assert evaluation.unanswered.any()
    one = dict.fromkeys(evaluation.modalities, 1.0)
    errors = []
    for label in range(3):
        labels = torch.where(evaluation.unanswered, label, evaluation.labels)
        rules = fusion_rules(dataclasses.replace(evaluation, labels=labels), one)
        errors.append({rule: said["ece"] for rule, said in rules.items()})
    assert errors[0] == errors[1] == errors[2]


def test_temperatures_of_one_change_nothing(session):
    rules = fusion_rules(session.evaluate("test"), dict.fromkeys(("m0", "m1", "m2"), 1.0))
    assert rules["entropy"] == rules["entropy_calibrated"]
    assert rules["uniform"] == rules["uniform_calibrated"]


def test_what_is_said_about_the_run(session, report):
    steps = session.history.steps
    assert report["steps"] == len(steps) == session.step
    assert report["reported_epoch"] == 2
    assert report["plasticity"] == steps[-1].plasticity < 1
    for name in session.data.modalities:
        grown = [s.forgetting[name] for s in steps if name in s.forgetting]
        assert report["forgetting"][name] == pytest.approx(np.mean(grown))


@pytest.mark.parametrize("method", METHODS)
def test_every_methods_report_is_json_of_the_same_form(method, of, session, report):
    own = TrainingSession(of(method, dataset_options=SIZES))
    list(own)
    said = report_of(own)
    text = json.dumps(said)
    assert "Infinity" not in text
    assert set(said) == set(report)
    weighs = own.method.weighs
    assert set(said["test"]) == set(report["test"]) - (set() if weighs else {"fusion"})
    if weighs:
        rule = {"late_fusion": "uniform"}.get(method, "entropy")
        if method != "qmf":  # its weights are its own
            assert said["test"]["fusion"][rule]["accuracy"] == said["test"]["accuracy"]


def test_at_equal_epochs_methods_pass_the_same_samples_through_encoders(of):
    compute = {}
    for method in METHODS:
        session = TrainingSession(of(method))
        list(session)
        told = compute_of(session.history, len(session.data.modalities), session.method.passes)
        compute[method] = {**told, "encoder_passes": told["encoder_passes"] / session.method.passes}
    assert compute["mla"] == {
        "encoder_passes": 2 * 3 * 40,
        "forward_passes": 0,
        "head_updates": 2 * 9,
    }
    assert compute["concat"] == {
        "encoder_passes": 2 * 3 * 40,
        "forward_passes": 0,
        "head_updates": 2 * 3,
    }
    compute.pop("udi")  # its anchor is trained for a part of the run
    compute.pop("valuation")  # which adds samples
    alone = compute.pop("unimodal")
    assert alone["encoder_passes"] == 2 * 40
    assert {round(c["encoder_passes"]) for c in compute.values()} == {2 * 3 * 40}


def test_the_best_looks_numbers_are_reported_not_the_lasts(tiny):
    noisy = {"noise": [1.5] * 3, "sizes": [60, 40, 30]}
    config = tiny(
        stopping="best", learning_rate=0.2, epochs=6, dataset_options=noisy, evaluate_every=2
    )
    session = TrainingSession(config)
    list(session)
    report, best = report_of(session), session.reported()
    assert best.step < session.step
    assert report["reported_epoch"] == best.epoch
    assert report["test"]["nll"] == pytest.approx(
        nll(best.evaluate("test").fused.double().numpy(), best.evaluate("test").labels.numpy())
    )
    assert report["plasticity"] == best.history.steps[-1].plasticity
    assert report["compute"] == compute_of(session.history, 3)  # all of it was spent


def test_a_modality_that_nobody_has_is_nan_in_the_report_not_an_error(tiny, make_data):
    data = make_data()
    for side in ("val", "test"):
        data.split(side).present[1] = False
    session = TrainingSession(tiny(epochs=1), data)
    list(session)
    said = report_of(session)
    assert said["temperature"]["b"] == 1.0
    for name in ("unimodal_nll", "unimodal_brier", "unimodal_accuracy", "probe_accuracy"):
        assert math.isnan(said["test"][name]["b"])
        assert math.isfinite(said["test"][name]["a"])
    assert said["test"]["shapley"]["b"] == pytest.approx(0, abs=1e-12)
    assert said["test"]["accuracy"] == said["test"]["unimodal_accuracy"]["a"]
    assert torch.isfinite(torch.tensor(said["test"]["fusion"]["entropy_calibrated"]["nll"]))
