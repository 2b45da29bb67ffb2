"""A run to look at again: where every sample lay and what was predicted, at every recorded look.

Plain arrays without the network: small enough for a run folder, a browser or a web page.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from mla_core.containers import read_npz, write_npz
from mla_core.errors import DataError
from mla_core.evaluation.maps import trustworthiness
from mla_core.evaluation.metrics import summarise
from mla_core.evaluation.replay_file import ARRAYS, NAMES, OF_A_MAP, check_arrays, take_facts
from mla_core.language import later
from mla_core.records import Evaluation, Summary
from mla_core.threads import one_blas_thread

VERSION = 1
AGAIN = "run it again"
TRUST_POINTS = 300  # a trustworthiness takes the square of them
NO_PARTS = later("no sample has a part to place")
ALL_EQUAL = later("all features are equal, so the points lie in one place")
ABSENT = -1  # what an absent part, or a sample without any part, predicts

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Map:
    """Where K points lay at some of a replay's looks, in one kind of picture.

    Attributes
    ----------
    name : str
        Such as ``"pca"``, ``"classes"`` or ``"umap"``.
    caption : str
        What the picture is, in words.
    looks : ndarray
        (L,) the looks it shows, as indices into the replay's `steps`.
    coords : ndarray
        (L, K, 2) float32.
    trust : ndarray
        (L,) trustworthiness, from 0 to 1, NaN where nobody has neighbours: of few or equal points.
    """

    name: str
    caption: str
    looks: Array
    coords: Array
    trust: Array


@dataclass(frozen=True, eq=False)
class Replay:
    """What was seen at T looks at the same N samples of M modalities.

    The K points of a map are the parts that are present: modality by modality, and within each in
    the order of the samples (`points` says which).

    Attributes
    ----------
    modalities, classes, ids : tuple of str
        M, C and N names.
    labels : ndarray
        (N,).
    present : ndarray
        (M, N) bool.
    steps, epochs : ndarray
        (T,) finished at each look.
    predicted : ndarray
        (T, M, N) the class that each part alone says, `ABSENT` where there is none.
    fused : ndarray
        (T, N) the class that all say together.
    weights : ndarray
        (T, M, N) float32 importance weights.
    distances : ndarray
        (T, P, N) float16: of the two parts of a sample, both scaled to length 1, for each of the
        P = M (M - 1) / 2 pairs of modalities; NaN where one of them is absent.
    centroid_gap : ndarray
        (T, P) float32.
    separability : ndarray
        (T,) float32, see `mla_core.evaluation.modality_gap.linear_separability`; chance is 1/M.
    maps : dict of str to Map
    """

    modalities: tuple[str, ...]
    classes: tuple[str, ...]
    ids: tuple[str, ...]
    labels: Array
    present: Array
    steps: Array
    epochs: Array
    predicted: Array
    fused: Array
    weights: Array
    distances: Array
    centroid_gap: Array
    separability: Array
    maps: dict[str, Map]

    @classmethod
    def of(
        cls,
        evaluations: Sequence[Evaluation],
        classes: Sequence[str],
        *,
        maps: Mapping[str, Map] | None = None,
        summaries: Sequence[Summary] | None = None,
    ) -> Replay:
        """Return the replay of looks at the same samples.

        Parameters
        ----------
        evaluations : sequence of Evaluation
            T >= 1, such as ``session.recording.evaluations``.
        classes : sequence of str
        maps : mapping of str to Map, optional
            By default ``pca`` and ``classes``, computed here.
        summaries : sequence of Summary, optional
            Of these looks, where they are known already.

        Examples
        --------
        >>> from mla_core import ExperimentConfig, TrainingSession
        >>> session = TrainingSession(ExperimentConfig(dataset="gaussian", probe_size=50))
        >>> replay = Replay.of(session.recording.evaluations, session.data.classes)
        >>> replay.maps["pca"].coords.shape
        (1, 150, 2)
        """
        last = evaluations[-1]
        summaries = summaries or [summarise(look) for look in evaluations]
        if maps is None:
            maps = {"pca": pca_over_time(evaluations), "classes": class_corners(evaluations)}
        gaps = [list(summary.centroid_gap.values()) for summary in summaries]
        return cls(
            modalities=last.modalities,
            classes=tuple(classes),
            ids=last.ids,
            labels=last.labels.numpy(),
            present=last.present.numpy(),
            steps=np.array([look.step for look in evaluations]),
            epochs=np.array([look.epoch for look in evaluations]),
            predicted=np.stack([_predicted(look) for look in evaluations]),
            fused=np.stack([_fused(look) for look in evaluations]),
            weights=np.stack([look.weights.numpy().astype(np.float32) for look in evaluations]),
            distances=np.stack([_distances(look) for look in evaluations]),
            centroid_gap=np.array(gaps, np.float32).reshape(len(gaps), -1),
            separability=np.array([one.separability for one in summaries], np.float32),
            maps=dict(maps),
        )

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The P pairs of modalities, in the order of `distances` and `centroid_gap`."""
        return list(itertools.combinations(self.modalities, 2))

    @property
    def points(self) -> tuple[Array, Array]:
        """Modality and sample (K,) of every point of a map."""
        modality, sample = np.nonzero(self.present)
        return modality, sample

    @property
    def accuracy(self) -> Array:
        """(T,) share of samples that are fused to the right class."""
        return np.asarray((self.fused == self.labels).mean(1))

    def save(self, path: Path) -> None:
        """Write it to `path` (.npz), whole or not at all."""
        facts = {
            "version": VERSION,
            **{name: getattr(self, name) for name in NAMES},
            "captions": {name: one.caption for name, one in self.maps.items()},
        }
        arrays = {name: getattr(self, name) for name in ARRAYS}
        for name, one in self.maps.items():
            arrays |= {f"map.{name}.{key}": getattr(one, key) for key in OF_A_MAP}
        write_npz(path, {"facts": np.array(json.dumps(facts)), **arrays})

    @classmethod
    def load(cls, path: Path) -> Replay:
        """Read what `save` wrote.

        Raises
        ------
        DataError
            When the file is missing, damaged, of another version, or its arrays do not fit each
            other.
        """
        arrays = read_npz(path, AGAIN)
        try:
            facts = take_facts(arrays)
            if facts["version"] != VERSION:
                msg = "another version of MLA Lab wrote it"
                raise ValueError(msg)  # noqa: TRY301 - one message for everything that can be wrong
            check_arrays(facts, arrays)
        except (ValueError, RecursionError) as error:
            msg = f"{str(path)!r} holds no replay ({error}): {AGAIN}"
            raise DataError(msg) from error
        maps = {
            name: Map(name, caption, *(arrays[f"map.{name}.{key}"] for key in OF_A_MAP))
            for name, caption in facts["captions"].items()
        }
        told: dict[str, Any] = {name: tuple(facts[name]) for name in NAMES}
        told |= {name: arrays[name] for name in ARRAYS}
        return cls(**told, maps=maps)


