"""A sealed folder notices what was changed, lost or put in the place of its files."""

import hashlib
import os
import shutil
import subprocess

import pytest

from mla_core import DataError
from mla_core.checksums import SUMS, check_seal, check_sum, is_sealed_whole, seal


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "run"
    (folder / "best").mkdir(parents=True)
    (folder / "a b.txt").write_text("one")
    (folder / "best" / "c").write_text("two")
    (folder / ".hidden").write_text("not a result")
    seal(folder)
    return folder


def test_the_list_is_that_of_sha256sum(folder):
    one, two = (hashlib.sha256(text).hexdigest() for text in (b"one", b"two"))
    assert (folder / SUMS).read_text() == f"{one}  a b.txt\n{two}  best/c\n"
    if shutil.which("sha256sum"):
        subprocess.run(["sha256sum", "--check", "--strict", SUMS], cwd=folder, check=True)


def test_nothing_is_said_of_a_folder_that_is_as_it_was(folder):
    (folder / "notes.txt").write_text("mine")
    check_seal(folder, "run it again")
    assert is_sealed_whole(folder)


@pytest.mark.parametrize("harm", ["changed", "lost", "pipe"])
def test_what_is_not_as_it_was_is_named(harm, folder):
    path = folder / "best" / "c"
    path.unlink()
    if harm == "changed":
        path.write_text("tw0")
    elif harm == "pipe":
        os.mkfifo(path)
    for check in (
        lambda: check_seal(folder, "run it again"),
        lambda: check_sum(folder, "best/c", "run it again"),
    ):
        with pytest.raises(DataError, match=r"best/c'.*: run it again"):
            check()
    assert is_sealed_whole(folder) == (harm == "changed")
    check_sum(folder, "a b.txt", "run it again")


def test_a_file_that_came_later_is_not_taken_for_one_of_the_run(folder):
    (folder / "replay.npz").write_text("")
    with pytest.raises(DataError, match="not among the files"):
        check_sum(folder, "replay.npz", "run it again")


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"\xff", b"0 a b.txt\n", b"0" * 64 + b"  a b.txt", b"\n", b"0" * 65 + b"  x\n"),
        *(
            b"0" * 64 + b"  " + name + b"\n"
            for name in (b"../x", b"/x", b".x", b"x/.y", b"", b"x\0")
        ),
        2 * (b"0" * 64 + b"  x\n"),
    ],
)
def test_a_damaged_list_is_no_list(content, folder):
    before = (folder / SUMS).read_bytes()
    (folder / SUMS).write_bytes(content + (before if content == b"\n" else b""))
    with pytest.raises(DataError, match="run it again"):
        check_sum(folder, "a b.txt", "run it again")


@pytest.mark.parametrize("end", [b"\r\n", b"\r"])
def test_a_list_may_have_the_ends_of_line_of_another_system(end, folder):
    (folder / SUMS).write_bytes((folder / SUMS).read_bytes().replace(b"\n", end))
    check_seal(folder, "run it again")
    assert is_sealed_whole(folder)


def test_a_folder_without_a_list_is_taken_as_it_is(folder):
    (folder / SUMS).unlink()
    (folder / "a b.txt").write_text("other")
    check_seal(folder, "run it again")
    check_sum(folder, "a b.txt", "run it again")
    assert not is_sealed_whole(folder)
