"""One modality per sub-step, against plain autograd, hand-written SGD and matrix inverses."""

import copy
import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from mla_core import (
    ConfigError,
    Modality,
    MultimodalDataset,
    Split,
    TrainingDivergedError,
    TrainingSession,
)
from mla_core.head.gradient import VARIANTS

SGD = {"optimizer": "sgd", "learning_rate": 0.05, "momentum": 0.9, "weight_decay": 0.01}
ADAMW = {"optimizer": "adamw", "learning_rate": 0.01, "weight_decay": 0.1}


def head_state(session: TrainingSession) -> tuple[torch.Tensor, torch.Tensor]:
    head = session.method.model.head
    return head.weight.detach().clone(), head.bias.detach().clone()


def encoder_state(session: TrainingSession, name: str) -> dict[str, torch.Tensor]:
    """Collect weights and everything that the optimiser remembers about them."""
    optimizer, state = session.method.optimizer, {}
    for key, parameter in session.method.model.encoders[name].named_parameters():
        state[key] = parameter.detach().clone()
        for what, value in optimizer.state.get(parameter, {}).items():
            state[f"{key}.{what}"] = value.clone()
    return state


@pytest.mark.parametrize("optimizer", [SGD, ADAMW], ids=["sgd", "adamw"])
@pytest.mark.parametrize("projection", ["gradient", "update"])
def test_a_sub_step_moves_its_own_encoder_and_the_head_alone(optimizer, projection, tiny, bits):
    session = TrainingSession(tiny(**optimizer, projection=projection))
    for _ in range(7):
        moving = session.next_modality
        before = {m: bits(encoder_state(session, m)) for m in session.data.modalities}
        weight, bias = head_state(session)
        session.advance(steps=1)
        after = {m: bits(encoder_state(session, m)) for m in session.data.modalities}
        assert [m for m in after if after[m] != before[m]] == [moving]
        assert not torch.equal(weight, session.method.model.head.weight)
        assert not torch.equal(bias, session.method.model.head.bias)


@torch.no_grad()
def loss_on(head: torch.nn.Module, z: torch.Tensor, y: torch.Tensor) -> float:
    return float(F.cross_entropy(head(z), y))


def reference(session: TrainingSession, steps: int) -> tuple[torch.nn.Module, list[dict]]:
    """Train a copy of the session's model by the equations; SGD is written out, P inverted."""
    config, train = session.config, session.data.split("train")
    model = copy.deepcopy(session.method.model)
    buffers = {parameter: torch.zeros_like(parameter) for parameter in model.parameters()}
    means, seen, records = [], {}, []
    for number, batch in enumerate(session._place.plan[:steps]):
        x, y = train.inputs[batch.modality][batch.indices], train.labels[batch.indices]
        z = model.encoders[batch.modality](x)
        loss = F.cross_entropy(model.head(z), y)
        moving = [*model.encoders[batch.modality].parameters(), *model.head.parameters()]
        gradients = dict(zip(moving, torch.autograd.grad(loss, moving), strict=True))
        if number > 0:  # eq. 3: plain at t = 0
            means.append(z.detach().double().numpy().mean(0))
        total = sum((np.outer(h, h) for h in means), np.zeros((config.feature_size,) * 2))
        P = torch.tensor(np.linalg.inv(np.eye(config.feature_size) + total / config.alpha)).float()
        weight = model.head.weight
        plain = gradients[weight]
        if config.projection == "gradient":
            gradients[weight] = plain @ P
        losses = {m: loss_on(model.head, *kept) for m, kept in seen.items()}
        with torch.no_grad():
            for parameter in moving:
                step = gradients[parameter] + config.weight_decay * parameter
                buffers[parameter] = config.momentum * buffers[parameter] + step
                update = -config.learning_rate * buffers[parameter]
                if config.projection == "update" and parameter is weight:
                    update = update @ P
                parameter.add_(update)
        projected = (plain @ P).double()
        cosine = float((plain * projected).sum() / plain.norm() / projected.norm())
        records.append(
            {
                "loss": float(loss.detach()),
                "gradient_norm": float(plain.norm()),
                "projected_norm": float(projected.norm()),
                "angle": math.degrees(math.acos(min(1.0, cosine))),
                "plasticity": float(P.trace()) / len(P),
                "forgetting": {
                    m: loss_on(model.head, *kept) - losses[m]
                    for m, kept in seen.items()
                    if m != batch.modality
                },
            }
        )
        seen[batch.modality] = (z.detach(), y)
    return model, records


