"""Diagnosing and re-learning against its formulas (Wei et al., ECCV 2024)."""

import math
from collections import Counter

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mla_core import TrainingDivergedError, TrainingSession
from mla_core.methods.relearning import purity


def source() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@settings(deadline=None, max_examples=20)
@given(n=st.integers(1, 30), classes=st.integers(1, 4), seed=st.integers(0, 99))
def test_clusters_that_lie_apart_are_as_pure_as_their_classes(n, classes, seed):
    """Points of a few places: whoever stands in one place is in one cluster."""
    drawn = torch.Generator().manual_seed(seed)
    place, labels = (torch.randint(classes, (n,), generator=drawn) for _ in range(2))
    labels[: min(n, classes)] = torch.arange(min(n, classes))  # as many clusters as places
    x = torch.stack([100.0 * place, 7.0 - place], 1)
    places = place.unique().tolist()
    most = [max(Counter(labels[place == p].tolist()).values()) for p in places]
    assert purity(x, labels, source()) == pytest.approx(sum(most) / n)


@pytest.mark.parametrize("spoilt", [math.nan, math.inf])
def test_what_is_not_finite_and_what_is_not_there_has_no_purity(spoilt):
    assert purity(torch.tensor([[0.0], [spoilt]]), torch.tensor([0, 1]), source()) == 0
    assert purity(torch.zeros(0, 2), torch.zeros(0).long(), source()) == 0
    assert purity(torch.zeros(3, 2), torch.tensor([0, 1, 1]), source()) == pytest.approx(2 / 3)


def begun(tiny, epochs=2, **changes) -> TrainingSession:
    session = TrainingSession(tiny(method="relearning", epochs=epochs, **changes))
    session.advance(epochs=1)
    return session


def test_encoders_go_back_by_the_gap_and_the_head_stays(tiny):
    options = {"strength": 2.0, "times": 1}
    session = begun(tiny, method_options=options, momentum=0.0, weight_decay=0.0)
    method, train = session.method, session.data.split("train")
    assert method.gaps.any()
    pull = torch.tanh(2 * method.gaps)
    torch.testing.assert_close(method.pull, pull)
    first = TrainingSession(session.config).method.model
    by_hand = {k: v.clone() for k, v in method.model.state_dict().items()}
    for m, name in enumerate(session.data.modalities):
        for key, start in first.encoders[name].state_dict().items():
            w = by_hand[f"encoders.{name}.{key}"]
            by_hand[f"encoders.{name}.{key}"] = (1 - pull[m]) * w + pull[m] * start
    twin = TrainingSession(session.config.replace(method="concat", method_options={}))
    twin.method.model.load_state_dict(by_hand)
    twin.method.step(session._place.batch, train, session._place.position(session.config))
    session.advance(steps=1)
    torch.testing.assert_close(
        dict(method.model.state_dict()), dict(twin.method.model.state_dict())
    )
    assert not method.pull.any()


@pytest.mark.parametrize(
    ("times", "epochs", "expected"),
    [(0, 4, []), (1, 4, [1]), (3, 4, [0, 1, 2]), (9, 3, [0, 1]), (2, 6, [1, 3]), (1, 1, [])],
)
def test_diagnoses_are_spread_evenly_and_counted(times, epochs, expected, tiny):
    config = tiny(method="relearning", epochs=epochs, method_options={"times": times})
    session = TrainingSession(config)
    list(session)
    spent = [r.forward_passes for r in session.history.steps]
    at_end = [r.epoch for r in session.history.steps if r.forward_passes]
    assert at_end == expected
    assert sum(spent) == len(expected) * 3 * (40 + 24)


def test_without_strength_it_is_concat(tiny, bits):
    one = begun(tiny, method_options={"strength": 0.0})
    two = TrainingSession(one.config.replace(method="concat", method_options={}))
    for session in (one, two):
        list(session)
    assert bits(one.method.model.state_dict()) == bits(two.method.model.state_dict())


def test_a_refused_step_has_not_pulled_back_either(tiny, bits):
    session = begun(tiny)
    session.data.split("train").inputs["m0"][:] = torch.inf
    before = bits(session.method.state_dict())
    with pytest.raises(TrainingDivergedError):
        session.advance(steps=1)
    assert session.method.pull.any()
    assert bits(session.method.state_dict()) == before
