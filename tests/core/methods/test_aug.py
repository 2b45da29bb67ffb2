"""AUG: sums of learners and their losses written out, who gets one, and plain alternation."""

import numpy as np
import pytest
import torch
from scipy.special import log_softmax, softmax
from torch.nn import functional as F

from mla_core import TrainingSession
from mla_core.methods.aug import boosting


def test_the_last_learner_fits_what_the_others_leave_over():
    rng = np.random.default_rng(0)
    others, last, labels = rng.normal(size=(5, 3)), rng.normal(size=(5, 3)), [0, 2, 1, 1, 0]
    expected = 0.0
    for o, r, y in zip(others, last, labels, strict=True):
        target = np.eye(3)[y] - 0.5 * np.eye(3)[y] * softmax(o)  # y - y p / 2
        expected += -log_softmax(o)[y] - target @ log_softmax(r)
    measured = boosting(*map(torch.tensor, (others, last, labels)))
    assert float(measured) == pytest.approx(expected / 5)


def begun(tiny, **changes) -> TrainingSession:
    """Return a session after an epoch of four, in which the first modality got a learner."""
    noise = {"noise": [9.0, 0.1, 9.0]}
    session = TrainingSession(tiny(method="aug", epochs=4, dataset_options=noise, **changes))
    session.advance(epochs=1)
    assert session.method.counts.tolist() == [1, 0, 1]
    return session


def test_a_modality_answers_with_the_sum_of_its_learners(tiny):
    session = begun(tiny)
    found, head = session.evaluate("val"), session.method.model.head
    for m, (z, logits) in enumerate(zip(found.features, found.logits, strict=True)):
        expected = z @ head.weight.T + head.bias
        if m != 1:
            own = head.learners[f"m{m}"][0]
            hidden = torch.relu(z @ own.weight.T + own.bias)
            expected = expected + hidden @ head.weight.T + head.bias
        torch.testing.assert_close(logits, expected.detach())


def test_whoever_is_behind_gets_a_learner_by_what_was_seen_in_training(tiny):
    session = TrainingSession(tiny(method="aug", epochs=4, method_options={"ratio": 1.03}))
    train, sums = session.data.split("train"), torch.zeros(3)
    while session.epoch == 0:
        batch = session._place.batch
        with torch.no_grad():
            z = session.method.model.encode(
                batch.modality, train.inputs[batch.modality][batch.indices]
            )
            p = torch.softmax(session.method.model.head(z), 1)
        labels = train.labels[batch.indices]
        sums[int(batch.modality[1:])] += p[torch.arange(len(labels)), labels].sum()
        session.advance(steps=1)
    expected = [int(sums.max() / one > 1.03) for one in sums]
    assert 0 < sum(expected) < 3
    assert session.method.counts.tolist() == expected


@pytest.mark.parametrize("variant", ["paper", "released"])
def test_as_released_the_learners_are_never_trained(variant, tiny, bits):
    session = begun(tiny, method_options={"variant": variant})
    learners = session.method.model.head.learners
    before = bits(learners.state_dict())
    session.advance(epochs=1)
    after = bits(learners.state_dict())
    moved = {key.split(".")[0] for key in after if after[key] != before[key]}
    assert moved == ({"m0", "m2"} if variant == "paper" else set())


def test_forgetting_is_the_growth_of_the_loss_of_the_sums(tiny):
    session = begun(tiny, weight_decay=0.0)
    session.advance(steps=1)  # of m0
    method, train = session.method, session.data.split("train")
    batch = session._place.plan[0]
    z = method.model.encode("m0", train.inputs["m0"][batch.indices]).detach()
    # What it is measured on are the features before that sub-step moved the encoder.
    kept = method._probe.state_dict()["features"][0, : len(batch.indices)]
    assert z.shape == kept.shape
    labels = train.labels[batch.indices]
    with torch.no_grad():
        before = F.cross_entropy(method.classify("m0", kept), labels)
        record = session.advance(steps=1)[0]
        grown = F.cross_entropy(method.classify("m0", kept), labels) - before
    assert record.forgetting == {"m0": pytest.approx(float(grown), abs=1e-6)}


def test_without_learners_it_is_plain_alternation(tiny, bits):
    one = TrainingSession(tiny(method="aug", method_options={"learners": 0}))
    two = TrainingSession(tiny(method="mla", head_gradient="off"))
    for session in (one, two):
        list(session)
    assert bits(one.method.model.state_dict()) == bits(two.method.model.state_dict())
    assert one.history.steps == two.history.steps
