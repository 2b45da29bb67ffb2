"""Joint training on concatenated features."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from mla_core import TrainingDivergedError, TrainingSession


def test_the_modalities_logits_add_up_to_the_fused_ones(tiny, make_data):
    for data in (None, make_data(missing=0.4)):
        session = TrainingSession(tiny(method="concat"), data)
        session.advance(epochs=1)
        evaluation, head = session.evaluate("val"), session.method.model.head
        side_by_side = torch.cat(list(evaluation.features), -1)  # (N, M s)
        torch.testing.assert_close(evaluation.logits.sum(0), head(side_by_side).detach())
        answered = ~evaluation.unanswered
        torch.testing.assert_close(evaluation.logits.sum(0)[answered], evaluation.fused[answered])
        assert (evaluation.fused[~answered] == 0).all()  # no part at all: uniform


def test_a_modalitys_logits_need_its_own_features_alone(tiny):
    session = TrainingSession(tiny(method="concat"))
    session.advance(epochs=1)
    before = session.evaluate("val")
    split = session.data.split("val")
    split.inputs["m1"].neg_()
    after = session.evaluate("val")
    assert torch.equal(before.logits[[0, 2]], after.logits[[0, 2]])
    assert not torch.equal(before.logits[1], after.logits[1])


def test_absent_parts_contribute_nothing(tiny, make_data):
    session = TrainingSession(tiny(method="concat"), make_data(missing=0.4))
    session.advance(epochs=1)
    evaluation = session.evaluate("val")
    absent = ~evaluation.present
    assert absent.any()
    assert (evaluation.features[absent] == 0).all()
    assert (evaluation.weights[absent] == 0).all()
    share = (session.method.model.head.bias / 2).detach()
    for row in evaluation.logits[absent]:
        torch.testing.assert_close(row, share)


def test_one_step_is_plain_sgd_on_all_parameters(tiny):
    rate, decay = 0.05, 0.01
    config = tiny(method="concat", learning_rate=rate, weight_decay=decay, momentum=0.9)
    session = TrainingSession(config)
    model, batch = session.method.model, session._place.plan[0]
    train = session.data.split("train")
    z = [model.encode(m, x[batch.indices]) for m, x in train.inputs.items()]
    loss = F.cross_entropy(model.head(torch.cat(z, 1)), train.labels[batch.indices])
    names, parameters = zip(*model.named_parameters(), strict=True)
    gradients = torch.autograd.grad(loss, parameters)
    expected = {
        name: p.detach() - rate * (g + decay * p.detach())
        for name, p, g in zip(names, parameters, gradients, strict=True)
    }
    (record,) = session.advance(steps=1)
    assert record.loss == pytest.approx(float(loss.detach()))
    assert record.gradient_norm == pytest.approx(
        float(gradients[names.index("head.weight")].norm())
    )
    assert (record.modality, record.plasticity, record.angle) == (None, 1.0, 0.0)
    torch.testing.assert_close(dict(model.state_dict()), expected)


def test_it_learns(tiny):
    options = {"noise": [0.3] * 3, "sizes": [200, 60, 60]}
    session = TrainingSession(tiny(method="concat", dataset_options=options, epochs=8))
    chance = session.evaluate("test").accuracy
    records = list(session)
    assert np.mean([r.loss for r in records[-5:]]) < 0.5 * records[0].loss
    assert session.evaluate("test").accuracy > max(0.8, chance)


def test_a_broken_network_raises_and_stays_as_it_was(tiny, bits):
    session = TrainingSession(tiny(method="concat"))
    with torch.no_grad():
        session.method.model.head.weight[0, 0] = torch.nan
    before = bits(session.method.state_dict())
    with pytest.raises(TrainingDivergedError, match=r"sub-step 1 .*modality all.*loss is nan"):
        session.advance(steps=1)
    assert bits(session.method.state_dict()) == before
    assert session.step == 0
