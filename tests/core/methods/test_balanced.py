"""Methods that steer an encoder by how its modality compares: AGM, MLB, OPM, ARL."""

import math

import numpy as np
import pytest
import torch
from scipy.special import log_softmax, softmax
from torch.nn import functional as F

from mla_core import TrainingSession
from mla_core.methods.arl import shares
from mla_core.methods.mlb import speeds


def right(step, m):
    """Return the mean probability that modality m's slice gives to the right class."""
    p = softmax(step.slices(1 / 3)[m].detach().numpy(), -1)
    return p[np.arange(len(p)), step.labels].mean()


def times(gradient, factors, head=1.0):
    """Multiply the encoders' gradients, and the head's by one factor."""
    of = {f"m{m}": factor for m, factor in enumerate(factors)}
    return {
        k: g * (of[k.split(".")[1]] if k.startswith("enc") else head) for k, g in gradient.items()
    }


# ------------------------------------------------------------------------------------- MLB, ARL


def mlb(s, strength, most):
    factors = []
    for m in range(len(s)):
        r = np.mean([s[j] / s[m] for j in range(len(s)) if j != m])
        factors.append(1 + ((most if r > 1 else 2) - 1) * math.tanh(strength * (r - 1)))
    return factors


def test_mlb_multiplies_encoders_by_how_far_behind_they_are(first_step):
    step = first_step("mlb", strength=1.5, most=5.0)
    own = sum(F.cross_entropy(x, step.labels) for x in step.slices(1 / 3))
    factors = mlb([right(step, m) for m in range(3)], 1.5, 5.0)
    assert min(factors) < 1 < max(factors)
    step.expect(times(step.gradient(step.fused() + own), factors))


def test_mlb_leaves_equals_and_the_lonely_alone():
    assert speeds(torch.tensor([0.4, 0.4, 0.4]), 2.0, 9.0).tolist() == pytest.approx([1, 1, 1])
    assert speeds(torch.tensor([0.4, math.nan]), 2.0, 9.0).isnan().all()


def test_arl_multiplies_encoders_by_their_share_of_precision(first_step):
    step = first_step("arl", sharpness=2.0, unimodal_weight=3.0)
    own = sum(F.cross_entropy(x, step.labels) for x in step.slices(1 / 3))
    x = []
    for m in range(3):
        p = softmax(step.slices(1 / 3)[m].detach().double().numpy(), -1)
        entropy = -(p * np.log(p)).sum(-1).mean() / math.log(4)
        x.append(1 / max(entropy, 0.3) / right(step, m))
    a = softmax(2 * np.array(x) / np.mean(x))
    step.expect(times(step.gradient(step.fused() + 3 * own), 1 + a))


def test_arl_of_two_modalities_compares_precision_with_dependence():
    a = shares(torch.tensor([2.0, 1.6]), torch.tensor([0.3, 0.4]), 8.0)
    assert a.tolist() == pytest.approx(softmax([8 * 2 / 1.6, 8 * 0.3 / 0.4]).tolist(), abs=1e-5)


def test_arl_as_released_speeds_all_encoders_up_alike(first_step):
    step = first_step("arl", variant="released")
    own = sum(F.cross_entropy(x, step.labels) for x in step.slices(1 / 3))
    step.expect(times(step.gradient(step.fused() + 4 * own), [1.5] * 3))


# ------------------------------------------------------------------------------------------ AGM


