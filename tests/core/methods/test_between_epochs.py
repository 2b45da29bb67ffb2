"""Methods that look back over epochs or along the run: InfoReg, PMR, LFM, AMCo."""

import math

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist, jensenshannon
from scipy.special import softmax
from torch.nn import functional as F

from mla_core import TrainingSession
from mla_core.methods.amco import masses
from mla_core.methods.lfm import disagreement
from mla_core.methods.pmr import class_means, prototype_logits


def right(logits, labels):
    return float(torch.softmax(logits, -1)[range(len(labels)), labels].mean().detach())


# ------------------------------------------------------------------------------------ InfoReg


def test_inforeg_pulls_leaders_back_to_where_the_epoch_began(first_step):
    def grown(method):  # in the last epoch those of two modalities, that of one by too little
        method.remembered["trace.older"] = torch.tensor([1.0, 0.99, 1.0])
        method.remembered["trace.last"] = torch.tensor([1.5, 1.0, 1.2])

    options = {"strength": 2.0, "sharpness": 0.7, "threshold": 0.05}
    step = first_step("inforeg", after=8, prepare=grown, **options)  # two more in this epoch
    open_now, pulled = [True, False, True], 0
    s = [right(logits, step.labels) for logits in step.slices(1 / 3)]
    wanted = step.gradient(step.fused())
    for m in range(3):
        below = [s[m] - x for x in s if x < s[m]]
        if not below or not open_now[m]:
            continue
        pulled += 1
        factor = 2 * math.exp(0.7 * math.tanh(np.mean(below)))
        for name, p in step.model.encoders[f"m{m}"].named_parameters():
            moved = p.detach() - step.memory[f"start.m{m}.{name}"]
            assert moved.any()
            wanted[f"encoders.m{m}.{name}"] = wanted[f"encoders.m{m}.{name}"] + factor * moved
    step.expect(wanted)
    assert pulled


def test_inforeg_traces_are_mean_squared_gradients_of_an_epoch(first_step, tiny):
    session = TrainingSession(tiny(method="inforeg", momentum=0.0, weight_decay=0.0))
    lengths, rate = np.zeros((3, 3)), session.config.learning_rate
    for i in range(3):
        before = {k: p.detach().clone() for k, p in session.method.model.named_parameters()}
        session.advance(steps=1)
        for k, p in session.method.model.named_parameters():
            if k.startswith("encoders"):
                squared = ((before[k] - p.detach()) / rate).square().sum()
                lengths[i, int(k.split(".")[1][1])] += float(squared)
    session.advance(steps=1)
    np.testing.assert_allclose(session.method.remembered["trace.last"], lengths.mean(0), rtol=1e-3)
    assert session.method.remembered["trace.older"].isnan().all()


# ---------------------------------------------------------------------------------------- PMR


@pytest.mark.parametrize("variant", ["paper", "released"])
def test_pmr_pulls_who_is_behind_to_its_prototypes(variant, first_step):
    options = {"strength": 1.3, "slowing": 0.4, "until": 1.0, "variant": variant}
    step = first_step("pmr", after=4, **options)
    y, c, q, S = step.labels, step.memory["prototypes"], [], []
    for z, prototypes in zip(step.features, c, strict=True):
        q.append(torch.softmax(-torch.cdist(z, prototypes), -1))
        S.append(float(q[-1][range(len(y)), y].mean().detach()))
    b = [min(1.0, max(S) / one - 1) for one in S]
    term = torch.zeros(())
    for m, one in enumerate(b):
        factor = one if variant == "paper" else float(one > 0)
        term = term + factor * -q[m][range(len(y)), y].log().mean()
    if variant == "paper":
        leader = q[int(np.argmax(S))]
        term = term - 0.4 * max(b) * -(leader * leader.log()).sum(-1).mean()
    step.expect(step.gradient(step.fused() + 1.3 * term))


def test_pmr_takes_class_means_between_epochs_and_mixes_them(tiny, make_data):
    data = make_data(missing=0.4)
    session = TrainingSession(tiny(method="pmr", epochs=4, method_options={"share": 1.0}), data)
    train, wanted = session.data.split("train"), None
    for _ in range(2):
        session.advance(epochs=1)
        z = session.method.model.features(train.inputs)
        now = torch.stack(
            [
                torch.stack(
                    [z[m][train.present[m] & (train.labels == k)].mean(0) for k in range(3)]
                )
                for m in range(2)
            ]
        )
        wanted = now if wanted is None else (wanted + now) / 2
        torch.testing.assert_close(session.method.remembered["prototypes"], wanted)
    assert sum(r.forward_passes for r in session.history.steps) == 2 * 2 * int(
        train.present.any(0).sum()
    )


def test_a_class_without_prototype_is_never_the_answer():
    means = class_means(torch.ones(1, 2, 3), torch.tensor([0, 0]), torch.ones(1, 2).bool(), 2)
    p = torch.softmax(prototype_logits(torch.randn(1, 5, 3), means), -1)
    assert p[..., 1].eq(0).all()


