"""A sub-step in slow motion is the sub-step that training takes, and its numbers are right."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from mla_core import ConfigError, TrainingSession
from mla_core.analysis.slow_motion import STAGES, slow_step
from mla_core.catalogue import METHODS
from mla_core.head.gradient import VARIANTS
from mla_core.methods import Alternating

EQUATIONS = ("paper", "paper_previous", "dataset_mean")


def started(config, steps=4):
    session = TrainingSession(config)
    session.advance(steps=steps)
    return session


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("steps", [0, 4, 8])  # the first of all, in mid-epoch, the last of an epoch
def test_it_is_the_sub_step_that_training_takes(tiny, assert_same, variant, steps):
    config = tiny(head_gradient=variant)
    watched, plain = started(config, steps), started(config, steps)
    slow = slow_step(watched)
    assert_same(watched, plain)  # it has not moved
    assert plain.advance(steps=1) == [slow.head.record]
    assert_same(slow.after, plain)
    slow.after.advance(steps=5)
    plain.advance(steps=5)
    assert_same(slow.after, plain)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("missing", [pytest.param(0.0, marks=pytest.mark.long), 0.4])
def test_every_method_has_its_stages(of, assert_same, method, missing):
    config = of(method, missing={"train": missing} if missing else {})
    session, plain = started(config), started(config)
    slow = slow_step(session)
    plain.advance(steps=1)
    assert_same(slow.after, plain)
    projects = isinstance(session.method, Alternating)
    assert slow.stages == tuple(s for s in STAGES if projects or s != "projection")
    assert bool(slow.reason) != projects
    assert slow.head.record.gradient_norm == pytest.approx(
        float(slow.head.gradient.norm()), rel=1e-5
    ) or method in {"film", "bigated", "greedy"}, "these also count matrices before the last one"
    assert len(slow.ids) == slow.head.record.samples == len(slow.logits)
    if slow.head.record.modality is not None:
        assert float(slow.losses.mean()) == pytest.approx(slow.head.record.loss, rel=1e-5)


def test_the_numbers_follow_the_equations(tiny):
    session = started(tiny(momentum=0.0, weight_decay=0.0, alpha=0.2), 5)
    W = session.method.model.head.weight.detach().clone()
    b = session.method.model.head.bias.detach().clone()
    P = session.method.hgm.P.clone()
    slow = slow_step(session)
    head, moved = slow.head, slow.projection

    logits = slow.features @ W.T + b
    assert torch.allclose(slow.logits, logits, atol=1e-5)
    right = torch.zeros_like(logits)
    right[torch.arange(len(right)), slow.labels] = 1
    G = (logits.softmax(1) - right).T @ slow.features / len(right)  # of the mean cross-entropy
    assert torch.allclose(head.gradient, G, atol=1e-5)

    h = slow.features.double().mean(0)
    assert torch.allclose(moved.mean, h, atol=1e-6)
    assert torch.equal(moved.before, P)
    assert moved.alpha == 0.2
    assert moved.denominator == pytest.approx(0.2 + float(h @ P @ h), rel=1e-5)
    inverse = torch.linalg.inv(torch.linalg.inv(P) + torch.outer(h, h) / 0.2)  # Sherman-Morrison
    assert torch.allclose(moved.after, inverse, atol=1e-6)
    assert torch.allclose(head.followed.double(), head.gradient.double() @ inverse, atol=1e-6)
    assert moved.plasticity == pytest.approx((float(P.trace()) / 12, float(inverse.trace()) / 12))

    assert torch.allclose(head.update, -0.03 * head.followed, atol=1e-7)
    assert head.rest < 1e-4  # no momentum, no weight decay
    assert math.isclose(float(head.followed.norm()), head.record.projected_norm, rel_tol=1e-5)


@pytest.fixture
def by_chance(of):
    """Give a function: a session with an encoder that drops out and normalises in training."""

    def make(method: str, **changes) -> TrainingSession:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            own = [
                nn.Sequential(nn.Linear(5, 9), nn.BatchNorm1d(9), nn.Dropout(0.5)) for _ in range(2)
            ]
        session = TrainingSession(of(method, **changes), encoders={"m0": own[0], "m1": own[1]})
        session.advance(steps=3)  # the next is for m0, in a look otherwise than in training
        return session

    return make


FUSED_LOSS_ALONE = {
    "qmf": {"regularisation": 0.0},
    "g2d": {"teachers": 0.0},
    **{m: {"unimodal_weight": 0.0} for m in ("uniform", "mmpareto", "mlb", "arl", "gblending")},
    **{m: {"strength": 0.0} for m in ("dgl", "regularised", "lfm", "pmr")},
    "amco": {"unimodal_weight": 0.0, "sigma": 1.0},
    "opm": {"base": 0.0},
    "greedy": {"steps": 0},
}


@pytest.mark.parametrize("missing", [pytest.param(0.0, marks=pytest.mark.long), 0.4])
@pytest.mark.parametrize("method", METHODS)
def test_the_numbers_are_those_of_the_sub_step_and_not_of_a_look(
    by_chance, assert_same, method, missing
):
    changes = {"method_options": FUSED_LOSS_ALONE[method]} if method in FUSED_LOSS_ALONE else {}
    changes |= {"missing": {"train": missing}} if missing else {}
    session, plain = (by_chance(method, **changes) for _ in range(2))
    slow = slow_step(session)
    plain.advance(steps=1)
    assert_same(slow.after, plain)

    loss = float(slow.losses.mean())
    if method in {"late_fusion", "qmf"}:  # they learn from each modality's own loss
        heads, present = session.method.model.head.each, session.next_samples.present
        with torch.no_grad():
            own = [
                float(F.cross_entropy(head(z[here]), slow.labels[here]))
                for head, z, here in zip(heads.values(), slow.features, present, strict=True)
            ]
        loss = sum(own) + (loss if method == "qmf" else 0.0)
    assert loss == pytest.approx(slow.head.record.loss, rel=1e-5)
    if slow.head.record.modality is not None:
        G = (slow.logits.softmax(1) - F.one_hot(slow.labels, 4)).T @ slow.features
        assert torch.allclose(slow.head.gradient, G / len(slow.ids), atol=1e-5)
    look = session.evaluate(session.next_samples).features
    assert not torch.allclose(slow.features, look[0] if look.ndim > slow.features.ndim else look)


def test_a_slow_step_looks_at_nothing_but_its_batch(tiny, monkeypatch):
    session = started(tiny())
    seen = []
    monkeypatch.setattr(type(session.method), "predict", lambda *_: seen.append("a look"))
    slow_step(session)
    assert seen == []


def test_a_method_that_reads_features_otherwise_cannot_be_watched(tiny, monkeypatch):
    session = started(tiny())
    monkeypatch.setattr(
        type(session.method.model), "encode_samples", lambda model, m, x, i: model.encode(m, x[i])
    )
    with pytest.raises(ConfigError, match=r"method 'mla' cannot be watched: .*encode_samples"):
        slow_step(session)


def test_momentum_moves_the_head_where_the_projection_does_not_look(tiny):
    assert slow_step(started(tiny(momentum=0.9), 5)).head.rest > 0.1


@pytest.mark.parametrize("variant", EQUATIONS)
def test_the_projection_turns_the_step_away_from_the_modality_before(tiny, variant):
    head = slow_step(started(tiny(head_gradient=variant, alpha=1e-4), 5)).head
    assert (head.record.modality, head.previous) == ("m2", "m1")
    seen = head.seen_by("m1")
    assert seen.followed < 0.3 * seen.gradient


def test_the_means_are_of_each_modalitys_last_sub_step(tiny):
    session = TrainingSession(tiny())
    expected = {}
    for _ in range(5):
        slow = slow_step(session)
        expected[slow.head.record.modality] = slow.features.double().mean(0)
        session = slow.after
    assert slow.head.means.keys() == expected.keys()
    for name, mean in expected.items():
        assert torch.allclose(slow.head.means[name], mean, atol=1e-6)


def test_the_first_step_is_a_plain_one_and_has_nobody_before(tiny):
    slow = slow_step(TrainingSession(tiny()))
    assert slow.projection.mean is None
    assert slow.projection.denominator is None
    assert slow.head.previous is None
    assert torch.equal(slow.head.followed, slow.head.gradient)


def test_the_modality_before_is_another_one(tiny):
    session = started(tiny(order=["m0", "m1", "m1", "m2"]), 2)
    assert slow_step(session).head.record.modality == "m1"
    assert slow_step(session).head.previous == "m0"


def test_alone_there_is_nobody_before(tiny):
    head = slow_step(started(tiny(modalities=["m1"]))).head
    assert head.previous is None
    assert head.means.keys() == {"m1"}


def test_a_reset_is_told(tiny):
    session = started(tiny(reset="round"), 3)
    slow = slow_step(session)
    assert slow.projection.afresh
    assert torch.equal(slow.projection.before, torch.eye(12, dtype=torch.float64))


def test_changed_settings_hold_from_this_step_on(tiny):
    session = started(tiny())
    slow = slow_step(session, head_gradient="off")
    assert session.config.head_gradient == "paper"
    assert slow.after.config.head_gradient == "off"
    assert slow.projection is None
    assert "off" in slow.reason


def test_after_the_end_a_sentence(tiny):
    session = TrainingSession(tiny(epochs=1))
    session.advance(epochs=1)
    with pytest.raises(ConfigError, match="the training is over after 9 sub-steps"):
        slow_step(session)
