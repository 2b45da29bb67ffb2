"""A snapshot on disk: safetensors, JSON and plain arrays, written beside and renamed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from mla_core.config import ExperimentConfig
from mla_core.records.history import History
from mla_core.records.snapshot import Snapshot

LOOKS = "looks"  # the folder beside the snapshots where `Recording.save` keeps what was seen


def save_snapshot(snapshot: Snapshot, folder: Path) -> Path:
    """Write a snapshot under `folder` and remove older ones there.

    Parameters
    ----------
    snapshot : Snapshot
    folder : Path
        Made when missing.

    Returns
    -------
    Path
        The new sub-folder, ``checkpoint-<step>``. It appears whole or not at all.
    """
    name = f"checkpoint-{snapshot.step:09d}"
    beside = folder / f".{name}.partial"
    shutil.rmtree(beside, ignore_errors=True)
    _write(snapshot, beside)
    target = folder / name
    shutil.rmtree(target, ignore_errors=True)
    beside.rename(target)
    for old in folder.glob("checkpoint-*"):
        if old != target:
            shutil.rmtree(old)
    return target


def load_snapshot(folder: Path) -> Snapshot | None:
    """Return the newest snapshot under `folder`, or None where there is none."""
    newest = max(folder.glob("checkpoint-*"), default=None)
    if newest is None:
        return None
    return _read(newest)


def _write(snapshot: Snapshot, folder: Path) -> None:
    from safetensors.torch import save_file

    folder.mkdir(parents=True)
    save_file(snapshot.tensors, folder / "tensors.safetensors")
    position = {
        "config": snapshot.config.to_dict(),
        "step": snapshot.step,
        "epoch": snapshot.epoch,
        "index": snapshot.index,
    }
    (folder / "snapshot.json").write_text(json.dumps(position, indent=2))
    snapshot.history.save(folder / "history.npz")
    if snapshot.best is not None:
        _write(snapshot.best, folder / "best")


def _read(folder: Path) -> Snapshot:
    from safetensors.torch import load_file

    position = json.loads((folder / "snapshot.json").read_text())
    return Snapshot(
        ExperimentConfig.from_dict(position["config"]),
        position["step"],
        position["epoch"],
        position["index"],
        load_file(folder / "tensors.safetensors"),
        History.load(folder / "history.npz"),
        _read(folder / "best") if (folder / "best").is_dir() else None,
    )


def remove_checkpoints(folder: Path) -> None:
    """Remove all snapshots and looks under `folder`, and whatever was cut off while it was written."""
    for path in [*folder.glob("checkpoint-*"), *folder.glob(LOOKS), *folder.glob(".*")]:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
