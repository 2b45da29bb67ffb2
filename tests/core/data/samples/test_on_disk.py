"""Files that only look like some: pointers, pipes, litter, frames from elsewhere."""

import itertools
import os

import pytest

import mla_core as mla
from mla_core.data.adapters import reader
from mla_core.data.decoding import Preparation, decoder
from mla_core.data.samples import files_below
from mla_core.data.samples.source import Enclosure, Source, file_source
from tests.core.media_files import picture

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:c6f9\nsize 72862\n"
READERS = ("image", "sound", "video", "text", "vector", "series")
SUFFIX = dict(zip(READERS, (".png", ".wav", ".mp4", ".txt", ".npy", ".csv"), strict=True))


@pytest.mark.parametrize("kind", READERS)
def test_every_reader_tells_a_git_lfs_pointer(kind, tmp_path):
    path = tmp_path / f"x{SUFFIX[kind]}"
    path.write_bytes(POINTER)
    with pytest.raises(mla.DataError, match=r"is a git-lfs pointer.*git lfs pull"):
        decoder(kind, Preparation()).look(Source("here", path))


@pytest.mark.parametrize("kind", READERS)
def test_no_reader_waits_for_a_pipe(kind, tmp_path):
    path = tmp_path / f"x{SUFFIX[kind]}"
    os.mkfifo(path)
    with pytest.raises(mla.DataError, match="is a pipe or a device, not a file"):
        decoder(kind, Preparation()).look(Source("here", path))


@pytest.mark.parametrize(
    ("name", "table"),
    [
        ("food101", "texts/train_titles.csv"),
        ("mvsa", "labelResultAll.txt"),
        ("kinetics_sounds", "k.csv"),
        ("iemocap", "Session1/dialog/EmoEvaluation/Ses01.txt"),
    ],
)
def test_adapters_name_a_table_that_is_a_pointer(name, table, tmp_path):
    (tmp_path / "images" / "train").mkdir(parents=True)
    (tmp_path / table).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / table).write_bytes(POINTER)
    with pytest.raises(mla.DataError, match=r"'\S+(csv|txt)' is a git-lfs pointer.*git lfs pull"):
        reader(name)(str(tmp_path))


def test_litter_is_no_frame(tmp_path):
    picture(tmp_path / "clip" / "0.png")
    for name in ("._0.png", ".DS_Store", "Thumbs.db"):
        (tmp_path / "clip" / name).write_bytes(b"litter")
    reader_ = decoder("video", Preparation(size=8))
    source = file_source(Enclosure(tmp_path), "clip", "here")
    assert reader_.decode(source, reader_.modality("v", [reader_.look(source)])).shape[0] == 3
    before = source.name()
    (tmp_path / "clip" / "._1.png").write_bytes(b"litter")
    assert source.name() == before


def test_a_frame_that_leads_elsewhere_is_refused(tmp_path):
    picture(tmp_path / "secret.png")
    picture(tmp_path / "set" / "clip" / "0.png")
    (tmp_path / "set" / "clip" / "1.png").symlink_to(tmp_path / "secret.png")
    with pytest.raises(mla.DataError, match=r"'1\.png', a link that leads outside"):
        file_source(Enclosure(tmp_path / "set"), "clip", "here")


def test_files_below_a_folder(tmp_path):
    for name in ("b.txt", "a/x.txt", "a/._x.txt", ".git/y.txt", "__MACOSX/z.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    found = [path.relative_to(tmp_path).as_posix() for path in files_below(tmp_path)]
    assert found == ["a", "a/loop", "a/x.txt", "b.txt"]
    assert files_below(tmp_path / "gone") == []


def test_a_path_is_followed_as_the_system_follows_it(tmp_path):
    root = tmp_path / "set"
    for folder in ("a/b", "../away"):
        (root / folder).mkdir(parents=True)
    for file in ("a/x", "a/b/y", "../away/z"):
        (root / file).touch()
    links = {"in": "a", "a/up": "..", "out": "../away", "a/y": "b/y", "a/z": "../../away/z"}
    links |= {"gone": "nowhere", "set": str(root)}
    for name, to in links.items():
        (root / name).symlink_to(to)
    (root / "loop").symlink_to("loop")
    (tmp_path / "door").symlink_to(root)
    steps = ("a", "b", "x", "y", "z", "in", "up", "out", "gone", "set", "..", ".", "away", "")
    for start in (root, tmp_path / "door"):
        enclosure = Enclosure(start)
        for name in map("/".join, itertools.product(steps, repeat=3)):
            wanted = (start / name).resolve()
            within = wanted.is_relative_to(root)
            assert enclosure.follow(name) == (wanted if within else None), name
        for name in ("loop", "loop/x", "a/up/loop"):
            with pytest.raises((OSError, RuntimeError)):
                enclosure.follow(name)
