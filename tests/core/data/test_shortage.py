"""Parts, modalities and labels taken away: as many as asked for, always the same ones."""

import itertools
import math

import pytest
import torch

from mla_core import ConfigError, MultimodalDataset, TrainingSession, load_dataset
from mla_core.data.samples.media import media_from_tensor
from mla_core.data.shortage import shorten

SIDES = ("train", "val", "test")


@pytest.fixture(scope="module")
def data() -> MultimodalDataset:
    return load_dataset("gaussian", modalities=3, classes=4, dim=3, sizes=(4000, 2000, 3000))


def gone(data: MultimodalDataset, side: str) -> torch.Tensor:
    return ~data.split(side).present


def assert_share(mask: torch.Tensor, rate: float) -> None:
    """Five standard errors of a binomial share: by chance less than once in a million."""
    error = math.sqrt(rate * (1 - rate) / mask.numel())
    assert float(mask.double().mean()) == pytest.approx(rate, abs=5 * error + 1e-12)


@pytest.mark.parametrize("rate", [0.0, 0.05, 0.3, 0.7, 1.0])
def test_every_modality_misses_the_rate_asked_for(rate, data):
    less = shorten(data, missing={"val": rate, "test": {"m1": rate}})
    for row in gone(less, "val"):
        assert_share(row, rate)
    assert_share(gone(less, "test")[1], rate)
    assert not gone(less, "test")[[0, 2]].any()
    assert not gone(less, "train").any()


def test_a_share_of_r_to_the_m_has_nothing_left(data):
    less = shorten(data, missing={"train": 0.5})
    assert_share(gone(less, "train").all(0), 0.5**3)


def test_absent_parts_hold_zeros_and_the_others_what_they_held(data):
    less = shorten(data, missing={"train": 0.4})
    split, whole = less.split("train"), data.split("train")
    for row, name in enumerate(split.inputs):
        here = split.present[row]
        assert (split.inputs[name][~here] == 0).all()
        assert torch.equal(split.inputs[name][here], whole.inputs[name][here])
    assert torch.equal(split.labels, whole.labels)
    assert split.ids == whole.ids
    assert whole.present.all()  # the original stays as it was
    assert all((x != 0).any(1).all() for x in whole.inputs.values())


def test_a_higher_rate_takes_the_same_parts_and_more(data):
    masks = [
        gone(shorten(data, missing={"train": rate}, seed=3), "train")
        for rate in (0.1, 0.2, 0.5, 0.9)
    ]
    for fewer, more in itertools.pairwise(masks):
        assert (more | ~fewer).all()
        assert more.sum() > fewer.sum()


def test_more_label_noise_changes_the_same_labels_and_more(data):
    true = data.split("train").labels
    noisy = [
        shorten(data, label_noise=rate, seed=2).split("train").labels for rate in (0.1, 0.4, 0.9)
    ]
    for less, more in itertools.pairwise(noisy):
        changed = less != true
        assert torch.equal(more[changed], less[changed])


def test_taking_away_twice_changes_nothing(data):
    what = {"modalities": ["m0", "m2"], "missing": {"train": 0.3, "val": {"m2": 0.9}}}
    once = shorten(data, **what, label_noise=0.3, seed=1)
    assert shorten(once, **what, label_noise=0.3, seed=1).fingerprint == once.fingerprint
    assert once.fingerprint != data.fingerprint


def test_modalities_splits_and_seeds_miss_independently(data):
    """Two independent masks at rate 1/2 agree on half of the samples."""
    masks = {}
    for seed in (0, 1):
        less = shorten(data, missing=dict.fromkeys(SIDES, 0.5), seed=seed)
        for side in SIDES:
            for row, mask in enumerate(gone(less, side)):
                masks[seed, side, row] = mask[:2000]
    for one, two in itertools.combinations(masks.values(), 2):
        assert_share(one == two, 0.5)


