"""What holds for every method, whoever it is, and which methods are each other's special cases."""

from dataclasses import replace
from functools import cache

import pytest
import torch

from mla_core import ConfigError, MultimodalDataset, TrainingDivergedError, TrainingSession
from mla_core.catalogue import METHODS, method_class
from mla_core.methods.base import Method, Prediction

JOINT = [name for name in METHODS if not method_class(name).one_at_a_time]
AT_LEAST_TWO = [name for name in METHODS if method_class(name).least_modalities == 2]
MANY = [name for name in METHODS if name != "unimodal"]
EASY = {  # and nobody looks on the way
    "dataset_options": {"noise": [0.3] * 3, "sizes": [200, 60, 60]},
    "evaluate_every": 0,
}
ADAMW = {"optimizer": "adamw", "learning_rate": 0.01, "weight_decay": 0.1}


def trained(config, data=None, epochs=1) -> TrainingSession:
    session = TrainingSession(config, data)
    session.advance(epochs=epochs)
    return session


def predict(session: TrainingSession, split) -> Prediction:
    return session.method.predict(split)


def with_splits(data: MultimodalDataset, change) -> MultimodalDataset:
    splits = {side: change(data.split(side)) for side in ("train", "val", "test")}
    return data.replaced(list(data.modalities.values()), splits)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("missing", [0.0, 0.5])
def test_a_prediction_has_features_logits_weights_and_fused_logits(method, missing, of, make_data):
    session = trained(of(method, first="a"), make_data(missing=missing))
    split = session.data.split("val")
    prediction = predict(session, split)
    m, n, c, s = len(session.data.modalities), len(split), 3, 12
    assert prediction.features.shape == (m, n, s)
    assert prediction.logits.shape == (m, n, c)
    assert prediction.weights.shape == (m, n)
    assert prediction.fused.shape == (n, c)
    for x in (prediction.features, prediction.logits, prediction.weights, prediction.fused):
        assert torch.isfinite(x).all()
        assert not x.requires_grad
    torch.testing.assert_close(prediction.weights.sum(0), split.present.any(0).float())
    assert (prediction.weights[~split.present] == 0).all()


@pytest.mark.parametrize("method", METHODS)
def test_every_method_learns(method, of):
    session = TrainingSession(of(method, epochs=5, **EASY))
    records = list(session)
    assert records[-1].loss < 0.5 * records[0].loss
    assert session.evaluate("test").accuracy > 0.8