def pca_over_time(evaluations: Sequence[Evaluation]) -> Map:
    """Return the PCA of all looks together: ONE plane for the whole run, so that nothing turns.

    Linear and fixed, so what moves on the map has moved in feature space. Features are scaled to
    length 1, as for the centroid gap.
    """
    clouds = [unit_features(look) for look in evaluations]  # T times (K, s)
    if not len(clouds[0]):
        nowhere = np.zeros((len(clouds), 0, 2))
        return _map("pca", f"PCA: {NO_PARTS}", np.arange(len(clouds)), nowhere, clouds)
    mean = np.mean([cloud.mean(0) for cloud in clouds], 0)
    with one_blas_thread():
        scatter = sum((cloud - mean).T @ (cloud - mean) for cloud in clouds)
        values, directions = np.linalg.eigh(scatter)
    plane = directions[:, -2:][:, ::-1]  # (s, 2)
    coords = np.stack([_two(cloud @ plane - mean @ plane) for cloud in clouds])
    spread = np.ptp([end for cloud in clouds for end in (cloud.min(0), cloud.max(0))], 0)
    kept = (
        f"keeps {values[-2:].sum() / values.sum():.0%} of variance" if spread.any() else ALL_EQUAL
    )
    caption = f"{later('PCA of all looks together, in one plane')}; {kept}"
    return _map("pca", caption, np.arange(len(clouds)), coords, clouds)


