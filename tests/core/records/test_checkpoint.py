"""A snapshot on disk appears whole or not at all."""

import shutil
from pathlib import Path

import pytest

from mla_core import TrainingSession
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
    ["tensors.safetensors", "snapshot.json", "history.npz", "best", "best/tensors.safetensors"],
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
    assert load_snapshot(newer.parent) is None


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
