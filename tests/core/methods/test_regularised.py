"""The terms of `regularised`, written out sample by sample."""

import math
from itertools import combinations, pairwise

import numpy as np
import pytest
import torch
from scipy.special import log_softmax, logsumexp, softmax
from torch.nn import functional as F

from mla_core import TrainingSession
from mla_core.methods.regularised import distillation


def test_mimo_is_a_soft_maximum_of_the_modalities_losses(first_step):
    step = first_step("regularised", term="mimo", strength=0.5, temperature=0.25)
    losses = torch.stack([F.cross_entropy(x, step.labels) for x in step.slices(1 / 3)])
    term = 0.25 * (losses / 0.25).exp().sum().log()
    assert term > losses.max()
    step.expect(step.gradient(step.fused() + 0.5 * term))


@pytest.mark.parametrize("seed", range(4))
def test_distillation_is_as_written_out(seed):
    rng = np.random.default_rng(seed)
    m, n, c = 3, 5, 4
    logits, labels = rng.normal(size=(m, n, c)) * 2, rng.integers(0, c, n)
    present = rng.random((m, n)) < 0.8
    p, means = softmax(logits, -1), []
    for a, b in combinations(range(m), 2):
        terms = []
        for i in np.flatnonzero(present[a] & present[b]):
            strong, weak = (a, b) if p[a, i, labels[i]] >= p[b, i, labels[i]] else (b, a)
            kl = sum(p[strong, i] * np.log(p[strong, i] / p[weak, i]))
            apart = sum((logits[a, i] - logits[b, i]) ** 2) / c
            right = any(p[k, i].argmax() == labels[i] for k in (a, b))
            w = abs(p[a, i, labels[i]] - p[b, i, labels[i]]) if right else 0.0
            terms.append(w * (kl + apart))
        if terms:
            means.append(np.mean(terms))
    measured = distillation(*map(torch.tensor, (logits, labels, present)))
    assert float(measured) == pytest.approx(np.mean(means))


def test_distillation_comes_with_every_modalitys_own_loss(first_step):
    step = first_step("regularised", term="mbsd", strength=2.0)
    logits = torch.stack(step.slices(1 / 3))
    own = sum(F.cross_entropy(x, step.labels) for x in logits)
    term = own + distillation(logits, step.labels, torch.ones(logits.shape[:2]).bool())
    step.expect(step.gradient(step.fused() + 2 * term))


def confidence(head, features, kept):
    """Return the largest probability of each sample from the modalities kept, one at a time."""
    W, b = head.weight.detach().double().numpy(), head.bias.detach().double().numpy()
    s = features.shape[2]
    z = [
        b + sum(W[:, m * s : (m + 1) * s] @ f[m] for m in kept) for f in features.transpose(1, 0, 2)
    ]
    return softmax(np.array(z), -1).max(-1)


def test_cml_charges_what_confidence_grows_by_without_a_modality(tiny):
    method = TrainingSession(tiny(method="regularised", method_options={"term": "cml"})).method
    features = torch.randn(3, 6, 12, generator=torch.Generator().manual_seed(1)) * 3
    everything = torch.ones(3, 6).bool()
    measured = method._growing_confidence(features, everything, [2, 0, 1])
    f = features.double().numpy()
    chain = [confidence(method.model.head, f, kept) for kept in ([0, 1, 2], [0, 1], [1])]
    steps = [np.maximum(0, b - a).mean() for a, b in pairwise(chain)]
    assert float(measured.detach()) == pytest.approx(np.mean(steps), abs=1e-5)
    assert np.mean(steps) > 0
    only = torch.zeros(3, 6).bool()
    only[1] = True  # nothing can be taken from those who have one part alone
    assert float(method._growing_confidence(features, only, [1, 0, 2]).detach()) == 0


def test_mmcosine_has_cosines_for_logits(tiny):
    options = {"logits": "cosine", "strength": 0.0, "scale": 7.0}
    session = TrainingSession(tiny(method="regularised", method_options=options))
    loss = session.advance(steps=1)[0].loss
    before = TrainingSession(session.config).method
    train = session.data.split("train")
    batch = before.plan(train, 0)[0].indices
    total, W = 0.0, before.model.head.weight.detach().double().numpy()
    for m, (name, x) in enumerate(train.inputs.items()):
        z = before.model.encode(name, x[batch]).detach().double().numpy()
        w = W[:, 12 * m : 12 * (m + 1)]
        norms = np.linalg.norm(z, axis=1)[:, None] * np.linalg.norm(w, axis=1)
        total = total + 7 * (z @ w.T) / norms
    labels = train.labels[batch].numpy()
    logs = log_softmax(total, -1)[np.arange(len(labels)), labels]
    assert loss == pytest.approx(-logs.mean(), rel=1e-5)


@pytest.mark.parametrize("term", ["mimo", "mbsd", "cml"])
def test_without_strength_it_is_concat(term, is_same_run):
    is_same_run("regularised", {"term": term, "strength": 0.0}, "concat")


@pytest.mark.parametrize("options", [{"term": "mbsd"}, {"term": "cml"}, {"logits": "cosine"}])
def test_every_term_learns_from_data_with_gaps_and_is_restored(options, tiny, bits):
    config = tiny(method="regularised", method_options=options, missing={"train": 0.4})
    session = TrainingSession(config)
    session.advance(steps=2)
    twin = session.fork()
    assert session.advance(epochs=2) == twin.advance(epochs=2)
    assert bits(session.method.state_dict()) == bits(twin.method.state_dict())
    assert math.isfinite(float(logsumexp(session.evaluate("val").fused.numpy())))
