"""The default data set: nothing leaks, nothing drifts, and it is as hard as it says."""

import io
import re
import sys
import unicodedata
import wave

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.linear_model import LogisticRegression

from mla_core.data import load_dataset
from mla_core.data.samples.audio import SAMPLES, log_mel
from mla_core.data.samples.characters import decode
from mla_core.data.samples.split import SPLITS
from mla_core.data.sets.digit_words import LANGUAGES
from mla_core.data.sets.spoken_digits import (
    VOCABULARY,
    clean_audio,
    load_spoken_digits,
    pair,
    read_archive,
)
from mla_core.data.sets.spoken_digits_generator import family, generate
from mla_core.errors import ConfigError, DataError


@pytest.fixture(scope="module")
def data():
    return load_spoken_digits()


@pytest.fixture(scope="module")
def other_seed():
    return load_spoken_digits(seed=1)


@pytest.fixture(scope="module")
def foggy():
    return load_spoken_digits(noise=(0.3, 6.0, 0.5))


@pytest.fixture(scope="module")
def archive():
    return read_archive()


def samples_of(media):
    with wave.open(io.BytesIO(media.data)) as file:
        assert file.getframerate() == 8000
        return torch.tensor(np.frombuffer(file.readframes(-1), "<i2"))


def everything_in(data):
    return {(side, name): x for side in SPLITS for name, x in data.split(side).inputs.items()}


# Nothing is on two sides


def test_no_family_of_voices_is_in_two_splits_of_the_shipped_file(archive):
    families = [set(archive["clip_family"][archive["clip_split"] == k]) for k in range(3)]
    assert not families[0] & families[1]
    assert not families[0] & families[2]
    assert not families[1] & families[2]
    assert sum(map(len, families)) == len(set(archive["clip_family"]))


def test_voices_of_one_stem_share_a_family(archive):
    stems: dict[str, set[str]] = {}
    for voice, group in zip(archive["clip_voice"], archive["clip_family"], strict=True):
        assert group == family(str(voice))
        stems.setdefault(re.sub(r"\d+$", "", voice.lower()), set()).add(group)
    assert all(len(groups) == 1 for groups in stems.values())
    assert stems["adam"] == stems["klatt"]


def test_no_family_and_no_image_is_heard_or_seen_in_two_loaded_splits(data):
    families, rows = {}, {}
    for side in SPLITS:
        ids = data.split(side).ids
        captions = [data.media(sample)[1].caption for sample in ids]
        families[side] = {family(c.split("voice ")[1].split(", accent")[0]) for c in captions}
        rows[side] = [int(sample.removeprefix(f"{side}-")) for sample in ids]
    assert len(set().union(*families.values())) == sum(map(len, families.values()))
    assert rows["train"] == list(range(1078))
    assert rows["val"] == list(range(1078, 1438))
    assert rows["test"] == list(range(1438, 1797))


def test_every_part_of_a_sample_shows_its_class(data, archive):
    for side in SPLITS:
        pairing, labels = pair(archive, side, seed=0), data.split(side).labels.numpy()
        assert np.array_equal(archive["image_digit"][pairing.rows], labels)
        assert np.array_equal(archive["clip_digit"][pairing.clips], labels)
        assert (archive["clip_split"][pairing.clips] == SPLITS.index(side)).all()
        expected = [
            list(LANGUAGES.values())[k][d] for k, d in zip(pairing.languages, labels, strict=True)
        ]
        assert pairing.words() == expected


def test_no_word_means_two_digits_and_all_are_composed_characters():
    meanings: dict[str, int] = {}
    for row in LANGUAGES.values():
        assert len(row) == 10
        for digit, word in enumerate(row):
            assert unicodedata.is_normalized("NFC", word)
            assert meanings.setdefault(word, digit) == digit
    assert len(LANGUAGES) == 17


def test_the_share_of_edited_texts_that_also_occur_in_train_is_reported(data):
    texts = {
        side: [decode(row, VOCABULARY) for row in data.split(side).inputs["text"]]
        for side in SPLITS
    }
    reported = data.facts["share_of_texts_also_in_train"]
    for side in ("val", "test"):
        shared = np.mean([text in set(texts["train"]) for text in texts[side]])
        assert reported[side] == pytest.approx(shared)
        assert 0.08 < shared < 0.18  # "about an eighth" in the docstring


# The same again


def test_the_generator_reproduces_the_shipped_arrays_bit_for_bit(archive):
    pytest.importorskip("espeakng_loader", reason="needs pip install -e '.[generate]'")
    made = generate()
    assert set(made) == set(archive)
    for name, array in made.items():
        assert array.dtype == archive[name].dtype, name
        assert np.array_equal(array, archive[name]), name


def test_a_missing_synthesiser_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    with pytest.raises(ImportError, match=r"pip install -e '\.\[generate\]'"):
        generate()


def test_loading_needs_no_optional_or_heavy_package(monkeypatch):
    for package in ("espeakng_loader", "sklearn.datasets", "scipy.signal", "pandas", "PIL"):
        monkeypatch.setitem(sys.modules, package, None)
    assert len(load_spoken_digits().split("val")) == 360


