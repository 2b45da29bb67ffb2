"""ReconBoost against gradients written out, and its special cases."""

import copy

import numpy as np
import pytest
import torch
from scipy.special import log_softmax, softmax

from mla_core import TrainingSession
from mla_core.methods.reconboost import released_objective

PLAIN = {"momentum": 0.0, "weight_decay": 0.0, "learning_rate": 0.1}


def trained(config, **changes) -> TrainingSession:
    session = TrainingSession(config.replace(**changes))
    list(session)
    return session


@pytest.mark.parametrize("options", [{"strength": 0.0}, {"warm_up": 1.0}], ids=str)
@pytest.mark.parametrize("variant", ["residual", "released"])
def test_without_strength_or_before_it_sets_in_it_is_an_ensemble(variant, options, tiny, bits):
    options = options | {"variant": variant}
    one = trained(tiny(method="reconboost", method_options=options, missing={"train": 0.3}))
    two = trained(tiny(method="ensemble", missing={"train": 0.3}))
    assert bits(one.method.model.state_dict()) == bits(two.method.model.state_dict())
    assert one.history.steps == two.history.steps


def test_a_sub_steps_gradient_is_that_of_both_terms(tiny):
    """Against ``p - y`` by hand: of a cross-entropy of softmax(z + constant)."""
    options = {"strength": 0.3, "warm_up": 0.0}
    session = TrainingSession(tiny(method="reconboost", method_options=options, **PLAIN))
    train, names = session.data.split("train"), list(session.data.modalities)
    last = np.zeros((3, len(train), 4))
    for _ in range(11):  # into the second epoch, where every sample has been met
        batch = session._place.batch
        row = names.index(batch.modality)
        head = copy.deepcopy(session.method.head_of(batch.modality))
        z = session.method.model.encode(batch.modality, train.inputs[batch.modality][batch.indices])
        z = z.detach().numpy()
        logits = z @ head.weight.detach().numpy().T + head.bias.detach().numpy()
        others = sum(last[m][batch.indices] for m in range(3) if m != row)
        right = np.eye(4)[train.labels[batch.indices]]
        pull = 0.7 * (softmax(logits, 1) - right) + 0.3 * (softmax(logits + others, 1) - right)
        weight = head.weight.detach().numpy() - 0.1 * pull.T @ z / len(right)
        record = session.advance(steps=1)[0]
        own = -log_softmax(logits, 1)[right.astype(bool)].mean()
        assert record.loss == pytest.approx(own, rel=1e-5)
        moved = session.method.head_of(batch.modality).weight.detach().numpy()
        np.testing.assert_allclose(moved, weight, atol=1e-6)
        last[row][batch.indices] = logits


def test_a_part_that_is_absent_has_no_say(tiny):
    options = {"strength": 1.0, "warm_up": 0.0}
    config = tiny(method="reconboost", method_options=options, missing={"train": 0.5})
    session = trained(config)
    present = session.data.split("train").present
    last = session.method.state_dict()["reconboost.last"]
    assert (last[~present] == 0).all()
    assert (last[present] != 0).all()


def test_as_released_it_is_a_weighted_cross_entropy():
    rng = np.random.default_rng(0)
    logits, others, labels = rng.normal(size=(5, 3)), rng.normal(size=(5, 3)), [0, 2, 1, 1, 0]
    of_class = [
        -(5 - softmax(o)[y]) * log_softmax(z)[y] / 3
        for z, o, y in zip(logits, others, labels, strict=True)
    ]
    apart = ((softmax(logits, 1) - softmax(others, 1)) ** 2).mean()
    measured = released_objective(*map(torch.tensor, (logits, others, labels)), 0.5)
    assert float(measured) == pytest.approx(np.mean(of_class) + 0.5 * apart)


def test_as_released_the_agreement_has_no_gradient(tiny, bits):
    options = {"variant": "released", "warm_up": 0.0}
    runs = [
        trained(tiny(method="reconboost", method_options=options | {"agreement": weight}))
        for weight in (0.0, 100.0)
    ]
    one, two = (bits(run.method.state_dict()) for run in runs)
    assert one == two