@pytest.mark.parametrize("variant", ["paper", "benchmark"])
def test_agm_steers_by_losses_against_their_running_means(variant, first_step):
    first = first_step("agm", strength=1.2, variant=variant)
    first.expect(first.gradient(first.fused()))  # nothing to compare with yet
    step = first_step("agm", after=2, strength=1.2, variant=variant)
    past, now = step.memory["losses"].double().numpy(), []
    for logits in step.slices(1 / 3):
        logs = log_softmax(logits.detach().double().numpy(), -1)
        now.append(-logs[np.arange(len(logs)), step.labels].mean())
    sign = 1 if variant == "paper" else -1
    t, r = (np.exp(sign * 3 / 2 * (np.mean(x) - np.array(x))) for x in (past, now))
    k = np.exp(1.2 * np.minimum(t - r, 10))
    wanted = times(step.gradient(step.fused()), k)
    if variant == "paper":
        wanted["head.weight"] = wanted["head.weight"] * torch.tensor(k).repeat_interleave(12)
        wanted["head.bias"] = wanted["head.bias"] * k.mean()
    step.expect({name: g.float() for name, g in wanted.items()})
    moved = past + (np.array(now) - past) / 3
    np.testing.assert_allclose(step.session.method.remembered["losses"], moved, rtol=1e-4)


# ------------------------------------------------------------------------------------------ OPM


def test_opm_drops_the_leader_of_the_batch_before(tiny):
    session = TrainingSession(tiny(method="opm", method_options={"often": 1.0, "base": 0.5}))
    session.advance(steps=1)
    method = session.method
    method.remembered["chances"] = torch.tensor([0.6, 0.0, 0.3])
    method.now = session._place.position(session.config)
    present = torch.ones(3, 2000).bool()
    kept, stretch = method._kept(present)
    assert stretch == pytest.approx(1 / (1 - 0.3))
    dropped = 1 - kept.float().mean(1)
    assert dropped.tolist() == pytest.approx([0.6, 0.0, 0.3], abs=0.04)
    features, labels = torch.randn(3, 2000, 12), torch.zeros(2000, dtype=torch.long)
    loss = method.loss(features, labels, present, labels)
    head, left = method.model.head, features * kept[..., None] / 0.7
    torch.testing.assert_close(loss, F.cross_entropy(head(torch.cat(list(left), -1)), labels))


def test_opm_leaves_out_samples_that_lost_everything(tiny):
    session = TrainingSession(tiny(method="opm", method_options={"often": 1.0}))
    method = session.method
    method.remembered["chances"] = torch.tensor([0.5, 0.5, 0.0])
    method.now = session._place.position(session.config)
    present = torch.tensor([[True] * 400, [True] * 400, [False] * 400])
    some = method._kept(present)[0].any(0)
    assert 0 < int(some.sum()) < 400
    labels = torch.arange(400) % 4
    features = torch.randn(3, 400, 12) * present[..., None]
    left = features.clone()
    left[:, ~some] = 1e6  # whoever lost everything could hold anything
    one, two = (method.loss(x, labels, present, labels) for x in (features, left))
    assert torch.equal(one, two)


def test_opm_follows_the_formula(first_step):
    step = first_step("opm", base=0.4, gain=0.5)
    s = [right(step, m) for m in range(3)]
    wanted = []
    for m in range(3):
        rho = np.mean([s[m] / s[j] for j in range(3) if j != m])
        wanted.append(min(1, 0.4 * (1 + 0.5 * math.tanh(rho - 1))) if rho > 1 else 0.0)
    assert step.session.method.remembered["chances"].tolist() == pytest.approx(wanted, abs=1e-5)


# ------------------------------------------------------------------------------- all the methods


@pytest.mark.parametrize(
    ("method", "options", "plain", "plain_options"),
    [
        ("agm", {"strength": 0.0}, "concat", {}),
        ("mlb", {"strength": 0.0}, "uniform", {}),
        ("opm", {"base": 0.0}, "concat", {}),
        ("arl", {"strength": 0.0}, "uniform", {"unimodal_weight": 4.0}),
    ],
)
def test_without_strength_they_are_plain(method, options, plain, plain_options, is_same_run):
    is_same_run(method, options, plain, plain_options, missing={"train": 0.3})


@pytest.mark.parametrize("method", ["agm", "opm"])
def test_what_they_remember_is_in_snapshots(method, tiny, bits):
    session = TrainingSession(tiny(method=method, missing={"train": 0.3}))
    session.advance(steps=2)
    twin = session.fork()
    assert session.advance(steps=3) == twin.advance(steps=3)
    assert bits(session.method.state_dict()) == bits(twin.method.state_dict())
