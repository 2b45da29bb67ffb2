"""OGM-GE against the formulas of its paper, written out (Peng et al., CVPR 2022, eq. 7 to 11)."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import softmax
from torch.nn import functional as F

from mla_core import Modality, MultimodalDataset, Split, TrainingSession
from mla_core.methods.ogm_ge import modulation


def of_two(ratio: float, strength: float) -> tuple[float, float]:
    """Return the paper's two coefficients for ``ratio = s_a / s_b``."""
    if ratio > 1:
        return 1 - math.tanh(strength * ratio), 1.0
    return 1.0, 1 - math.tanh(strength / ratio) if ratio < 1 else 1.0


def logits_with(p: float) -> list[float]:
    """Give the right class, the first of two, this probability."""
    return [math.log(p / (1 - p)), 0.0]


@pytest.mark.parametrize("strength", [0.1, 0.3, 1.0])
@pytest.mark.parametrize(
    ("a", "b"), [(0.9, 0.3), (0.3, 0.9), (0.5, 0.5), (0.99, 0.01), (0.51, 0.5)]
)
def test_of_two_modalities_the_leader_is_slowed_as_published(a, b, strength):
    logits = torch.tensor([[logits_with(a)], [logits_with(b)]])
    factors = modulation(logits, torch.tensor([0]), torch.ones(2, 1).bool(), strength)
    assert factors.tolist() == pytest.approx(of_two(a / b, strength), abs=1e-5)


@settings(deadline=None, max_examples=60)
@given(m=st.integers(2, 4), n=st.integers(1, 8), c=st.integers(2, 5), seed=st.integers(0, 999))
def test_of_more_modalities_the_ratios_to_the_others_are_averaged(m, n, c, seed):
    rng = np.random.default_rng(seed)
    logits, labels = rng.normal(size=(m, n, c)) * 2, rng.integers(0, c, n)
    present = rng.random((m, n)) < 0.7
    present[:, 0] = True
    scores = [
        np.mean([softmax(logits[k, i])[labels[i]] for i in range(n) if present[k, i]])
        for k in range(m)
    ]
    expected = []
    for k in range(m):
        ratio = np.mean([scores[k] / scores[j] for j in range(m) if j != k])
        expected.append(1 - math.tanh(0.4 * ratio) if ratio > 1 else 1.0)
    measured = modulation(*map(torch.tensor, (logits, labels, present)), 0.4)
    np.testing.assert_allclose(measured, expected, atol=1e-9)


def test_nobody_is_slowed_where_nothing_can_be_compared():
    present = torch.tensor([[True, True], [False, False]])
    factors = modulation(torch.randn(2, 2, 3), torch.tensor([0, 1]), present, 0.5)
    assert factors.tolist() == [1.0, 1.0]


def first_step(tiny, **options) -> tuple[TrainingSession, dict[str, torch.Tensor]]:
    """Return a session after one step, and its weights before it."""
    config = tiny(method="ogm_ge", method_options=options, weight_decay=0.0, learning_rate=0.1)
    session = TrainingSession(config)
    before = {k: v.clone() for k, v in session.method.model.state_dict().items()}
    session.advance(steps=1)
    return session, before


def test_one_step_multiplies_the_encoders_gradients_and_no_others(tiny):
    session, before = first_step(tiny, strength=0.7, noise=False)
    train = session.data.split("train")
    batch = session.method.plan(train, 0)[0]
    labels = train.labels[batch.indices]
    model = TrainingSession(session.config).method.model  # as before the step
    z = [model.encode(m, x[batch.indices]) for m, x in train.inputs.items()]
    loss = F.cross_entropy(model.head(torch.cat(z, 1)), labels)
    names, parameters = zip(*model.named_parameters(), strict=True)
    gradients = dict(zip(names, torch.autograd.grad(loss, parameters), strict=True))
    scores = []
    for m in range(3):  # W_m z_m + b / M, eq. 6
        W = model.head.weight[:, 12 * m : 12 * (m + 1)]
        p = torch.softmax(z[m] @ W.T + model.head.bias / 3, 1)
        scores.append(float(p[range(len(labels)), labels].sum().detach()))
    factors = {}
    for m in range(3):
        ratio = sum(scores[m] / scores[j] for j in range(3) if j != m) / 2
        factors[f"m{m}"] = 1 - math.tanh(0.7 * ratio) if ratio > 1 else 1.0
    assert 1 <= sum(factor < 1 for factor in factors.values()) < 3
    for name, gradient in gradients.items():
        factor = factors[name.split(".")[1]] if name.startswith("encoders") else 1.0
        expected = before[name] - 0.1 * factor * gradient
        torch.testing.assert_close(session.method.model.state_dict()[name], expected)


