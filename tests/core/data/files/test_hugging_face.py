"""Data sets of Hugging Face, however they are split, handed out and stored."""

import datasets
import numpy as np
import pytest
import torch

import mla_core as mla
from tests.core.media_files import SMALL, picture, sound, video, write_manifest

N = 40
NUMBERS = np.random.default_rng(0).normal(size=(N, 5)).astype("float32")
LABELS = [i % 2 for i in range(N)]


def table(**columns):
    return datasets.Dataset.from_dict({"label": LABELS} | columns)


def songs():
    return table(song=["NaN" if i == 1 else f"song {i}" for i in range(N)], x=NUMBERS.tolist())


def load(dataset, tmp_path, **options):
    return mla.MultimodalDataset.from_hugging_face(
        dataset, prepare=SMALL, cache=str(tmp_path / "cache"), **options
    )


def everything(data):
    """Return what is in a data set as plain values."""
    sides = [data.split(side) for side in ("train", "val", "test")]
    return data.classes, [
        (side.ids, side.labels.tolist(), [x[:].tolist() for x in side.inputs.values()])
        for side in sides
    ]


AS = {
    "torch": lambda d: d.with_format("torch"),
    "numpy": lambda d: d.with_format("numpy"),
    "pandas": lambda d: d.with_format("pandas"),
    "arrow": lambda d: d.with_format("arrow"),
    "stream": lambda d: d.to_iterable_dataset(),
    "stream of tensors": lambda d: d.to_iterable_dataset().with_format("torch"),
    "stream without features": lambda d: datasets.IterableDataset.from_generator(
        lambda: iter(songs().to_list())
    ),
}


@pytest.mark.parametrize("way", AS)
def test_the_format_in_which_it_is_handed_out_changes_nothing(way, tmp_path):
    assert everything(load(AS[way](songs()), tmp_path)) == everything(load(songs(), tmp_path))


def test_a_stream_is_kept_once_for_the_same_content(tmp_path):
    for _ in range(2):
        load(datasets.IterableDatasetDict(train=songs().to_iterable_dataset()), tmp_path)
    other = songs().map(lambda row: {"song": row["song"] + "!"})
    changed = load(other.to_iterable_dataset(), tmp_path)
    assert "!" in changed.modalities["song"].vocabulary
    names = sorted(path.name for path in (tmp_path / "cache").glob("*stream-*"))
    assert len(names) == 2
    assert all(name.endswith(".arrow") for name in names)


def test_pictures_and_sounds_of_a_stream(tmp_path):
    files = table(
        view=[str(picture(tmp_path / f"{i}.png", colour=(6 * i,) * 3)) for i in range(N)],
        call=[str(sound(tmp_path / f"{i}.wav")) for i in range(N)],
    )
    files = files.cast_column("view", datasets.Image()).cast_column("call", datasets.Audio())
    assert everything(load(files.to_iterable_dataset(), tmp_path)) == everything(
        load(files, tmp_path)
    )


FEATURES = {
    "a list": (datasets.List(datasets.Value("float64")), [1.0, 2.0], "vector", (2,)),
    "whole numbers": (datasets.List(datasets.Value("uint8")), [1, 2], "vector", (2,)),
    "so many": (datasets.List(datasets.Value("int32"), length=2), [1, 2], "vector", (2,)),
    "lists": (
        datasets.List(datasets.List(datasets.Value("float32"))),
        [[1.0, 2.0]] * 3,
        "sequence",
        (2, 3),
    ),
    "2-D": (datasets.Array2D((3, 2), "float32"), [[1.0, 2.0]] * 3, "sequence", (2, 3)),
}


@pytest.mark.parametrize("case", FEATURES)
def test_numbers_are_known_by_their_features(case, tmp_path):
    feature, value, kind, shape = FEATURES[case]
    data = load(table(x=[value] * N).cast_column("x", feature), tmp_path)
    assert (data.modalities["x"].kind, data.modalities["x"].shape) == (kind, shape)


DEALT = {
    ("train",): "val and test were dealt from train, 15 % each",
    ("train", "test"): "val was dealt from train, 15 %",
    ("train", "validation"): "test was dealt from train, 15 %",
}


@pytest.mark.parametrize("sides", DEALT)
def test_splits_that_are_not_there_are_dealt_from_train_and_the_note_says_so(sides, tmp_path):
    data = load(datasets.DatasetDict(dict.fromkeys(sides, songs())), tmp_path)
    assert DEALT[sides] in data.note
    assert min(len(data.split(side)) for side in ("train", "val", "test")) > 0