@pytest.mark.parametrize("projection", ["gradient", "update"])
@pytest.mark.parametrize("variant", ["paper", "off"])
def test_sub_steps_follow_the_equations(variant, projection, tiny):
    # An alpha beyond all means keeps P at the identity, which is what "off" must equal.
    alpha = 0.3 if variant == "paper" else 1e12
    config = tiny(**SGD, projection=projection, alpha=alpha, head_gradient=variant)
    session = TrainingSession(config)
    model, expected = reference(session, 9)
    records = session.advance(steps=9)
    for name, value in model.state_dict().items():
        own = session.method.model.state_dict()[name]
        torch.testing.assert_close(own, value, rtol=1e-4, atol=1e-6)
    for record, values in zip(records, expected, strict=True):
        for name, value in values.items():
            assert getattr(record, name) == pytest.approx(
                value, rel=1e-3, abs=2e-2 if name == "angle" else 1e-5
            )
    if variant == "paper":
        assert records[-1].angle > 1  # the projection did something
        assert any(abs(change) > 1e-4 for r in records for change in r.forgetting.values())


def test_forgetting_is_the_change_of_the_others_losses_through_the_head_step(tiny):
    session = TrainingSession(tiny(**SGD))
    train, seen = session.data.split("train"), {}
    for _ in range(9):  # across the border of two epochs
        batch = session._place.plan[session.step_in_epoch]
        x, y = train.inputs[batch.modality][batch.indices], train.labels[batch.indices]
        z = session.method.model.encode(batch.modality, x).detach()
        old = head_state(session)
        (record,) = session.advance(steps=1)
        new = head_state(session)
        expected = {
            m: float(F.cross_entropy(F.linear(z_m, *new), y_m))
            - float(F.cross_entropy(F.linear(z_m, *old), y_m))
            for m, (z_m, y_m) in seen.items()
            if m != batch.modality
        }
        assert record.forgetting == pytest.approx(expected, abs=1e-6)
        seen[batch.modality] = (z, y)


def test_the_first_sub_step_is_plain(tiny):
    first = TrainingSession(tiny(head_gradient="paper", alpha=1e-6))
    plain = TrainingSession(tiny(head_gradient="off", alpha=1e-6))
    (one,), (two,) = first.advance(steps=1), plain.advance(steps=1)
    assert (one.angle, one.plasticity) == (pytest.approx(0.0, abs=1e-2), 1.0)
    torch.testing.assert_close(first.method.model.state_dict(), plain.method.model.state_dict())
    (one,), (two,) = first.advance(steps=1), plain.advance(steps=1)
    assert one.plasticity < 1 == two.plasticity


@pytest.mark.parametrize("variant", ["paper", "paper_previous", "dataset_mean"])
@pytest.mark.parametrize("optimizer", [SGD, ADAMW], ids=["sgd", "adamw"])
def test_projecting_the_update_keeps_the_heads_change_away_from_the_means(optimizer, variant, tiny):
    """With a tiny alpha P annihilates every mean seen; the whole change must vanish along them."""
    leaks = {}
    for projection in ("update", "gradient"):
        config = tiny(**optimizer, projection=projection, alpha=1e-7, head_gradient=variant)
        session = TrainingSession(config)
        session.advance(steps=4)  # momentum has gathered
        weight, _ = head_state(session)
        session.advance(steps=1)
        change = (head_state(session)[0] - weight).double()
        strongest = torch.linalg.eigh(session.method.hgm.P).eigenvectors[:, :3]  # P ~ 0 there
        leaks[projection] = float((change @ strongest).norm() / change.norm())
    assert leaks["update"] < 1e-3
    assert leaks["gradient"] > 1e-2


def test_dataset_mean_uses_the_means_at_the_start_of_the_epoch(tiny):
    """Eq. 4 over the training set, missing parts left out, then the inverse of their sum."""
    config = tiny(head_gradient="dataset_mean", alpha=0.5, dataset_options={"modalities": 2})
    data = with_missing_parts(0.3)
    session = TrainingSession(config.replace(feature_size=6), data)
    train, total, plasticity = data.split("train"), np.eye(6), 1.0
    while session.epoch < 2:
        if session.step_in_epoch == 0:
            means = {
                m: session.method.model.encode(m, train.inputs[m][train.samples_of(m)])
                .detach()
                .double()
                .numpy()
                .mean(0)
                for m in data.modalities
            }
        moving, first = session.next_modality, session.step == 0
        (record,) = session.advance(steps=1)
        if not first:
            total += np.outer(means[moving], means[moving]) / 0.5
        plasticity = np.trace(np.linalg.inv(total)) / 6
        assert record.plasticity == pytest.approx(plasticity, rel=1e-5)
    np.testing.assert_allclose(session.method.hgm.P, np.linalg.inv(total), atol=1e-5)


