"""Gradient blending's weights, and the cross-talk and speeds of balanced greedy learning."""

import numpy as np
import pytest
import torch
from scipy.special import expit
from torch.nn import functional as F

from mla_core import TrainingSession
from mla_core.methods.gblending import blend


def test_losses_are_weighted_by_gain_over_overfitting_squared():
    gain, overfit = np.array([0.5, 0.2, -0.1]), np.array([0.3, -0.1, 0.2])
    raw = np.maximum(gain, 0) / overfit**2
    measured = blend(torch.tensor(gain), torch.tensor(overfit))
    np.testing.assert_allclose(measured, 3 * raw / raw.sum())
    even = blend(torch.tensor([0.1, 0.1]), torch.tensor([0.0, 0.0]))  # nobody overfits at all
    assert even.tolist() == pytest.approx([1.0, 1.0])


def test_gblending_compares_two_moments_on_train_and_val(tiny):
    config = tiny(method="gblending", epochs=6, method_options={"every": 2}, learning_rate=0.1)
    session, seen = TrainingSession(config), []
    for _ in range(2):
        session.advance(epochs=1)
        losses = []
        for side in ("train", "val"):
            e = session.evaluate(side)
            own = [F.cross_entropy(x, e.labels) for x in e.logits]
            losses.append(torch.stack([F.cross_entropy(e.fused, e.labels), *own]))
        seen.append(losses)
    (train_1, val_1), (train_2, val_2) = seen
    gain, overfit = val_1 - val_2, (val_2 - train_2) - (val_1 - train_1)
    assert (gain > 0).any()
    torch.testing.assert_close(session.method.remembered["weights"], blend(gain, overfit))
    both = 3 * (40 + 24)  # parts of both splits, twice so far
    assert sum(r.forward_passes for r in session.history.steps) == 2 * both


def test_gblending_weighs_its_losses(first_step):
    w = torch.tensor([0.5, 2.0, 0.0, 1.5])

    def weigh(method):
        method.remembered["weights"] = w

    step = first_step("gblending", prepare=weigh)
    each = zip(w[1:], step.model.head.own.each.values(), step.features, strict=True)
    own = sum(x * F.cross_entropy(head(z), step.labels) for x, head, z in each)
    step.expect(step.gradient(0.5 * step.fused() + own))


def test_gblending_that_never_estimates_is_uniform(is_same_run):
    is_same_run("gblending", {"every": 0}, "uniform", {"heads": "own"}, epochs=4)


def test_greedys_features_are_gated_by_all_of_them(tiny):
    head = TrainingSession(tiny(method="greedy")).method.model.head
    z = torch.randn(3, 5, 12)
    squeezed = np.maximum(
        0, torch.cat(list(z), -1).numpy() @ head.squeeze.weight.detach().numpy().T
    )
    gated = [
        x.numpy() * 2 * expit(squeezed @ layer.weight.detach().numpy().T)
        for x, layer in zip(z, head.excite, strict=True)
    ]
    wanted = np.concatenate(gated, -1) @ head.out.weight.detach().numpy().T
    np.testing.assert_allclose(head(z).detach(), wanted, rtol=1e-4, atol=1e-5)


def test_greedy_freezes_all_but_the_slowest_for_some_steps(first_step, tiny):
    options = {"threshold": 0.0, "steps": 2}
    step = first_step("greedy", **options)

    def relative(gradient, part):
        names = [k for k in gradient if k.startswith(part)]
        weights = dict(step.model.named_parameters())
        return sum(float(gradient[k].square().sum()) for k in names) / sum(
            float(weights[k].detach().square().sum()) for k in names
        )

    gates = step.model.head.gates(torch.stack(step.features))
    joint = step.model.head.out(torch.cat(list(torch.stack(step.features) * gates), -1))
    gradient = step.gradient(F.cross_entropy(joint, step.labels))
    step.expect(gradient)
    speed = [
        np.log10(relative(gradient, f"head.excite.{m}.") / relative(gradient, f"encoders.m{m}."))
        for m in range(3)
    ]
    memory = step.session.method.remembered
    assert memory["frozen"].tolist() == [float(one > min(speed)) for one in speed]
    assert float(memory["left"]) == 2
    torch.testing.assert_close(memory["gates"], gates.mean(1).detach())

    step = first_step("greedy", after=1, **options)
    gates = step.model.head.gates(torch.stack(step.features))
    kept = step.memory["frozen"].bool()[:, None, None]
    gates = torch.where(kept, step.memory["gates"][:, None], gates)
    joint = step.model.head.out(torch.cat(list(torch.stack(step.features) * gates), -1))
    step.expect(step.gradient(F.cross_entropy(joint, step.labels)))
    session = TrainingSession(tiny(method="greedy", method_options=options))
    left = []
    for _ in range(4):
        session.advance(steps=1)
        left.append(float(session.method.remembered["left"]))
    assert left == [2, 1, 0, 2]


def test_greedy_that_freezes_for_no_step_is_plain_cross_talk(is_same_run):
    is_same_run("greedy", {"steps": 0}, "greedy", {"threshold": 1e9}, epochs=4)


@pytest.mark.parametrize("method", ["gblending", "greedy"])
def test_what_they_remember_is_in_snapshots(method, tiny, bits):
    session = TrainingSession(tiny(method=method, missing={"train": 0.3}, epochs=6))
    session.advance(steps=10)
    twin = session.fork()
    assert session.advance(steps=6) == twin.advance(steps=6)
    assert bits(session.method.state_dict()) == bits(twin.method.state_dict())
