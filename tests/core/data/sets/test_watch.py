"""Exercises with a smart watch: whole people are split, windows are the recordings'."""

import importlib
import io

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.linear_model import LogisticRegression

from mla_core.data.samples.split import SPLITS
from mla_core.data.sets import watch
from mla_core.data.sets.watch import SUBJECTS, load_watch
from mla_core.errors import DataError


@pytest.fixture(scope="module")
def data():
    return load_watch()


@pytest.fixture(scope="module")
def recordings():
    """What the package gives to its own users."""
    return importlib.import_module("seglearn").load_watch()


def fields(sample):
    subject, exercise, arm, start = sample.split("-")
    return int(subject[1:]), exercise, arm, int(start)


def test_no_person_is_in_two_splits(data):
    people = {side: {fields(sample)[0] for sample in data.split(side).ids} for side in SPLITS}
    assert people == {side: set(chosen) for side, chosen in SUBJECTS.items()}
    assert sum(map(len, people.values())) == len(set().union(*people.values())) == 10
    assert data.facts["subjects"] == SUBJECTS


def test_windows_are_cut_from_the_recording_that_their_id_names(data, recordings):
    raw = {
        (person, recordings["y_labels"][y], "right" if side else "left"): x
        for x, y, person, side in zip(
            *(recordings[key] for key in ("X", "y", "subject", "side")), strict=True
        )
    }
    assert len(raw) == 140
    cut = {
        sample: raw[fields(sample)[:3]][fields(sample)[3] :][:100]
        for side in SPLITS
        for sample in data.split(side).ids
    }
    assert len(cut) == sum((len(x) - 100) // 50 + 1 for x in raw.values())
    train = np.concatenate([cut[sample] for sample in data.split("train").ids])
    mean, deviation = train.mean(0), train.std(0)
    for side in SPLITS:
        split = data.split(side)
        assert [recordings["y_labels"][label] for label in split.labels] == [
            fields(sample)[1] for sample in split.ids
        ]
        both = torch.cat([split.inputs["accelerometer"], split.inputs["gyroscope"]], 1).numpy()
        expected = np.stack([(cut[sample] - mean) / deviation for sample in split.ids])
        np.testing.assert_allclose(both, expected.transpose(0, 2, 1), atol=2e-3)


def test_classes_have_similar_shares_in_every_split(data):
    for side in SPLITS:
        shares = torch.bincount(data.split(side).labels, minlength=7) / len(data.split(side))
        assert 0.09 < float(shares.min()) <= float(shares.max()) < 0.21


def test_the_same_bytes_every_time(data):
    assert load_watch().fingerprint == data.fingerprint


def test_both_sensors_can_be_learnt_from_other_people(data):
    def summary(split, name):
        x = split.inputs[name]
        return torch.cat([x.mean(2), x.std(2), x.amin(2), x.amax(2)], 1).numpy()

    train, val = data.split("train"), data.split("val")
    for name in data.modalities:
        probe = LogisticRegression(max_iter=500)
        probe.fit(summary(train, name), train.labels.numpy())
        assert 0.4 < probe.score(summary(val, name), val.labels.numpy()) < 0.95


def test_a_sample_is_shown_as_lines_with_words(data):
    for media in data.media("s07-ABD-left-0050"):
        assert Image.open(io.BytesIO(media.data)).size == (320, 160)
        for part in ("subject 7", "abduction", "left arm", "from 1 s", "x blue, y orange, z green"):
            assert part in media.caption
    acceleration, rotation = data.media("s07-ABD-left-0050")
    assert acceleration.data != rotation.data


def test_other_channels_than_expected_are_refused(monkeypatch, tmp_path):
    (tmp_path / "datasets.py").write_text(
        "def load_watch():\n    return {'X_labels': ['hr'], 'y_labels': ['PEN']}\n"
    )
    monkeypatch.setattr(watch, "package_path", lambda *_: tmp_path / "datasets.py")
    with pytest.raises(DataError, match=r"needs the channels .*'ax'.* has \['hr'\]"):
        watch.read_recordings()


def test_origin_and_licence_are_told(data):
    for word in ("Burns", "seglearn", "BSD"):
        assert word in data.note
