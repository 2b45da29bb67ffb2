"""Data sets from arrays in memory and from Hugging Face's `datasets`."""

import enum

import datasets
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
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


# shape, numbers, kind that is told; then the shape and the largest number that are expected
GREY, COLOUR = RNG.random((N, 8, 9)), RNG.random((N, 8, 9, 3))
GREY[0, 0, 0] = COLOUR[0, 0, 0] = 1
BYTES = (COLOUR * 255).round().astype(np.uint8)
PICTURES = {
    "(N, H, W) of 8 bits": ((GREY * 255).round().astype(np.uint8), "", (1, 8, 9), 1),
    "(N, H, W)": (GREY, "image", (1, 8, 9), 1),
    "(N, H, W, 1)": (GREY[..., None], "", (1, 8, 9), 1),
    "(N, H, W, 3)": (COLOUR, "", (3, 8, 9), 1),
    "(N, H, W, 4)": (RNG.random((N, 32, 32, 4)), "", (4, 32, 32), 1),
    "(N, 1, H, W)": (GREY[:, None], "", (1, 8, 9), 1),
    "(N, 3, H, W)": (COLOUR.transpose(0, 3, 1, 2), "", (3, 8, 9), 1),
    "(N, 4, H, W)": (RNG.random((N, 4, 32, 32)), "", (4, 32, 32), 1),
    "rows of 784": (RNG.random((N, 784)), "image", (1, 28, 28), 1),
    "floats 0..255": (COLOUR * 255, "", (3, 8, 9), 1),
    "whole floats": (BYTES.astype(np.float64), "", (3, 8, 9), 1),
    "int64": (BYTES.astype(np.int64), "", (3, 8, 9), 1),
    "uint16": (BYTES.astype(np.uint16), "", (3, 8, 9), 1),
    "a tensor": (torch.from_numpy(BYTES), "", (3, 8, 9), 1),
    "bfloat16": (torch.from_numpy(COLOUR).bfloat16(), "", (3, 8, 9), 1),
    "black and white": (COLOUR > 0.5, "", (3, 8, 9), 1),
    "0 and 1 in 8 bits": ((COLOUR > 0.5).astype(np.uint8), "", (3, 8, 9), 1),
    "0 and 1 in 64 bits": ((COLOUR > 0.5).astype(np.int64), "", (3, 8, 9), 1),
    "standardised": ((COLOUR - 0.5) / 0.25, "", (3, 8, 9), 2),
    "a list of arrays": (list(BYTES), "", (3, 8, 9), 1),
}


@pytest.mark.parametrize("case", PICTURES)
def test_pictures_are_recognised(case):
    x, kind, shape, largest = PICTURES[case]
    data = FROM({"x": x}, LABELS, split=_sides(), kinds={"x": kind} if kind else None)
    assert (data.modalities["x"].kind, data.modalities["x"].shape) == ("image", shape)
    inputs = data.split("train").inputs["x"]
    assert 0.9 * largest < float(inputs.max()) <= largest
    assert float(inputs.std()) > 0.1


def test_each_pixel_stays_in_its_place():
    data = FROM({"x": BYTES}, LABELS, split=_sides())
    expected = torch.from_numpy(BYTES[:28]).permute(0, 3, 1, 2) / 255
    assert torch.equal(data.split("train").inputs["x"], expected)
    rows = RNG.random((N, 9)).astype(np.float32)
    data = FROM({"x": rows}, LABELS, split=_sides(), kinds={"x": "image"})
    assert data.split("train").inputs["x"][3, 0, 1].tolist() == rows[3, 3:6].tolist()


def test_frames_of_a_video_are_recognised_as_pictures_are():
    x = RNG.integers(0, 256, (N, 2, 8, 9, 3))
    data = FROM({"x": x}, LABELS)
    assert data.modalities["x"].shape == (2, 3, 8, 9)
    assert 0.9 < float(data.split("train").inputs["x"].max()) <= 1


@pytest.mark.parametrize(
    ("x", "told"),
    [
        (BYTES.astype(np.float32), "x: pixels from 0 to 255 were divided by 255"),
        ((COLOUR > 0.5) * 1, "x: pixels are 0 and 1 alone, taken as black and white"),
        (np.full((N, 3, 8, 8), 200), "x: pixels from 200 to 200 were divided by 255"),
    ],
)
def test_what_is_done_to_pixels_is_told(x, told):
    assert FROM({"x": x}, LABELS).note.startswith(told)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_pictures_of_every_number_of_channels_are_trained_on_and_shown(channels):
    data = FROM({"x": RNG.random((N, 16, 16, channels))}, LABELS)
    session = mla.TrainingSession(mla.ExperimentConfig(epochs=1, batch_size=16), data)
    assert len(list(session)) == 2
    (media,) = data.media("row-00003")
    assert media.mime == "image/png"