@pytest.mark.parametrize("seed", range(3))
def test_prototype_logits_are_distances(seed):
    rng = np.random.default_rng(seed)
    z, c = rng.normal(size=(2, 4, 3)), rng.normal(size=(2, 5, 3))
    measured = prototype_logits(torch.tensor(z), torch.tensor(c))
    for m in range(2):
        np.testing.assert_allclose(measured[m], -cdist(z[m], c[m]))


def test_a_feature_on_its_prototype_has_a_finite_gradient():
    z = torch.zeros(1, 1, 3, requires_grad=True)
    prototype_logits(z, torch.zeros(1, 2, 3)).sum().backward()
    assert torch.isfinite(z.grad).all()


def test_pmr_learns_where_classes_are_far_apart_or_unknown(tiny):
    session = TrainingSession(tiny(method="pmr", epochs=4, method_options={"until": 1.0}))
    session.advance(epochs=1)
    prototypes = session.method.remembered["prototypes"]
    prototypes[:, 1] = 1e4  # whose probability is 0 in floats
    prototypes[0, 2] = torch.nan
    records = session.advance(steps=2)
    assert all(math.isfinite(r.loss) for r in records)
    assert all(p.isfinite().all() for p in session.method.model.parameters())


# ---------------------------------------------------------------------------------- LFM, AMCo


def test_disagreement_is_the_jensen_shannon_divergence_of_all_pairs():
    rng = np.random.default_rng(0)
    logits, present = rng.normal(size=(3, 6, 4)) * 3, rng.random((3, 6)) < 0.7
    p, means = softmax(logits, -1), []
    for a, b in ((0, 1), (0, 2), (1, 2)):
        both = np.flatnonzero(present[a] & present[b])
        means.append(np.mean([jensenshannon(p[a, i], p[b, i]) ** 2 for i in both]))
    measured = disagreement(torch.tensor(logits), torch.tensor(present))
    assert float(measured) == pytest.approx(np.mean(means))


def test_lfm_cares_for_agreement_less_and_less(first_step):
    step = first_step("lfm", after=6, strength=0.6)  # half of the run
    logits = torch.stack(step.slices(1 / 3))
    apart = disagreement(logits, torch.ones(logits.shape[:2]).bool())
    step.expect(step.gradient(0.7 * step.fused() + 0.3 * apart))


def test_amco_blanks_the_leaders_logits_in_the_fused_loss_alone(first_step):
    step = first_step("amco", after=2, sigma=0.0, eps=0.2)  # at a sixth of the run
    logits = torch.stack(step.slices(1 / 3))
    p = torch.softmax(torch.cat(list(logits), -1), -1).view(-1, 3, 4)
    leader = int(p.sum(-1).mean(0).argmax())
    blanked = round(4 * math.sin(math.pi / 2 * (1 / 6) / 0.2))
    assert 0 < blanked < 5
    own = sum(F.cross_entropy(x, step.labels) for x in logits)
    rest = logits.sum(0) - logits[leader]
    plain = step.gradient(own + F.cross_entropy(rest, step.labels))
    if blanked == 4:
        step.expect(plain)
    name = f"encoders.m{leader}.layers.3.bias"
    assert not torch.equal(step.taken[name], step.gradient(own + step.fused())[name])


def test_masses_add_up_to_one_and_those_who_lack_a_part_give_it_none():
    logits = torch.randn(3, 5, 4, generator=torch.Generator().manual_seed(0))
    assert float(masses(logits, torch.ones(3, 5).bool()).sum()) == pytest.approx(1)
    present = torch.tensor([[True] * 5, [False] * 5, [False] * 5])
    assert masses(logits, present)[0] == pytest.approx(1)


# ------------------------------------------------------------------------------- all the methods


@pytest.mark.parametrize(
    ("method", "options", "plain"),
    [
        ("inforeg", {"strength": 0.0}, "concat"),
        ("pmr", {"strength": 0.0}, "concat"),
        ("lfm", {"strength": 0.0}, "concat"),
        ("amco", {"sigma": 1.0}, "uniform"),
    ],
)
def test_without_strength_they_are_plain(method, options, plain, is_same_run):
    is_same_run(method, options, plain, missing={"train": 0.3}, epochs=4)


@pytest.mark.parametrize("method", ["inforeg", "pmr", "amco"])
@pytest.mark.parametrize("at", [3, 7])
def test_what_they_remember_is_in_snapshots(method, at, tiny, bits):
    session = TrainingSession(tiny(method=method, missing={"train": 0.3}, epochs=4))
    session.advance(steps=at)
    twin = session.fork()
    assert session.advance(steps=4) == twin.advance(steps=4)
    assert bits(session.method.state_dict()) == bits(twin.method.state_dict())