@pytest.mark.parametrize("method", METHODS)
def test_a_prediction_depends_on_the_sample_alone(method, of, make_data):
    session = trained(of(method, first="a"), make_data(missing=0.4))
    split = session.data.split("val")
    whole = predict(session, split)
    order = torch.randperm(len(split), generator=torch.Generator().manual_seed(1))
    for chosen in (order, torch.arange(7), torch.tensor([4])):
        part = predict(session, split.subset(chosen))
        for name in ("features", "logits", "weights"):
            one, two = getattr(part, name), getattr(whole, name)[:, chosen]
            torch.testing.assert_close(one, two, rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(part.fused, whole.fused[chosen], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_what_stands_where_a_part_is_absent_never_matters(method, of, make_data, bits):
    sessions = []
    for filler in (0.0, 1e3):
        session = TrainingSession(of(method, first="a"), make_data(missing=0.4))
        for side in ("train", "val", "test"):
            split = session.data.split(side)
            for row, x in enumerate(split.inputs.values()):
                x[~split.present[row]] = filler
        session.advance(epochs=2)
        sessions.append(session)
    clean, dirty = sessions
    assert clean.history.steps == dirty.history.steps
    assert clean.history.summaries[1:] == dirty.history.summaries[1:]
    assert bits(clean.method.state_dict()) == bits(dirty.method.state_dict())
    one, two = (session.evaluate("test") for session in sessions)
    assert torch.equal(one.fused, two.fused)
    assert torch.equal(one.weights, two.weights)
    assert torch.equal(one.logits[one.present], two.logits[two.present])


@pytest.mark.parametrize("method", METHODS)
def test_a_sample_without_any_part_is_uniform_and_teaches_nothing(method, of, make_data):
    data = make_data(missing=0.6)
    session = TrainingSession(of(method, first="a"), data)
    seen = {i for batch in session._place.plan for i in batch.indices.tolist()}
    lost = (~session.data.split("train").present.any(0)).nonzero().flatten().tolist()
    assert lost
    assert not seen & set(lost)
    session.advance(epochs=1)
    evaluation = session.evaluate("test")
    assert evaluation.unanswered.any()
    assert (evaluation.fused[evaluation.unanswered] == 0).all()


@pytest.mark.parametrize("method", JOINT)
def test_absent_as_zeros_is_complete_data_that_holds_zeros(method, tiny, make_data, bits):
    def nobody_empty(split):
        present = split.present.clone()
        present[0] |= ~present.any(0)
        return replace(split, present=present)

    def complete(split):
        return replace(split, present=torch.ones_like(split.present))

    gaps = with_splits(make_data(missing=0.4), nobody_empty)
    zeros = trained(tiny(method=method, method_options={"absent": "zeros"}), gaps)
    left_out = trained(tiny(method=method), with_splits(gaps, complete))
    assert bits(zeros.method.state_dict()) == bits(left_out.method.state_dict())
    assert torch.equal(zeros.evaluate("val").fused, left_out.evaluate("val").fused)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_trains_on_frozen_features(method, of):
    session = TrainingSession(of(method, encoder="none", epochs=6, **EASY))
    list(session)
    assert not list(session.method.model.encoders.parameters())
    assert session.evaluate("test").accuracy > 0.8


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("rate", [1e12, 1e36])
def test_a_refused_step_has_updated_nothing(method, rate, of, bits):
    config = of(method, learning_rate=rate, evaluate_every=1000, epochs=50)
    session, raised = TrainingSession(config), False
    while not raised and session.step < 140:
        before = bits(session.method.state_dict())
        try:
            session.advance(steps=1)
        except TrainingDivergedError:
            raised = True
    assert raised
    assert bits(session.method.state_dict()) == before
    assert session.step == len(session.history.steps)


@pytest.mark.parametrize("method", METHODS)
def test_one_modality_alone_is_trained_or_refused(method, tiny):
    config = tiny(method=method, dataset_options={"modalities": 1})
    if method in AT_LEAST_TWO:
        with pytest.raises(ConfigError, match=rf"'{method}' needs at least 2 modalities.*'m0'"):
            TrainingSession(config)
        return
    session = trained(config)
    evaluation = session.evaluate("val")
    assert evaluation.accuracy == evaluation.unimodal_accuracy["m0"]
    assert set(session.history.summaries[-1].mean_weight.values()) == {1.0}


def test_unimodal_training_of_several_modalities_is_refused(tiny):
    with pytest.raises(ConfigError, match=r"\['m0', 'm1', 'm2'\].*modalities=\['m0'\]"):
        TrainingSession(tiny(method="unimodal"))


@pytest.mark.parametrize("method", METHODS)
def test_training_data_without_any_part_are_refused(method, of):
    with pytest.raises(ConfigError, match="no training sample has the modality 'm0': nor any"):
        TrainingSession(of(method, missing={"train": 1.0}))


@pytest.mark.parametrize("method", MANY)
def test_a_modality_that_nobody_has_is_refused_before_it_is_fused_untrained(method, of):
    hint = r"no training sample has the modality 'm1': leave it out with modalities=\['m0', 'm2'\]"
    with pytest.raises(ConfigError, match=hint):
        TrainingSession(of(method, missing={"train": {"m1": 1.0}}))


SETTINGS = {
    "fusion": "uniform",
    "order": ["m2", "m1", "m0"],
    "pairing": "independent",
    "head_gradient": "off",
    "alpha": 7.0,
    "alpha_schedule": "run_decay",
    "reset": "round",
    "projection": "update",
}


@pytest.fixture(scope="module")
def plainly(tiny):
    """Give a function that trains a method with no setting changed, once."""
    return cache(lambda method: trained(tiny(method=method)))


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("method", MANY)
def test_a_method_obeys_the_settings_that_it_says_it_uses_and_no_others(
    method, setting, tiny, plainly, bits
):
    plain = plainly(method)
    other = trained(tiny(method=method, **{setting: SETTINGS[setting]}))
    tensors = [s.method.state_dict() | {"fused": s.evaluate("val").fused} for s in (plain, other)]
    used = setting in method_class(method).uses
    if (
        method in {"ensemble", "remix", "udi"} and setting == "order"
    ):  # what is not shared has no order
        used = False
    assert (bits(tensors[0]) != bits(tensors[1])) == used


@pytest.mark.parametrize("method", METHODS)
def test_what_a_method_says_about_itself_is_true(method, of):
    cls = method_class(method)
    assert issubclass(cls, Method)
    session = trained(of(method))
    assert (session.history.steps[0].modality is not None) == cls.one_at_a_time
    evaluation, head = session.evaluate("val"), session.method.model.head
    if cls.weighs:  # by shares, but for a factor per sample: answers are the same
        weighed = (evaluation.weights[..., None] * evaluation.logits).sum(0)
        cosine = torch.cosine_similarity(weighed, evaluation.fused, dim=-1)
        torch.testing.assert_close(cosine, torch.ones_like(cosine))
    if cls.head == "shared" and method != "aug":  # which adds up what it says of several features
        for z, logits in zip(evaluation.features, evaluation.logits, strict=True):
            torch.testing.assert_close(head(z).detach(), logits)
    elif cls.head == "own":
        weights = [own.weight for own in head.each.values()]
        assert not any(torch.equal(weights[0], other) for other in weights[1:])
        torch.testing.assert_close(head(evaluation.features).detach(), evaluation.logits)


def test_an_unknown_method_is_named_with_the_known_ones():
    with pytest.raises(ConfigError, match=r"unknown method 'late'.*'mla', .*'qmf'"):
        method_class("late")


# ------------------------------------------------------------------- methods beside one another


@pytest.mark.parametrize("missing", [{}, {"train": 0.5, "val": 0.5}], ids=["complete", "missing"])
@pytest.mark.parametrize("changes", [{}, ADAMW], ids=["sgd", "adamw"])
def test_the_ensembles_networks_are_unimodal_runs_bit_for_bit(missing, changes, tiny, bits):
    both = {"missing": missing, **changes}
    ensemble = trained(tiny(method="ensemble", **both), epochs=2)
    state, evaluation = ensemble.method.model.state_dict(), ensemble.evaluate("val")
    for m, name in enumerate(ensemble.data.modalities):
        alone = trained(tiny(method="unimodal", modalities=[name], **both), epochs=2)
        own = alone.method.model.state_dict()
        assert own
        assert bits(own) == bits({key: state[key] for key in own})
        losses = [r.loss for r in ensemble.history.steps if r.modality == name]
        assert losses == [r.loss for r in alone.history.steps]
        assert torch.equal(alone.evaluate("val").logits[0], evaluation.logits[m])


@pytest.mark.parametrize(
    "changes",
    [
        {},
        ADAMW,
        {"missing": {"train": 0.5}},
        # In many of these batches nobody has a modality: then nothing may move its network.
        {"missing": {"train": 0.7}, "batch_size": 2, "weight_decay": 0.1},
        {"missing": {"train": 0.7}, "batch_size": 2, **ADAMW},
    ],
    ids=["sgd", "adamw", "missing", "sgd-rare", "adamw-rare"],
)
def test_late_fusion_trains_the_ensembles_networks(changes, tiny):
    sessions = [
        trained(tiny(method=method, fusion="uniform", **changes), epochs=2)
        for method in ("late_fusion", "ensemble")
    ]
    one, two = (session.method.model.state_dict() for session in sessions)
    torch.testing.assert_close(dict(one), dict(two), rtol=1e-3, atol=1e-4)
    one, two = (session.evaluate("val") for session in sessions)
    torch.testing.assert_close(one.fused, two.fused, rtol=1e-3, atol=1e-3)


def test_sum_is_one_head_of_the_summed_features(tiny, make_data):
    session = trained(tiny(method="sum"), make_data(missing=0.4))
    split, model = session.data.split("val"), session.method.model
    prediction = predict(session, split)
    with torch.no_grad():
        z = {m: model.encode(m, x) for m, x in split.inputs.items()}
        for i in split.present.any(0).nonzero().flatten().tolist():
            here = [z[m][i] for row, m in enumerate(z) if split.present[row, i]]
            fused = model.head.weight @ sum(here) + model.head.bias
            torch.testing.assert_close(prediction.fused[i], fused)
        for row, m in enumerate(z):
            own = model.head(z[m])[split.present[row]]
            torch.testing.assert_close(prediction.logits[row][split.present[row]], own)


def test_late_fusion_is_the_mean_over_those_present(tiny, make_data):
    session = trained(tiny(method="late_fusion"), make_data(missing=0.4))
    split = session.data.split("val")
    prediction = predict(session, split)
    for i in range(len(split)):
        here = split.present[:, i]
        if here.any():
            mean = prediction.logits[here, i].mean(0)
            torch.testing.assert_close(prediction.fused[i], mean)


def test_a_modality_that_nobody_in_a_batch_has_is_left_alone(tiny, make_data, bits):
    """Zero gradients would still move it, through momentum and weight decay."""
    for method in JOINT:
        data = make_data()
        session = TrainingSession(tiny(method=method, weight_decay=0.1), data)
        session.advance(steps=1)  # momentum has gathered
        data.split("train").present[1, session._place.plan[1].indices] = False
        before = bits(session.method.model.encoders["b"].state_dict())
        session.advance(steps=1)
        assert bits(session.method.model.encoders["b"].state_dict()) == before, method
