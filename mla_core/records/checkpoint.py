"""A snapshot on disk: safetensors, JSON and plain arrays, which appear together or not at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mla_core.config import ExperimentConfig
from mla_core.files import remove, written_whole
from mla_core.records.history import History
from mla_core.records.snapshot import Snapshot

LOOKS = "looks"  # the folder beside the snapshots where `Recording.save` keeps what was seen

_FILES = ("tensors.safetensors", "snapshot.json", "history.npz")
_NUMBERED = f"checkpoint-{'[0-9]' * 9}"


def save_snapshot(snapshot: Snapshot, folder: Path, data: str = "") -> Path:
    """Write a snapshot under `folder` and remove older ones there.

    Parameters
    ----------
    snapshot : Snapshot
    folder : Path
        Made when missing.
    data : str
        The fingerprint of what it was trained on.

    Returns
    -------
    Path
        The new sub-folder, ``checkpoint-<number>``. It appears whole or not at all, and only then
        do the others go.
    """
    older = list(folder.glob(_NUMBERED))
    left_over = list(folder.glob(".checkpoint-*"))  # of a process that was killed
    numbers = [int(path.name.rpartition("-")[2]) for path in older]
    target = folder / f"checkpoint-{max(numbers, default=0) + 1:09d}"
    with written_whole(target) as beside:
        _write(snapshot, beside, data)
    for path in [*older, *left_over]:
        remove(path)
    return target


def load_snapshot(folder: Path) -> Snapshot | None:
    """Return the newest whole snapshot under `folder`, or None where there is none."""
    newest = _newest(folder)
    return None if newest is None else _read(newest)


def trained_on(folder: Path) -> str:
    """Return the fingerprint of the data behind that snapshot, empty where nobody noted it."""
    newest = _newest(folder)
    return "" if newest is None else str(_position(newest).get("data", ""))


def _newest(folder: Path) -> Path | None:
    return max(filter(_is_whole, folder.glob(_NUMBERED)), default=None)


def _is_whole(folder: Path) -> bool:
    """Tell a snapshot from one that somebody was removing file by file."""
    if not all((folder / name).is_file() for name in _FILES):
        return False
    return not _position(folder).get("best") or _is_whole(folder / "best")


def _position(folder: Path) -> dict[str, Any]:
    position: dict[str, Any] = json.loads((folder / "snapshot.json").read_text())
    return position


def _write(snapshot: Snapshot, folder: Path, data: str) -> None:
    from safetensors.torch import save_file

    folder.mkdir()
    save_file(snapshot.tensors, folder / "tensors.safetensors")
    position = {
        "config": snapshot.config.to_dict(),
        "step": snapshot.step,
        "epoch": snapshot.epoch,
        "index": snapshot.index,
        "data": data,
        "best": snapshot.best is not None,
    }
    (folder / "snapshot.json").write_text(json.dumps(position, indent=2))
    snapshot.history.save(folder / "history.npz")
    if snapshot.best is not None:
        _write(snapshot.best, folder / "best", data)


def _read(folder: Path) -> Snapshot:
    from safetensors.torch import load_file

    position = _position(folder)
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
        remove(path)
