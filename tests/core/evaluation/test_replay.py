"""A run to look at again: arrays that say what was seen, checked against plain loops."""

import dataclasses
import json

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from mla_core import DataError, TrainingSession
from mla_core.evaluation import modality_gap
from mla_core.evaluation.replay import ABSENT, Replay, class_corners, pca_over_time, unit_features


@pytest.fixture(scope="module")
def session(tiny) -> TrainingSession:
    session = TrainingSession(tiny(missing={"val": 0.3}, probe_size=22))
    session.advance(steps=9)
    return session


@pytest.fixture(scope="module")
def replay(session) -> Replay:
    return Replay.of(session.recording.evaluations, session.data.classes)


def test_every_point_is_a_part_that_is_there(session, replay):
    present = session.probe.present
    assert 0 < int(present.sum()) < present.numel()
    modality, sample = replay.points
    assert [(m, n) for m, n in zip(modality.tolist(), sample.tolist(), strict=True)] == [
        (m, n) for m in range(3) for n in range(22) if present[m, n]
    ]
    for one in replay.maps.values():
        assert one.coords.shape == (len(replay.steps), len(modality), 2)
        assert np.isfinite(one.coords).all()


def test_predictions_weights_and_distances_are_those_of_each_look(session, replay):
    assert replay.steps.tolist() == session.recording.steps == [0, 4, 8]
    for t, look in enumerate(session.recording.evaluations):
        assert replay.accuracy[t] == pytest.approx(look.accuracy)
        z = F.normalize(look.features, dim=-1)
        for n in range(len(look.ids)):
            for m in range(3):
                here = bool(look.present[m, n])
                expected = int(look.logits[m, n].argmax()) if here else ABSENT
                assert replay.predicted[t, m, n] == expected
                assert replay.weights[t, m, n] == pytest.approx(float(look.weights[m, n]))
            for p, (a, b) in enumerate([(0, 1), (0, 2), (1, 2)]):
                both = bool(look.present[a, n] and look.present[b, n])
                distance = float((z[a, n] - z[b, n]).norm()) if both else np.nan
                assert replay.distances[t, p, n] == pytest.approx(distance, abs=2e-3, nan_ok=True)
    summary = session.history.summaries[-1]
    gaps = [summary.centroid_gap[f"{a}|{b}"] for a, b in replay.pairs]
    assert replay.centroid_gap[-1].tolist() == pytest.approx(gaps)
    assert replay.separability[-1] == pytest.approx(summary.separability)


def test_what_a_look_was_summed_up_as_is_not_computed_again(session, replay, monkeypatch):
    def again(features):
        raise AssertionError(features)

    monkeypatch.setattr(modality_gap, "linear_separability", again)
    twice = Replay.of(session.recording.evaluations, session.data.classes)
    assert np.array_equal(twice.separability, replay.separability)
    assert np.array_equal(twice.centroid_gap, replay.centroid_gap)


def test_the_plane_is_one_for_all_looks_and_the_best_of_all(session):
    looks = session.recording.evaluations
    clouds = [unit_features(look) for look in looks]
    mean = np.concatenate(clouds).mean(0)
    coords = pca_over_time(looks).coords
    # One linear map explains every look: least squares leaves nothing over.
    stacked, flat = np.concatenate(clouds) - mean, np.concatenate(coords)
    plane, *_ = np.linalg.lstsq(stacked, flat, rcond=None)
    assert np.allclose(stacked @ plane, flat, atol=1e-4)
    spread = np.linalg.svd(stacked, compute_uv=False)[:2] ** 2
    assert (flat**2).sum() == pytest.approx(spread.sum(), rel=1e-4)


def test_a_sure_prediction_lies_in_its_corner_and_an_unsure_one_in_the_middle(session):
    look = session.recording.evaluations[-1]
    logits = torch.zeros_like(look.logits)
    logits[0] = 100 * F.one_hot(torch.arange(22) % 4, 4)
    shown = class_corners([dataclasses.replace(look, logits=logits)]).coords[0]
    sure = int(look.present[0].sum())
    assert np.allclose(np.linalg.norm(shown[:sure], axis=1), 1, atol=1e-5)
    assert np.allclose(shown[sure:], 0, atol=1e-6)
    assert len(np.unique(shown[:sure].round(3), axis=0)) == 4


def test_a_file_gives_the_same_back(replay, tmp_path):
    replay.save(tmp_path / "replay.npz")
    assert [path.name for path in tmp_path.iterdir()] == ["replay.npz"]
    back = Replay.load(tmp_path / "replay.npz")
    assert (back.modalities, back.classes, back.ids) == (
        replay.modalities, replay.classes, replay.ids,
    )  # fmt: skip
    for name in ("labels", "present", "steps", "epochs", "predicted", "fused", "weights"):
        assert np.array_equal(getattr(back, name), getattr(replay, name))
    assert np.array_equal(back.distances, replay.distances, equal_nan=True)
    assert {k: v.caption for k, v in back.maps.items()} == {
        k: v.caption for k, v in replay.maps.items()
    }
    assert np.array_equal(back.maps["pca"].coords, replay.maps["pca"].coords)