def test_a_group_stays_together(tmp_path):
    data = load(songs().add_column("group", [i // 4 for i in range(N)]), tmp_path)
    groups = [{int(i.split("-")[1]) // 4 for i in data.split(s).ids} for s in ("train", "test")]
    assert not groups[0] & groups[1]
    assert "no group in two of them" in data.note


def named(labels, *names):
    return (
        songs()
        .remove_columns("label")
        .add_column("label", labels)
        .cast_column("label", datasets.ClassLabel(names=list(names)))
    )


def test_each_split_has_names_for_its_own_numbers(tmp_path):
    splits = {"train": named(LABELS, "owl", "tit"), "test": named(LABELS, "tit", "owl")}
    data = load(datasets.DatasetDict(splits), tmp_path)
    assert data.classes == ("owl", "tit")
    assert data.split("test").labels.tolist() == [1 - label for label in LABELS]


def test_a_hidden_label_is_none(tmp_path):
    data = load(named([-1, -1, *LABELS[2:]], "owl", "tit"), tmp_path, skip_bad=True)
    assert data.classes == ("owl", "tit")
    assert [fault.what[:12] for fault in data.left_out] == ["has no label"] * 2


def test_files_that_are_none_are_missing(tmp_path):
    cells = [{"bytes": None, "path": None}] * 4 + [{"bytes": b"hoo", "path": None}] * (N - 4)
    data = load(
        table(words=cells, x=NUMBERS.tolist()), tmp_path, kinds={"words": "text", "x": "vector"}
    )
    absent = sum(int((~data.split(s).present[0]).sum()) for s in ("train", "val", "test"))
    assert absent == 4


def breaking_off():
    yield {"song": "hoo", "label": 0}
    msg = "the line is dead"
    raise ConnectionError(msg)


BAD = {
    "a stream that breaks off": (
        lambda: datasets.IterableDataset.from_generator(breaking_off),
        {},
        "cannot be read to its end .ConnectionError: the line is dead",
    ),
    "a name": (lambda: "imdb", {}, "not str"),
    "a list": (lambda: [1], {}, "not list"),
    "no split": (datasets.DatasetDict, {}, "there is no split"),
    "an empty stream": (lambda: songs().to_iterable_dataset().take(0), {}, "has no row"),
    "two names": (
        lambda: datasets.DatasetDict(train=songs(), dev=songs(), validation=songs()),
        {},
        "mean the same",
    ),
    "columns differ": (
        lambda: datasets.DatasetDict(train=songs(), test=songs().remove_columns("x")),
        {},
        "the split 'test' lacks the column 'x'",
    ),
    "kinds of labels": (
        lambda: datasets.DatasetDict(
            train=songs(), test=songs().cast_column("label", datasets.Value("string"))
        ),
        {},
        "are alike: make them one kind",
    ),
    "several labels": (
        lambda: songs().remove_columns("label").add_column("label", [[0, 1]] * N),
        {},
        "give each sample one label",
    ),
    "a transform": (lambda: songs().with_transform(lambda rows: rows), {}, "a transform"),
    "a group": (songs, {"group": "speaker"}, "speaker"),
    "numbers as pictures": (songs, {"kinds": {"x": "image"}}, "a picture has"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_used_is_refused_by_a_sentence(case, tmp_path):
    make, options, what = BAD[case]
    with pytest.raises(ValueError, match=what) as found:
        load(make(), tmp_path, **options)
    assert type(found.value).__module__ == "mla_core.errors"
    assert not list((tmp_path / "cache").glob("*stream*.partial"))


OF_FILES = {
    "image": (datasets.Image, lambda path: picture(path.with_suffix(".png"))),
    "sound": (datasets.Audio, lambda path: sound(path.with_suffix(".wav"))),
    "video": (datasets.Video, lambda path: video(path.with_suffix(".mp4"), frames=4)),
}
HANDED = {
    "as it is": lambda data: data,
    "as a stream": lambda data: data.to_iterable_dataset(),
    "as a stream whose features nobody said": lambda data: datasets.IterableDataset.from_generator(
        lambda: iter(data)
    ),
}


@pytest.mark.parametrize("way", HANDED)
@pytest.mark.parametrize("inside", [False, True], ids=["paths", "bytes"])
@pytest.mark.parametrize("decode", [False, True])
@pytest.mark.parametrize("kind", OF_FILES)
def test_files_are_read_by_our_own_rules_however_they_are_handed_out(
    kind, decode, inside, way, tmp_path
):
    if decode and "nobody said" in way:
        pytest.skip("the rows themselves would be decoded")
    feature, make = OF_FILES[kind]
    path = make(tmp_path / "one")
    cell = {"bytes": path.read_bytes(), "path": path.name} if inside else str(path)
    rows = datasets.Dataset.from_dict({"x": [cell] * 8, "label": ["owl"] * 8})
    given = HANDED[way](rows.cast_column("x", feature(decode=decode)))
    data = mla.MultimodalDataset.from_hugging_face(
        given, kinds={"x": kind}, prepare=SMALL, cache=str(tmp_path / "cache")
    )
    lines = [{"id": f"{i}", "label": "owl", "x": path.name} for i in range(8)]
    same = mla.load_dataset(
        "manifest",
        path=str(write_manifest(tmp_path / "t.csv", lines)),
        prepare=SMALL,
        cache=str(tmp_path / "cache"),
    )
    assert data.modalities["x"].kind == same.modalities["x"].kind
    assert torch.equal(*(one.split("train").inputs["x"][:1] for one in (data, same)))
