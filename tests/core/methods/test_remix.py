"""Data remixing: who teaches whom, and that it costs what alternation costs."""

from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import softmax
from scipy.stats import entropy

from mla_core import TrainingSession
from mla_core.methods.remix import least_sure


@settings(deadline=None, max_examples=40)
@given(m=st.integers(1, 4), n=st.integers(1, 8), c=st.integers(2, 5), seed=st.integers(0, 999))
def test_a_sample_goes_to_the_part_closest_to_uniform(m, n, c, seed):
    rng = np.random.default_rng(seed)
    logits, present = rng.normal(size=(m, n, c)) * 3, rng.random((m, n)) < 0.7
    far = entropy(softmax(logits, -1), np.full((m, n, c), 1 / c), axis=-1)  # KL(p || uniform)
    expected = [
        min(np.flatnonzero(present[:, i]), key=lambda k, i=i: far[k, i], default=-1)
        for i in range(n)
    ]
    assert least_sure(torch.tensor(logits), torch.tensor(present)).tolist() == expected


def begun(tiny, **changes) -> TrainingSession:
    session = TrainingSession(tiny(method="remix", epochs=3, **changes))
    session.advance(epochs=1)
    return session


@pytest.mark.parametrize("missing", [0.0, 0.4])
def test_an_epoch_trains_on_as_many_parts_each_on_its_own_samples(missing, tiny):
    session = begun(tiny, missing={"train": missing} if missing else {})
    train, given_to = session.data.split("train"), session.method.given_to
    first = [r for r in session.history.steps if r.epoch == 0]
    assert first[-1].forward_passes == 3 * 40
    assert len(set(given_to.tolist())) > 1
    seen = Counter()
    for batch in session._place.plan:
        row = list(train.inputs).index(batch.modality)
        assert (given_to[batch.indices] == row).all()
        assert train.present[row, batch.indices].all()
        seen.update(batch.indices.tolist())
    assert [seen[i] for i in range(40)] == train.present.sum(0).tolist()
    assert sum(seen.values()) == sum(r.samples for r in first)


def test_it_is_decided_anew_before_every_epoch_by_the_network_as_it_is(tiny):
    session = begun(tiny)
    for _ in range(2):
        prediction = session.method.predict(session.data.split("train"))
        expected = least_sure(prediction.logits, torch.ones(3, 40, dtype=torch.bool))
        assert session.finished or torch.equal(session.method.given_to, expected)
        session.advance(epochs=1)
    assert session.finished


def test_a_warm_up_without_end_is_an_ensemble(tiny, bits):
    one = TrainingSession(tiny(method="remix", method_options={"warm_up": 1.0}))
    two = TrainingSession(tiny(method="ensemble"))
    for session in (one, two):
        list(session)
    assert bits(one.method.model.state_dict()) == bits(two.method.model.state_dict())
    assert one.history.steps == two.history.steps
