"""Corruption of single parts: how much, always the same, and seen or heard as the network gets it."""

import io
import itertools
import wave

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import mla_core as mla
from mla_core.data import Modality, MultimodalDataset, Split
from mla_core.data.corruption.corruptor import Corruptor, Damage
from mla_core.data.corruption.kinds import corruptions, occlusion
from mla_core.data.samples.audio import log_mel
from mla_core.data.samples.characters import decode
from mla_core.data.samples.split import KINDS
from mla_core.errors import ConfigError, DataError
from mla_core.seeding import generator

HOSTILE = "<img src=x onerror=alert(1)>"
MODALITIES = (
    Modality("picture", "image", (1, 9, 12)),
    Modality("film", "video", (4, 3, 6, 6)),
    Modality("pitch", "spectrogram", (1, 8, 20)),
    Modality("word", "characters", (7,), vocabulary="abcdef "),
    Modality("piece", "tokens", (9,), vocabulary_size=50),
    Modality("motion", "sequence", (3, 16)),
    Modality("view", "vector", (5,)),
)
EVERY = [(m.name, name) for m in MODALITIES for name in corruptions(m.kind)]


def draw(modality: Modality, n: int, source: torch.Generator) -> torch.Tensor:
    shape = (n, *modality.shape)
    if modality.kind in {"characters", "tokens"}:
        codes = torch.randint(1, modality.codes + 1, shape, generator=source)
        codes[:, -2:] = 0
        return codes
    if modality.kind in {"image", "video"}:
        return torch.rand(shape, generator=source)
    return 3 * torch.randn(shape, generator=source)


@pytest.fixture(scope="module")
def data() -> MultimodalDataset:
    """Give every kind of modality, with some parts absent."""
    source = torch.Generator().manual_seed(1)

    def side(name: str, n: int) -> Split:
        inputs = {m.name: draw(m, n, source) for m in MODALITIES}
        split = Split.complete(name, inputs, torch.arange(n) % 2)
        split.present[:, 1] = False
        split.present[0, 1] = True
        return split

    splits = {name: side(name, n) for name, n in (("train", 40), ("val", 12), ("test", 6))}
    return MultimodalDataset("all", MODALITIES, ["a", HOSTILE], splits)


def test_every_kind_of_modality_can_be_corrupted():
    for kind in KINDS:
        assert len(corruptions(kind)) > 1
        for name, corruption in corruptions(kind).items():
            assert corruption.name == name
            levels = corruption.levels(5)
            assert (levels[0], levels[-1]) == (corruption.clean, corruption.worst)


@pytest.mark.parametrize(("modality", "name"), EVERY)
def test_it_touches_one_modality_and_only_when_it_is_not_clean(data, modality, name):
    val, corruptor = data.split("val"), Corruptor(data)
    kind = corruptor.corruptions(modality)[name]
    for level, touched in ((kind.clean, False), (kind.worst, True)):
        found = corruptor.corrupt(val, [Damage(modality, name, level)])
        for other in val.inputs:
            same = torch.equal(found.inputs[other], val.inputs[other])
            assert same == (not touched or other != modality), other
            assert found.inputs[other].dtype == val.inputs[other].dtype
        assert torch.equal(found.labels, val.labels)
        assert (found.present <= val.present).all()
        here = found.present[list(val.inputs).index(modality)]
        assert bool((found.inputs[modality][~here] == 0).all())


@pytest.mark.parametrize(("modality", "name"), EVERY)
def test_a_sample_is_corrupted_alike_alone_and_among_others(data, modality, name):
    val, corruptor = data.split("val"), Corruptor(data)
    level = corruptor.corruptions(modality)[name].levels(3)[1]
    damage = [Damage(modality, name, level)]
    whole = corruptor.corrupt(val, damage)
    alone = Corruptor(data).corrupt(val.subset(torch.tensor([5])), damage)
    torch.testing.assert_close(alone.inputs[modality][0], whole.inputs[modality][5])
    assert torch.equal(alone.present[:, 0], whole.present[:, 5])
    other_seed = Corruptor(data, seed=1).corrupt(val, damage)
    if name != "blur":
        assert not torch.equal(other_seed.inputs[modality], whole.inputs[modality])


