"""A snapshot on disk: safetensors, JSON and plain arrays, which appear together or not at all.

Each is a sealed folder: one that lacks a file does not count beside one that is whole, since somebody
was removing it, and one whose files are not those that were written is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mla_core.checksums import check_seal, is_sealed_whole, seal
from mla_core.config import ExperimentConfig
from mla_core.containers import read_safetensors, write_safetensors
from mla_core.errors import ConfigError, DataError
from mla_core.files import read_json, remove, write_json, written_whole
from mla_core.records.history import History
from mla_core.records.journal import JOURNAL
from mla_core.records.snapshot import Snapshot

LOOKS = "looks"  # the folder beside the snapshots where `Recording.save` keeps what was seen

_NUMBERED = f"checkpoint-{'[0-9]' * 9}"
_CURE = "remove the folder that it is in to train anew"


def save_snapshot(
    snapshot: Snapshot, folder: Path, data: str = "", devices: Sequence[str] = ()
) -> Path:
    """Write a snapshot under `folder` and remove older ones there.

    Parameters
    ----------
    snapshot : Snapshot
    folder : Path
        Made when missing.
    data : str
        The fingerprint of what it was trained on.
    devices : sequence of str
        The kinds of device that its encoders have computed on so far, in order.

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
        _write(snapshot, beside, data, devices)
        seal(beside)
    for path in [*older, *left_over]:
        remove(path)
    return target


def load_snapshot(folder: Path) -> Snapshot | None:
    """Return the newest whole snapshot under `folder`, or None where there is none.

    Raises
    ------
    DataError
        When it is not what was written: a file was damaged or changed.
    """
    newest = _newest(folder)
    if newest is None:
        return None
    check_seal(newest, _CURE)
    try:
        return _read(newest)
    except (ConfigError, KeyError, TypeError) as error:
        msg = f"the checkpoint {str(newest)!r} is damaged ({error}): {_CURE}"
        raise DataError(msg) from error


def trained_on(folder: Path) -> str:
    """Return the fingerprint of the data behind that snapshot, empty where nobody noted it."""
    newest = _newest(folder)
    return "" if newest is None else str(_position(newest).get("data", ""))


def computed_on(folder: Path) -> list[str]:
    """Return the kinds of device that have computed that snapshot, empty where nobody noted them."""
    newest = _newest(folder)
    return [] if newest is None else list(map(str, _position(newest).get("devices", [])))


def _newest(folder: Path) -> Path | None:
    """Return the newest that lacks no file; where all lack some, that is no beginning anew."""
    found = sorted(folder.glob(_NUMBERED))
    newest = max(filter(is_sealed_whole, found), default=None)
    if newest is None:
        for path in found:
            check_seal(path, _CURE)
    return newest


def _position(folder: Path) -> dict[str, Any]:
    return read_json(folder / "snapshot.json", _CURE)


def _write(snapshot: Snapshot, folder: Path, data: str, devices: Sequence[str]) -> None:
    folder.mkdir()
    write_safetensors(folder / "tensors.safetensors", snapshot.tensors)
    position = {
        "config": snapshot.config.to_dict(),
        "step": snapshot.step,
        "epoch": snapshot.epoch,
        "index": snapshot.index,
        "data": data,
        "devices": list(devices),
    }
    write_json(folder / "snapshot.json", position)
    snapshot.history.save(folder / "history.npz")
    if snapshot.best is not None:
        _write(snapshot.best, folder / "best", data, devices)


def _read(folder: Path) -> Snapshot:
    position = _position(folder)
    tensors, _ = read_safetensors(folder / "tensors.safetensors", _CURE)
    return Snapshot(
        ExperimentConfig.from_dict(position["config"]),
        position["step"],
        position["epoch"],
        position["index"],
        tensors,
        History.load(folder / "history.npz", _CURE),
        _read(folder / "best") if (folder / "best").is_dir() else None,
    )


def remove_checkpoints(folder: Path) -> None:
    """Remove all snapshots, looks and the journal under `folder`, and what was cut off half written."""
    # What the journal tells is in history.npz by then, and two tales could differ.
    for pattern in ("checkpoint-*", LOOKS, JOURNAL, ".*"):
        for path in folder.glob(pattern):
            remove(path)
