"""The sum of all losses, and the two methods that share its parts out: DGL and MMPareto."""

import numpy as np
import pytest
import torch
from scipy.optimize import minimize_scalar
from torch.nn import functional as F

from mla_core import TrainingSession
from mla_core.methods.mmpareto import longer, mixed


def test_uniform_adds_up_the_slices_losses(first_step):
    step = first_step("uniform", unimodal_weight=0.7)
    own = sum(F.cross_entropy(logits, step.labels) for logits in step.slices(1 / 3))
    step.expect(step.gradient(step.fused() + 0.7 * own))


def test_uniform_with_own_heads_trains_them_beside_the_joint_one(first_step):
    step = first_step("uniform", heads="own")
    each = zip(step.model.head.own.each.values(), step.features, strict=True)
    own = sum(F.cross_entropy(head(z), step.labels) for head, z in each)
    step.expect(step.gradient(step.fused() + own))


@pytest.mark.parametrize("missing", [0.0, 0.5])
def test_uniform_without_unimodal_weight_is_concat(missing, is_same_run):
    is_same_run("uniform", {"unimodal_weight": 0.0}, "concat", missing={"train": missing})


def test_dgl_teaches_encoders_by_their_own_loss_and_the_head_by_the_joint_one(first_step):
    step = first_step("dgl", strength=4.0)
    joint = step.gradient(step.fused())
    own = step.gradient(sum(F.cross_entropy(x, step.labels) for x in step.slices(1.0)))
    step.expect({k: joint[k] if k.startswith("head") else 4 * own[k] for k in joint})


def test_dgl_of_one_modality_is_concat_of_it(is_same_run):
    is_same_run("dgl", {"strength": 1.0}, "concat", losses=False, dataset_options={"modalities": 1})


def shortest(g, u):
    """Find the shortest mixture by search."""
    found = minimize_scalar(
        lambda a: np.linalg.norm(a * g + (1 - a) * u), bounds=(0, 1), method="bounded"
    )
    return 2 * found.x * g + 2 * (1 - found.x) * u


def expected(g, u, gain):
    """Return the paper's algorithm, for two vectors."""
    h = g + u if g @ u >= 0 else shortest(g, u)
    return gain * np.linalg.norm(g + u) * h / np.linalg.norm(h)


@pytest.mark.parametrize("seed", range(6))
def test_mmpareto_mixes_as_published(seed):
    g, u = np.random.default_rng(seed).normal(size=(2, 5))
    for u_now in (u, -u):  # one of the two is a conflict
        h = mixed(torch.tensor(g), torch.tensor(u_now), 1.5).numpy()
        np.testing.assert_allclose(h, expected(g, u_now, 1.5), rtol=1e-4)
        assert h @ g > -1e-6
        assert h @ u_now > -1e-6


def test_mmpareto_steps_along_the_mixture_and_heads_along_the_sum(first_step):
    step = first_step("mmpareto", gain=2.0)
    each = zip(step.model.head.own.each.values(), step.features, strict=True)
    own = sum(F.cross_entropy(head(z), step.labels) for head, z in each)
    g, u = step.gradient(step.fused()), step.gradient(own)
    wanted = {k: g[k] + u[k] for k in g}
    for m in ("m0", "m1", "m2"):
        names = [k for k in g if k.startswith(f"encoders.{m}.")]
        a, b = (np.concatenate([x[k].flatten().numpy() for k in names]) for x in (g, u))
        parts = torch.tensor(expected(a, b, 2.0)).split([g[k].numel() for k in names])
        wanted |= {k: part.view_as(g[k]).float() for k, part in zip(names, parts, strict=True)}
    step.expect(wanted)


def test_mmparetos_other_codes_do_what_they_do(first_step):
    g, u = torch.tensor([1.0, 0.0]), torch.tensor([-0.5, 0.1])
    assert torch.equal(mixed(g, u, 1.5, "benchmark"), 1.5 * (g + 2 * u))
    short, long = torch.tensor([1e-4, 0.0]), torch.tensor([-1e-9, 9.0])  # all of `short` but a bit
    torch.testing.assert_close(mixed(short, long, 1.5, "released"), 1.998 * short + 0.002 * long)
    small, large = torch.tensor([1.0, 0.0]), torch.tensor([0.0, 3.0])
    assert longer(small, large).tolist() == [3.0, 0.0]
    assert longer(large, small) is large  # never made shorter
    step = first_step("mmpareto", variant="released")  # where all agree: the sum, times the gain
    for name, taken in step.taken.items():
        assert torch.isfinite(taken).all(), name


def test_mmpareto_outside_its_share_of_the_run_is_uniform(is_same_run):
    is_same_run("mmpareto", {"until": 0.0}, "uniform", {"heads": "own"})


def test_an_opposed_encoder_stands_still_rather_than_divide_by_zero():
    g = torch.tensor([1.0, -2.0])
    assert torch.isfinite(mixed(g, -g, 1.5)).all()


def test_what_an_own_head_needs_is_in_snapshots(tiny, bits):
    session = TrainingSession(tiny(method="mmpareto"))
    session.advance(steps=2)
    twin = session.fork()
    assert session.advance(steps=3) == twin.advance(steps=3)
    assert bits(session.method.state_dict()) == bits(twin.method.state_dict())
