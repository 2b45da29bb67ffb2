"""Gradient conflict, against gradients taken one by one."""

import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from mla_core import ConfigError, TrainingSession
from mla_core.analysis import gradient_conflict


def test_it_is_the_cosine_of_two_gradients(tiny, bits):
    session = TrainingSession(tiny(method="concat"))
    session.advance(steps=2)
    train, model = session.data.split("train"), session.method.model
    before = bits(session.method.state_dict())
    found = gradient_conflict(session.method, train, most=30)
    assert bits(session.method.state_dict()) == before
    z = [model.encode(m, x[:30]) for m, x in train.inputs.items()]
    joint = F.cross_entropy(model.head(torch.cat(z, 1)), train.labels[:30])
    for m, name in enumerate(found):
        logits = z[m] @ model.head.weight[:, 12 * m : 12 * (m + 1)].T + model.head.bias / 3
        own = F.cross_entropy(logits, train.labels[:30])
        weights = list(model.encoders[name].parameters())
        a, b = (
            np.concatenate(
                [g.flatten() for g in torch.autograd.grad(x, weights, retain_graph=True)]
            )
            for x in (joint, own)
        )
        assert found[name] == pytest.approx(a @ b / np.linalg.norm(a) / np.linalg.norm(b), abs=1e-4)


def test_what_has_no_gradient_has_no_cosine(tiny, make_data):
    frozen = TrainingSession(tiny(method="uniform", encoder="none"))
    assert all(map(math.isnan, gradient_conflict(frozen.method, frozen.probe).values()))
    data = make_data()
    session = TrainingSession(tiny(method="mmpareto"), data)
    train = data.split("train")
    train.present[1] = False
    a, b = gradient_conflict(session.method, train).values()
    assert -1 <= a <= 1
    assert math.isnan(b)


def test_training_goes_on_as_if_nobody_had_asked(tiny):
    asked, plain = (TrainingSession(tiny(method="dgl")) for _ in range(2))
    asked.advance(steps=2)
    gradient_conflict(asked.method, asked.data.split("train"))
    asked.advance(epochs=2)
    list(plain)
    assert asked.history.steps == plain.history.steps


def test_one_modality_at_a_time_has_no_two_gradients(tiny):
    session = TrainingSession(tiny(method="mla"))
    with pytest.raises(ConfigError, match="'mla' has no two gradients"):
        gradient_conflict(session.method, session.probe)
