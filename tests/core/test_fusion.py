"""Entropy, importance weights and fusion, against scipy and plain loops."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.special import softmax
from scipy.stats import entropy

from mla_core import fusion
from mla_core.errors import ConfigError

MODERATE = st.floats(-30, 30, width=32)
FINITE = st.floats(allow_nan=False, allow_infinity=False, width=32)  # up to the largest float


def logits_of(elements: st.SearchStrategy[float]) -> st.SearchStrategy[np.ndarray]:
    shapes = st.tuples(st.integers(1, 4), st.integers(1, 5), st.integers(2, 6))  # M, N, C
    return shapes.flatmap(lambda shape: hnp.arrays(np.float32, shape, elements=elements))


def masks(m: int, n: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(m, n, generator=torch.Generator().manual_seed(seed)) < 0.6


def noisy(m: int, n: int, c: int, seed: int = 0) -> torch.Tensor:
    return 4 * torch.randn(m, n, c, generator=torch.Generator().manual_seed(seed))


@settings(deadline=None, max_examples=60)
@given(logits_of(MODERATE))
def test_entropy_and_weights_and_fusion_follow_the_equations(x):
    p = softmax(x.astype(np.float64), axis=-1)
    e = entropy(p, axis=-1)  # eq. 7
    top = np.exp(e.max(0) - e)
    weights = top / top.sum(0)  # eq. 8
    fused = np.einsum("mn,mnc->nc", weights, x.astype(np.float64))  # eq. 6
    logits = torch.tensor(x)
    np.testing.assert_allclose(fusion.predictive_entropy(logits), e, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(fusion.importance_weights(logits), weights, atol=1e-5)
    np.testing.assert_allclose(fusion.fuse(logits, torch.tensor(weights)), fused, atol=1e-4)


@settings(deadline=None, max_examples=100)
@given(logits_of(FINITE), st.integers(0, 99))
def test_everything_is_finite_for_any_finite_logits(x, seed):
    logits = torch.tensor(x)
    m, n, c = logits.shape
    e = fusion.predictive_entropy(logits)
    assert torch.isfinite(e).all()
    assert (e >= 0).all()
    assert (e <= np.log(c) * (1 + 1e-5)).all()
    for present in (None, masks(m, n, seed)):
        for rule in fusion.RULES:
            weights = fusion.weights_by_rule(rule, logits, present)
            answered = torch.ones(n) if present is None else present.any(0).float()
            torch.testing.assert_close(weights.sum(0), answered, rtol=0, atol=1e-6)
            assert (weights >= 0).all()
            assert torch.isfinite(fusion.fuse(logits, weights)).all()


@pytest.mark.parametrize("m", range(1, 10))
def test_the_largest_logits_stay_finite_where_weights_add_up_to_a_little_more_than_one(m):
    """Seven times the nearest float to a seventh is more than 1."""
    top = torch.finfo(torch.float32).max
    logits = torch.tensor([[top, -top]]).expand(m, 1, 2)
    assert fusion.fuse(logits, fusion.uniform_weights(logits)).tolist() == [[top, -top]]


@pytest.mark.parametrize("size", [1e3, 1e30, float(np.finfo(np.float32).max)])
def test_a_certain_prediction_has_entropy_zero(size):
    logits = torch.tensor([size, -size, 0.0])
    assert fusion.predictive_entropy(logits).tolist() == 0.0


def test_equal_logits_have_the_highest_entropy():
    assert fusion.predictive_entropy(torch.full((7,), 3.0)).item() == pytest.approx(np.log(7))


@pytest.mark.parametrize("rule", fusion.RULES)
def test_absent_parts_weigh_nothing_and_may_hold_anything(rule):
    clean, present = noisy(3, 50, 4), masks(3, 50)
    dirty = torch.where(present[..., None], clean, torch.nan)
    weights = fusion.weights_by_rule(rule, dirty, present)
    assert (weights[~present] == 0).all()
    assert (weights[present] > 0).all()
    assert torch.equal(weights, fusion.weights_by_rule(rule, clean, present))
    assert torch.equal(fusion.fuse(dirty, weights), fusion.fuse(clean, weights))
    assert torch.isfinite(fusion.fuse(dirty, weights)).all()


@pytest.mark.parametrize("rule", fusion.RULES)
def test_a_sample_without_any_part_is_uniform(rule):
    logits, present = torch.full((2, 3, 4), torch.nan), torch.zeros(2, 3, dtype=torch.bool)
    present[:, 0] = True
    logits[:, 0] = 1.0
    weights = fusion.weights_by_rule(rule, logits, present)
    assert weights.tolist() == [[0.5, 0.0, 0.0]] * 2
    assert fusion.fuse(logits, weights)[1:].tolist() == [[0.0] * 4] * 2


def test_a_part_is_weighed_against_those_present_only():
    logits, present = noisy(3, 40, 5), masks(3, 40)
    weights = fusion.importance_weights(logits, present)
    for i in range(40):
        here = present[:, i]
        alone = fusion.importance_weights(logits[here, i : i + 1])[:, 0]
        torch.testing.assert_close(weights[here, i], alone)


def test_uniform_weights_are_shares_of_those_present():
    present = torch.tensor([[True, True, False], [True, False, False]])
    weights = fusion.uniform_weights(torch.randn(2, 3, 4), present)
    assert weights.tolist() == [[0.5, 1.0, 0.0], [0.5, 0.0, 0.0]]


@pytest.mark.parametrize("rule", fusion.RULES)
def test_one_modality_weighs_everything(rule):
    logits = noisy(1, 9, 4)
    weights = fusion.weights_by_rule(rule, logits)
    assert weights.tolist() == [[1.0] * 9]
    assert torch.equal(fusion.fuse(logits, weights), logits[0])


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("size", [1, 3, 7, 64])
def test_weights_do_not_depend_on_how_the_batch_is_cut(size, masked):
    logits = noisy(3, 101, 10)
    present = masks(3, 101) if masked else torch.ones(3, 101, dtype=torch.bool)
    whole = fusion.importance_weights(logits, present if masked else None)
    parts = [
        fusion.importance_weights(x, here if masked else None)
        for x, here in zip(logits.split(size, 1), present.split(size, 1), strict=True)
    ]
    assert torch.equal(torch.cat(parts, 1), whole)


def test_weights_and_fusion_do_not_depend_on_the_neighbours_order():
    logits = noisy(3, 101, 10)
    order = torch.randperm(101, generator=torch.Generator().manual_seed(1))
    weights = fusion.importance_weights(logits)
    shuffled = fusion.importance_weights(logits[:, order])
    assert torch.equal(shuffled, weights[:, order])
    assert torch.equal(fusion.fuse(logits[:, order], shuffled), fusion.fuse(logits, weights)[order])


def released(logits: np.ndarray, present: np.ndarray, batch_size: int) -> np.ndarray:
    """Walk batches, modalities and classes; the softmax runs over the samples of the batch."""
    weights = np.zeros(present.shape)
    m, n, c = logits.shape
    for start in range(0, n, batch_size):
        batch = range(start, min(start + batch_size, n))
        scores = []
        for k in range(m):
            here = [i for i in batch if present[k, i]]
            columns = [softmax(logits[k, here, v]) for v in range(c)] if here else []
            scores.append(-sum(float(entropy(column)) for column in columns))
        for i in batch:
            those = [k for k in range(m) if present[k, i]]
            if those:
                weights[those, i] = softmax([scores[k] for k in those])
    return weights


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("batch_size", [1, 4, 10, 64])
def test_released_batch_weights_follow_the_published_code(batch_size, masked):
    logits = noisy(3, 26, 5)
    present = masks(3, 26) if masked else torch.ones(3, 26, dtype=torch.bool)
    weights = fusion.released_batch_weights(logits, present if masked else None, batch_size)
    expected = released(logits.double().numpy(), present.numpy(), batch_size)
    np.testing.assert_allclose(weights, expected, rtol=1e-3, atol=1e-5)


def test_released_batch_weights_depend_on_the_neighbours():
    logits = noisy(2, 8, 3)
    changed = logits.clone()
    changed[0, 7] *= 10
    before, after = map(fusion.released_batch_weights, (logits, changed))
    assert not torch.allclose(before[:, 0], after[:, 0])
    before, after = map(fusion.importance_weights, (logits, changed))
    assert torch.equal(before[:, :7], after[:, :7])


def nll(logits: np.ndarray, labels: np.ndarray, temperature: float) -> float:
    p = softmax(logits / temperature, axis=1)
    return float(-np.log(p[np.arange(len(labels)), labels] + 1e-300).mean())


@settings(deadline=None, max_examples=25)
@given(
    n=st.integers(5, 60),
    c=st.integers(2, 6),
    scale=st.sampled_from([0.1, 1.0, 10.0]),
    seed=st.integers(0, 999),
)
def test_the_temperature_is_the_best_of_a_grid(n, c, scale, seed):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, c, n)
    logits = scale * (rng.normal(size=(n, c)) + 1.5 * np.eye(c)[labels])
    found = fusion.fit_temperature(torch.tensor(logits), torch.tensor(labels))
    grid = np.geomspace(0.01, 100, 400)
    best = min(nll(logits, labels, t) for t in grid)
    assert 0.01 <= found <= 100
    assert nll(logits, labels, found) <= best + 1e-6


@pytest.mark.parametrize("factor", [0.25, 4.0])
def test_the_temperature_grows_with_the_logits(factor):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 4, 200)
    logits = rng.normal(size=(200, 4)) + np.eye(4)[labels]
    one, other = (
        fusion.fit_temperature(torch.tensor(x), torch.tensor(labels))
        for x in (logits, factor * logits)
    )
    assert other == pytest.approx(factor * one, rel=1e-3)


def test_logits_that_say_the_truth_have_temperature_one():
    rng = np.random.default_rng(1)
    logits = rng.normal(size=(20000, 3)) * 2
    labels = [rng.choice(3, p=p) for p in softmax(logits, axis=1)]
    found = fusion.fit_temperature(torch.tensor(logits), torch.tensor(labels))
    assert found == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize(("label", "expected"), [(0, 0.01), (1, 100)])
def test_the_temperature_stays_in_its_bounds(label, expected):
    """Who is always right cannot be too sure, who is always wrong cannot be unsure enough."""
    logits = torch.tensor([[1.0, 0.0]] * 5)
    found = fusion.fit_temperature(logits, torch.full((5,), label))
    nearly = nll(logits.double().numpy(), np.full(5, label), expected)
    assert nll(logits.double().numpy(), np.full(5, label), found) == pytest.approx(nearly, abs=1e-3)


def test_without_samples_the_temperature_is_one():
    empty = fusion.fit_temperature(torch.zeros(0, 3), torch.zeros(0, dtype=torch.int64))
    assert empty == 1.0


def test_a_temperature_changes_no_modalitys_answer_but_the_fused_one():
    sure, unsure = torch.tensor([[9.0, 0.0]]), torch.tensor([[0.0, 2.0]])
    logits = torch.stack([sure, unsure])
    scale = torch.tensor([20.0, 1.0])[:, None, None]
    plain = fusion.fuse(logits, fusion.importance_weights(logits))
    cooled = fusion.fuse(logits / scale, fusion.importance_weights(logits / scale))
    assert torch.equal((logits / scale).argmax(-1), logits.argmax(-1))
    assert plain.argmax(-1).tolist() == [0]
    assert cooled.argmax(-1).tolist() == [1]


def test_bad_settings_are_named():
    with pytest.raises(ConfigError, match=r"fusion 'entropi'.*'entropy'"):
        fusion.weights_by_rule("entropi", noisy(1, 1, 2))
    with pytest.raises(ValueError, match=r"batch_size .*0"):
        fusion.released_batch_weights(noisy(1, 1, 2), batch_size=0)
