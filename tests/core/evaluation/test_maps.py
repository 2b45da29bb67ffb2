"""Maps of features: PCA against scikit-learn, Procrustes, and UMAP in a process of its own."""

import json
import subprocess
import sys

import numpy as np
import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors

from mla_core.errors import DataError
from mla_core.evaluation.maps import _nearest, align, pca_map, trustworthiness, umap_map


def points(k: int = 50, s: int = 8, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(k, s)) * np.linspace(3, 0.5, s) + 5).astype(np.float32)


def turned(coords: np.ndarray, degrees: float, mirrored: bool = False) -> np.ndarray:
    turn = Rotation.from_euler("z", degrees, degrees=True).as_matrix()[:2, :2]
    return coords @ turn @ np.diag([1, -1 if mirrored else 1])


def as_far_apart(one: np.ndarray, two: np.ndarray) -> bool:
    def distances(x: np.ndarray) -> np.ndarray:
        return np.linalg.norm(x[:, None] - x[None], axis=-1)

    return np.allclose(distances(one), distances(two), atol=1e-4)


@settings(deadline=None, max_examples=20)
@given(k=st.integers(4, 40), s=st.integers(2, 60), seed=st.integers(0, 99))
def test_the_map_is_scikit_learns_pca_up_to_signs(k, s, seed):
    x = points(k, s, seed)
    ours, theirs = pca_map(x), PCA(2, svd_solver="full").fit_transform(x.astype(np.float64))
    assert ours.dtype == np.float32
    signs = np.sign((ours * theirs).sum(0))
    np.testing.assert_allclose(ours * signs, theirs, atol=1e-3)


def test_one_dimension_becomes_a_line():
    x = points(9, 1)
    coords = pca_map(x)
    assert coords.shape == (9, 2)
    assert (coords[:, 1] == 0).all()
    np.testing.assert_allclose(np.abs(coords[:, 0]), np.abs(x - x.mean())[:, 0], atol=1e-5)


@pytest.mark.parametrize("degrees", [0, 30, 180, 275])
@pytest.mark.parametrize("mirrored", [False, True])
def test_a_map_is_turned_to_match_the_previous_one(degrees, mirrored):
    x = points()
    previous = turned(pca_map(x), degrees, mirrored) + np.array([4, -9])
    again = pca_map(x, previous)
    np.testing.assert_allclose(again, previous - previous.mean(0), atol=1e-4)


def test_turning_never_stretches_a_map():
    x, y = points(), points(seed=1)
    assert as_far_apart(pca_map(x), pca_map(x, previous=pca_map(y)))


def test_turned_features_give_the_same_map():
    x = points(s=3)
    before = pca_map(x)
    turn = Rotation.from_euler("xyz", [40, 70, 200], degrees=True).as_matrix()
    np.testing.assert_allclose(pca_map(x @ turn, before), before, atol=1e-3)


@settings(deadline=None, max_examples=25)
@given(
    degrees=st.floats(0, 360),
    mirrored=st.booleans(),
    scale=st.floats(0.01, 100),
    shift=st.tuples(st.floats(-50, 50), st.floats(-50, 50)),
)
def test_aligning_undoes_any_similarity(degrees, mirrored, scale, shift):
    reference = points(20, 2)
    moved = turned(reference, degrees, mirrored) * scale + shift
    np.testing.assert_allclose(align(moved, reference), reference, atol=1e-3)


def test_aligning_points_that_are_one_does_not_divide_by_zero():
    assert np.isfinite(align(np.ones((5, 2)), points(5, 2))).all()


def test_trustworthiness_is_one_for_the_points_themselves_and_low_for_noise():
    x = points(60, 2)
    assert trustworthiness(x, x) == 1.0
    noise = np.random.default_rng(1).normal(size=(60, 2))
    assert 0.3 < trustworthiness(x, noise) < 0.7


@pytest.mark.parametrize("k", [3, 4, 5, 12])
def test_trustworthiness_lowers_its_neighbours_for_few_points(k):
    x = points(k, 2)
    assert trustworthiness(x, x) == 1.0


def spoilt(value: float) -> np.ndarray:
    x = points(6, 3)
    x[4, 1] = value
    return x


@pytest.mark.parametrize("make", [pca_map, umap_map, lambda x: trustworthiness(x, x)])
@pytest.mark.parametrize(
    ("x", "told"),
    [
        (spoilt(np.nan), r"point 4 .*not a finite number"),
        (spoilt(np.inf), r"point 4 .*not a finite number"),
        (spoilt(-1e30), r"point 4 .*has the length 1e\+30"),
        (np.zeros((6, 0), np.float32), r"at least one feature, not an array of shape \(6, 0\)"),
        (np.zeros(6, np.float32), r"at least one feature, not an array of shape \(6,\)"),
    ],
)
def test_what_no_map_can_place_is_refused_in_a_sentence(make, x, told):
    with pytest.raises(DataError, match=told):
        make(x)


