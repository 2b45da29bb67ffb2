"""What a data set accepts, what it refuses, and how it shows its samples."""

import io
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from mla_core import (
    DataError,
    ExperimentConfig,
    Modality,
    MultimodalDataset,
    Split,
    TrainingSession,
)
from mla_core.methods import METHODS, method_class

IMAGE = Modality("image", "image", (1, 4, 4))
WORD = Modality("word", "characters", (3,), vocabulary="abc")
MODALITIES = (IMAGE, WORD)
NAN, INF = float("nan"), float("inf")


def side(name: str, n: int = 6) -> Split:
    source = torch.Generator().manual_seed(n)
    inputs = {
        "image": torch.rand(n, 1, 4, 4, generator=source),
        "word": torch.randint(0, 4, (n, 3), generator=source),
    }
    return Split.complete(name, inputs, torch.arange(n) % 3)


def data_with(train: Split, modalities: tuple[Modality, ...] = MODALITIES) -> MultimodalDataset:
    splits = {"train": train, "val": side("val"), "test": side("test")}
    return MultimodalDataset("made", modalities, ("x", "y", "z"), splits)


def with_value(name: str, place: tuple[int, ...], value: float, present: bool = True) -> Split:
    split = side("train")
    split.inputs[name][place] = value
    split.present[list(split.inputs).index(name), place[0]] = present
    return split


def test_a_good_data_set_is_accepted():
    data = data_with(side("train"))
    assert list(data.modalities) == ["image", "word"]
    assert [len(data.split(name)) for name in ("train", "val", "test")] == [6, 6, 6]


@pytest.mark.parametrize("value", [NAN, INF, -INF])
def test_a_number_that_is_none_is_named_by_split_modality_and_sample(value):
    with pytest.raises(DataError, match=r"'train'.*'image'.*'train-0003'.*NaN or infinity"):
        data_with(with_value("image", (3, 0, 1, 2), value))


@pytest.mark.parametrize("code", [-1, 4, 99])
def test_a_character_outside_the_vocabulary_is_named(code):
    with pytest.raises(DataError, match=r"'train'.*'word'.*'train-0002'.*outside 0\.\.3"):
        data_with(with_value("word", (2, 1), code))


@pytest.mark.parametrize("label", [-1, 3])
def test_a_label_outside_the_classes_is_named(label):
    train = side("train")
    train.labels[4] = label
    with pytest.raises(DataError, match=rf"'train'.*'train-0004'.*label {label} .*0\.\.2"):
        data_with(train)


CUT = {"image": torch.zeros(5, 1, 4, 4), "word": torch.zeros(6, 3, dtype=torch.int64)}
FLAT = {"image": torch.zeros(6, 16), "word": torch.zeros(6, 3, dtype=torch.int64)}
ALONE = {"image": torch.zeros(6, 1, 4, 4)}
TWICE = ("p", "q", "r", "p", "s", "t")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"inputs": CUT}, r"'train' has 6 ids, but \{'image': 5\}"),
        ({"inputs": FLAT}, r"'train'.*'image'.*\(16,\), not \(1, 4, 4\)"),
        ({"inputs": ALONE}, r"'train' has the modalities \['image'\], not \['image', 'word'\]"),
        ({"labels": torch.zeros(5, dtype=torch.int64)}, r"'train'.*labels must be int64 .*\(6,\)"),
        ({"labels": torch.zeros(6)}, r"'train'.*labels must be int64"),
        ({"present": torch.ones(2, 5, dtype=torch.bool)}, r"'train'.*`present`.*\(2, 6\)"),
        ({"present": torch.ones(2, 6)}, r"'train'.*`present` must be bool"),
        ({"ids": TWICE}, r"'train'.*'p' twice"),
        ({"ids": ()}, r"'train' is empty"),
    ],
)
def test_a_split_that_does_not_fit_together_is_refused(changes, message):
    with pytest.raises(DataError, match=message):
        data_with(replace(side("train"), **changes))


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("image", torch.float64),  # numpy's own type, the most likely mistake
        ("image", torch.uint8),
        ("image", torch.float16),
        ("word", torch.float32),
        ("word", torch.int16),
    ],
)
def test_numbers_of_a_type_that_no_encoder_reads_are_refused(name, kind):
    train = side("train")
    with pytest.raises(DataError, match=rf"'train'.*'{name}'"):
        data_with(replace(train, inputs={**train.inputs, name: train.inputs[name].to(kind)}))


def test_one_id_in_two_splits_is_refused():
    train = replace(side("train"), ids=side("val").ids)
    with pytest.raises(DataError, match="one sample id in two splits"):
        data_with(train)