def test_dataset_mean_switched_on_again_does_not_use_old_means(tiny):
    """Between the two uses the encoders have learned, so the first use's means are out of date."""
    session = TrainingSession(tiny(epochs=9, head_gradient="dataset_mean", learning_rate=0.1))
    session.advance(steps=1)
    session.reconfigure(head_gradient="off")
    session.advance(epochs=4)
    session.advance(steps=1)
    session.reconfigure(head_gradient="dataset_mean", alpha=0.5)
    train, moving = session.data.split("train"), session.next_modality
    mean = (
        session.method.model.encode(moving, train.inputs[moving]).detach().double().numpy().mean(0)
    )
    session.advance(steps=1)
    expected = np.linalg.inv(np.eye(12) + np.outer(mean, mean) / 0.5)
    np.testing.assert_allclose(session.method.hgm.P, expected, atol=1e-4)


def with_missing_parts(missing: float) -> MultimodalDataset:
    source = torch.Generator().manual_seed(1)

    def side(name: str, n: int) -> Split:
        labels = torch.arange(n) % 3
        inputs = {m: torch.randn(n, 4, generator=source) + labels[:, None] for m in ("a", "b")}
        split = Split.complete(name, inputs, labels)
        split.present.copy_(torch.rand(2, n, generator=source) >= missing)
        for row, x in enumerate(inputs.values()):
            x[~split.present[row]] = 0.0
        return split

    splits = {name: side(name, 40) for name in ("train", "val", "test")}
    return MultimodalDataset("gaps", [Modality(m, "vector", (4,)) for m in "ab"], "xyz", splits)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("projection", ["gradient", "update"])
def test_every_variant_trains_and_records_stay_finite(variant, projection, tiny):
    session = TrainingSession(tiny(head_gradient=variant, projection=projection, epochs=3))
    records = list(session)
    assert len(records) == 27
    for record in records:
        numbers = (record.loss, record.gradient_norm, record.projected_norm, record.angle)
        assert all(math.isfinite(number) for number in numbers)
        assert record.modality not in record.forgetting
    assert [record.plasticity for record in records[-1:]] != [1.0] or not session.method.hgm.active


@pytest.mark.parametrize("variant", ["paper", "off", "additive"])
def test_training_lowers_the_loss(variant, tiny):
    options = {"noise": [0.3] * 3, "sizes": [200, 60, 20]}
    config = tiny(head_gradient=variant, dataset_options=options, epochs=4, alpha=1.0)
    records = list(TrainingSession(config))
    first, last = records[:6], records[-6:]
    assert np.mean([r.loss for r in last]) < 0.7 * np.mean([r.loss for r in first])


def test_one_modality_alone_trains_and_forgets_nothing(tiny):
    session = TrainingSession(tiny(dataset_options={"modalities": 1}))
    records = list(session)
    assert {record.modality for record in records} == {"m0"}
    assert all(record.forgetting == {} for record in records)
    evaluation = session.evaluate("test")
    assert evaluation.unimodal_accuracy["m0"] == evaluation.accuracy
    assert torch.equal(evaluation.fused, evaluation.logits[0])


@pytest.mark.parametrize("variant", ["paper", "dataset_mean"])
@pytest.mark.parametrize("pairing", ["paired", "independent"])
def test_samples_with_missing_parts_train(variant, pairing, tiny):
    data = with_missing_parts(0.4)
    session = TrainingSession(tiny(head_gradient=variant, pairing=pairing), data)
    records = list(session)
    train = data.split("train")
    if pairing == "paired":
        walked = {m: sum(r.samples for r in records if r.modality == m) for m in "ab"}
        assert walked == {m: 2 * len(train.samples_of(m)) for m in "ab"}  # in two epochs
    evaluation = session.evaluate("test")
    assert (evaluation.weights[~evaluation.present] == 0).all()
    assert torch.isfinite(evaluation.fused).all()
    assert (evaluation.fused[evaluation.unanswered] == 0).all()
    assert evaluation.unanswered.any()


def test_modalities_with_their_own_samples_train_independently(tiny):
    source = torch.Generator().manual_seed(0)
    sizes = {"a": 50, "b": 20}
    labels = {m: torch.arange(n) % 3 for m, n in sizes.items()}
    inputs = {m: torch.randn(n, 4, generator=source) for m, n in sizes.items()}
    splits = {s: Split.unpaired(s, inputs, labels) for s in ("train", "val", "test")}
    data = MultimodalDataset("apart", [Modality(m, "vector", (4,)) for m in "ab"], "xyz", splits)
    records = list(TrainingSession(tiny(pairing="independent", epochs=1), data))
    assert [record.modality for record in records] == ["a", "b"] * 4
    with pytest.raises(ConfigError, match="pairing='independent'"):
        TrainingSession(tiny(), data)