def test_the_same_seed_gives_the_same_data_and_another_seed_does_not(data, other_seed):
    again, other = everything_in(load_spoken_digits()), everything_in(other_seed)
    for key, x in everything_in(data).items():
        assert torch.equal(x, again[key]), key
        assert torch.equal(x, other[key]) == (key[1] == "image"), key  # no pixel noise by default


def test_ids_depend_on_nothing_and_the_pairing_only_on_the_seed(data, other_seed, foggy):
    for side in SPLITS:
        ids = data.split(side).ids
        assert ids == foggy.split(side).ids == other_seed.split(side).ids
        here, there, elsewhere = (
            [[media.caption for media in d.media(sample)] for sample in ids[:20]]
            for d in (data, foggy, other_seed)
        )
        assert here == there
        assert here != elsewhere


def test_the_noise_of_one_modality_leaves_the_others_alone(data, foggy):
    changed = everything_in(foggy)
    for (side, name), x in everything_in(data).items():
        assert torch.equal(x, changed[side, name]) == (name != "image")


# What a person perceives is what the network gets


def test_the_sound_that_plays_is_the_one_in_the_spectrogram(data):
    for side in SPLITS:
        split = data.split(side)
        waveforms = torch.stack([samples_of(data.media(sample)[1]) for sample in split.ids[:25]])
        assert waveforms.shape == (25, SAMPLES)
        assert torch.equal(log_mel(waveforms.float()), split.inputs["audio"][:25])


def test_the_picture_and_the_text_shown_are_the_ones_in_the_tensors(foggy):
    split = foggy.split("val")
    for index, sample in enumerate(split.ids[:25]):
        image, _, text = foggy.media(sample)
        shown = np.asarray(Image.open(io.BytesIO(image.data)))
        pixels = split.inputs["image"][index, 0].numpy()
        assert shown.shape == (160, 160)
        assert np.array_equal(shown, np.kron(np.round(pixels * 255), np.ones((20, 20))))
        assert text.data.decode() == decode(split.inputs["text"][index], VOCABULARY)


def test_the_noise_that_plays_is_as_loud_as_requested(data):
    measured = []
    for sample in data.split("test").ids[:60]:
        noisy = samples_of(data.media(sample)[1]).double().numpy()
        clean = samples_of(clean_audio(sample)).double().numpy()
        inside = np.flatnonzero(np.abs(clean) > 0.01 * np.abs(clean).max())
        word = clean[inside[0] : inside[-1] + 1]
        scale = noisy @ clean / (clean @ clean)  # the WAV is scaled to its own peak
        noise = noisy - scale * clean
        measured.append(10 * np.log10((noise**2).mean() / ((scale * word) ** 2).mean()))
    # One clip's scale is only known to about 5 % under so much noise, hence the mean over many.
    assert np.mean(measured) == pytest.approx(data.modalities["audio"].noise, abs=0.3)


def test_clean_speech_names_an_unknown_sample():
    with pytest.raises(DataError, match="train-1078"):
        clean_audio("train-1078")


def test_the_data_say_that_the_speech_is_synthetic_and_whose_the_digits_are(data):
    assert "synthetic" in data.modalities["audio"].note
    assert "synthetic" in data.media("val-1078")[1].caption
    assert "espeak-ng" in data.note
    assert "CC BY 4.0" in data.note


# As hard as promised


def test_each_modality_is_learnable_and_far_from_solved(data):
    train, val = data.split("train"), data.split("val")

    def accuracy(name, strength):
        x, y = (s.inputs[name] for s in (train, val))
        if name == "text":  # one-hot characters, position by position
            x, y = (torch.nn.functional.one_hot(z, len(VOCABULARY) + 1) for z in (x, y))
        probe = LogisticRegression(C=strength, max_iter=1000, tol=1e-3)
        probe.fit(x.flatten(1).float().numpy(), train.labels.numpy())
        return probe.score(y.flatten(1).float().numpy(), val.labels.numpy())

    assert 0.85 < accuracy("image", 0.1) < 0.97
    assert 0.5 < accuracy("audio", 0.0003) < 0.95
    assert 0.4 < accuracy("text", 0.3) < 0.7


# What is refused


@pytest.mark.parametrize(
    ("noise", "named"),
    [
        ((0.0, 10.0), r"2 level\(s\).*image.*audio.*text"),
        ((0.0, 10.0, 0.5, 1.0), r"4 level\(s\)"),
        ((-0.1, 10.0, 0.5), r"image noise -0\.1 is outside 0\.\.1"),
        ((float("nan"), 10.0, 0.5), r"image noise nan is outside 0\.\.1"),
        ((0.0, 99.0, 0.5), r"audio noise 99\.0 is outside -30\.\.20"),
        ((0.0, float("-inf"), 0.5), r"audio noise -inf is outside -30\.\.20"),
        ((0.0, 10.0, 1.5), r"text noise 1\.5 is outside 0\.\.1"),
        ((0.0, 10.0, -0.5), r"text noise -0\.5 is outside 0\.\.1"),
    ],
)
def test_a_bad_noise_level_is_named_with_its_range(noise, named):
    with pytest.raises(ConfigError, match=named):
        load_dataset("spoken_digits", noise=noise)


def test_a_negative_seed_is_named():
    with pytest.raises(ConfigError, match="-1"):
        load_dataset("spoken_digits", seed=-1)