@pytest.mark.parametrize("k", [0, 1, 2, 3, 4])
def test_few_points_have_a_pca_but_no_umap_and_fewer_than_three_no_neighbours(k):
    x = points(k, 3)
    assert np.isfinite(pca_map(x)).all()
    assert pca_map(x).shape == (k, 2)
    assert np.isnan(trustworthiness(x, x)) == (k < 3)
    with pytest.raises(DataError, match=rf"at least 5 points.* not {k}"):
        umap_map(x)


def test_equal_points_have_one_place_and_no_neighbours():
    x = np.ones((60, 8), np.float32)
    for place in (pca_map, umap_map):
        assert np.ptp(place(x), axis=0).tolist() == [0, 0]
    assert np.isnan(trustworthiness(x, pca_map(x)))


@pytest.mark.parametrize("k", [6, 16, 60])
def test_umap_is_told_the_neighbours_that_scikit_learn_finds(k):
    x = points(k)
    x[3] = x[5]  # as far from all others, and not from each other
    number = min(15, k - 1)
    nearest, distances = _nearest(x, number)
    theirs = NearestNeighbors(n_neighbors=number, algorithm="brute").fit(x.astype(np.float64))
    np.testing.assert_allclose(distances, theirs.kneighbors(x)[0], atol=1e-5)
    far = np.linalg.norm(x[:, None] - x[nearest], axis=-1)
    np.testing.assert_allclose(distances, far, atol=1e-5)
    assert (nearest == np.arange(k)[:, None]).any(1).all()
    assert (distances[:, 0] == 0).all()
    assert _nearest(np.zeros((4096, 1), np.float32), 15) == (None, None, None)


WORKER = """
import json, sys
import numpy as np
from mla_core.evaluation.maps import MapWorker, umap_map

if __name__ == "__main__":
    worker = MapWorker()
    rng = np.random.default_rng(0)
    points = (rng.normal(size=(60, 8)) + 4 * np.repeat(np.arange(3), 20)[:, None]).astype("f4")
    moved = points + 0.1 * rng.normal(size=points.shape).astype("f4")
    cold, quality = worker.submit(points, None, 0).result()
    again, _ = worker.submit(points, None, 0).result()
    warm, _ = worker.submit(moved, cold, 0).result()
    anew, _ = worker.submit(moved, None, 0).result()
    maps = {"cold": cold, "again": again, "warm": warm, "anew": anew}
    maps["line"] = umap_map(points[:, :1])
    maps["few"] = umap_map(points[:5])
    flat = umap_map(np.zeros_like(points))
    maps["spread anew"] = umap_map(points, previous=flat)
    try:
        worker.submit(points[:3], None, 0).result()
    except Exception as error:
        maps_refusal = repr(error)
    answer = {name: coords.tolist() for name, coords in maps.items()}
    answer["refusal"] = maps_refusal
    answer["workers"] = list(worker._pool._processes)
    from pynndescent.rp_trees import make_euclidean_tree
    from umap.umap_ import smooth_knn_dist
    answer["in vain"] = len(make_euclidean_tree.signatures)
    answer["compiled"] = sum(smooth_knn_dist.stats.cache_misses.values())
    print(json.dumps(answer | {"quality": quality}), flush=True)
    sys.stdin.read()
"""


def test_the_worker_makes_umaps_and_dies_with_its_parent(tmp_path):
    """One test for all of UMAP, since importing and compiling it takes most of its time."""
    script = tmp_path / "parent.py"
    script.write_text(WORKER)
    with subprocess.Popen(
        [sys.executable, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        try:
            answer = json.loads(parent.stdout.readline())
            (worker,) = answer["workers"]
            assert psutil.pid_exists(worker)
        finally:
            parent.kill()  # SIGKILL: the parent has no chance to tell its worker
        parent.stdout.read()  # comes back when the last that holds the pipe, the worker, has ended
    assert answer["in vain"] == 0, "what no map calls is not compiled"
    assert answer["compiled"] == 0, "what one process compiled, the next one finds on the disk"
    cold, again, warm, anew = (np.array(answer[k]) for k in ("cold", "again", "warm", "anew"))
    assert cold.shape == (60, 2)
    assert np.isfinite(cold).all()
    assert 0.8 < answer["quality"] <= 1
    for name, k in (("line", 60), ("few", 5), ("spread anew", 60)):
        assert np.isfinite(answer[name]).all(), name
        assert np.ptp(answer[name], axis=0).min() > 0, name
        assert len(answer[name]) == k
    assert answer["refusal"].startswith("DataError('a UMAP needs at least 5 points")
    np.testing.assert_array_equal(cold, again)
    groups = cold.reshape(3, 20, 2)
    assert groups.std(1).max() < groups.mean(1).std(0).max()  # three clouds stay three clouds

    def moved(coords: np.ndarray) -> float:
        return float(np.linalg.norm(coords - cold, axis=1).mean())

    assert 0 < moved(warm) < moved(anew)