def test_the_input_is_left_as_it_was(data):
    val = data.split("val")
    before = {name: x.clone() for name, x in val.inputs.items()}
    Corruptor(data).corrupt(val, [Damage(m.name, "drop", 1.0) for m in MODALITIES])
    assert all(torch.equal(before[name], x) for name, x in val.inputs.items())
    assert val.present[0].all()


@pytest.mark.parametrize(("modality", "level"), [("view", 0.5), ("motion", 2.0)])
def test_noise_is_measured_in_deviations_of_the_training_data(modality, level):
    source = torch.Generator().manual_seed(0)
    scales = torch.tensor([1.0, 10.0, 0.0])
    vector = {"view": scales, "motion": scales[:, None].expand(3, 8)}[modality]
    kind = {"view": "vector", "motion": "sequence"}[modality]
    x = torch.randn(2000, *vector.shape, generator=source) * vector
    splits = {
        s: Split.complete(s, {modality: x}, torch.arange(2000) % 2)
        for s in ("train", "val", "test")
    }
    for name, split in splits.items():
        splits[name] = Split.complete(name, split.inputs, split.labels)
    data = MultimodalDataset("one", [Modality(modality, kind, tuple(vector.shape))], "ab", splits)
    found = Corruptor(data).corrupt(data.split("val"), [Damage(modality, "noise", level)])
    noise = (found.inputs[modality] - x).numpy()
    deviation = np.sqrt(np.square(noise).mean(axis=(0, *range(2, noise.ndim))))
    assert deviation == pytest.approx(level * scales.numpy(), rel=0.06)


@given(share=st.floats(0, 1), more=st.floats(0, 1), seed=st.integers(0, 99))
def test_a_larger_patch_covers_what_a_smaller_one_covered(share, more, seed):
    x = torch.full((1, 20, 30), 0.9)
    low, high = sorted((share, more))

    def hidden(level):
        return occlusion(x, level, generator(seed, "patch"))[0] != x[0]

    assert not (hidden(low) & ~hidden(high)).any()
    assert float(hidden(high).double().mean()) == pytest.approx(high, abs=0.06)


def test_blur_keeps_flat_pictures_and_evens_out_the_others(data):
    val, corruptor = data.split("val"), Corruptor(data)
    blurred = corruptor.corrupt(val, [Damage("picture", "blur", 0.2)]).inputs["picture"]
    assert (blurred[0].std() < val.inputs["picture"][0].std() / 2).all()
    flat = Split.complete(
        "val", {**val.inputs, "picture": torch.full((12, 1, 9, 12), 0.7)}, val.labels
    )
    same = corruptor.corrupt(flat, [Damage("picture", "blur", 0.3)]).inputs["picture"]
    torch.testing.assert_close(same, flat.inputs["picture"])


def test_noise_in_a_spectrogram_keeps_its_mean_and_deviation(data):
    val, corruptor = data.split("val"), Corruptor(data)
    clean = val.inputs["pitch"][0]
    closeness = []
    for level in (20.0, 0.0, -20.0):
        x = corruptor.corrupt(val, [Damage("pitch", "noise", level)]).inputs["pitch"][0]
        assert float(x.mean()) == pytest.approx(float(clean.mean()), abs=1e-4)
        assert float(x.std()) == pytest.approx(float(clean.std()), rel=1e-3)
        closeness.append(float(torch.corrcoef(torch.stack([x.flatten(), clean.flatten()]))[0, 1]))
    assert closeness == sorted(closeness, reverse=True)
    assert closeness[-1] < 0.3


def test_typing_errors_use_the_vocabulary_and_tokens_keep_their_padding(data):
    corruptor, val = Corruptor(data), data.split("val")
    damages = [Damage("word", "typos", 1.0), Damage("piece", "other", 1.0)]
    found = corruptor.corrupt(val, damages)
    (word,) = [part for part in corruptor.media(val.ids[0], damages) if part.modality == "word"]
    assert word.data.decode() == decode(found.inputs["word"][0], "abcdef ")
    assert ((found.inputs["piece"] == 0) == (val.inputs["piece"] == 0)).all()
    assert int(found.inputs["piece"].max()) <= 50


