"""UMT's teachers and term, LFM's learned weight and G-Blending's copies, by other formulas."""

from copy import deepcopy

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from mla_core import TrainingSession
from mla_core.methods.gblending import blend
from mla_core.methods.lfm import disagreement
from mla_core.methods.regularised import away
from mla_core.methods.schedule import joint_epoch

UMT = {"term": "umt", "strength": 5.0, "teachers": 0.5}


def features_of(session, split):
    model = session.method.model
    with torch.no_grad():
        return [model.encode(name, x[: len(split)]) for name, x in split.inputs.items()]


def test_umt_first_trains_its_teachers_and_then_starts_anew(tiny, bits):
    session = TrainingSession(tiny(method="regularised", method_options=UMT))
    first = bits(session.method.model.encoders.state_dict())
    session.advance(epochs=1)
    late = TrainingSession(tiny(method="late_fusion"))
    late.advance(epochs=1)
    train = session.data.split("train")
    taught = torch.stack(features_of(late, train))
    torch.testing.assert_close(session.method.taught[0], taught)
    assert bits(session.method.model.encoders.state_dict()) == first


def test_umt_draws_features_to_the_teachers(tiny):
    session = TrainingSession(
        tiny(method="regularised", method_options=UMT, momentum=0.0, weight_decay=0.0)
    )
    session.advance(epochs=1)
    batch, train = session._place.batch, session.data.split("train")
    model = deepcopy(session.method.model)
    z = [model.encode(name, x[batch.indices]) for name, x in train.inputs.items()]
    loss = F.cross_entropy(model.head(torch.cat(z, 1)), train.labels[batch.indices])
    for f, t in zip(z, session.method.taught[0], strict=True):
        loss = loss + 5 * (f - t[batch.indices]).square().mean()
    weights = dict(model.named_parameters())
    names = [k for k in weights if ".own." not in k]
    wanted = torch.autograd.grad(loss, [weights[k] for k in names])
    session.advance(steps=1)
    now = dict(session.method.model.named_parameters())
    for name, gradient in zip(names, wanted, strict=True):
        taken = (weights[name] - now[name]).detach() / session.config.learning_rate
        torch.testing.assert_close(taken, gradient, rtol=1e-3, atol=1e-5)


def test_an_absent_part_has_no_teacher():
    rng = np.random.default_rng(0)
    f, t = rng.normal(size=(2, 3, 4, 5))
    present = rng.random((3, 4)) < 0.6
    wanted = sum(
        np.mean([((f[m, i] - t[m, i]) ** 2).mean() for i in np.flatnonzero(present[m])])
        for m in range(3)
        if present[m].any()
    )
    assert float(away(*map(torch.tensor, (f, t, present)))) == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("method", "options", "plain"),
    [
        ("regularised", {"term": "umt", "strength": 0.0}, "concat"),
        ("regularised", {"term": "umt", "teachers": 0.0}, "concat"),
        ("lfm", {"schedule": "learned", "strength": 0.0}, "concat"),
        ("gblending", {"estimate": "copies", "every": 0}, "uniform"),
    ],
)
def test_without_its_strength_it_is_the_plainer_method(method, options, plain, is_same_run):
    is_same_run(method, options, plain, {"heads": "own"} if plain == "uniform" else None)


@pytest.mark.parametrize(
    ("method", "options"),
    [
        ("regularised", UMT),
        ("lfm", {"schedule": "learned", "pace": 100.0}),
        ("gblending", {"estimate": "copies", "every": 1}),
    ],
)
def test_the_way_back_keeps_what_was_learned(method, options, tiny, bits):
    config = tiny(method=method, method_options=options, missing={"train": 0.3}, epochs=4)
    session = TrainingSession(config)
    session.advance(steps=7)
    twin = session.fork()
    assert session.advance(steps=6) == twin.advance(steps=6)
    assert bits(session.method.state_dict()) == bits(twin.method.state_dict())


