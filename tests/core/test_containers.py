"""Damaged files of numbers are one sentence with the file's name, whatever the libraries raise."""

import io
import os
import zipfile

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mla_core import ConfigError, DataError
from mla_core.containers import read_npz, read_safetensors, write_npz, write_safetensors
from mla_core.files import read_json, write_json

CURE = "run it again"


def write_one(path):
    {
        ".npz": lambda: write_npz(path, {"a": np.arange(400.0), "b": np.array(["x", "y"])}),
        ".safetensors": lambda: write_safetensors(path, {"a": torch.arange(400.0)}, {"t": "u"}),
        ".json": lambda: write_json(path, {"a": list(range(400)), "b": "é"}),
    }[path.suffix]()


READ = {".npz": read_npz, ".safetensors": read_safetensors, ".json": read_json}
EACH = pytest.mark.parametrize("kind", READ)


def test_what_was_written_is_read(tmp_path):
    arrays = {"a": np.arange(6.0).reshape(2, 3), "b": np.array(["x", "é"]), "c": np.array(3)}
    write_npz(tmp_path / "one.npz", arrays)
    back = read_npz(tmp_path / "one.npz", CURE)
    assert all(np.array_equal(back[name], arrays[name]) for name in arrays | back)
    write_safetensors(tmp_path / "one.safetensors", {"w": torch.eye(2)}, {"about": "é"})
    tensors, texts = read_safetensors(tmp_path / "one.safetensors", CURE)
    assert torch.equal(tensors["w"], torch.eye(2))
    assert texts == {"about": "é"}


@EACH
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_damage_is_our_own_error_with_the_name_and_the_cure(kind, data, tmp_path):
    path = tmp_path / f"one{kind}"
    write_one(path)
    content = bytearray(path.read_bytes())
    where = data.draw(st.integers(0, len(content) - 1))
    how = data.draw(st.sampled_from(["flip", "cut", "zeros", "garbage"]))
    if how == "flip":
        content[where] ^= 1 << data.draw(st.integers(0, 7))
    elif how == "cut":
        del content[where:]
    elif how == "zeros":
        content[where : where + 16] = bytes(16)
    else:
        content[where:where] = data.draw(st.binary(min_size=1, max_size=40))
    path.write_bytes(content)
    try:
        READ[kind](path, CURE)
    except DataError as error:
        assert str(path) in str(error)  # noqa: PT017 - damage may leave a file that can be read
        assert str(error).endswith(CURE)  # noqa: PT017


@EACH
def test_what_is_no_file_is_said_to_be_none(kind, tmp_path):
    for name, make in (("nothing", None), ("folder", "mkdir"), ("pipe", os.mkfifo)):
        path = tmp_path / f"{name}{kind}"
        if make == "mkdir":
            path.mkdir()
        elif make:
            make(path)
        with pytest.raises(
            DataError, match=rf"(there is no .*)?{name}{kind}'( is no file)?: run it again"
        ):
            READ[kind](path, CURE)


def archive(path, members, **options):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, **options) as stored:
        for name, content in members:
            stored.writestr(name, content)


def npy(array, **options):
    file = io.BytesIO()
    np.lib.format.write_array(file, array, **options)
    return file.getvalue()


def header(shape, descr="<f8"):
    """Say that so many numbers follow, which need not be true."""
    file = io.BytesIO()
    about = {"shape": shape, "descr": descr, "fortran_order": False}
    np.lib.format.write_array_header_1_0(file, about)
    return file.getvalue()


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ([("a.npy", header((10**6, 10**6)))], "8000.0 GB"),
        ([(f"{i}.npy", header((10**8,))) for i in range(2)], r"1\.6 GB"),
        ([("a.npy", npy(np.array([{}]), allow_pickle=True))], "Python objects"),
        ([("a.npy", npy(np.zeros(3))), ("a.npy", npy(np.ones(3)))], "twice"),
        ([("a.txt", b"hello")], "magic"),
        ([("a.npy", header((-5,)))], ""),
        ([("a.npy", header((10,)))], ""),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_an_npz_is_looked_at_before_it_is_read(members, said, tmp_path):
    archive(tmp_path / "one.npz", members)
    with pytest.raises(
        DataError, match=rf"one.npz' is damaged, or no npz file \(.*{said}.*\): run it again"
    ):
        read_npz(tmp_path / "one.npz", CURE)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"a": NaN}', "NaN"),
        ('{"a": 1e999}', "1e999"),
        ('{"a": 1, "b": {"c": 1, "c": 2}}', "'c' twice"),
        ("1" * 5000, "digits"),
    ],
)
def test_json_that_would_be_read_as_something_else_is_refused(text, said, tmp_path):
    (tmp_path / "one.json").write_text(text)
    with pytest.raises(DataError, match=said):
        read_json(tmp_path / "one.json", CURE)


@EACH
def test_a_place_that_cannot_be_written_is_a_sentence(kind, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="cannot write"):
        write_one(tmp_path / "file" / f"one{kind}")
