"""What the playground computes is what the core computes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from playwright.sync_api import Browser, Page

import mla_core as mla
from mla_core.methods import Alternating
from tests.browser.playground import ask, offline_page

STEPS = 300

FOLLOW = """
const layer = ({ weight, bias }) => Object.assign(new Layer(weight.length / bias.length, bias.length), {
  weight: Float64Array.from(weight), bias: Float64Array.from(bias),
});
const encoders = given.encoders.map((layers) => Object.assign(new Encoder(1, 1, 1), { layers: layers.map(layer) }));
const side = ({ inputs, labels, present }) => ({ inputs: inputs.map((x) => Float64Array.from(x)), labels, present });
const [train, val] = [side(given.train), side(given.val)];
const hgm = new HeadGradient(given.size, given.alpha, given.variant);
const head = layer(given.head);
const method = given.joint ? new Joint(encoders, head, given.joint, given.options)
                           : new Alternation(encoders, head, hgm, given.options);
const losses = [];
for (const epoch of given.epochs) {
  method.startEpoch?.(train);
  for (const [m, rows] of epoch) {
    losses.push(given.joint ? method.step(rows, train) : method.step(m, rows, train, losses.length));
  }
}
const features = encoders.map((encoder, m) => encoder.forward(val.inputs[m], val.labels.length)[1]);
const read = method.read(features, val.present, given.fusion);
const plain = ({ weight, bias }) => ({ weight: [...weight], bias: [...bias] });
return {
  losses, P: [...hgm.P], plasticity: hgm.plasticity, head: plain(head),
  encoders: encoders.map(({ layers }) => layers.map(plain)),
  logits: read.logits.map((one) => [...one]), fused: [...read.fused],
  weights: read.weights?.map((one) => [...one]),
};
"""


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    with offline_page(browser) as opened:
        yield opened


def plain(layer: Any) -> dict[str, list[float]]:
    return {key: value.flatten().tolist() for key, value in layer.state_dict().items()}


def handed_over(session: mla.TrainingSession) -> dict[str, Any]:
    """Return weights, data and batches of a session as plain numbers."""
    config, method, data = session.config, session.method, session.data
    names = list(data.modalities)

    def side(name: str) -> dict[str, Any]:
        split = data.split(name)
        return {
            "inputs": [split.inputs[one][:].flatten().tolist() for one in names],
            "labels": split.labels.tolist(),
            "present": split.present.tolist(),
        }

    epochs: list[list[Any]] = []
    while sum(map(len, epochs)) < STEPS:
        plan = method.plan(data.split("train"), len(epochs))
        turns = [(names.index(b.modality) if b.modality else 0, b.indices.tolist()) for b in plan]
        epochs.append(turns[: STEPS - sum(map(len, epochs))])
    return weights_of(method) | {
        "train": side("train"),
        "val": side("val"),
        "epochs": epochs,
        "size": config.feature_size,
        "alpha": config.alpha,
        "variant": config.head_gradient,
        "fusion": config.fusion,
        "joint": config.method if config.method != "mla" else "",
        "options": {
            "rate": config.learning_rate,
            "momentum": config.momentum,
            "decay": config.weight_decay,
        },
    }


def weights_of(method: Any) -> dict[str, Any]:
    encoders = [
        [plain(layer) for layer in encoder.modules() if isinstance(layer, torch.nn.Linear)]
        for encoder in method.model.encoders.values()
    ]
    return {"encoders": encoders, "head": plain(method.model.head)}


def numbers(value: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return all numbers of a nested thing in a row."""
    if isinstance(value, dict):
        value = [value[key] for key in sorted(value)]
    if isinstance(value, list):
        return np.concatenate([numbers(one) for one in value])
    return np.array([value], dtype=np.float64)


@pytest.mark.parametrize(
    ("variant", "missing"),
    [
        ({"head_gradient": "off", "fusion": "uniform"}, 0.4),
        ({"head_gradient": "paper"}, 0.0),
        ({"head_gradient": "paper_previous", "alpha": 1.0}, 0.4),
        ({"head_gradient": "dataset_mean"}, 0.4),
        ({"method": "sum"}, 0.4),
        ({"method": "concat"}, 0.4),
    ],
    ids=str,
)
def test_it_computes_what_the_core_computes(
    page: Page, variant: dict[str, Any], missing: float
) -> None:
    config = mla.ExperimentConfig(
        dataset="gaussian",
        dataset_options={"classes": 3, "dim": 4, "sizes": [320, 30, 30]},
        missing={"train": missing, "val": missing},
        epochs=200,
        learning_rate=0.01,  # float32 and float64 part at a ReLU's kink, and more so in large steps
        batch_size=32,
        feature_size=16,
        evaluate_every=0,
        **variant,
    )
    session = mla.TrainingSession(config)
    given = handed_over(session)
    records = session.advance(steps=STEPS)
    theirs = session.evaluate("val")

    ours = ask(page, FOLLOW, given)

    def near(a: Any, b: Any) -> None:
        np.testing.assert_allclose(numbers(a), numbers(b), rtol=0, atol=1e-4)

    near(ours["losses"], [record.loss for record in records])
    near({key: ours[key] for key in ("encoders", "head")}, weights_of(session.method))
    present = session.data.split("val").present
    logits = torch.tensor(ours["logits"]).view(theirs.logits.shape)
    near(logits[present].tolist(), theirs.logits[present].tolist())
    some = present.any(0)
    fused = torch.tensor(ours["fused"]).view(theirs.fused.shape)
    near(fused[some].tolist(), theirs.fused[some].tolist())
    if isinstance(session.method, Alternating):
        near(ours["weights"], theirs.weights.tolist())
        near(ours["P"], session.method.hgm.P.flatten().tolist())
        near(ours["plasticity"], session.method.plasticity)