def test_a_network_that_is_broken_raises_and_stays_as_it_was(tiny, bits):
    session = TrainingSession(tiny(evaluate_every=100))
    session.advance(steps=1)
    with torch.no_grad():
        next(session.method.model.encoders["m1"].parameters())[0] = torch.nan
    before = bits(session.method.state_dict())
    first = session.data.split("train").ids[int(session._place.plan[1].indices[0])]
    with pytest.raises(
        TrainingDivergedError, match=rf"sub-step 2 .*modality m1.*loss is nan.*{first}"
    ):
        session.advance(steps=1)
    assert bits(session.method.state_dict()) == before
    assert (session.step, len(session.history.steps)) == (1, 1)


@pytest.mark.parametrize("optimizer", [SGD, ADAMW], ids=["sgd", "adamw"])
@pytest.mark.parametrize("rate", [1e12, 1e36])
def test_a_learning_rate_far_too_large_raises_before_anything_moves(optimizer, rate, tiny, bits):
    config = tiny(**(optimizer | {"learning_rate": rate}), evaluate_every=1000, epochs=50)
    session = TrainingSession(config)
    raised = None
    while raised is None and session.step < 200:
        before = bits(session.method.state_dict())
        step, moving = session.step, session.next_modality
        try:
            session.advance(steps=1)
        except TrainingDivergedError as error:
            raised = str(error)
    assert f"sub-step {step + 1} " in str(raised)
    assert f"modality {moving}" in str(raised)
    assert "smaller learning rate" in str(raised)
    assert bits(session.method.state_dict()) == before
    assert (session.step, session.next_modality) == (step, moving)


def test_a_new_variant_starts_p_afresh_and_a_new_alpha_keeps_it(tiny):
    session = TrainingSession(tiny())
    session.advance(steps=4)
    P = session.method.hgm.P.clone()
    session.reconfigure(alpha=0.7)
    assert torch.equal(session.method.hgm.P, P)
    assert session.method.hgm.alpha == 0.7
    session.reconfigure(head_gradient="paper_previous")
    assert torch.equal(session.method.hgm.P, torch.eye(12, dtype=torch.float64))


@pytest.mark.parametrize("order", ["cyclic", ["m2", "m0", "m1"]])
@pytest.mark.parametrize("reset", ["never", "epoch", "round"])
def test_p_spans_the_means_since_it_last_started_afresh(reset, order, tiny):
    session = TrainingSession(tiny(reset=reset, order=order, alpha=0.5, epochs=3))
    train, means = session.data.split("train"), []
    while not session.finished:
        every = {"never": math.inf, "epoch": session.steps_per_epoch, "round": 3}[reset]
        if session.step > 0 and session.step % every == 0:
            means.clear()
        batch = session._place.plan[session.step_in_epoch]
        model, x = session.method.model, train.inputs[batch.modality][batch.indices]
        z, head = model.encode(batch.modality, x), copy.deepcopy(model.head)
        if session.step > 0:  # eq. 3: plain at t = 0
            means.append(z.detach().double().numpy().mean(0))
        (record,) = session.advance(steps=1)
        total = np.eye(12) + sum((np.outer(h, h) for h in means), np.zeros((12, 12))) / 0.5
        P = np.linalg.inv(total)
        assert record.plasticity == pytest.approx(np.trace(P) / 12, rel=1e-4)
        loss = F.cross_entropy(head(z.detach()), train.labels[batch.indices])
        (plain,) = torch.autograd.grad(loss, head.weight)
        norm = np.linalg.norm(plain.double().numpy() @ P)
        assert record.projected_norm == pytest.approx(norm, rel=1e-3)


@pytest.mark.parametrize("rule", ["entropy", "uniform", "released_batch"])
def test_the_fused_prediction_is_the_weighted_sum_of_each_modalitys_logits(rule, tiny):
    session = TrainingSession(tiny(fusion=rule))
    session.advance(epochs=1)
    evaluation = session.evaluate("val")
    model, split = session.method.model, session.data.split("val")
    with torch.no_grad():
        logits = torch.stack([model.head(model.encode(m, x)) for m, x in split.inputs.items()])
    torch.testing.assert_close(evaluation.logits, logits)
    expected = sum(w[:, None] * z for w, z in zip(evaluation.weights, logits, strict=True))
    torch.testing.assert_close(evaluation.fused, expected)


def test_a_reset_per_round_needs_no_fixed_order(tiny):
    config = tiny(order=["m0", "m1", "m2", "m1"], reset="round", head_gradient="paper")
    session = TrainingSession(config)
    plasticity = [record.plasticity for record in session.advance(steps=8)]
    # m0 plain, m1, m2 | m1 again: afresh, m0, | m1: afresh, m2 | m1
    assert plasticity[3] > plasticity[2]
    assert plasticity[5] > plasticity[4]
    assert plasticity[7] > plasticity[6]