def test_parts_that_are_missing_from_a_list():
    x = [None if i % 2 else np.full(3, i, np.float32) for i in range(N)]
    t = ["hoo" if i % 3 else np.nan for i in range(N)]
    masked = np.ma.masked_array(np.ones((N, 2)), np.arange(N)[:, None] % 4 == [0, 0])
    words = pd.Series(["a", None, pd.NA, " "] * 10)
    data = FROM({"x": x, "t": t, "m": masked, "w": words}, LABELS, split=_sides())
    expected = [[i % 2 == 0 for i in range(28)], [i % 3 > 0 for i in range(28)]]
    expected += [[i % 4 > 0 for i in range(28)], [i % 4 == 0 for i in range(28)]]
    keep = [i for i in range(28) if any(row[i] for row in expected)]
    assert keep == list(range(28))
    assert data.split("train").present.tolist() == expected
    assert data.split("train").inputs["x"][2].tolist() == [2, 2, 2]
    assert data.split("train").inputs["x"][1].tolist() == [0, 0, 0]


class Bird(enum.Enum):
    OWL = "owl"
    TIT = "tit"


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (torch.tensor([0, 1] * 20), ("0", "1")),
        ([torch.tensor(0), np.int64(1)] * 20, ("0", "1")),
        ([False, True] * 20, ("False", "True")),
        (np.array([b"owl", b"tit"] * 20), ("owl", "tit")),
        ([Bird.OWL, Bird.TIT] * 20, ("owl", "tit")),
        (pd.Series(["owl", "tit"] * 20), ("owl", "tit")),
        (pd.Categorical(["owl", "tit"] * 20), ("owl", "tit")),
    ],
)
def test_labels_are_plain_values(labels, classes):
    assert FROM({"x": np.ones((N, 2))}, labels).classes == classes


def test_white_space_around_labels_is_taken_off_and_told():
    data = FROM({"x": np.ones((N, 2))}, ["owl", "owl ", "tit", "tit"] * 10)
    assert data.classes == ("owl", "tit")
    assert "10 labels have white space around them, such as 'owl '" in data.note


SOME = np.ones((N, 2))
LABELLED = {
    "none": (None, "`labels` is None"),
    "a text": ("owl", "`labels` is a str"),
    "a set": ({"owl", "tit"}, "`labels` is a set"),
    "a generator": ((label for label in LABELS), "`labels` is a generator"),
    "a number": (3, "`labels` is a int"),
    "a column": (np.zeros((N, 1)), r"`labels` has the shape \(40, 1\).*one for each sample"),
    "one-hot": (torch.eye(2).repeat(20, 1), r"`labels` has the shape \(40, 2\).*argmax"),
    "lists": ([[0, 3]] * N, r"\[0, 3\].*one label"),
    "NaN": ([np.nan, *LABELS[1:]], "sample 0: has no label"),
    "masked": (np.ma.masked_equal([0, 1] * 20, 1), "sample 1: has no label"),
    "fractions": ([0.5, 1.5] * 20, "the label 0.5 is no class"),
    "alike": ([1, "1"] * 20, "are alike"),
    "zero width": (["owl", "owl\u200b"] * 20, "looks like"),
    "objects": ([object()] * N, "not one value"),
}


@pytest.mark.parametrize("case", LABELLED)
def test_labels_that_cannot_be_used(case):
    labels, what = LABELLED[case]
    with pytest.raises(mla.DataError, match=what):
        FROM({"x": SOME}, labels)


