"""MNIST in the files that people have: other keys, other numbers, other names, cut off."""

import gzip
import struct

import numpy as np
import pytest

import mla_core as mla
from mla_core.data.adapters.mnist import read_mnist

LABELS = np.array([0, 7, 9], np.uint8)
IMAGES = np.arange(3 * 28 * 28).reshape(3, 28, 28).astype(np.uint8)  # 0 to 255, and again


def idx(x):
    return struct.pack(f">BBBB{x.ndim}I", 0, 0, 8, x.ndim, *x.shape) + x.tobytes()


def write_idx(folder, name="{}-{}-idx{}-ubyte", change=lambda raw: raw):
    for side in ("train", "t10k"):
        for kind, x in (("images", IMAGES), ("labels", LABELS)):
            path = folder / name.format(side, kind, x.ndim)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(change(idx(x)))


def write_npz(folder, images=IMAGES, labels=LABELS, keys=("x_{}", "y_{}")):
    arrays = {}
    for side in ("train", "test"):
        arrays |= {keys[0].format(side): images, keys[1].format(side): labels}
    np.savez_compressed(folder / "mnist.npz", **arrays)


def kaggle(folder):
    """Beside each file a folder of nearly the same name, and in it the file once more."""
    write_idx(folder, "{0}-{1}.idx{2}-ubyte")
    write_idx(folder, "{0}-{1}-idx{2}-ubyte/{0}-{1}-idx{2}-ubyte")


def mac(folder):
    write_npz(folder)
    (folder / "._mnist.npz").write_bytes(b"litter")


GOOD = {
    "idx": write_idx,
    "idx in gzip": lambda p: write_idx(p, "{}-{}-idx{}-ubyte.gz", gzip.compress),
    "Kaggle": kaggle,
    "npz": write_npz,
    "npz from a Mac": mac,
    "train_images": lambda p: write_npz(p, keys=("{}_images", "{}_labels")),
    "X_train": lambda p: write_npz(p, keys=("X_{}", "Y_{}")),
    "0 to 1": lambda p: write_npz(p, (IMAGES / 255).astype(np.float32)),
    "float64 up to 255": lambda p: write_npz(p, IMAGES.astype(float)),
    "rows of 784": lambda p: write_npz(p, IMAGES.reshape(3, 784)),
    "rows of 0 to 1": lambda p: write_npz(p, IMAGES.reshape(3, 784) / 255),
    "a channel last": lambda p: write_npz(p, IMAGES[..., None]),
    "a channel first": lambda p: write_npz(p, IMAGES[:, None]),
    "one-hot labels": lambda p: write_npz(p, labels=np.eye(10)[LABELS]),
    "labels in a column": lambda p: write_npz(p, labels=LABELS[:, None].astype(np.int64)),
}


@pytest.mark.parametrize("write", GOOD.values(), ids=GOOD)
def test_pictures_and_digits_are_the_same_from_any_file(tmp_path, write):
    write(tmp_path)
    sides = read_mnist(tmp_path)
    assert list(sides) == ["train", "test"]
    for mnist in sides.values():
        assert mnist.images.dtype == np.uint8
        assert (mnist.images == IMAGES).all()
        assert (mnist.labels == LABELS).all()


BAD = {
    "nothing": (lambda p: None, "there is no mnist.npz and no train-images-idx"),
    "cut off": (lambda p: write_idx(p, change=lambda x: x[:-1]), "2352 bytes follow.*has 2351"),
    "too long": (lambda p: write_idx(p, change=lambda x: x + b"0"), "bytes follow"),
    "cut gzip": (
        lambda p: write_idx(p, "{}-{}-idx{}-ubyte.gz", lambda x: gzip.compress(x)[:-9]),
        "cut off|damaged",
    ),
    "HTML": (lambda p: write_idx(p, change=lambda x: b"<html>404"), "is no idx file: copy"),
    "empty": (lambda p: write_idx(p, change=lambda x: b""), "is no idx file"),
    "HTML in npz": (lambda p: (p / "mnist.npz").write_bytes(b"<html>"), "mnist.npz' is"),
    "cut npz": (
        lambda p: (
            write_npz(p),
            (p / "mnist.npz").write_bytes((p / "mnist.npz").read_bytes()[:99]),
        ),
        "mnist.npz' is damaged",
    ),
    "git-lfs": (
        lambda p: write_idx(p, change=lambda x: b"version https://git-lfs.github.com/spec/v1\n"),
        "is a git-lfs pointer.*git lfs pull",
    ),
    "other keys": (lambda p: write_npz(p, keys=("a_{}", "b_{}")), "a_test.*no images of train"),
    "fractions": (lambda p: write_npz(p, IMAGES / 2), "fractions up to 127.5"),
    "standardised": (lambda p: write_npz(p, IMAGES / 255 - 0.5), "lie in -0.5..0.5"),
    "NaN": (lambda p: write_npz(p, np.full((3, 28, 28), np.nan)), "lie in nan"),
    "colours": (lambda p: write_npz(p, np.zeros((3, 28, 28, 3))), r"\(3, 28, 28, 3\)"),
    "texts": (lambda p: write_npz(p, labels=np.array(["0", "7", "9"])), "digits 0 to 9"),
    "other labels": (lambda p: write_npz(p, labels=LABELS + 1), "digits 0 to 9"),
    "fewer labels": (lambda p: write_npz(p, labels=LABELS[:2]), "3 pictures, but 2 labels"),
}


@pytest.mark.parametrize(("write", "what"), BAD.values(), ids=BAD)
def test_anything_else_is_refused_in_a_sentence(tmp_path, write, what):
    write(tmp_path)
    with pytest.raises(mla.DataError, match=what):
        read_mnist(tmp_path)
