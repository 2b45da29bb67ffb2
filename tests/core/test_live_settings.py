"""Settings that change while a session runs: noted, obeyed from the next sub-step on, or refused."""

import pytest
import torch

from mla_core import ConfigError, TrainingSession
from mla_core.records.history import Change


def test_live_settings_change_and_are_noted(tiny):
    session = TrainingSession(tiny())
    session.advance(steps=2)
    session.reconfigure(learning_rate=0.5, alpha=0.1)  # the latter is no change
    (record,) = session.advance(steps=1)
    assert record.learning_rate == 0.5
    session.reconfigure(momentum=0.0, weight_decay=0.5)
    group = session.method.optimizer.param_groups[0]
    assert (group["momentum"], group["weight_decay"]) == (0.0, 0.5)
    assert session.history.changes == [
        Change(2, "learning_rate", 0.03, 0.5),
        Change(3, "momentum", 0.9, 0.0),
        Change(3, "weight_decay", 1e-4, 0.5),
    ]


LIVE_CHANGES = {
    "learning_rate": 0.3,
    "momentum": 0.1,
    "weight_decay": 0.3,
    "learning_rate_schedule": "cosine",
    "head_gradient": "off",
    "alpha": 5.0,
    "alpha_schedule": "run_decay",
    "projection": "update",
}


@pytest.mark.parametrize("field", LIVE_CHANGES)
def test_a_live_setting_takes_effect_from_the_next_sub_step_on(field, tiny, bits):
    changed, plain = TrainingSession(tiny()), TrainingSession(tiny())
    for session in (changed, plain):
        session.advance(steps=3)
    changed.reconfigure(**{field: LIVE_CHANGES[field]})
    one, two = changed.method.model, plain.method.model
    assert bits(one.state_dict()) == bits(two.state_dict())
    assert changed.history.steps == plain.history.steps
    for session in (changed, plain):
        session.advance(steps=4)
    assert bits(one.state_dict()) != bits(two.state_dict())


def test_another_fusion_shows_when_looked_at_again_without_a_new_point(tiny):
    session = TrainingSession(tiny(fusion="uniform"))
    session.advance(steps=4)
    weights, looks = session.history.latest.weights, len(session.history.summaries)
    session.reconfigure(fusion="entropy")
    session.look_again()
    assert not torch.equal(session.history.latest.weights, weights)
    assert len(session.history.summaries) == looks


@pytest.mark.parametrize("rule", ["entropy", "released_batch"])
def test_looking_again_shows_what_the_look_would_have_shown_and_asks_no_encoder(
    rule, tiny, monkeypatch
):
    session, other = (TrainingSession(tiny(fusion=name)) for name in ("uniform", rule))
    for one in (session, other):
        one.advance(steps=6)  # the latest look was after 4
    session.reconfigure(fusion=rule)
    monkeypatch.setattr(session.method.model, "features", None)
    session.look_again()
    found, expected = session.history.latest, other.history.latest
    assert found.step == expected.step == 4
    for name in ("features", "logits", "weights", "fused"):
        assert torch.equal(getattr(found, name), getattr(expected, name))


def test_looking_again_changes_nothing_where_the_head_itself_fuses(tiny):
    session = TrainingSession(tiny(method="concat"))
    latest = session.history.latest
    session.reconfigure(fusion="uniform")
    session.look_again()
    assert session.history.latest is latest


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seed": 1}, "'seed' cannot change"),
        ({"alpha": 0.5, "method": "concat"}, "'method' cannot change"),
        ({"alpha": 0.5, "learning_rate": -1}, r"learning_rate .*-1"),
        ({"alpha": 0.5, "alhpa": 1}, "did you mean 'alpha'"),
        ({"alpha": 0.5, "epochs": 1}, "epochs must be above the 1 already trained, not 1"),
    ],
)
def test_a_change_that_cannot_be_changes_nothing(changes, message, tiny, assert_same):
    session, twin = TrainingSession(tiny()), TrainingSession(tiny())
    for one in (session, twin):
        one.advance(steps=10)
    with pytest.raises(ConfigError, match=message):
        session.reconfigure(**changes)
    assert session.config == twin.config
    assert session.history.changes == []
    list(session)
    list(twin)
    assert_same(session, twin)


@pytest.mark.parametrize("when", ["at the end", "in the middle", "in a fork", "after a restore"])
def test_more_epochs_go_on_as_if_they_had_been_asked_for_at_once(when, tiny, assert_same):
    config = tiny(order="random", epochs=2)
    long = TrainingSession(config.replace(epochs=4))
    list(long)
    session = TrainingSession(config)
    session.advance(steps=None if when != "in the middle" else 5)
    if when == "in a fork":
        session = session.fork(epochs=4)
    else:
        if when == "after a restore":
            session.restore(session.snapshot())
        session.reconfigure(epochs=4)
    list(session)
    assert session.history.steps == long.history.steps
    session.history.summaries = long.history.summaries  # one look more, at the first end
    assert_same(session, long)


def test_fewer_epochs_end_earlier(tiny):
    session = TrainingSession(tiny(epochs=5))
    session.advance(epochs=1)
    session.reconfigure(epochs=2)
    assert len(list(session)) == 9
    assert session.finished
    assert session.history.latest.step == 18


def test_after_rewinding_the_look_is_fused_by_the_rule_in_force(tiny):
    session = TrainingSession(tiny(fusion="entropy"))
    session.advance(steps=3)
    session.reconfigure(fusion="uniform")
    session.rewind()
    present = session.history.latest.present
    expected = present / present.sum(0).clamp_min(1)
    torch.testing.assert_close(session.history.latest.weights, expected)
