"""QMF against loops over samples and pairs (Zhang et al., ICML 2023)."""

import copy

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import log_softmax, logsumexp
from torch import nn
from torch.nn import functional as F

from mla_core import TrainingDivergedError, TrainingSession
from mla_core.methods.qmf import confidence, ranking_loss


def ranking_by_loop(u: list[float], k: list[float], sign: int = 1) -> float:
    """Walk the pairs: of two neighbours, the harder one must be less sure, by a margin of a sign."""
    n, total = len(u), 0.0
    for i in range(n):
        j = (i + 1) % n
        g = int(k[i] > k[j]) - int(k[i] < k[j])
        total += max(0.0, g * (u[i] - u[j]) + sign * abs(k[i] - k[j]))
    return total / n if n > 1 else 0.0


@settings(deadline=None, max_examples=60)
@given(
    n=st.integers(0, 9),
    seed=st.integers(0, 999),
    ties=st.booleans(),
    margin=st.sampled_from(["paper", "released"]),
)
def test_the_ranking_loss_equals_a_loop_over_neighbours(n, seed, ties, margin):
    rng = np.random.default_rng(seed)
    u, k = rng.random(n), rng.random(n)
    if ties:
        k = k.round()
    measured = ranking_loss(torch.tensor(u), torch.tensor(k), margin)
    expected = ranking_by_loop(u.tolist(), k.tolist(), 1 if margin == "paper" else -1)
    assert float(measured) == pytest.approx(expected, abs=1e-12)


def as_published(u: list[float], k: list[float]) -> float:
    """What torch's `MarginRankingLoss` makes of the arguments that the public code hands it."""
    first, hard = torch.tensor(u), torch.tensor(k)
    apart = hard - hard.roll(-1)
    target = torch.sign(apart)
    second = first.roll(-1) + apart.abs() / torch.where(target == 0, 1, target)
    return float(nn.MarginRankingLoss()(first, second, -target))


@pytest.mark.parametrize(
    ("u", "k", "paper", "released"),
    [
        ([0.5, 0.5], [0.0, 1.0], 1.0, 0.0),
        ([0.9, 0.1], [0.0, 1.0], 0.2, 0.0),
        ([0.1, 0.9], [0.0, 1.0], 1.8, 0.0),
        ([0.1, 0.9], [0.25, 0.75], 1.3, 0.3),
        ([0.1, 0.9], [0.5, 0.5], 0.0, 0.0),
    ],
)
def test_the_published_margin_has_the_opposite_sign(u, k, paper, released):
    said = {"paper": paper, "released": released}
    for margin, expected in said.items():
        measured = ranking_loss(torch.tensor(u), torch.tensor(k), margin)
        assert float(measured) == pytest.approx(expected, abs=1e-6)
    assert as_published(u, k) == pytest.approx(released, abs=1e-6)


def test_confidences_that_follow_the_losses_cost_nothing():
    hardness = torch.tensor([0.0, 0.3, 0.9, 1.0])
    assert ranking_loss(1 - hardness, hardness) < 1e-6
    assert ranking_loss(hardness, hardness) > 0.5


def test_the_confidence_is_the_free_energy_over_ten():
    logits = np.random.default_rng(0).normal(size=(3, 5, 4)) * 4 + 4
    np.testing.assert_allclose(confidence(torch.tensor(logits)), logsumexp(logits, -1) / 10)
    assert float(confidence(torch.tensor([-50.0, -60.0]))) > 0


def sureness(logits: np.ndarray) -> np.ndarray:
    """Return the free energy over ten, kept above 0: weights must not turn around."""
    return np.maximum(logsumexp(logits, -1) / 10, 1e-3)


class Reference:
    """Every loss so far, per modality and sample, and the whole loss by loops."""

    def __init__(self, m: int, n: int, margin: str = "paper") -> None:
        self.sign, self.past = (1, np.mean) if margin == "paper" else (-1, np.sum)
        self.losses = [[[] for _ in range(n)] for _ in range(m)]

    def parts(self, logits, labels, present, samples):
        """Return the three parts of the loss, as plain numbers."""
        m, b, c = logits.shape
        unimodal = 0.0
        for row in range(m):
            here = [i for i in range(b) if present[row, i]]
            losses = [-log_softmax(logits[row, i])[labels[i]] for i in here]
            unimodal += np.mean(losses)
            for i, loss in zip(here, losses, strict=True):
                self.losses[row][samples[i]].append(loss)
        fused = np.zeros((b, c))
        for i in range(b):
            for row in range(m):
                if present[row, i]:
                    fused[i] += sureness(logits[row, i]) * logits[row, i]
        whole = np.mean([-log_softmax(fused[i])[labels[i]] for i in range(b)])
        ranking = 0.0
        for row in range(m):
            mean = np.array([self.past(seen) if seen else 0.0 for seen in self.losses[row]])
            hard = (mean - mean.min()) / (mean.max() - mean.min())
            here = [i for i in range(b) if present[row, i]]
            u = [sureness(logits[row, i]) for i in here]
            ranking += ranking_by_loop(u, [hard[samples[i]] for i in here], self.sign)
        return unimodal, whole, ranking


