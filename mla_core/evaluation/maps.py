"""The modality gap as a map: aligned PCA at once, warm-started UMAP in a process of its own."""

from __future__ import annotations

import importlib
import multiprocessing
import os
import signal
import sys
import threading
import warnings
from concurrent.futures import Future, ProcessPoolExecutor
from typing import Any

import numpy as np

from mla_core.errors import DataError
from mla_core.threads import one_blas_thread

UMAP_LEAST = 5  # points: with fewer, nobody has neighbours to speak of
UMAP_NEIGHBORS = 15
UMAP_ALL_PAIRS = 4096  # points, from which on umap-learn no longer compares all with all
LONGEST = 1e18  # the square of a distance must fit into float32
COLD_EPOCHS = 200
WARM_EPOCHS = 50


def pca_map(points: np.ndarray, previous: np.ndarray | None = None) -> np.ndarray:
    """Project onto the two directions of largest variance, turned to match the previous map.

    Parameters
    ----------
    points : ndarray
        (K, s), any K; a single feature gives a line, equal points one place.
    previous : ndarray, optional
        (K, 2), the last map of the same samples in the same order.

    Returns
    -------
    ndarray
        (K, 2) float32. Linear, so distances shrink but never lie.

    Raises
    ------
    DataError
        When the points are no features, or not all of them finite numbers.

    Examples
    --------
    >>> pca_map(np.array([[0.0, 0, 0], [2, 0, 0], [0, 1, 0], [2, 1, 0]])).shape
    (4, 2)
    """
    _check_points(points)
    if not len(points):
        return np.zeros((0, 2), np.float32)
    centred = points.astype(np.float64) - points.mean(0)
    with one_blas_thread():
        if len(centred) < centred.shape[1]:  # the same, from the smaller of two matrices
            squares, left = np.linalg.eigh(centred @ centred.T)
            coords = left[:, -2:] * np.sqrt(np.maximum(squares[-2:], 0))
        else:
            _, directions = np.linalg.eigh(centred.T @ centred)
            coords = centred @ directions[:, -2:]
    coords = coords[:, ::-1]
    if coords.shape[1] < 2:
        coords = np.column_stack([coords, np.zeros(len(coords))])
    if previous is not None:
        coords = _rotate(coords, previous)
    return np.asarray(coords, np.float32)


