"""The public readers: for each, how whole files are made, and what reading them gives."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

import mla_core as mla
from mla_core.records import About, History, Journal, JournalReader, load_snapshot, save_snapshot
from mla_core.runs import read_run
from tests.campaign.jobs import SETTINGS
from tests.core.media_files import SMALL, noise_picture, sound, video, write_manifest
from widgets import export_run

PICTURES = (".png", ".jpg", ".webp", ".gif", ".bmp", ".tif", ".avif", ".heic")

FILES = 24  # of one kind in a folder of media


@dataclass(frozen=True)
class Reader:
    """One way in.

    Attributes
    ----------
    make : callable
        Writes whole files into a folder.
    read : callable
        Returns what can be compared; raises one of our own errors.
    sealed : bool
        Whether any change must be noticed: then nothing else than before may be read.
    damages : callable
        Which of the files are harmed.
    problem : callable
        What is wrong with what was read, "" for nothing.
    at_once : int
        So many files are harmed before they are read together.
    """

    make: Callable[[Path], object]
    read: Callable[[Path], Any]
    sealed: bool = False
    damages: Callable[[Path], bool] = lambda _: True
    problem: Callable[[Any], str] = lambda _: ""
    at_once: int = 1


def _bits(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.numpy().tobytes()
    if isinstance(value, np.ndarray):
        return value.tobytes()
    if isinstance(value, dict):
        return {key: _bits(inner) for key, inner in value.items()}
    return value


# ---------------------------------------------------------------------------------- of a run


def _make_run(folder: Path) -> None:
    run = mla.run_experiment(mla.ExperimentConfig(**SETTINGS), folder.parent / "runs")
    run.rename(folder / "run")


def _read_run(folder: Path) -> Any:
    run = read_run(folder / "run")
    history, replay = run.history(), run.replay()
    arrays = {**vars(replay), "maps": {k: vars(m) for k, m in replay.maps.items()}}
    return run.metrics, run.config, _bits(history.to_arrays()), _bits(arrays)


def _read_unsealed(folder: Path) -> None:
    """Read what somebody has sent without checksums: it may say anything, in our own words."""
    (folder / "run" / "SHA256SUMS").unlink(missing_ok=True)
    _read_run(folder)


def _export(folder: Path) -> bytes:
    return export_run(folder / "run", folder.parent / "page.html", media=False).read_bytes()


def _make_checkpoint(folder: Path) -> None:
    session = mla.TrainingSession(mla.ExperimentConfig(**SETTINGS))
    session.advance(steps=9)
    save_snapshot(session.snapshot(), folder)


def _read_checkpoint(folder: Path) -> Any:
    snapshot = load_snapshot(folder)
    assert snapshot is not None
    best = snapshot.best and _bits(snapshot.best.tensors)
    return snapshot.step, snapshot.config, _bits(snapshot.tensors), best


def _read_config(folder: Path) -> mla.ExperimentConfig:
    text = (folder / "config.json").read_bytes().decode("utf-8", "replace")
    return mla.ExperimentConfig.from_json(text)


def _make_history(folder: Path) -> None:
    session = mla.TrainingSession(mla.ExperimentConfig(**SETTINGS))
    session.advance(steps=9)
    session.history.save(folder / "history.npz")


def _make_journal(folder: Path) -> None:
    session = mla.TrainingSession(mla.ExperimentConfig(**SETTINGS))
    session.advance(steps=9)
    about = About(tuple(session.data.modalities), session.data.classes, 18)
    Journal(folder, about, session.history)


# ---------------------------------------------------------------------------------- of data


def _make_array_file(folder: Path) -> None:
    source, labels = np.random.default_rng(0), np.arange(45) % 3
    split = np.array(["train"] * 27 + ["val"] * 9 + ["test"] * 9)
    arrays = {"a": source.normal(size=(45, 4)), "b": source.normal(size=(45, 3))}
    np.savez_compressed(folder / "features.npz", **arrays, labels=labels, split=split)


def _load(folder: Path, table: str = "manifest.csv", *, skip_bad: bool = False) -> Any:
    return mla.load_dataset(
        "manifest",
        path=str(folder / table),
        prepare=SMALL,
        cache=str(folder / "cache"),
        skip_bad=skip_bad,
    )


def _make_texts(folder: Path, table: str = "manifest.csv") -> None:
    lines = [{"id": f"s{i}", "label": "ab"[i % 2], "text": f"word {i}"} for i in range(60)]
    write_manifest(folder / "manifest.csv", lines)
    if table.endswith(".parquet"):
        import pandas as pd

        pd.read_csv(folder / "manifest.csv").to_parquet(folder / table)
        (folder / "manifest.csv").unlink()


def _make_media(suffix: str) -> Callable[[Path], None]:
    makers = {
        **dict.fromkeys(PICTURES, noise_picture),
        **dict.fromkeys((".wav", ".flac", ".ogg", ".mp3"), sound),
        **dict.fromkeys((".mp4", ".avi", ".webm", ".flv", ".mkv"), video),
    }

    def make(folder: Path) -> None:
        lines = []
        for i in range(FILES):
            row = {"id": f"s{i}", "label": "ab"[i % 2], "part": f"{i}{suffix}"}
            if suffix == ".npy":
                np.save(folder / row["part"], np.random.default_rng(i).normal(size=20))
            elif suffix == ".csv":
                rows = np.random.default_rng(i).normal(size=(20, 3))
                np.savetxt(folder / row["part"], rows, delimiter=",")
            else:
                how = {".mp3": {"rate": 16000}, ".mkv": {"fps": 24}}.get(suffix, {})
                makers[suffix](folder / row["part"], **how)
            lines.append(row)
        write_manifest(folder / "manifest.csv", lines)

    return make


def _make_prepared(folder: Path) -> None:
    data = folder.parent / "data"
    data.mkdir()
    MEDIA["png"].make(data)
    _read_prepared(folder)


def _read_prepared(folder: Path) -> Any:
    """Read the same files each time: only where they are prepared is another place."""
    path = str(folder.parent / "data" / "manifest.csv")
    data = mla.load_dataset("manifest", path=path, prepare=SMALL, cache=str(folder))
    return [_bits(data.split(side).inputs["part"][:]) for side in ("train", "val", "test")]


def _is_source(path: Path) -> bool:
    return "cache" not in path.parts


def _read_media(folder: Path) -> Any:
    data = _load(folder, skip_bad=True)
    kept = [data.split(side).inputs["part"] for side in ("train", "val", "test")]
    return [column[: len(column)] for column in kept]


def _not_finite(tensors: Any) -> str:
    plain = [torch.as_tensor(one) for one in tensors]
    return "" if all(torch.isfinite(one.double()).all() for one in plain) else "not finite"


MEDIA = {
    suffix[1:]: Reader(
        _make_media(suffix),
        _read_media,
        damages=lambda path: path.name != "manifest.csv" and _is_source(path),
        problem=_not_finite,
        at_once=FILES // 2,
    )
    for suffix in (
        *PICTURES,
        *(".wav", ".flac", ".ogg", ".mp3"),
        *(".mp4", ".avi", ".webm", ".flv", ".mkv"),
        *(".npy", ".csv"),
    )
}

READERS = {
    "run": Reader(_make_run, _read_run, sealed=True),
    "run without checksums": Reader(_make_run, _read_unsealed),
    "export": Reader(_make_run, _export, sealed=True),
    "checkpoint": Reader(_make_checkpoint, _read_checkpoint, sealed=True),
    "history": Reader(_make_history, lambda folder: History.load(folder / "history.npz") and None),
    "journal": Reader(_make_journal, lambda folder: JournalReader(folder).read() and None),
    "configuration": Reader(
        lambda folder: (folder / "config.json").write_text(json.dumps(SETTINGS)), _read_config
    ),
    "array file": Reader(
        _make_array_file,
        lambda folder: mla.load_dataset("array_file", path=str(folder / "features.npz")) and None,
    ),
    "manifest": Reader(_make_texts, lambda folder: _load(folder) and None, damages=_is_source),
    "parquet": Reader(
        lambda folder: _make_texts(folder, "manifest.parquet"),
        lambda folder: _load(folder, "manifest.parquet") and None,
        damages=_is_source,
    ),
    "prepared data": Reader(_make_prepared, _read_prepared, sealed=True),
    **MEDIA,
}