def class_corners(evaluations: Sequence[Evaluation]) -> Map:
    """Return what each part alone predicts, as a point between the classes.

    Every class is a corner of a regular polygon, and a point is the mean of the corners weighted
    by the predicted probabilities: in the middle it is unsure, in a corner sure. Linear in the
    probabilities (as RadViz; Hoffman et al., 1997), so it shows training as it is.
    """
    classes = evaluations[-1].logits.shape[-1]
    angle = 2 * np.pi * np.arange(classes) / classes + np.pi / 2
    corners = np.stack([np.cos(angle), np.sin(angle)], 1)  # (C, 2)
    coords = np.stack(
        [torch.softmax(look.logits[look.present], -1).numpy() @ corners for look in evaluations]
    )
    caption = later("class axes: predicted probabilities as a point between the classes' corners")
    clouds = [look.logits[look.present].numpy() for look in evaluations]
    return _map("classes", caption, np.arange(len(clouds)), coords, clouds)


def unit_features(evaluation: Evaluation) -> Array:
    """Return the features that are present, modality by modality, scaled to length 1, (K, s).

    Unit length since the centroid gap is measured on unit-length features too.

    Raises
    ------
    DataError
        When features are not finite.
    """
    points = evaluation.features[evaluation.present].numpy()
    lengths = np.linalg.norm(points.astype(np.float64), axis=1, keepdims=True)  # never overflows
    if len(bad := np.flatnonzero(~np.isfinite(lengths))):
        m, n = evaluation.present.nonzero()[bad[0]].tolist()
        msg = (
            f"the features of the modality {evaluation.modalities[m]!r} of the sample "
            f"{evaluation.ids[n]!r} are not finite numbers: no map can place them. Try a smaller "
            "learning rate."
        )
        raise DataError(msg)
    return np.asarray(points / np.maximum(lengths, 1e-12), np.float32)


def _map(name: str, caption: str, looks: Array, coords: Array, clouds: Sequence[Array]) -> Map:
    trust = [_trust(cloud, flat) for cloud, flat in zip(clouds, coords, strict=True)]
    return Map(name, caption, looks, coords.astype(np.float32), np.array(trust, np.float32))


def _trust(cloud: Array, coords: Array) -> float:
    """Return the trustworthiness, measured on at most `TRUST_POINTS` points, evenly chosen."""
    if len(cloud) <= 4:  # no neighbours to speak of
        return float("nan")
    chosen = np.linspace(0, len(cloud) - 1, min(len(cloud), TRUST_POINTS)).astype(int)
    try:
        return trustworthiness(cloud[chosen], coords[chosen])
    except DataError:  # logits too far apart to measure: no reason to lose a finished run
        return float("nan")


def _two(coords: Array) -> Array:
    return coords if coords.shape[1] == 2 else np.pad(coords, ((0, 0), (0, 1)))


def _predicted(look: Evaluation) -> Array:
    said = look.logits.argmax(-1)  # (M, N)
    return torch.where(look.present, said, ABSENT).numpy().astype(np.int16)


def _fused(look: Evaluation) -> Array:
    return torch.where(look.unanswered, ABSENT, look.fused.argmax(-1)).numpy().astype(np.int16)


def _distances(look: Evaluation) -> Array:
    z = torch.nn.functional.normalize(look.features, dim=-1)  # (M, N, s)
    pairs = itertools.combinations(range(len(z)), 2)
    rows = [
        torch.where(look.present[a] & look.present[b], (z[a] - z[b]).norm(dim=-1), torch.nan)
        for a, b in pairs
    ]
    empty = torch.zeros(0, len(look.ids))
    return (torch.stack(rows) if rows else empty).numpy().astype(np.float16)