def test_dropping_takes_that_share_and_never_gives_back(data):
    corruptor, train = Corruptor(data), data.split("train")
    kept = [
        corruptor.corrupt(train, [Damage("view", "drop", level)]).present[6]
        for level in (0.0, 0.3, 0.6, 1.0)
    ]
    assert [int(here.sum()) for here in kept][::3] == [39, 0]
    assert all((more <= less).all() for less, more in itertools.pairwise(kept))
    assert 5 < int(kept[1].sum()) < 38


def test_the_parts_are_shown_as_the_network_gets_them(data):
    corruptor, sample = Corruptor(data), data.split("val").ids[0]
    first = {m.name: next(iter(corruptions(m.kind).values())) for m in MODALITIES}
    damages = [Damage(name, kind.name, kind.worst) for name, kind in first.items()]
    shown = {part.modality: part for part in corruptor.media(sample, damages)}
    plain = {part.modality: part for part in corruptor.media(sample)}
    assert list(shown) == list(plain) == [m.name for m in MODALITIES]
    for name, part in shown.items():
        assert part.mime == plain[name].mime
        assert part.data != plain[name].data, name
        assert part.caption.startswith(f"{first[name].label} {first[name].worst:g} (")
    dropped = corruptor.media(sample, [Damage("picture", "drop", 1.0)])
    assert [part.modality for part in dropped] == [m.name for m in MODALITIES[1:]]


def test_sound_is_heard_as_the_network_gets_it():
    data = mla.load_dataset("spoken_digits")
    corruptor, val = Corruptor(data), data.split("val").subset(torch.arange(2))
    assert corruptor.hears("audio", val.ids[0])
    damage = [Damage("audio", "noise", 0.0)]
    found = corruptor.corrupt(val, damage)
    sounds = {}
    for damages in ((), damage):
        (part,) = [p for p in corruptor.media(val.ids[1], damages) if p.modality == "audio"]
        with wave.open(io.BytesIO(part.data)) as file:
            frames = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        sounds[len(damages)] = torch.tensor(frames.astype(np.float32))
    assert "white noise 0 (dB, sound over noise)" in part.caption
    torch.testing.assert_close(
        log_mel(sounds[1][None])[0], found.inputs["audio"][1], atol=1e-4, rtol=1e-4
    )
    # At 0 dB the stored sound makes up about half of the power: the correlation is sqrt(1/2).
    similar = float(torch.corrcoef(torch.stack([sounds[0], sounds[1]]))[0, 1])
    assert similar == pytest.approx(0.5**0.5, abs=0.08)
    assert not corruptor.hears("image", val.ids[0])


@pytest.mark.parametrize(
    ("damage", "error", "message"),
    [
        (Damage("picture", "rain", 0.1), ConfigError, "unknown corruption of modality 'picture' 'rain'"),
        (Damage("word", "drop", -0.1), ConfigError, "missing -0.1 is outside 0..1"),
        (Damage("picture", "noise", 1.5), ConfigError, r"pixel noise 1.5 is outside 0..1"),
        (Damage("pitch", "noise", 99.0), ConfigError, r"white noise 99.0 is outside -20..30 \(dB"),
        (Damage("picture", "noise", float("nan")), ConfigError, "pixel noise nan is outside"),
        (Damage("smell", "noise", 0.5), DataError, r"no modality 'smell': choose one of \['picture'"),
    ],
)  # fmt: skip
def test_bad_damage_is_named(data, damage, error, message):
    with pytest.raises(error, match=message):
        Corruptor(data).corrupt(data.split("val"), [damage])


def test_a_modality_is_spoilt_in_one_way_at_a_time(data):
    twice = [Damage("picture", "noise", 0.5), Damage("picture", "drop", 1.0)]
    with pytest.raises(ConfigError, match="'picture' is corrupted twice: name it once"):
        Corruptor(data).corrupt(data.split("val"), twice)
