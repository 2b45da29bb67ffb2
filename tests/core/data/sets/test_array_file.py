"""Features from a file: what is in it is what is trained on, and a bad file says what is wrong."""

import numpy as np
import pytest
import torch

from mla_core import ConfigError, DataError, ExperimentConfig, TrainingSession, load_dataset


@pytest.fixture
def arrays():
    source = np.random.default_rng(0)
    labels = np.arange(60) % 3
    features = {m: source.normal(size=(60, d)) + 6 * np.eye(3, d)[labels] for m, d in SIZES.items()}
    features["text"][:5] = np.nan
    sides = np.repeat(["train", "val", "test"], [30, 15, 15])
    return features | {"labels": labels, "split": sides}


SIZES = {"image": 6, "text": 4}


def saved(folder, arrays) -> str:
    path = folder / "features.npz"
    np.savez(path, **arrays)
    return str(path)


def test_a_file_becomes_a_data_set(tmp_path, arrays):
    data = load_dataset("array_file", path=saved(tmp_path, arrays))
    train = data.split("train")
    assert {m.name: m.shape for m in data.modalities.values()} == {"image": (6,), "text": (4,)}
    np.testing.assert_allclose(train.inputs["image"].numpy(), arrays["image"][:30], rtol=1e-6)
    assert train.present[1].tolist() == [False] * 5 + [True] * 25
    assert (train.inputs["text"][:5] == 0).all()
    assert data.split("test").labels.tolist() == arrays["labels"][45:].tolist()
    assert data.classes == ("0", "1", "2")
    assert data.split("val").ids[0] == "row-00030"


def test_only_the_head_learns_from_frozen_features(tmp_path, arrays):
    path = saved(tmp_path, arrays)
    config = ExperimentConfig(
        dataset="array_file",
        dataset_options={"path": path},
        encoder="none",
        feature_size=6,
        epochs=30,
        batch_size=8,
    )
    session = TrainingSession(config)
    assert [name for name, _ in session.method.model.named_parameters()] == [
        "head.weight",
        "head.bias",
    ]
    evaluation = session.evaluate("test")
    padded = torch.nn.functional.pad(session.data.split("test").inputs["text"], (0, 2))
    assert torch.equal(evaluation.features[1], padded)
    before = evaluation.accuracy
    list(session)
    after = session.evaluate("test").accuracy
    assert after > 0.8 > before


def test_features_must_fit_the_head(tmp_path, arrays):
    options = {"path": saved(tmp_path, arrays)}
    config = ExperimentConfig(
        dataset="array_file", dataset_options=options, encoder="none", feature_size=5
    )
    with pytest.raises(ConfigError, match=r"at most feature_size=5.*'image'.*\(6,\)"):
        TrainingSession(config)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": None}, r"lacks the array 'labels': it holds \['image', 'split', 'text'\]"),
        ({"split": None}, "lacks the array 'split'"),
        ({"labels": np.zeros(60)}, r"'labels' must be whole numbers .* not float64"),
        ({"labels": np.full(60, -1)}, "'labels' must be whole numbers"),
        ({"split": np.repeat(["train", "dev"], 30)}, "'split' names 'dev': choose among"),
        ({"split": np.repeat(["train", "val"], 5)}, r"'split' must be of shape \(60,\)"),
        ({"image": np.zeros((59, 6))}, r"'image' must be numbers of shape \(60, D\).*\(59, 6\)"),
        ({"image": np.zeros(60)}, r"'image' must be numbers of shape \(60, D\)"),
        ({"image": np.repeat("x", 60)[:, None]}, "'image' must be numbers"),
        ({"image": None, "text": None}, "holds no modality"),
        ({"image": np.full((60, 6), np.inf)}, "sample 'row-00000': contains NaN or infinity"),
        ({"split": np.repeat("train", 60)}, "split 'val' is empty"),
        ({"split": np.array("train")}, r"'split' must be of shape \(60,\), not \(\)"),
        ({"split": np.full((60, 2), "train")}, r"'split' must be of shape \(60,\)"),
        ({"image": np.array(3.0)}, r"'image' must be numbers of shape \(60, D\)"),
        ({"labels": np.array(3)}, "'labels' must be whole numbers"),
        ({"labels": np.full(60, 10**9)}, "'labels' reach 1000000000, but there are 60 samples"),
        ({"ids": np.arange(3)}, r"'ids' must be of shape \(60,\), not \(3,\)"),
        ({"ids": np.full(60, b"\xff")}, "the id b'.xff' is not UTF-8"),
        ({"ids": np.repeat("a", 60)}, "the sample id 'a' twice"),
        ({"classes": np.array([["a", "b", "c"]])}, "'classes' must be of shape"),
        (
            {"classes": np.array(["a", "b", "c", "a"])},
            "'classes' names 'a' and 'a', which look alike",
        ),
        ({"classes": np.array(["a", "a\u200b", "b"])}, "look alike"),
        ({"classes": np.array(["a", " ", "b"])}, "'classes' has no name for class 1"),
        ({"classes": np.array(["a"])}, "'labels' reach ., but there are 1 classes"),
        ({"image": np.full((60, 6), 1e25)}, "a number beyond 1e"),
    ],
)
def test_a_bad_file_says_what_is_wrong(tmp_path, arrays, change, message):
    changed = {k: v for k, v in (arrays | change).items() if v is not None}
    with pytest.raises(DataError, match=message):
        load_dataset("array_file", path=saved(tmp_path, changed))


def test_no_file_and_no_arrays(tmp_path):
    with pytest.raises(DataError, match="no array file ''"):
        load_dataset("array_file")
    text = tmp_path / "notes.npz"
    text.write_text("not arrays")
    with pytest.raises(DataError, match="no npz file"):
        load_dataset("array_file", path=str(text))
    pickled = tmp_path / "pickled.npz"
    np.savez(pickled, labels=np.array([{}], dtype=object))
    with pytest.raises(DataError, match="no npz file"):
        load_dataset("array_file", path=str(pickled))


def test_a_class_without_a_sample_is_told(tmp_path, arrays):
    changed = arrays | {"labels": arrays["labels"] * 2}
    data = load_dataset("array_file", path=saved(tmp_path, changed))
    assert data.note == "no sample of '1', '3'"
    assert load_dataset("array_file", path=saved(tmp_path, arrays)).note == ""