def test_a_modality_named_twice_is_refused():
    with pytest.raises(DataError, match="no name twice"):
        data_with(side("train"), (IMAGE, IMAGE, WORD))


def test_all_three_splits_are_needed():
    with pytest.raises(DataError, match=r"'made' lacks the split\(s\) \['test'\]"):
        MultimodalDataset("made", MODALITIES, "xyz", {"train": side("train"), "val": side("val")})


@pytest.mark.parametrize("name", ["", "1st", "a.b", "a|b", "a b", "é", "_private", "a-b"])
def test_a_name_that_is_no_identifier_is_refused(name):
    with pytest.raises(DataError, match="letters, digits and _"):
        Modality(name, "vector", (2,))


@pytest.mark.parametrize("name", ["keys", "forward", "items", "train", "parameters", "to"])
def test_a_name_that_torch_uses_is_refused(name):
    with pytest.raises(DataError, match=f"'{name}' is reserved"):
        Modality(name, "vector", (2,))


# Names on which the pieces of a session could stumble: torch's attributes, prefixes of a snapshot.
@pytest.mark.parametrize("name", ["training", "hgm", "probe", "mean", "model", "optimizer", "all"])
@pytest.mark.parametrize("method", [m for m in METHODS if method_class(m).least_modalities == 1])
def test_a_name_is_either_refused_or_can_be_trained(name, method):
    try:
        modality = Modality(name, "vector", (2,))
    except DataError:
        return
    splits = {
        part: Split.complete(part, {name: torch.rand(8, 2)}, torch.arange(8) % 2)
        for part in ("train", "val", "test")
    }
    config = ExperimentConfig(method=method, batch_size=4, feature_size=4, probe_size=8)
    session = TrainingSession(config, MultimodalDataset("named", [modality], "ab", splits))
    session.advance(steps=3)
    assert session.fork().advance(steps=1) == session.advance(steps=1)


@pytest.mark.parametrize(
    ("kind", "shape", "message"),
    [
        ("smell", (2,), "unknown kind 'smell'.*'image'"),
        ("vector", (), r"shape \(\)"),
        ("vector", (0,), r"shape \(0,\)"),
        ("image", (1, -4, 4), r"shape \(1, -4, 4\)"),
    ],
)
def test_a_bad_modality_is_refused(kind, shape, message):
    with pytest.raises(DataError, match=message):
        Modality("m", kind, shape)


def test_an_unknown_split_or_sample_is_named():
    data = data_with(side("train"))
    with pytest.raises(DataError, match=r"unknown split 'dev'.*'val'"):
        data.split("dev")
    with pytest.raises(DataError, match="no sample with the id 'train-0099'"):
        data.locate("train-0099")
    with pytest.raises(DataError, match="no sample with the id 'nobody'"):
        data.media("nobody")


def test_every_sample_is_found_by_its_id():
    data = data_with(side("train"))
    for name in ("train", "val", "test"):
        for index, sample in enumerate(data.split(name).ids):
            assert data.locate(sample) == (name, index)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("filler", [NAN, INF, 1e30])
def test_what_absent_parts_hold_never_matters(filler, method, make_data, tiny, assert_same):
    zeros, garbage = (
        TrainingSession(
            tiny(method=method, epochs=1, modalities=["a"] if method == "unimodal" else []),
            make_data(missing=0.4, filler=value),
        )
        for value in (0.0, filler)
    )
    zeros.advance(epochs=1)
    garbage.advance(epochs=1)
    assert_same(zeros, garbage)


def test_codes_outside_the_vocabulary_do_not_matter_where_a_word_is_absent():
    data = data_with(with_value("word", (2, 1), 99, present=False))
    session = TrainingSession(ExperimentConfig(batch_size=4, feature_size=4), data)
    session.advance(steps=2)
    assert torch.isfinite(session.evaluate("train").fused).all()


@settings(deadline=None, max_examples=50)
@example(labels=[0] + [1] * 20 + [2], size=2)
@given(labels=st.lists(st.integers(0, 4), min_size=1, max_size=120), size=st.integers(1, 130))
def test_the_probe_has_its_size_and_every_class_in_proportion(labels, size):
    split = Split.complete("val", {"x": torch.rand(len(labels), 2)}, torch.tensor(labels))
    probe = split.probe(size)
    assert len(probe) == len(set(probe.ids)) == min(size, len(labels))
    for label in set(labels):
        share = labels.count(label) / len(labels) * len(probe)
        assert abs(int((probe.labels == label).sum()) - share) <= 1
    assert probe.ids == split.probe(size).ids
    assert list(probe.ids) == sorted(probe.ids)


