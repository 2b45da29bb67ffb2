"""FiLM and bilinear gates against their formulas in numpy."""

import numpy as np
import pytest
import torch
from scipy.special import expit

from mla_core import TrainingSession


def affine(layer: torch.nn.Linear, z: np.ndarray) -> np.ndarray:
    return layer.weight.detach().double().numpy() @ z + layer.bias.detach().double().numpy()


def film(head, z: list[np.ndarray]) -> np.ndarray:
    both = affine(head.condition, np.concatenate(z[:-1]))
    gamma, beta = both[: len(z[-1])], both[len(z[-1]) :]
    return affine(head.out, gamma * z[-1] + beta)


def bigated(head, z: list[np.ndarray]) -> np.ndarray:
    value = affine(head.value, z[-1])
    for gate, other in zip(head.gates, z[:-1], strict=True):
        value = value * expit(affine(gate, other))
    return affine(head.out, value)


FORMULAS = {"film": film, "bigated": bigated}


@pytest.fixture(params=FORMULAS)
def method(request) -> str:
    return request.param


@pytest.mark.parametrize("modalities", [2, 3, 4])
def test_the_fused_logits_follow_the_formula(method, modalities, tiny):
    session = TrainingSession(
        tiny(method=method, dataset_options={"modalities": modalities}, missing={"val": 0.3})
    )
    session.advance(epochs=1)
    evaluation, head = session.evaluate("val"), session.method.model.head
    answered = ~evaluation.unanswered
    features = evaluation.features.double().numpy()  # zero where absent
    for i in answered.nonzero().flatten().tolist():
        z = list(features[:, i])
        np.testing.assert_allclose(evaluation.fused[i], FORMULAS[method](head, z), atol=1e-5)
        for m in range(modalities):  # alone: the others' features are zero
            own = [x if j == m else np.zeros_like(x) for j, x in enumerate(z)]
            np.testing.assert_allclose(
                evaluation.logits[m, i], FORMULAS[method](head, own), atol=1e-5
            )


def test_every_encoder_and_every_layer_learns(method, tiny):
    session = TrainingSession(tiny(method=method, weight_decay=0.0))
    before = {k: v.clone() for k, v in session.method.model.state_dict().items()}
    session.advance(steps=3)
    for name, value in session.method.model.state_dict().items():
        assert not torch.equal(value, before[name]), name


def test_the_last_modality_alone_is_conditioned(method, tiny):
    """Where it is absent, film has its shift left and the gates have nothing to open for."""
    session = TrainingSession(tiny(method=method, dataset_options={"modalities": 2}))
    session.advance(epochs=1)
    head = session.method.model.head
    z = torch.randn(2, 5, 12, generator=torch.Generator().manual_seed(0))
    z[1] = 0
    with torch.no_grad():
        logits = head(z)
        if method == "film":
            beta = head.condition(z[0])[:, 12:]
            torch.testing.assert_close(logits, head.out(beta))
        else:
            value = head.value.bias * torch.sigmoid(head.gates[0](z[0]))
            torch.testing.assert_close(logits, head.out(value))