def umap_map(points: np.ndarray, previous: np.ndarray | None = None, seed: int = 0) -> np.ndarray:
    """Return a UMAP of the points, started from the previous map and aligned to it.

    Parameters
    ----------
    points : ndarray
        (K, s), K >= `UMAP_LEAST`; equal points have one place.
    previous : ndarray, optional
        (K, 2), the last map of the same samples. A cold start moves every point by about a radius,
        a warm one by a seventh of it.
    seed : int
        Seeded runs are reproducible, and single-threaded.

    Returns
    -------
    ndarray
        (K, 2) float32. Distances are not the gap: print the number beside the picture.

    Raises
    ------
    DataError
        When there are too few points, or not all of them are finite numbers.
    """
    _check_points(points)
    if len(points) < UMAP_LEAST:
        msg = f"a UMAP needs at least {UMAP_LEAST} points, not {len(points)}: look at the PCA"
        raise DataError(msg)
    if _equal(points):
        return np.zeros((len(points), 2), np.float32)
    # UMAP stretches a start to a square, axis by axis, which a flat one would not survive.
    usable = previous is not None and len(previous) == len(points) and np.ptp(previous, 0).all()
    start = previous if usable else None
    cold = "pca" if points.shape[1] > 1 else "random"  # one feature has no second direction
    neighbors = min(UMAP_NEIGHBORS, len(points) - 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of its own single thread
        reducer = _import_umap().UMAP(
            n_neighbors=neighbors,
            init=cold if start is None else np.ascontiguousarray(start, np.float32),
            n_epochs=COLD_EPOCHS if start is None else WARM_EPOCHS,
            random_state=seed,
            n_jobs=1,
            precomputed_knn=_nearest(points, neighbors),
        )
        coords = np.asarray(reducer.fit_transform(points), np.float64)
    # Aligning comes last, since the start was stretched.
    return np.asarray(coords if start is None else align(coords, start), np.float32)


def align(coords: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Rotate, reflect, scale and shift `coords` (K, 2) to lie on `reference` (Procrustes).

    Examples
    --------
    >>> square = np.array([[0.0, 0], [1, 0], [1, 1], [0, 1]])
    >>> bool(np.allclose(align(square[:, ::-1] * 3 + 7, square), square))
    True
    """
    target = reference - reference.mean(0)
    moved = _rotate(coords - coords.mean(0), target)
    scale = (moved * target).sum() / max((moved**2).sum(), 1e-12)
    return np.asarray(moved * scale + reference.mean(0))


def trustworthiness(points: np.ndarray, coords: np.ndarray, neighbors: int = 10) -> float:
    """Return how far neighbours on the map are neighbours in feature space, 1 at best.

    NaN where nobody has neighbours: with fewer than three points, or when all are equal.

    Parameters
    ----------
    points, coords : ndarray
        (K, s) and (K, 2).
    neighbors : int
        Lowered for very few points.

    Notes
    -----
    scikit-learn's `trustworthiness` (Venna and Kaski, 2001).
    """
    _check_points(points)
    if len(points) < 3 or _equal(points):
        return float("nan")
    from sklearn.manifold import trustworthiness as measure

    return float(
        measure(points, coords, n_neighbors=max(1, min(neighbors, (len(points) - 1) // 2)))
    )


def _check_points(points: np.ndarray) -> None:
    if points.ndim != 2 or points.shape[1] < 1:
        msg = (
            "a map needs points (K, s) with at least one feature, not an array of shape "
            f"{points.shape}"
        )
        raise DataError(msg)
    lengths = np.linalg.norm(points.astype(np.float64), axis=1)  # (K,)
    if len(bad := np.flatnonzero(~(lengths < LONGEST))):
        first, length = bad[0], lengths[bad[0]]
        told = f"has the length {length:.3g}" if np.isfinite(length) else "is not a finite number"
        msg = (
            f"a map cannot place point {first} of {len(points)}: it {told}. Lengths must be below "
            f"{LONGEST:g}; when training gave these features, try a smaller learning rate."
        )
        raise DataError(msg)


def _equal(points: np.ndarray) -> bool:
    return not np.ptp(points, axis=0).any()


def _nearest(points: np.ndarray, number: int) -> tuple[Any, ...]:
    """Return which points are nearest to each, itself among them, and how far: (K, number).

    umap-learn finds the same ones by a call from Python for each pair of points, which takes most
    of a map's time. Of many points it compares a part of the pairs, and is told nothing.
    """
    if len(points) >= UMAP_ALL_PAIRS:
        return None, None, None
    from scipy.spatial.distance import cdist

    distances = cdist(points, points)
    nearest = np.argsort(distances, axis=1, kind="stable")[:, :number]
    near = np.take_along_axis(distances, nearest, 1)
    return nearest.astype(np.int32), near.astype(np.float32)


def _import_umap() -> Any:
    """Import umap-learn so that numba compiles what is called, and keeps it beside the package.

    umap-learn asks for no such cache, so every new process would compile the same functions again.
    pynndescent that it builds on names the types of a hundred functions, which numba would compile
    for 20 s at the first import, though a map calls few of them or none.
    """
    if "umap" in sys.modules:
        return sys.modules["umap"]
    try:
        import numba

        compiled = numba.njit

        def when_called(*args: Any, **options: Any) -> Any:
            function = args[:1] if args and callable(args[0]) else ()  # but no types
            return compiled(*function, **{"cache": True} | options)

        numba.njit = when_called
        try:
            return importlib.import_module("umap")
        finally:
            numba.njit = compiled
    except ImportError as error:  # pragma: no cover - a normal installation has it
        msg = "the UMAP needs the package umap-learn: pip install umap-learn"
        raise ImportError(msg) from error


def _rotate(coords: np.ndarray, reference: np.ndarray) -> np.ndarray:
    u, _, vt = np.linalg.svd(coords.T @ (reference - reference.mean(0)))
    return np.asarray(coords @ u @ vt)


class MapWorker:
    """Computes UMAPs in a process of its own, so that neither training nor clicks wait for it.

    A thread would not do: umap-learn compiles itself for seconds on first use while it holds the
    interpreter. The process starts at once, warms up by itself, and ends with its parent.

    Examples
    --------
    >>> worker = MapWorker()  # doctest: +SKIP
    >>> worker.submit(points, previous=None, seed=0).result()  # doctest: +SKIP
    """

    def __init__(self) -> None:
        self._pool = ProcessPoolExecutor(
            1, mp_context=multiprocessing.get_context("spawn"), initializer=_start_worker
        )
        self.warm_up: Future[None] = self._pool.submit(_warm_up)

    def submit(
        self, points: np.ndarray, previous: np.ndarray | None, seed: int
    ) -> Future[tuple[np.ndarray, float]]:
        """Ask for a map; the future holds the coordinates (K, 2) and their trustworthiness."""
        return self._pool.submit(_map_and_measure, points, previous, seed)

    def close(self) -> None:
        """End the process, whatever it is doing."""
        processes = list((self._pool._processes or {}).values())  # noqa: SLF001 - no public way
        self._pool.shutdown(wait=False, cancel_futures=True)
        for process in processes:
            process.terminate()


def _map_and_measure(
    points: np.ndarray, previous: np.ndarray | None, seed: int
) -> tuple[np.ndarray, float]:
    coords = umap_map(points, previous, seed)
    return coords, trustworthiness(points, coords)


def _warm_up() -> None:
    points = np.random.default_rng(0).normal(size=(60, 8)).astype(np.float32)
    _map_and_measure(points, pca_map(points), seed=0)


def _start_worker() -> None:
    """Give way to training, and end when the parent ends, even when it was killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # interrupting a cell is meant for the kernel
    if hasattr(os, "nice"):
        os.nice(10)
    parent = multiprocessing.parent_process()

    def watch() -> None:
        if parent is not None:
            parent.join()
        os._exit(0)

    threading.Thread(target=watch, daemon=True).start()