def test_a_subset_keeps_every_part_of_a_sample_together():
    split = with_value("word", (4, 0), 1, present=False)
    part = split.subset(torch.tensor([4, 1]))
    assert part.ids == ("train-0004", "train-0001")
    assert torch.equal(part.inputs["image"], split.inputs["image"][[4, 1]])
    assert torch.equal(part.inputs["word"], split.inputs["word"][[4, 1]])
    assert part.present.tolist() == [[True, True], [False, True]]
    assert part.labels.tolist() == [1, 1]


def test_unpaired_samples_have_one_part_each():
    inputs = {"image": torch.rand(2, 1, 4, 4), "word": torch.ones(3, 3, dtype=torch.int64)}
    labels = {"word": torch.tensor([2, 1, 0]), "image": torch.tensor([0, 1])}
    split = Split.unpaired("train", inputs, labels)
    assert split.ids == (
        "train-image-0000", "train-image-0001",
        "train-word-0000", "train-word-0001", "train-word-0002",
    )  # fmt: skip
    assert split.labels.tolist() == [0, 1, 2, 1, 0]
    assert split.present.sum(0).tolist() == [1] * 5
    for name, x in inputs.items():
        own = split.samples_of(name)
        assert torch.equal(split.inputs[name][own], x)
        assert split.labels[own].tolist() == labels[name].tolist()
    assert not split.paired
    assert side("train").paired
    assert data_with(split).locate("train-word-0001") == ("train", 3)


def test_unpaired_labels_that_do_not_fit_are_named():
    with pytest.raises(DataError, match=r"'train': \{'a': 3\} labels do not fit \{'a': 2"):
        Split.unpaired(
            "train",
            {"a": torch.rand(2, 1), "b": torch.rand(4, 1)},
            {"a": torch.arange(3), "b": torch.arange(4)},
        )


def test_one_modality_alone_counts_as_paired():
    assert Split.complete("train", {"x": torch.rand(3, 2)}, torch.arange(3)).paired


def test_an_image_becomes_a_png_with_its_own_pixels():
    train = side("train")
    pixels = torch.tensor([[0.0, 1.0, 0.5, 0.0]] * 4)
    train.inputs["image"][0, 0] = pixels
    media = data_with(train).media("train-0000")[0]
    assert (media.modality, media.mime) == ("image", "image/png")
    image = Image.open(io.BytesIO(media.data))
    factor = image.width // 4
    shown = np.asarray(image)[factor // 2 :: factor, factor // 2 :: factor]
    np.testing.assert_array_equal(shown, (pixels.numpy() * 255).round())
    assert np.asarray(image).std() > 0
    assert image.size == (4 * factor, 4 * factor)


def test_a_colour_image_keeps_its_channels():
    modality = Modality("photo", "image", (3, 2, 2))
    red = torch.zeros(3, 3, 2, 2)
    red[:, 0] = 1.0
    splits = {
        s: Split.complete(s, {"photo": red}, torch.arange(3)) for s in ("train", "val", "test")
    }
    (media,) = MultimodalDataset("p", [modality], "xyz", splits).media("train-0000")
    assert Image.open(io.BytesIO(media.data)).getpixel((0, 0)) == (255, 0, 0)


def test_low_frequencies_are_at_the_bottom_of_a_spectrogram():
    modality = Modality("sound", "spectrogram", (1, 4, 5))
    x = torch.zeros(3, 1, 4, 5)
    x[:, 0, 0] = 7.0  # row 0 is the lowest band
    splits = {s: Split.complete(s, {"sound": x}, torch.arange(3)) for s in ("train", "val", "test")}
    (media,) = MultimodalDataset("s", [modality], "xyz", splits).media("train-0000")
    image = np.asarray(Image.open(io.BytesIO(media.data)))
    assert image[-1].min() == 255
    assert image[0].max() == 0


def test_characters_and_vectors_become_text():
    train = side("train")
    train.inputs["word"][0] = torch.tensor([3, 1, 0])
    _, word = data_with(train).media("train-0000")
    assert (word.mime, word.data.decode()) == ("text/plain", "ca")


def test_absent_parts_are_not_shown():
    data = data_with(with_value("image", (1, 0, 0, 0), 0.0, present=False))
    assert [media.modality for media in data.media("train-0001")] == ["word"]
    assert [media.modality for media in data.media("train-0000")] == ["image", "word"]


def test_facts_are_worked_out_once_and_only_when_asked_for():
    asked = []
    splits = {name: side(name) for name in ("train", "val", "test")}
    data = MultimodalDataset(
        "made", MODALITIES, "xyz", splits, facts=lambda: asked.append(1) or {"n": 6}
    )
    assert asked == []
    assert (data.facts["n"], data.facts["n"]) == (6, 6)
    assert asked == [1]
