"""A snapshot on disk appears whole or not at all."""

from mla_core import TrainingSession
from mla_core.records.checkpoint import load_snapshot, save_snapshot


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
