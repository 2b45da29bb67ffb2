"""Averaged weights and fitted temperatures: what predicts, told by independent formulas."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from scipy.special import log_softmax

from mla_core import ConfigError, TrainingSession, run_experiment
from mla_core.evaluation import LIVE
from mla_core.runs import trained

RECIPE = {
    "averaging": 1.5,
    "temperature": "fitted",
    "fusion": "product",
    "stopping": "best_nll",
    "learning_rate": 0.2,
}
NOISY = {"noise": [1.5] * 3, "sizes": [60, 40, 30]}


def weights_of(model) -> dict[str, np.ndarray]:
    return {name: p.detach().double().numpy().copy() for name, p in model.named_parameters()}


def averaged_by_hand(session: TrainingSession, horizon: float, round_of: int):
    """Take all sub-steps one by one and average as the docstring says."""
    mean, taken = weights_of(session.method.model), 0
    while not session.finished:
        index, length = session.step_in_epoch + 1, session.steps_per_epoch
        session.advance(steps=1)
        if index % round_of and index != length:
            continue
        d = min(1 - round_of / (horizon * length), (1 + taken) / (10 + taken))
        now = weights_of(session.method.model)
        mean = {name: d * mean[name] + (1 - d) * now[name] for name in mean}
        taken += 1
    return mean


@pytest.mark.parametrize(
    ("method", "settings", "round_of"),
    [
        ("mla", {}, 3),
        ("mla", {"order": ["m0", "m0", "m1", "m2"]}, 3),
        ("ensemble", {"missing": {"train": 0.4}}, 3),
        ("concat", {}, 1),
    ],
)
def test_the_mean_is_that_of_the_formula(method, settings, round_of, tiny):
    config = tiny(method=method, epochs=3, averaging=0.7, **settings)
    session = TrainingSession(config)
    mean = averaged_by_hand(session, 0.7, round_of)
    found = weights_of(session.method.predictor.model)
    for name, x in mean.items():
        np.testing.assert_allclose(found[name], x, atol=1e-6)
    live = weights_of(session.method.model)
    assert any(np.abs(live[name] - x).max() > 1e-3 for name, x in mean.items())


@pytest.mark.parametrize("method", ["mla", "late_fusion", "concat"])
def test_nothing_of_the_recipe_decides_how_training_goes(method, tiny):
    plain, whole = TrainingSession(tiny(method=method)), TrainingSession(
        tiny(method=method, **RECIPE | {"learning_rate": tiny().learning_rate})
    )  # fmt: skip
    assert plain.advance(epochs=2) == whole.advance(epochs=2)
    for name, x in plain.method.model.named_parameters():
        assert torch.equal(x, whole.method.model.get_parameter(name))


@pytest.mark.parametrize("method", ["mla", "late_fusion"])
def test_what_predicts_is_the_mean_and_the_live_weights_are_told_of(method, tiny):
    session = TrainingSession(tiny(method=method, averaging=1.0, fusion="uniform"))
    session.advance(epochs=2)
    twin = TrainingSession(tiny(method=method, fusion="uniform"))
    twin.advance(epochs=2)
    live = session.history.summaries[-1].numbers[LIVE]
    assert live == twin.history.latest.accuracy
    twin.method.model.load_state_dict(session.method.predictor.model.state_dict())
    assert torch.equal(twin.evaluate("test").logits, session.evaluate("test").logits)


def nll(z: np.ndarray, labels: np.ndarray, t: float) -> float:
    return float(-log_softmax(z / t, -1)[np.arange(len(labels)), labels].mean())


@pytest.mark.parametrize("method", ["mla", "late_fusion", "concat"])
def test_temperatures_fit_the_probe_set_best(method, tiny):
    settings = {"method": method, "dataset_options": NOISY, "missing": {"val": 0.3}}
    fitted = TrainingSession(tiny(**settings, temperature="fitted", learning_rate=0.2))
    plain = TrainingSession(tiny(**settings, learning_rate=0.2))
    fitted.advance(epochs=2)
    plain.advance(epochs=2)
    raw, look = plain.history.latest, fitted.history.latest
    for m, t in enumerate(fitted.method.model.temperature.tolist()):
        here = raw.present[m]
        z, labels = raw.logits[m][here].double().numpy(), raw.labels[here].numpy()
        best = min(nll(z, labels, s) for s in np.geomspace(0.01, 100, 400))
        assert nll(z, labels, t) == pytest.approx(best, abs=1e-4)
        torch.testing.assert_close(look.logits[m], raw.logits[m] / t)


def test_the_product_adds_up_calibrated_log_probabilities(tiny):
    session = TrainingSession(tiny(method="late_fusion", missing={"val": 0.5}, **RECIPE))
    session.advance(epochs=1)
    look = session.history.latest
    sure = log_softmax(look.logits.double().numpy(), -1) * look.present[..., None].numpy()
    np.testing.assert_allclose(look.fused.numpy(), sure.sum(0), atol=1e-4)
    assert (look.fused[look.unanswered] == 0).all()


def test_the_look_with_the_smallest_nll_is_reported(tiny):
    session = TrainingSession(tiny(**RECIPE | {"epochs": 6}, dataset_options=NOISY))
    list(session)
    found = [(s.numbers["nll"], s.step) for s in session.history.summaries if s.step > 0]
    assert session.best.step == min(found)[1]
    best = session.reported().evaluate(session.probe)
    mean = -log_softmax(best.fused.double().numpy(), -1)[range(len(best.ids)), best.labels].mean()
    assert mean == pytest.approx(min(found)[0], abs=1e-6)


@pytest.mark.parametrize("method", ["mla", "qmf", "concat"])
def test_a_loaded_run_predicts_as_it_was_reported(method, tiny, tmp_path):
    config = tiny(method=method, dataset_options=NOISY, **RECIPE)
    folder = run_experiment(config, tmp_path)
    session = TrainingSession(config)
    list(session)
    again, data = trained(folder)
    assert torch.equal(
        again.predict(data.split("test")).fused, session.reported().evaluate("test").fused
    )
    report = json.loads((folder / "metrics.json").read_text())
    saved = load_file(folder / "model.safetensors")["temperature"]
    assert list(report["temperature"].values()) == pytest.approx(saved.tolist())


def test_what_is_not_trained_is_shared(tiny):
    from mla_core.methods.averaging import AveragedWeights

    session = TrainingSession(tiny(averaging=1.0, temperature="fitted"))
    model = session.method.model
    frozen = model.encoders["m0"].requires_grad_(False)
    twin = AveragedWeights(model).model
    assert all(
        a is b for a, b in zip(twin.encoders["m0"].parameters(), frozen.parameters(), strict=True)
    )
    assert twin.head.weight is not model.head.weight
    assert twin.temperature is model.temperature


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"averaging": -1.0}, "averaging must be a number at least 0.0"),
        ({"averaging": "long"}, "averaging must be a number"),
        ({"temperature": 2.0}, "temperature"),
        ({"stopping": "nll"}, "best_nll"),
    ],
)
def test_bad_settings_are_named(settings, message, tiny):
    with pytest.raises(ConfigError, match=message):
        tiny(**settings)


def test_the_names_of_older_runs_stay(tiny):
    assert "averaging" not in tiny().naming()
    assert tiny(averaging=3.0).naming()["averaging"] == 3.0