def test_neither_another_modality_nor_another_rate_decides_what_a_modality_misses(data):
    all_three = shorten(data, missing={"train": 0.4})
    alone = shorten(data, modalities=["m1"], missing={"train": 0.4})
    named = shorten(data, missing={"train": {"m1": 0.4, "m2": 0.9}})
    assert torch.equal(gone(alone, "train")[0], gone(all_three, "train")[1])
    assert torch.equal(gone(named, "train")[1], gone(all_three, "train")[1])


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.99])
def test_wrong_labels_are_a_share_of_those_replaced_in_train_alone(rate, data):
    noisy = shorten(data, label_noise=rate)
    wrong = noisy.split("train").labels != data.split("train").labels
    assert_share(wrong, rate * 3 / 4)  # of 4 classes the true one is drawn, too
    for side in ("val", "test"):
        assert torch.equal(noisy.split(side).labels, data.split(side).labels)
    drawn = noisy.split("train").labels[wrong]
    for c in range(4):
        assert_share(drawn == c, 1 / 4)


def test_modalities_keep_the_datas_own_order(data):
    less = shorten(data, modalities=["m2", "m0"])
    assert list(less.modalities) == list(less.split("val").inputs) == ["m0", "m2"]
    assert less.modalities["m2"] == data.modalities["m2"]
    assert less.split("val").inputs["m2"] is data.split("val").inputs["m2"] or torch.equal(
        less.split("val").inputs["m2"], data.split("val").inputs["m2"]
    )


@pytest.mark.parametrize(
    "nothing", [{}, {"missing": {"train": 0.0}}, {"modalities": ["m0", "m1", "m2"]}]
)
def test_where_nothing_is_taken_the_data_stay_themselves(nothing, data):
    assert shorten(data, **nothing) is data


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ({"modalities": ["m7"]}, r"unknown modality in modalities 'm7'.*'m0', 'm1', 'm2'"),
        ({"missing": {"dev": 0.1}}, r"split in missing 'dev'.*'train'"),
        ({"missing": {"val": {"m7": 0.1}}}, r"modality in missing\['val'\] 'm7'.*'m0'"),
        ({"modalities": ["m0"], "missing": {"val": {"m1": 0.1}}}, r"'m1'.*choose one of 'm0'"),
        ({"missing": {"val": 1.01}}, r"missing\['val'\] must be a rate"),
        ({"missing": {"val": float("nan")}}, "must be a rate"),
        ({"label_noise": 1.5}, "label_noise must be a rate from 0 to 1, not 1.5"),
        ({"label_noise": float("nan")}, "label_noise must be a rate"),
    ],
)
def test_what_cannot_be_taken_away_is_named(what, message, data):
    with pytest.raises(ConfigError, match=message):
        shorten(data, **what)


@pytest.mark.parametrize("own", [True, False], ids=["own media", "media from tensors"])
def test_media_of_absent_parts_are_left_out(own, data):
    def media(side, index):
        split = data.split(side)
        return [media_from_tensor(name, "vector", x[index], "") for name, x in split.inputs.items()]

    if own:
        modalities = list(data.modalities.values())
        splits = {side: data.split(side) for side in SIDES}
        data = MultimodalDataset("own", modalities, data.classes, splits, media=media)
    less = shorten(data, modalities=["m0", "m2"], missing={"val": 0.5})
    twice = shorten(less, missing={"val": 0.8})
    for shorter in (less, twice):
        split, lengths = shorter.split("val"), set()
        for i, sample in enumerate(split.ids[:40]):
            shown = [part.modality for part in shorter.media(sample)]
            here = split.present[:, i].tolist()
            assert shown == [m for m, there in zip(split.inputs, here, strict=True) if there]
            lengths.add(len(shown))
        assert lengths == {0, 1, 2}


def test_a_session_trains_on_what_is_left_and_its_fork_on_the_same(tiny):
    config = tiny(modalities=["m0", "m2"], missing={"train": 0.3}, label_noise=0.4, seed=4)
    session = TrainingSession(config)
    whole = load_dataset("gaussian", **config.dataset_options)
    expected = shorten(
        whole, modalities=["m0", "m2"], missing={"train": 0.3}, label_noise=0.4, seed=4
    )
    assert session.data.fingerprint == expected.fingerprint
    assert session.fork().data.fingerprint == expected.fingerprint
    assert TrainingSession(config.replace(seed=5)).data.fingerprint != expected.fingerprint
