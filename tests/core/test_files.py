"""Files and folders appear whole or not at all, and go the same way."""

import errno
import shutil

import pytest

from mla_core import ConfigError, DataError
from mla_core.files import no_room_told, read_json, remove, write_json, written_whole


def inside(folder):
    return sorted(path.name for path in folder.iterdir())


def test_nothing_shows_before_it_is_whole_and_nothing_else_is_left(tmp_path):
    path = tmp_path / "deep" / "table.csv"
    with written_whole(path) as beside:
        beside.write_text("1,2")
        assert not path.exists()
        assert beside.suffix == ".csv"
    with written_whole(path) as beside:
        beside.write_text("3,4")
        assert path.read_text() == "1,2"
    assert path.read_text() == "3,4"
    assert inside(path.parent) == ["table.csv"]


def test_a_folder_shows_when_all_that_is_in_it_is_there(tmp_path):
    with written_whole(tmp_path / "run") as beside:
        beside.mkdir()
        (beside / "a").write_text("")
        assert not (tmp_path / "run").exists()
    assert inside(tmp_path / "run") == ["a"]
    assert inside(tmp_path) == ["run"]


@pytest.mark.parametrize("folder", [False, True])
def test_an_attempt_that_fails_leaves_what_was_there(folder, tmp_path):
    path = tmp_path / "one"
    path.write_text("before")

    def fail():
        with written_whole(path) as beside:
            (beside.mkdir if folder else beside.touch)()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert path.read_text() == "before"
    assert inside(tmp_path) == ["one"]


def test_what_a_kill_left_is_no_hindrance(tmp_path):
    with written_whole(tmp_path / "run") as beside:
        pass_by = beside
        beside.mkdir()
    shutil.copytree(tmp_path / "run", pass_by)
    remove(tmp_path / "run")
    with written_whole(tmp_path / "run") as beside:
        beside.mkdir()
    assert inside(tmp_path) == ["run"]


def test_a_full_disk_is_a_sentence(tmp_path):
    def fail():
        with written_whole(tmp_path / "one.json"):
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(ConfigError, match=r"cannot write '.*one.json': No space left on device"):
        fail()
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot write"):
        write_json(tmp_path / "file" / "one.json", {})


def test_whoever_meets_a_full_disk_is_told_in_a_sentence(tmp_path):
    for number in (errno.ENOSPC, errno.EDQUOT, errno.EROFS):
        with pytest.raises(ConfigError, match="Make room"), no_room_told(tmp_path):
            raise OSError(number, "it says")
    with pytest.raises(FileNotFoundError), no_room_told(tmp_path):
        raise FileNotFoundError(errno.ENOENT, "another matter")


def test_a_folder_that_is_removed_is_never_seen_in_part(tmp_path, monkeypatch):
    (tmp_path / "run").mkdir()
    for name in "ab":
        (tmp_path / "run" / name).touch()

    def killed(folder, **_):
        if folder.exists():
            next(folder.iterdir()).unlink()
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            remove(tmp_path / "run")
    assert not (tmp_path / "run").exists()
    (tmp_path / "run").mkdir()
    remove(tmp_path / "run")
    assert inside(tmp_path) == []


def test_only_what_is_named_is_removed(tmp_path):
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "a").touch()
    (tmp_path / "link").symlink_to(tmp_path / "kept")
    (tmp_path / "file").touch()
    for name in ("link", "file", "nothing"):
        remove(tmp_path / name)
    assert inside(tmp_path) == ["kept"]
    assert inside(tmp_path / "kept") == ["a"]


@pytest.mark.parametrize("text", ["{", "[1]", "\x00", "[" * 100_000])
def test_what_is_no_object_in_json_is_named_with_the_cure(text, tmp_path):
    path = tmp_path / "one.json"
    path.write_text(text)
    with pytest.raises(DataError, match=r"one.json' is damaged \(.*\): run it again"):
        read_json(path, "run it again")
    write_json(path, {"a": [1]})
    assert read_json(path, "run it again") == {"a": [1]}
