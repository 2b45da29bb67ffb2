"""Emoji with their names spoken: the same bytes always, new voices in val and test."""

import importlib.util
import io
import re
import subprocess
import sys
import wave

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from torch.nn.functional import avg_pool2d

from mla_core.data import load_dataset, modalities_of
from mla_core.data.samples.audio import audible, log_mel
from mla_core.data.samples.split import SPLITS
from mla_core.data.sets import emoji
from mla_core.data.sets.emoji import load_emoji
from mla_core.data.sets.speech import family
from mla_core.data.sets.spoken_digits import read_archive
from mla_core.errors import ConfigError, DataError
from tests import ROOT
from tests.core.data.sets.speaking import sounds

pytest.importorskip("espeakng_loader", reason="needs pip install -e '.[generate]'")


@pytest.fixture(scope="module")
def data():
    return load_emoji(speech=True)


@pytest.fixture(scope="module")
def plain():
    return load_emoji()


@pytest.fixture(scope="module")
def noisy():
    return load_emoji(noise=(0.2, 0.3, -10.0), speech=True)


@pytest.fixture(scope="module")
def clean():
    return load_emoji(noise=(0.0, 0.0, -30.0), seed=1, speech=True)


def samples_of(media):
    with wave.open(io.BytesIO(media.data)) as file:
        assert file.getframerate() == 8000
        return torch.tensor(np.frombuffer(file.readframes(-1), "<i2")).float()


def voices_in(data, side):
    captions = [data.media(sample)[2].caption for sample in data.split(side).ids]
    return {re.search("voice (.+), accent", caption)[1] for caption in captions}


def same(one, other, part):
    return [torch.equal(one.split(s).inputs[part], other.split(s).inputs[part]) for s in SPLITS]


def test_every_emoji_has_a_third_part(data):
    assert list(data.modalities) == ["image", "text", "audio"]
    assert modalities_of("emoji", {"speech": True}) == ("image", "text", "audio")  # unloaded
    assert data.modalities["audio"].kind == "spectrogram"
    assert data.modalities["audio"].noise == -10
    for side, n in zip(SPLITS, (1134, 382, 382), strict=True):
        assert data.split(side).inputs["audio"].shape == (n, 1, 24, 97)
        assert data.split(side).present.all()


def test_picture_name_and_split_are_those_without_speech(data, plain, noisy):
    assert list(plain.modalities) == ["image", "text"]
    pairs = [(data, plain), (noisy, load_emoji(noise=(0.2, 0.3)))]
    for spoken, silent in pairs:
        for side in SPLITS:
            assert spoken.split(side).ids == silent.split(side).ids
            assert torch.equal(spoken.split(side).labels, silent.split(side).labels)
        for part in ("image", "text"):
            assert all(same(spoken, silent, part))
            assert spoken.modalities[part] == silent.modalities[part]
        assert silent.note in spoken.note


CROAKED = """
import torch
from mla_core.data.sets.speech import Espeak
from tests.core.data.sets.speaking import sounds
espeak = Espeak()
espeak.use("en-GB-scotland", "croak")
espeak.say("something else", 300, 90)
torch.set_num_threads(1)
print(sounds())
"""


@pytest.mark.long
def test_the_same_bytes_in_another_process_whatever_was_said_there_before():
    done = subprocess.run(
        [sys.executable, "-c", CROAKED], check=True, capture_output=True, text=True, cwd=ROOT
    )
    assert done.stdout.strip() == str(sounds())


def test_no_family_of_voices_is_in_two_splits(data):
    archive = read_archive()
    for k, side in enumerate(SPLITS):
        families = set(map(family, voices_in(data, side)))
        assert len(families) == data.facts["voice_families"][side] > 10
        digits = set(archive["clip_family"][archive["clip_split"] == k].tolist())
        assert families <= digits  # whose splits share no family


def test_the_voice_depends_on_the_emoji_alone(data, clean):
    for side in SPLITS:
        for sample in data.split(side).ids[:20]:
            assert data.media(sample)[2].caption == clean.media(sample)[2].caption