def test_noise_is_as_wide_as_each_parameters_own_gradient(tiny):
    noisy, before = first_step(tiny, noise=True)
    plain, _ = first_step(tiny, noise=False)
    session, _ = first_step(tiny, noise=False, until=0.0)  # the gradients themselves
    one, two, still = (s.method.model.state_dict() for s in (noisy, plain, session))
    scaled = []
    for name, weight in one.items():
        if name.startswith("head"):
            assert torch.equal(weight, two[name])
            continue
        spread = float((still[name] - before[name]).std(correction=0)) / 0.1
        scaled.append(((two[name] - weight) / 0.1 / spread).flatten())
    drawn = torch.cat(scaled)
    assert len(drawn) > 1000
    assert abs(float(drawn.mean())) < 5 / len(drawn) ** 0.5
    assert float(drawn.std()) == pytest.approx(1, abs=5 / (2 * len(drawn)) ** 0.5)


def test_every_step_draws_other_noise(tiny):
    quiet = TrainingSession(tiny(method="ogm_ge", method_options={"noise": False}))
    steps = []
    for step in (0, 1):
        session = TrainingSession(quiet.config.replace(method_options={"noise": True}))
        session.restore(replace(session.snapshot(), step=step))
        session.advance(steps=1)
        steps.append(session.method.model.encoders["m0"].layers[1].weight.detach().clone())
    assert not torch.equal(*steps)


def test_outside_its_share_of_the_run_it_is_concat_bit_for_bit(tiny, bits):
    concat = TrainingSession(tiny(method="concat", epochs=4))
    list(concat)
    never = TrainingSession(tiny(method="ogm_ge", method_options={"until": 0.0}, epochs=4))
    assert list(never) == concat.history.steps
    assert bits(never.method.state_dict()) == bits(concat.method.state_dict())
    half = TrainingSession(tiny(method="ogm_ge", epochs=4))
    half.advance(epochs=2)
    plain = TrainingSession(tiny(method="concat", epochs=4))
    plain.restore(replace(half.snapshot(), config=plain.config))
    assert list(half) == list(plain)
    assert bits(half.method.state_dict()) == bits(plain.method.state_dict())


def test_padding_stays_as_it_was(tiny):
    """Its row gets no gradient, so noise would be all that it learns."""
    codes = torch.tensor([[1, 2, 0, 0], [3, 1, 2, 0], [2, 2, 0, 0]]).repeat(8, 1)
    labels = torch.arange(24) % 3
    inputs = {"t": codes, "x": torch.randn(24, 3, generator=torch.Generator().manual_seed(0))}
    splits = {s: Split.complete(s, inputs, labels) for s in ("train", "val", "test")}
    modalities = [Modality("t", "characters", (4,), "abc"), Modality("x", "vector", (3,))]
    data = MultimodalDataset("padded", modalities, "pqr", splits)
    session = TrainingSession(tiny(method="ogm_ge", weight_decay=0.0), data)
    before = session.method.model.encoders["t"].embedding.weight.detach().clone()
    session.advance(epochs=1)
    after = session.method.model.encoders["t"].embedding.weight.detach()
    assert torch.equal(after[0], before[0])
    assert (after[1:] != before[1:]).all()