@pytest.mark.parametrize("missing", [0.0, 0.4])
@pytest.mark.parametrize(
    ("regularisation", "margin"),
    [(0.0, "paper"), (1.0, "paper"), (0.3, "paper"), (1.0, "released"), (0.3, "released")],
)
def test_every_steps_loss_equals_loops_over_samples_and_history(
    missing, regularisation, margin, tiny, make_data
):
    options = {"regularisation": regularisation, "margin": margin}
    session = TrainingSession(tiny(method="qmf", method_options=options), make_data(missing))
    train = session.data.split("train")
    reference = Reference(2, len(train), margin)
    for _ in range(5):  # into the second epoch
        batch = session._place.plan[session.step_in_epoch]
        part = train.subset(batch.indices)
        logits = session.method.predict(part).logits.double().numpy()
        unimodal, whole, ranking = reference.parts(
            logits, part.labels.tolist(), part.present.numpy(), batch.indices.tolist()
        )
        (record,) = session.advance(steps=1)
        assert ranking > 0 or margin == "released"
        assert record.loss == pytest.approx(unimodal + whole + regularisation * ranking, rel=1e-4)


def test_one_step_follows_the_gradient_with_fixed_fusion_weights(tiny):
    config = tiny(method="qmf", learning_rate=0.1, weight_decay=0.0)
    session = TrainingSession(config)
    model, train = copy.deepcopy(session.method.model), session.data.split("train")
    batch = session._place.plan[0]
    labels = train.labels[batch.indices]
    logits = [
        model.head.each[m](model.encode(m, x[batch.indices])) for m, x in train.inputs.items()
    ]
    fixed = [torch.logsumexp(row.detach(), 1) / 10 for row in logits]
    fused = sum(u[:, None] * row for u, row in zip(fixed, logits, strict=True))
    loss = F.cross_entropy(fused, labels)
    for row in logits:
        own = F.cross_entropy(row, labels, reduction="none")
        loss = loss + own.mean()
        hard = own.detach() / own.detach().max()  # samples not seen yet stand at 0
        u = torch.logsumexp(row, 1) / 10
        for i in range(len(labels)):
            j = (i + 1) % len(labels)
            pair = torch.sign(hard[i] - hard[j]) * (u[i] - u[j]) + (hard[i] - hard[j]).abs()
            loss = loss + torch.relu(pair) / len(labels)
    names, parameters = zip(*model.named_parameters(), strict=True)
    gradients = torch.autograd.grad(loss, parameters)
    expected = {
        name: p.detach() - 0.1 * g for name, p, g in zip(names, parameters, gradients, strict=True)
    }
    session.advance(steps=1)
    torch.testing.assert_close(dict(session.method.model.state_dict()), expected)


def test_predictions_add_up_logits_by_confidence(tiny, make_data):
    session = TrainingSession(tiny(method="qmf"), make_data(missing=0.4))
    session.advance(epochs=1)
    evaluation = session.evaluate("val")
    u = sureness(evaluation.logits.double().numpy()) * evaluation.present.numpy()
    fused = np.einsum("mn,mnc->nc", u, evaluation.logits.double().numpy())
    np.testing.assert_allclose(evaluation.fused, fused, atol=1e-5)
    answered = ~evaluation.unanswered.numpy()
    shares = u[:, answered] / u[:, answered].sum(0)
    np.testing.assert_allclose(evaluation.weights[:, answered], shares, atol=1e-5)


def test_a_refused_step_is_not_remembered(tiny, bits):
    """Each modality's loss may be finite where the fused logits are not."""
    session = TrainingSession(tiny(method="qmf", evaluate_every=100))
    for steps in (0, 1):
        session.advance(steps=steps)
        whole = session.snapshot()
        with torch.no_grad():
            session.method.model.head.each["m0"].weight *= 1e25
        before = bits(session.method.state_dict())
        with pytest.raises(TrainingDivergedError, match="loss is nan"):
            session.advance(steps=1)
        assert bits(session.method.state_dict()) == before
        session.restore(whole)


def test_training_sharpens_the_match_of_confidence_and_loss(tiny):
    """On noisy data, weights must fall where the loss is high, more so than with plain means."""
    options = {"noise": [0.4, 1.5, 1.5], "sizes": [300, 150, 100]}
    session = TrainingSession(tiny(method="qmf", dataset_options=options, epochs=8))
    list(session)
    assert session.history.summaries[-1].weight_loss_covariance["m0"] < 0