INPUTS = {
    "no mapping": (SOME, "`inputs` is a ndarray"),
    "a number as name": ({0: SOME}, "has the name 0: give a text"),
    "None": ({"x": None}, "'x' is None"),
    "a number": ({"x": 3}, "'x' is a int"),
    "a text": ({"x": "hoo"}, "'x' is a str"),
    "a generator": ({"x": (row for row in SOME)}, "'x' is a generator"),
    "a set": ({"x": set(range(N))}, "'x' is a set"),
    "ragged": ({"x": [[1.0, 2.0], [1.0]] * 20}, "'x'.* sample 1 has the shape"),
    "objects": ({"x": [object()] * N}, "'x'.*holds object"),
    "mappings": ({"x": [{"a": 1}] * N}, "'x'.*holds dict"),
    "complex": ({"x": np.ones((N, 2), complex)}, "'x'.*complex128"),
    "times": ({"x": np.zeros((N, 2), "datetime64[s]")}, "'x'.*datetime64"),
    "texts and numbers": ({"x": ["hoo", 3] * 20}, "'x'.*sample 1 is 3, not a text"),
    "masked in part": (
        {"x": np.ma.masked_array(SOME, [[True, False]] * N)},
        "'x'.*sample 0 is masked in part",
    ),
    "no part at all": ({"x": np.full((N, 2), np.nan)}, "sample 0: has no part at all"),
    "a sparse matrix": ({"x": scipy.sparse.eye(N, format="csr")}, "'x' holds csr_matrix"),
    "grey or series": ({"x": np.ones((N, 9, 9))}, "'x'.*kinds=.'x': 'image'.*sequence"),
    "no channels": ({"x": np.ones((N, 32, 32, 5))}, r"'x'.*\(40, 32, 32, 5\).*1, 3 or 4"),
    "channels twice": ({"x": np.ones((N, 3, 32, 3))}, "'x'.*first or the last"),
    "too bright": ({"x": np.full((N, 3, 8, 8), 4000)}, "'x'.*from 4000 to 4000"),
    "negative": ({"x": np.full((N, 3, 8, 8), -5)}, "'x'.*from -5 to -5"),
    "of 16 levels": ({"x": np.full((N, 8, 9, 1), 16.0)}, "'x'.*from 16 to 16.*divide"),
    "huge": ({"x": np.full((N, 2), 2**62)}, "'x'.*beyond 1e"),
}


@pytest.mark.parametrize("case", INPUTS)
def test_inputs_that_cannot_be_used(case):
    inputs, what = INPUTS[case]
    with pytest.raises(mla.DataError, match=what):
        FROM(inputs, LABELS)


@pytest.mark.parametrize(
    ("x", "kind", "what"),
    [
        (np.ones((N, 3, 4)), "vector", r"vector is \(N, D\)"),
        (np.ones((N, 3)), "sequence", r"sequence is \(N, channels, steps\)"),
        (np.ones((N, 3)), "video", r"video is \(N, frames, C, H, W\)"),
        (np.ones((N, 3072)), "image", "3072.*three colours"),
        (np.ones((N, 785)), "image", "785.*no square"),
        (np.ones((N, 3, 8, 8)), "spectrogram", r"spectrogram is \(N, 1, mels, frames\)"),
        (np.ones((N, 3)), "characters", "give texts for characters"),
    ],
)
def test_a_kind_that_does_not_fit_the_shape(x, kind, what):
    with pytest.raises(mla.DataError, match=f"'x'.*{what}"):
        FROM({"x": x}, LABELS, kinds={"x": kind})


def test_a_spectrogram_may_lack_its_channel():
    data = FROM({"x": RNG.random((N, 16, 20))}, LABELS, kinds={"x": "spectrogram"})
    assert data.modalities["x"].shape == (1, 16, 20)


def test_pictures_with_their_own_samples_are_recognised_as_others_are():
    data = FROM({"x": BYTES, "t": ["hoo", "tsee"] * 8}, {"x": LABELS, "t": ["owl", "tit"] * 8})
    assert data.modalities["x"].shape == (3, 8, 9)
    assert 0.9 < float(data.split("train").inputs["x"].max()) <= 1


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


@pytest.mark.parametrize("columns", [3, N])
def test_a_table_of_pandas_is_its_numbers_and_never_the_names_of_its_columns(columns):
    numbers = np.arange(N * columns, dtype=float).reshape(N, columns)
    table = pd.DataFrame(numbers, columns=[f"c{i}" for i in range(columns)])
    data, same = (mla.MultimodalDataset.from_arrays({"x": x}, LABELS) for x in (table, numbers))
    assert data.modalities["x"].kind == "vector"
    assert torch.equal(data.split("train").inputs["x"], same.split("train").inputs["x"])


@pytest.mark.parametrize("text", ["a\0b", "a\ud800b"])
def test_what_is_no_text_is_refused(text):
    with pytest.raises(mla.DataError, match=r"'song': sample 1 holds .* take it out"):
        mla.MultimodalDataset.from_arrays({"song": ["hoo", text] * (N // 2)}, LABELS)


def test_texts_that_look_alike_are_alike():
    songs = ["\u00e9", "e\u0301"] * (N // 2)
    data = mla.MultimodalDataset.from_arrays({"song": songs}, LABELS)
    assert data.modalities["song"].vocabulary == "\u00e9"
