"""G2D: its loss and its order against formulas written out, and its two phases."""

import numpy as np
import pytest
import torch
from scipy.special import rel_entr, softmax

from mla_core import TrainingSession
from mla_core.methods.g2d import distillation, weakest_first


def test_the_loss_is_divergence_and_distance_to_the_teachers_that_are_there():
    rng = np.random.default_rng(0)
    z, said = rng.normal(size=(5, 3)), rng.normal(size=(2, 5, 3))
    f, taught = rng.normal(size=(2, 2, 5, 4))
    present = rng.random((2, 5)) < 0.6
    expected = 0.0
    for m in range(2):
        of_sample = [
            rel_entr(softmax(said[m, i]), softmax(z[i])).sum() + ((f - taught)[m, i] ** 2).mean()
            for i in np.flatnonzero(present[m])
        ]
        expected += np.mean(of_sample)
    measured = distillation(*map(torch.tensor, (z, said, f, taught, present)))
    assert float(measured) == pytest.approx(expected)


def test_the_weakest_teacher_stands_first_and_who_is_absent_last():
    said = torch.tensor([[[3.0, 0.0]], [[0.0, 9.0]], [[1.0, 0.0]]])
    present = torch.tensor([[True], [False], [True]])
    assert weakest_first(said, torch.tensor([0]), present) == [2, 0, 1]
    assert weakest_first(said, torch.tensor([0]), torch.ones(3, 1).bool()) == [1, 2, 0]


def begun(tiny, **changes) -> TrainingSession:
    session = TrainingSession(tiny(method="g2d", epochs=6, **changes))
    session.advance(epochs=2)
    return session


def test_teachers_are_late_fusion_and_the_student_begins_as_concat_does(tiny, bits):
    session = begun(tiny)
    teacher = TrainingSession(session.config.replace(method="late_fusion", method_options={}))
    teacher.advance(epochs=2)
    first = TrainingSession(session.config.replace(method="concat", method_options={}))
    state = session.method.state_dict()
    taught = {k.removeprefix("teacher."): v for k, v in state.items() if k.startswith("teacher.")}
    for key, value in teacher.method.model.state_dict().items():
        where = key.replace("head.", "head.own.")
        torch.testing.assert_close(taught[where], value, rtol=1e-4, atol=1e-5)
    own = session.method.model.state_dict()
    assert bits({k: own[k] for k in first.method.model.state_dict()}) == bits(
        first.method.model.state_dict()
    )
    assert [r.forward_passes for r in session.history.steps if r.forward_passes] == [3 * 40]


def test_encoders_begin_to_learn_from_the_weakest_to_the_strongest(tiny, bits):
    session = begun(tiny, momentum=0.0)  # two epochs of teachers, then four; two of them in order
    moved = []
    while not session.finished:
        encoders = session.method.model.encoders.items()
        before = {m: bits(e.state_dict()) for m, e in encoders}
        batch = session._place.batch
        order = weakest_first(
            session.method.taught[1][:, batch.indices],
            session.data.split("train").labels[batch.indices],
            torch.ones(3, len(batch.indices), dtype=torch.bool),
        )
        session.advance(steps=1)
        changed = {m for m, e in encoders if bits(e.state_dict()) != before[m]}
        assert changed == {f"m{m}" for m in order[: len(changed)]}
        moved.append(len(changed))
    assert moved == [1] * 3 + [2] * 3 + [3] * 6


def test_the_student_follows_its_loss_with_the_teachers_in_it(tiny):
    session = begun(tiny, method_options={"strength": 0.7, "prioritised": 0.0})
    method, train, batch = session.method, session.data.split("train"), session._place.batch
    f = method.model.features({m: x[batch.indices] for m, x in train.inputs.items()})
    taught, said = (x[:, batch.indices] for x in method.taught)
    with torch.no_grad():
        z = method.model.head(torch.cat(list(f), 1))
    here = torch.ones(3, len(batch.indices), dtype=torch.bool)
    expected = torch.nn.functional.cross_entropy(z, train.labels[batch.indices])
    expected += 0.7 * distillation(z, said, f, taught, here)
    assert session.advance(steps=1)[0].loss == pytest.approx(float(expected), rel=1e-5)


def test_what_is_fused_is_the_student_even_before_it_has_learned(tiny):
    session = TrainingSession(tiny(method="g2d", epochs=6))
    session.advance(epochs=1)
    found, head = session.evaluate("val"), session.method.model.head
    with torch.no_grad():
        torch.testing.assert_close(found.logits, head.own(found.features))
        torch.testing.assert_close(found.fused, head(torch.cat(list(found.features), 1)))


def test_without_teachers_it_is_concat(tiny, bits):
    one = TrainingSession(tiny(method="g2d", method_options={"teachers": 0.0}))
    two = TrainingSession(tiny(method="concat"))
    for session in (one, two):
        list(session)
    state = one.method.model.state_dict()
    assert bits({k: state[k] for k in two.method.model.state_dict()}) == bits(
        two.method.model.state_dict()
    )
    assert one.history.steps == two.history.steps
