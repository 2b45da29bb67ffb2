"""Data sets from arrays in memory and from Hugging Face's `datasets`."""

import datasets
import numpy as np
import pytest
import torch

import mla_core as mla
from tests.core.media_files import SMALL, picture, sound

FROM = mla.MultimodalDataset.from_arrays
N = 40
LABELS = ["owl", "tit"] * 20
RNG = np.random.default_rng(0)


def test_kinds_and_shapes():
    data = FROM(
        {
            "v": RNG.normal(size=(N, 5)),
            "s": RNG.normal(size=(N, 3, 20)),
            "i": RNG.integers(0, 256, (N, 8, 9, 3)).astype(np.uint8),
            "m": torch.rand(N, 1, 8, 9),
            "f": RNG.random((N, 2, 3, 8, 8)),
            "t": ["hoo", "tsee"] * 20,
        },
        LABELS,
        kinds={"m": "spectrogram"},
    )
    assert {m.name: (m.kind, m.shape) for m in data.modalities.values()} == {
        "v": ("vector", (5,)),
        "s": ("sequence", (3, 20)),
        "i": ("image", (3, 8, 9)),
        "m": ("spectrogram", (1, 8, 9)),
        "f": ("video", (2, 3, 8, 8)),
        "t": ("characters", (4,)),
    }
    assert data.classes == ("owl", "tit")
    assert 0.9 < data.split("train").inputs["i"].max() <= 1


def test_rows_stay_with_their_labels_ids_and_split():
    x = np.arange(N)[:, None] * np.ones(3)
    sides = ["train"] * 20 + ["val"] * 10 + ["test"] * 10
    data = FROM({"x": x}, LABELS, split=sides, ids=[f"n{i}" for i in range(N)])
    for side in ("train", "val", "test"):
        split = data.split(side)
        numbers = split.inputs["x"][:, 0].long().tolist()
        assert [f"n{i}" for i in numbers] == list(split.ids)
        assert [LABELS[i] for i in numbers] == [data.classes[k] for k in split.labels]
        assert [sides[i] for i in numbers] == [side] * len(split)


def test_nan_and_none_are_missing_parts():
    x = RNG.normal(size=(N, 2))
    x[::2] = np.nan
    data = FROM({"x": x, "t": ["a", None] * 10 + ["b", "c"] * 10}, [0, 1] * 20, split=_sides())
    present = data.split("train").present
    assert present[0].tolist() == [False, True] * 14
    assert present[1].tolist() == [True, False] * 10 + [True] * 8
    assert (data.split("train").inputs["x"][0] == 0).all()


def _sides():
    return ["train"] * 28 + ["val"] * 6 + ["test"] * 6


def test_each_modality_may_have_its_own_samples():
    data = FROM(
        {"x": RNG.normal(size=(60, 4)), "t": ["hoo", "tsee"] * 20},
        {"x": ["owl", "tit"] * 30, "t": ["owl", "tit"] * 20},
    )
    train = data.split("train")
    assert not train.paired
    assert (train.present.sum(0) == 1).all()
    assert len(train.samples_of("x")) > len(train.samples_of("t")) > 20
    session = mla.TrainingSession(
        mla.ExperimentConfig(epochs=1, batch_size=16, pairing="independent"), data
    )
    assert {record.modality for record in session} == {"x", "t"}


BAD = {
    "nothing": (({}, LABELS), {}, "`inputs` is empty"),
    "too few": (({"x": np.ones((3, 2))}, LABELS), {}, "'x' has 3 samples, but there are 40"),
    "infinity": (({"x": np.full((N, 2), np.inf)}, LABELS), {}, "'x'.*NaN or infinity"),
    "some NaN": (({"x": np.array([[1, np.nan]] * N)}, LABELS), {}, "'x'.*NaN or infinity"),
    "no axis": (({"x": np.ones(N)}, LABELS), {}, r"'x' is float64 of shape \(40,\)"),
    "kind": (({"x": np.ones((N, 2))}, LABELS), {"kinds": {"x": "smell"}}, "'smell'"),
    "no such": (({"x": np.ones((N, 2))}, LABELS), {"kinds": {"y": "image"}}, "'y'"),
    "split": (({"x": np.ones((N, 2))}, LABELS), {"split": ["dev"] * N}, "'dev'"),
    "few ids": (({"x": np.ones((N, 2))}, LABELS), {"ids": ["a"]}, "`ids` has 1 entries"),
    "id twice": (({"x": np.ones((N, 2))}, LABELS), {"ids": ["a"] * N}, "'a' stands in sample 0"),
    "label once": (({"x": np.ones((N, 2))}, ["x", *LABELS[1:]]), {}, "'x' occurs once"),
    "unpaired": (({"x": np.ones((N, 2))}, {"y": LABELS}), {}, "labels are given for .'y'"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_does_not_fit_is_named(case):
    arguments, options, what = BAD[case]
    with pytest.raises(ValueError, match=what):
        FROM(*arguments, **options)


def test_a_hugging_face_data_set(tmp_path):
    n = 24
    columns = {
        "view": [str(picture(tmp_path / f"{i}.png", colour=(10 * i,) * 3)) for i in range(n)],
        "call": [str(sound(tmp_path / f"{i}.wav")) for i in range(n)],
        "words": ["hoo hoo", "tsee"] * 12,
        "size": [[1.0, 2.0]] * n,
        "age": [3] * n,
        "label": [0, 1] * 12,
    }
    columns["words"][3] = None
    features = datasets.Features(
        {
            "view": datasets.Image(),
            "call": datasets.Value("string"),
            "words": datasets.Value("string"),
            "size": datasets.List(datasets.Value("float32")),
            "age": datasets.Value("int64"),
            "label": datasets.ClassLabel(names=["owl", "tit"]),
        }
    )
    whole = datasets.Dataset.from_dict(columns, features=features)
    whole = whole.cast_column("call", datasets.Audio())  # needs no decoder of theirs
    parts = {"train": range(16), "validation": range(16, 20), "test": range(20, 24)}
    splits = datasets.DatasetDict({side: whole.select(rows) for side, rows in parts.items()})
    options = {"prepare": SMALL, "cache": str(tmp_path / "cache")}
    data = mla.MultimodalDataset.from_hugging_face(splits, **options)
    assert {m.name: m.kind for m in data.modalities.values()} == {
        "view": "image",
        "call": "spectrogram",
        "words": "characters",
        "size": "vector",
    }
    assert [len(data.split(side)) for side in ("train", "val", "test")] == [16, 4, 4]
    assert data.classes == ("owl", "tit")
    assert "columns not used: age" in data.note
    view = data.split("train").inputs["view"]
    assert [round(255 * float(x.mean())) for x in view[:]] == [10 * i for i in range(16)]
    assert data.split("train").present[2].tolist() == [i != 3 for i in range(16)]
    dealt = mla.MultimodalDataset.from_hugging_face(
        whole, kinds={"words": "text"}, **options, skip_bad=True
    )
    assert list(dealt.modalities) == ["words"]