@pytest.mark.parametrize("harm", ["missing", "short", "text", "other version", "no array"])
def test_a_file_that_cannot_be_read_is_named_with_what_to_do(harm, replay, tmp_path):
    path = tmp_path / "replay.npz"
    replay.save(path)
    if harm == "missing":
        path.unlink()
    elif harm == "short":
        path.write_bytes(path.read_bytes()[:2000])
    elif harm == "text":
        path.write_text("<img src=x onerror=alert(1)>")
    else:
        with np.load(path) as stored:
            arrays = dict(stored)
        facts = json.loads(str(arrays["facts"]))
        if harm == "other version":
            facts["version"] = 99
        else:
            del arrays["map.pca.coords"]
        arrays["facts"] = np.array(json.dumps(facts))
        np.savez(path, **arrays)
    with pytest.raises(DataError, match=r"replay.npz.*run it again"):
        Replay.load(path)


@pytest.mark.parametrize("modalities", [1, 2, 6])
def test_any_number_of_modalities_has_a_replay(tiny, modalities):
    few = {"modalities": modalities, "sizes": [40, 12, 12]}
    session = TrainingSession(tiny(dataset_options=few))
    replay = Replay.of(session.recording.evaluations, session.data.classes)
    pairs = modalities * (modalities - 1) // 2
    assert replay.distances.shape == (1, pairs, 12)
    assert replay.centroid_gap.shape == (1, pairs)
    assert len(replay.pairs) == pairs


def test_unit_features_have_length_one(session):
    features = unit_features(session.history.latest)
    assert np.allclose(np.linalg.norm(features, axis=1), 1, atol=1e-5)


def test_features_that_are_not_finite_are_named(session):
    look = session.recording.evaluations[-1]
    m, n = look.present.nonzero()[7].tolist()
    features = look.features.clone()
    features[m, n, 0] = torch.nan
    with pytest.raises(DataError, match=rf"modality '{look.modalities[m]}' .*'{look.ids[n]}'"):
        unit_features(dataclasses.replace(look, features=features))


def test_long_features_have_length_one_too(session):
    look = session.recording.evaluations[-1]
    long = unit_features(dataclasses.replace(look, features=1e30 * look.features))
    np.testing.assert_allclose(long, unit_features(look), atol=1e-6)


def with_arrays(path, **changed):
    with np.load(path) as stored:
        arrays = dict(stored)
    for name, change in changed.items():
        key = name.replace("__", ".")
        arrays[key] = change(arrays.get(key))
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})


def in_facts(**changed):
    return lambda facts: np.array(json.dumps(json.loads(str(facts)) | changed))


INCONSISTENT = [
    ({"labels": lambda x: x[:-3]}, "'labels' must be of shape"),
    ({"labels": lambda x: x + 100}, "'labels' must lie from 0 to 3"),
    ({"labels": lambda x: x.astype(float)}, "'labels'"),
    ({"present": lambda x: x.astype(int)}, "'present'"),
    ({"present": np.ones_like}, "coords' must be of shape"),
    ({"steps": lambda x: x[::-1]}, "'steps' must rise"),
    ({"steps": lambda x: x - 1}, "'steps' must rise"),
    ({"steps": lambda x: x[:0]}, "must be of shape"),
    ({"predicted": lambda x: x[0]}, "'predicted'"),
    ({"predicted": lambda x: x - 5}, "'predicted' must lie from -1 to 3"),
    ({"fused": lambda x: x.astype(str)}, "'fused'"),
    ({"weights": lambda x: x.astype(complex)}, "'weights'"),
    ({"distances": lambda x: x.ravel()}, "'distances'"),
    ({"map__pca__coords": lambda x: x.ravel()}, "'map.pca.coords' must be of shape"),
    ({"map__pca__coords": lambda x: x * np.nan}, "not finite"),
    ({"map__pca__looks": lambda x: x + 1}, "'map.pca.looks' must lie from 0 to 2"),
    ({"map__pca__trust": lambda _: None}, "'map.pca.trust' is missing"),
    ({"map__pca__more": lambda _: np.ones(3)}, "'map.pca.more' is unknown"),
    ({"facts": lambda _: None}, "no 'facts'"),
    ({"facts": lambda _: np.array("[" * 10**5)}, "recursion"),
    ({"facts": in_facts(ids=["a", "a"])}, "'ids' must be a list of names"),
    ({"facts": in_facts(classes=3)}, "'classes' must be a list of names"),
    ({"facts": in_facts(captions=[])}, "'captions'"),
]


@pytest.mark.parametrize(("changed", "said"), INCONSISTENT)
def test_arrays_that_do_not_fit_each_other_are_no_replay(changed, said, replay, tmp_path):
    replay.save(tmp_path / "replay.npz")
    with_arrays(tmp_path / "replay.npz", **changed)
    with pytest.raises(DataError, match=rf"replay.npz' holds no replay \(.*{said}.*run it again"):
        Replay.load(tmp_path / "replay.npz")