def test_lfms_weight_follows_one_step_of_training_differentiated(tiny):
    """The loss on val after one small step, as a function of a, by finite differences."""
    options = {"schedule": "learned", "strength": 0.5, "pace": 10.0}
    eta = 1e-3
    config = tiny(method="lfm", method_options=options, learning_rate=eta, epochs=3)
    session = TrainingSession(config)
    session.advance(epochs=1)
    model, train, val = session.method.model, session.data.split("train"), session.data.split("val")

    def losses(network, split):
        z = [network.encode(name, x[: len(split)]) for name, x in split.inputs.items()]
        w, b = network.head.weight, network.head.bias
        own = torch.stack([f @ w[:, 12 * m : 12 * (m + 1)].T + b / 3 for m, f in enumerate(z)])
        every = torch.ones(own.shape[:2], dtype=torch.bool)
        return F.cross_entropy(own.sum(0), split.labels), disagreement(own, every)

    def on_val(a):
        network = deepcopy(model).double()
        for split in (train, val):
            split.inputs.update({k: v.double() for k, v in split.inputs.items()})
        plain, apart = losses(network, train)
        parameters = list(network.parameters())
        steps = torch.autograd.grad((1 - a) * plain + a * apart, parameters)
        with torch.no_grad():
            for p, g in zip(parameters, steps, strict=True):
                p.sub_(eta * g)
            return float(losses(network, val)[0])

    slope = (on_val(0.51) - on_val(0.49)) / 0.02
    learned = float(session.method.remembered["weight"])
    assert learned - 0.5 == pytest.approx(-10 * slope, rel=0.05)
    assert learned != 0.5


def test_a_learned_weight_stays_between_its_bounds(tiny):
    options = {"schedule": "learned", "strength": 0.5, "pace": 1e9}
    session = TrainingSession(
        tiny(method="lfm", method_options=options, epochs=4, instruments=["agreement"])
    )
    list(session)
    told = {round(r.instruments["agreement.agreement"], 6) for r in session.history.steps}
    assert told <= {0.5, 0.05, 0.95}
    assert len(told) > 1


def test_gblendings_copies_each_go_on_with_one_loss_alone(tiny):
    config = tiny(
        method="gblending",
        method_options={"estimate": "copies", "every": 1},
        epochs=3,
        learning_rate=0.1,
        momentum=0.0,
        weight_decay=0.0,
    )
    session = TrainingSession(config)
    session.advance(steps=2)
    twin = TrainingSession(config.replace(method_options={"every": 0}))
    twin.advance(epochs=1)
    session.advance(steps=1)
    sides = [session.data.split(side) for side in ("train", "val")]

    def losses(network, split, rows=slice(None)):
        z = [network.encode(name, x[rows]) for name, x in split.inputs.items()]
        heads, y = network.head.own.each.values(), split.labels[rows]
        own = [F.cross_entropy(head(f), y) for head, f in zip(heads, z, strict=True)]
        return [F.cross_entropy(network.head.joint(torch.cat(z, 1)), y), *own]

    gain, overfit = [], []
    for k in range(4):
        network = deepcopy(twin.method.model)
        before = [float(losses(network, side)[k].detach()) for side in sides]
        for batch in joint_epoch(sides[0], 1, seed=0, batch_size=16):
            loss = losses(network, sides[0], batch.indices)[k]
            parameters = list(network.parameters())
            steps = torch.autograd.grad(loss, parameters, allow_unused=True)
            with torch.no_grad():
                for p, g in zip(parameters, steps, strict=True):
                    if g is not None:
                        p.sub_(0.1 * g)
        after = [float(losses(network, side)[k].detach()) for side in sides]
        gain.append(before[1] - after[1])
        overfit.append((after[1] - after[0]) - (before[1] - before[0]))
    assert max(gain) > 0
    wanted = blend(torch.tensor(gain), torch.tensor(overfit))
    torch.testing.assert_close(session.method.remembered["weights"], wanted, rtol=1e-2, atol=1e-3)
    parts = 3 * (2 * 3 * 40) + 5 * 3 * (40 + 24)  # one of all, M of one each, both ways; the looks
    assert session.history.steps[-1].forward_passes == parts
