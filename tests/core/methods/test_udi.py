"""UDI: who leads, what its followers learn from it, and that it is an ensemble otherwise."""

import numpy as np
import pytest
import torch
from scipy.spatial.distance import jensenshannon
from scipy.special import softmax
from scipy.stats import norm
from torch.nn import functional as F

from mla_core import TrainingSession
from mla_core.methods import Turn
from mla_core.methods.balance import jensen_shannon
from mla_core.methods.udi import best_modality, club, linear_gaussian


def begun(tiny, **changes) -> TrainingSession:
    session = TrainingSession(tiny(method="udi", epochs=4, **changes))
    session.advance(epochs=2)
    return session


def test_the_divergence_is_that_of_scipy():
    rng = np.random.default_rng(0)
    p, q = rng.normal(size=(2, 6, 4)) * 3
    expected = jensenshannon(softmax(p, 1), softmax(q, 1), axis=1) ** 2
    np.testing.assert_allclose(jensen_shannon(torch.tensor(p), torch.tensor(q)), expected)


def test_the_bound_is_the_mean_over_all_pairs():
    rng = np.random.default_rng(0)
    f, mean, spread = rng.normal(size=(5, 3)), rng.normal(size=(5, 3)), rng.random(3) + 0.5
    log_q = np.array(
        [[norm(mean[i], spread**0.5).logpdf(f[j]) for j in range(5)] for i in range(5)]
    )
    expected = (np.einsum("iid->id", log_q) - log_q.mean(1)).mean()
    assert float(club(*map(torch.tensor, (f, mean, spread)))) == pytest.approx(expected)


def test_the_model_of_features_is_ridge_regression():
    from sklearn.linear_model import Ridge

    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(30, 3)), rng.normal(size=(30, 3))
    fitted, spread = linear_gaussian(torch.tensor(x), torch.tensor(y))
    ones = np.c_[x, np.ones(30)]  # the constant is held small, too
    expected = Ridge(alpha=1.0, fit_intercept=False).fit(ones, y)
    np.testing.assert_allclose(fitted, expected.coef_.T, atol=1e-6)
    left = y - expected.predict(ones)
    np.testing.assert_allclose(spread, (left**2).mean(0) + 0.01 * y.var(0), rtol=1e-4)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([[1.0, 0.0], [0.0, 1.0], [9.0, 0.0]], 2),  # right, wrong, right and surer
        ([[0.0, 9.0], [0.1, 0.0], [0.0, 5.0]], 1),
    ],
)
def test_the_most_accurate_leads_and_of_equals_the_surest(rows, expected):
    logits = torch.tensor(rows)[:, None]
    assert best_modality(logits, torch.ones(3, 1).bool(), torch.tensor([0])) == expected
    present = torch.ones(3, 1).bool()
    present[expected] = False  # who has no samples does not lead
    assert best_modality(logits, present, torch.tensor([0])) != expected


def test_the_anchor_is_the_best_on_val_and_stands_still(tiny, bits):
    session = begun(tiny)
    method, anchor = session.method, f"m{session.method.anchor}"
    accuracy = session.evaluate("val").unimodal_accuracy
    assert accuracy[anchor] == max(accuracy.values())
    before = {m: bits(e.state_dict()) for m, e in method.model.encoders.items()}
    session.advance(epochs=1)
    after = {m: bits(e.state_dict()) for m, e in method.model.encoders.items()}
    assert [m for m in after if after[m] == before[m]] == [anchor]
    spent = [sum(r.forward_passes for r in session.history.steps if r.epoch == e) for e in range(3)]
    assert spent == [0, 3 * (40 + 24), 3 * 40]


def test_a_follower_follows_what_agrees_with_its_own_loss(tiny):
    """Against gradients at the features written out."""
    session = begun(tiny, missing={"train": 0.3})
    method, train = session.method, session.data.split("train")
    position, followed = session._place.position(session.config), 0
    of_all = method.model.features(train.inputs)[method.anchor]
    for batch in session._place.plan:
        here = train.present[method.anchor, batch.indices]
        row, head = int(batch.modality[1:]), method.head_of(batch.modality)
        x = train.inputs[batch.modality][batch.indices]
        z = method.model.encode(batch.modality, x).detach().requires_grad_()
        logits = head(z)
        loss = F.cross_entropy(logits, train.labels[batch.indices])
        got = method.objective(
            Turn(loss, logits, z, train.labels[batch.indices], batch, train, position)
        )
        at = of_all[batch.indices[here]]
        z_a = method.head_of(f"m{method.anchor}")(at).detach()
        mean = at @ method._maps[row][:-1] + method._maps[row][-1]
        terms = [jensen_shannon(z_a, logits[here]).mean(), club(z[here], mean, method._spread[row])]
        pulls = [torch.autograd.grad(t, z, retain_graph=True)[0].flatten() for t in (loss, *terms)]
        agree = [max(0.0, float(pulls[0] @ pull)) for pull in pulls[1:]]
        if total := sum(agree):
            loss = loss + sum(a / total * t for a, t in zip(agree, terms, strict=True))
        followed += total > 0
        torch.testing.assert_close(got, loss)
    assert followed


def test_alone_for_the_whole_run_is_an_ensemble(tiny, bits):
    one = TrainingSession(tiny(method="udi", method_options={"alone": 1.0}))
    two = TrainingSession(tiny(method="ensemble"))
    for session in (one, two):
        list(session)
    assert bits(one.method.model.state_dict()) == bits(two.method.model.state_dict())
    assert one.history.steps == two.history.steps
