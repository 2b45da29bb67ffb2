"""What fusion does, sample by sample and under corruption."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import mla_core as mla
from mla_core.analysis.fusion_study import (
    OWN,
    best_modality,
    broken,
    fitted_temperatures,
    fused_again,
    in_place,
    most_uncertain,
    rescued,
    rules_for,
    sweep,
)
from mla_core.data.corruption.corruptor import Corruptor, Damage
from mla_core.errors import ConfigError
from mla_core.evaluation.metrics import expected_calibration_error, reliability_bins
from mla_core.methods import METHODS
from mla_core.records.history import Evaluation


def softmax(x):
    p = np.exp(x - x.max())
    return p / p.sum()


def by_hand(logits, present, temperature=1.0):
    """Eq. 6-8 for one sample, (M, C) and (M,), in plain numpy."""
    f = logits / temperature
    entropy = np.array([-(p * np.log(p)).sum() for p in map(softmax, f)])
    e = entropy[present]
    weights = np.zeros(len(f))
    weights[present] = np.exp(e.max() - e) / np.exp(e.max() - e).sum()
    return weights, weights @ f


def evaluation_of(logits, labels, fused=None, present=None) -> Evaluation:
    """Make an evaluation of hand-made logits (M, N, C), fused by their plain mean."""
    logits = torch.as_tensor(logits, dtype=torch.float32)
    m, n, _ = logits.shape
    here = torch.ones(m, n, dtype=torch.bool) if present is None else torch.as_tensor(present)
    plain = Evaluation(
        split="val",
        step=0,
        epoch=0,
        modalities=tuple("abcdef"[:m]),
        ids=tuple(f"s{i}" for i in range(n)),
        labels=torch.as_tensor(labels),
        present=here,
        features=torch.zeros(m, n, 1),
        logits=logits,
        weights=torch.zeros(m, n),
        fused=torch.zeros(n, logits.shape[-1]),
    )
    if fused is not None:
        return replace(plain, fused=torch.as_tensor(fused, dtype=torch.float32))
    return fused_again(plain, "uniform")


@given(
    m=st.integers(1, 6),
    seed=st.integers(0, 10_000),
    temperature=st.floats(0.1, 10),
)
def test_fusing_again_is_equations_6_to_8(m, seed, temperature):
    rng = np.random.default_rng(seed)
    logits, present = rng.normal(0, 3, (m, 5, 4)), rng.random((m, 5)) < 0.7
    evaluation = evaluation_of(logits, [0] * 5, present=present)
    found = fused_again(evaluation, "entropy", [temperature] * m)
    for i in range(5):
        if not present[:, i].any():
            assert not found.fused[i].any()
            continue
        weights, fused = by_hand(logits[:, i], present[:, i], temperature)
        assert found.weights[:, i].numpy() == pytest.approx(weights, abs=1e-4)
        assert found.fused[i].numpy() == pytest.approx(fused, rel=1e-3, abs=1e-3)


def test_temperatures_may_differ_and_leave_each_answer_alone():
    evaluation = evaluation_of(torch.randn(2, 6, 3), [0] * 6)
    found = fused_again(evaluation, "entropy", [0.5, 4.0])
    assert torch.equal(found.logits.argmax(-1), evaluation.logits.argmax(-1))
    torch.testing.assert_close(found.logits[1] * 4, evaluation.logits[1])
    assert fused_again(evaluation, OWN, [0.5, 4.0]) is evaluation


SURE, LEANS = [9.0, 0.0], [1.0, 0.0]
WRONG_LEANS, WRONG_SURE = [0.0, 1.0], [0.0, 9.0]


def test_selections_are_what_their_names_say():
    # Label 0 throughout. Modality a is right on three of four, b on two of four.
    a = [SURE, LEANS, WRONG_LEANS, SURE]
    b = [SURE, WRONG_SURE, SURE, WRONG_LEANS]
    evaluation = evaluation_of([a, b], [0, 0, 0, 0])
    assert best_modality(evaluation) == 0
    assert rescued(evaluation) == [2]
    assert broken(evaluation) == [1]
    assert most_uncertain(evaluation)[-1] == 0
    entropies = [float(torch.special.entr(torch.softmax(f, -1)).sum()) for f in evaluation.fused]
    assert most_uncertain(evaluation) == sorted(range(4), key=lambda i: -entropies[i])


def test_selections_have_the_surest_first():
    right = [[0.0, x] for x in (1.0, 5.0, 3.0)]
    evaluation = evaluation_of([[LEANS] * 3, [SURE] * 3], [1, 1, 1], fused=right)
    assert rescued(evaluation) == [1, 2, 0]
    assert broken(evaluation) == []


def test_without_a_part_there_is_nothing_to_be_sure_of():
    present = [[True, False, True], [True, False, False]]
    evaluation = evaluation_of([[LEANS] * 3, [SURE] * 3], [0, 0, 0], present=present)
    for choose in (most_uncertain, rescued, broken):
        assert 1 not in choose(evaluation)


def test_a_missing_best_modality_answers_nothing_so_fusion_rescues():
    # a is right wherever it is; the third sample has only b.
    present = [[True, True, False], [True, True, True]]
    logits = [[SURE, SURE, SURE], [WRONG_LEANS, WRONG_LEANS, SURE]]
    evaluation = evaluation_of(logits, [0, 0, 0], present=present)
    assert best_modality(evaluation) == 0
    assert rescued(evaluation) == [2]


def test_a_modality_that_nobody_has_is_not_the_best():
    evaluation = evaluation_of(
        [[SURE] * 2, [WRONG_SURE] * 2], [0, 0], present=[[False] * 2, [True] * 2]
    )
    assert best_modality(evaluation) == 1


def test_one_sample_is_put_among_its_neighbours():
    logits = torch.randn(3, 8, 4, generator=torch.Generator().manual_seed(0))
    whole = evaluation_of(logits, [0] * 8)
    changed = evaluation_of(
        5 * torch.ones(3, 1, 4) * torch.arange(4), [0], present=[[True], [True], [False]]
    )
    found = in_place(whole, replace(changed, ids=("s3",)))
    others = [i for i in range(8) if i != 3]
    assert torch.equal(found.logits[:, others], whole.logits[:, others])
    assert torch.equal(found.logits[:, 3], changed.logits[:, 0])
    assert found.present[:, 3].tolist() == [True, True, False]
    # What the published code does depends on the neighbours, the paper's rule does not.
    for rule, apart in (("entropy", False), ("released_batch", True)):
        before, after = fused_again(whole, rule).weights, fused_again(found, rule).weights
        assert torch.equal(before[:, others], after[:, others]) != apart


@pytest.fixture(scope="module")
def session(tiny) -> mla.TrainingSession:
    session = mla.TrainingSession(tiny(dataset_options={"sizes": [80, 60, 20]}, probe_size=60))
    session.advance(epochs=2)
    return session


@pytest.mark.parametrize("method", METHODS)
def test_every_method_is_compared_by_the_rules_that_apply(of, method):
    session = mla.TrainingSession(of(method))
    rules, plain = rules_for(session.method), session.evaluate(session.probe)
    apart = {"late_fusion": 5, "qmf": 5}
    assert len(rules) == apart.get(method, 4 if session.method.one_at_a_time else 1)
    first = fused_again(plain, rules[0])
    torch.testing.assert_close(first.fused, plain.fused)
    found = sweep(session, Corruptor(session.data), "m0", "noise", count=2)
    for values in found.accuracies(rules).values():
        assert len(values) == 2
        assert all(0 <= value <= 1 for value in values)


def test_the_configured_rule_comes_first(tiny):
    session = mla.TrainingSession(tiny(fusion="uniform"))
    assert rules_for(session.method) == ("uniform", "entropy", "product", "released_batch")


def test_a_sweep_starts_clean_and_ends_spoilt(session):
    told = []
    corruptor = Corruptor(session.data)
    found = sweep(session, corruptor, "m0", "noise", count=4, progress=told.append)
    assert told == [0.25, 0.5, 0.75, 1.0]
    assert found.levels == (0.0, pytest.approx(4 / 3), pytest.approx(8 / 3), 4.0)
    plain = session.evaluate(session.probe)
    assert torch.equal(found.evaluations[0].logits, plain.logits)
    assert found.alone()[0] == plain.unimodal_accuracy["m0"]
    assert found.alone()[-1] < found.alone()[0] - 0.2
    accuracies = found.accuracies(("entropy", "uniform"))
    spoilt = session.evaluate(corruptor.corrupt(session.probe, [Damage("m0", "noise", 4.0)]))
    assert accuracies["entropy"][0] == plain.accuracy
    assert accuracies["entropy"][-1] == spoilt.accuracy


def test_without_the_part_the_others_answer(session):
    found = sweep(session, Corruptor(session.data), "m1", "drop", count=2)
    assert found.alone()[-1] == 0
    assert not found.evaluations[-1].present[1].any()
    assert found.accuracies(["uniform"])["uniform"][-1] > 1 / 4


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda s: fused_again(s.evaluate(), "loudest"), "unknown fusion 'loudest': choose one of 'entropy'"),
        (lambda s: fused_again(s.evaluate(), "entropy", [1.0, 0.0, 1.0]), r"temperature 0.0 is outside 0.01..100"),
        (lambda s: fused_again(s.evaluate(), "entropy", [1.0]), r"1 temperature\(s\) for 3 modalities"),
        (lambda s: sweep(s, Corruptor(s.data), "m0", "noise", count=1), "at least 2 levels of corruption, not 1"),
        (lambda s: sweep(s, Corruptor(s.data), "m0", "blur"), "unknown corruption of modality 'm0' 'blur'"),
    ],
)  # fmt: skip
def test_bad_input_is_named(session, act, message):
    with pytest.raises(ConfigError, match=message):
        act(session)


def test_fitted_temperatures_are_one_for_each_modality(session):
    plain = session.evaluate(session.probe)
    found = fitted_temperatures(plain)
    assert found == [mla.fusion.fit_temperature(row, plain.labels) for row in plain.logits]


@given(n=st.integers(1, 60), bins=st.integers(1, 20), seed=st.integers(0, 999))
def test_reliability_bins_add_up_to_the_calibration_error(n, bins, seed):
    rng = np.random.default_rng(seed)
    logits = torch.tensor(rng.normal(0, 2, (n, 3)))
    labels = torch.tensor(rng.integers(3, size=n))
    found = reliability_bins(logits, labels, bins)
    assert sum(b.count for b in found) == n
    confidences = [b.confidence for b in found]
    assert confidences == sorted(confidences)
    gap = sum(b.count / n * abs(b.confidence - b.accuracy) for b in found)
    assert math.isclose(gap, expected_calibration_error(logits, labels, bins), abs_tol=1e-9)
    assert reliability_bins(logits[:0], labels[:0], bins) == []
