"""A snapshot on disk appears whole or not at all."""

import shutil
from pathlib import Path

import pytest

from mla_core import DataError, TrainingSession
from mla_core.checksums import SUMS, seal
from mla_core.records.checkpoint import load_snapshot, save_snapshot, trained_on


def test_the_newest_snapshot_on_disk_replaces_the_others(tiny, tmp_path):
    session = TrainingSession(tiny())
    assert load_snapshot(tmp_path) is None
    for _ in range(3):
        session.advance(steps=2)
        saved = save_snapshot(session.snapshot(), tmp_path / "deeper")
    assert [path.name for path in (tmp_path / "deeper").iterdir()] == [saved.name]
    assert load_snapshot(tmp_path / "deeper").step == 6


def test_a_snapshot_that_was_cut_off_is_not_loaded(tiny, tmp_path):
    session = TrainingSession(tiny())
    session.advance(steps=2)
    save_snapshot(session.snapshot(), tmp_path)
    half = tmp_path / ".checkpoint-000000009.partial"
    half.mkdir()
    (half / "tensors.safetensors").write_bytes(b"half")
    assert load_snapshot(tmp_path).step == 2


def test_a_snapshot_notes_what_it_was_trained_on(tiny, tmp_path):
    session = TrainingSession(tiny())
    assert trained_on(tmp_path) == ""
    save_snapshot(session.snapshot(), tmp_path)
    assert trained_on(tmp_path) == ""
    save_snapshot(session.snapshot(), tmp_path, "0123456789ab")
    assert trained_on(tmp_path) == "0123456789ab"


@pytest.fixture
def three(tiny):
    """Return snapshots of one session, each with a best one in it."""
    session, found = TrainingSession(tiny(stopping="best")), []
    for _ in range(3):
        session.advance(steps=4)
        found.append(session.snapshot())
    assert all(snapshot.best is not None for snapshot in found)
    return found


@pytest.mark.parametrize(
    "lost",
    [
        "tensors.safetensors",
        "snapshot.json",
        "history.npz",
        "best",
        "best/tensors.safetensors",
        SUMS,
    ],
)
def test_a_snapshot_that_lacks_a_file_does_not_count(lost, three, tmp_path):
    """Whoever removed it file by file was stopped; without `best` the last weights would be told."""
    older, newer = (save_snapshot(s, tmp_path / str(s.step)) for s in three[:2])
    newer.rename(tmp_path / str(three[0].step) / "checkpoint-000000002")
    newer = older.with_name("checkpoint-000000002")
    assert load_snapshot(older.parent).step == three[1].step
    shutil.rmtree(newer / lost) if (newer / lost).is_dir() else (newer / lost).unlink()
    assert load_snapshot(older.parent).step == three[0].step
    shutil.rmtree(older)
    if lost == SUMS:  # of a version that knew no such list
        assert load_snapshot(newer.parent) is None
    else:
        with pytest.raises(DataError, match=rf"checkpoint-000000002/{lost}.*train anew"):
            load_snapshot(newer.parent)


def test_a_damaged_list_of_files_is_no_beginning_anew(three, tmp_path):
    """What was trained would be lost, and nobody told."""
    path = save_snapshot(three[0], tmp_path) / SUMS
    path.write_text(path.read_text().replace("snapshot.json", "sncpshot.jqon"))
    for look in (load_snapshot, trained_on):
        with pytest.raises(DataError, match=r"sncpshot\.jqon'.*train anew"):
            look(tmp_path)


@pytest.mark.parametrize(
    "file", ["tensors.safetensors", "best/tensors.safetensors", "snapshot.json"]
)
def test_changed_numbers_are_noticed(file, three, tmp_path):
    """The flipped bit is in the middle of the numbers, where no reader would find it."""
    path = save_snapshot(three[0], tmp_path) / file
    content = bytearray(path.read_bytes())
    content[-8] ^= 4
    path.write_bytes(content)
    with pytest.raises(DataError, match=rf"{file}' is not what was written .* train anew"):
        load_snapshot(tmp_path)


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("tensors.safetensors", b"\x08\0\0\0\0\0\0\0{}"),
        ("history.npz", b"PK\x03\x04 not a zip"),
        ("snapshot.json", b"{"),
        ("snapshot.json", b"\xff"),
        ("snapshot.json", b"[]"),
        ("snapshot.json", b"{}"),
        ("snapshot.json", b'{"config": {"epochs": "many"}, "step": 1, "epoch": 0, "index": 1}'),
        ("snapshot.json", b'{"config": [], "step": 1, "epoch": 0, "index": 1}'),
    ],
)
def test_a_checkpoint_that_fits_its_list_and_makes_no_sense_is_a_sentence(
    file, content, three, tmp_path
):
    folder = save_snapshot(three[0], tmp_path)
    (folder / file).write_bytes(content)
    seal(folder)
    with pytest.raises(DataError, match=r"checkpoint-.*train anew"):
        load_snapshot(tmp_path)


class KilledError(BaseException):
    """Stands for the end of the process."""


def kill_at(number, patch):
    """Stop at this operation on files, in the middle of it where it has a middle."""
    left = iter(range(number))

    def watch(owner, name, half):
        original = getattr(owner, name)

        def operation(path, *given, **named):
            if next(left, None) is None:
                half(path)
                raise KilledError
            return original(path, *given, **named)

        patch.setattr(owner, name, operation)

    def one_file(folder):
        for path in [path for path in folder.rglob("*") if path.is_file()][:1]:
            path.unlink()

    watch(Path, "rename", lambda _: None)
    watch(Path, "replace", lambda _: None)
    watch(Path, "write_text", lambda path: path.write_bytes(b"{"))
    watch(shutil, "rmtree", one_file)


@pytest.mark.parametrize("again", [False, True], ids=["of another step", "of the same step"])
def test_whenever_a_kill_comes_a_whole_snapshot_is_there(again, three, tmp_path, monkeypatch, bits):
    first, second = three[0], three[0] if again else three[1]
    for number in range(100):
        folder = tmp_path / str(number)
        save_snapshot(first, folder)
        try:
            with monkeypatch.context() as patch:
                kill_at(number, patch)
                save_snapshot(second, folder)
        except KilledError:
            found = load_snapshot(folder)
            assert found.step in {first.step, second.step}
            of_step = {first.step: first, second.step: second}[found.step]
            assert bits(found.tensors) == bits(of_step.tensors)
            assert bits(found.best.tensors) == bits(of_step.best.tensors)
            save_snapshot(three[2], folder)
            assert len(list(folder.iterdir())) == 1
        else:
            break
    assert 3 < number < 99