def test_the_noise_of_the_audio_leaves_the_others_alone(data, clean):
    assert all(same(data, clean, "image"))
    assert all(same(data, clean, "text"))
    assert not any(same(data, clean, "audio"))


def test_the_noise_of_the_others_leaves_the_audio_alone(data, noisy):
    assert all(same(data, noisy, "audio"))
    assert not any(same(data, noisy, "image"))
    assert not any(same(data, noisy, "text"))


def test_what_one_hears_is_what_the_network_gets(data):
    for side in SPLITS:
        split = data.split(side)
        for index in range(0, len(split), 90):
            media = data.media(split.ids[index])
            assert [part.modality for part in media] == ["image", "text", "audio"]
            heard = samples_of(media[2])
            assert heard.shape == (12800,)
            assert torch.allclose(log_mel(heard[None])[0], split.inputs["audio"][index], atol=1e-4)


def test_a_name_is_said_for_as_long_as_it_is(clean):
    shown = [clean.media(sample) for sample in clean.split("val").ids]
    names = [text.data.decode() for _, text, _ in shown]
    assert all(m[2].caption.startswith(f'"{name}"') for m, name in zip(shown, names, strict=True))
    heard = torch.stack([samples_of(audio) for _, _, audio in shown])
    heard[heard.abs() < 0.1 * heard.abs().amax(1, keepdim=True)] = 0  # the noise
    seconds = audible(heard).sum(1).numpy() / 8000
    assert np.corrcoef(seconds, [len(name) for name in names])[0, 1] > 0.7


def test_longer_names_are_cut_and_the_docstring_says_how_many(data):
    for side in SPLITS:
        shown = [data.media(sample)[2].caption for sample in data.split(side).ids]
        share = np.mean(['", cut, synthetic' in caption for caption in shown])
        assert data.facts["share_of_names_cut"][side] == pytest.approx(share)
        assert share == pytest.approx(0.08, abs=0.025)


def test_the_speech_tells_something_of_the_category_in_new_voices(data):
    def pooled(split):
        return avg_pool2d(split.inputs["audio"], (1, 8)).flatten(1).numpy()

    train = data.split("train")
    probe = LogisticRegression(C=0.01, max_iter=200, tol=1e-2)
    probe.fit(pooled(train), train.labels.numpy())
    held_out = [data.split(side) for side in ("val", "test")]
    right = np.concatenate([probe.predict(pooled(s)) == s.labels.numpy() for s in held_out])
    labels = torch.cat([s.labels for s in held_out])
    chance = torch.bincount(labels).max().item() / len(labels)
    assert chance + 0.05 < right.mean() < 0.45  # 3.5 standard errors


def test_the_data_say_that_the_speech_is_synthetic(data):
    assert data.modalities["audio"].note == "synthetic speech (espeak-ng), no human voice"
    assert "synthetic speech (espeak-ng)" in data.media("1f600")[2].caption
    for word in ("espeak-ng", "synthetic", "Twemoji"):
        assert word in data.note


def test_a_missing_synthesiser_is_named_with_its_command(monkeypatch, plain):
    found = importlib.util.find_spec

    def find_spec(name, package=None):
        return None if name == "espeakng_loader" else found(name, package)

    monkeypatch.setattr(emoji, "speak_names", emoji.speak_names.__wrapped__)  # nothing said yet
    monkeypatch.setattr(importlib.util, "find_spec", find_spec)
    with pytest.raises(DataError) as caught:
        load_dataset("emoji", speech=True)
    needed = "needs the package espeakng-loader: pip install -e '.[generate]'"
    assert str(caught.value) == f"data set 'emoji' {needed}"
    assert load_emoji().fingerprint == plain.fingerprint


@pytest.mark.parametrize(
    ("noise", "named"),
    [
        ((0.0, 0.0), r"2 level\(s\).*image.*text.*audio"),
        ((0.0, 0.0, 30.0), r"audio noise 30\.0 is outside -30\.\.20"),
    ],
)
def test_a_bad_noise_level_is_named_with_its_range(noise, named):
    with pytest.raises(ConfigError, match=named):
        load_dataset("emoji", noise=noise, speech=True)
