"""Shoulder exercises with a smart watch on the wrist: its accelerometer and its gyroscope.

Real data, paired by nature, from the package `seglearn`. People move alike from one repetition to
the next, so whole people are split, not windows.
"""

from __future__ import annotations

import functools
import importlib.util
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from mla_core.data.dataset import MultimodalDataset
from mla_core.data.samples import SPLITS, Media, Modality, Split, lines_png, name_lines
from mla_core.data.sets.optional import package_path
from mla_core.errors import DataError
from mla_core.language import later

CLASSES = (
    "pendulum",
    "abduction",
    "forward elevation",
    "internal rotation",
    "external rotation",
    "trapezius extension",
    "upright row",
)
CODES = ("PEN", "ABD", "FEL", "IR", "ER", "TRAP", "ROW")  # of the classes, in seglearn's order
SENSORS = {  # modality -> seglearn's channels, unit
    "accelerometer": (("ax", "ay", "az"), "acceleration in g"),
    "gyroscope": (("wx", "wy", "wz"), "rotation in rad/s"),
}
SUBJECTS = {"train": (1, 2, 3, 4, 5, 6), "val": (7, 8), "test": (9, 10)}
RATE = 50  # samples per second
STEPS = 100  # samples of a window: 2 s, about one repetition
HOP = STEPS // 2  # samples between the beginnings of two windows

NOTE = later(
    "Real movements: Burns et al., Shoulder physiotherapy exercise recognition, Physiological "
    "Measurement 39 (2018), arxiv.org/abs/1802.01489, as shipped with the package seglearn, BSD. "
    "Ten people did seven exercises with either arm; no person is in two splits. Both sensors "
    "recorded at once, so samples are paired by nature."
)


def load_watch() -> MultimodalDataset:
    """Return the exercises: accelerometer and gyroscope of seven classes.

    Returns
    -------
    MultimodalDataset
        2669 / 1006 / 1002 windows of 2 s that overlap by half: ``accelerometer`` (3, 100) and
        ``gyroscope`` (3, 100), every channel standardised with its mean and deviation in train. An
        id such as ``"s07-ABD-left-0050"`` names the subject, the exercise, the arm and the
        window's first sample. ``.facts["subjects"]`` lists the people of each split.

    Raises
    ------
    DataError
        When the package `seglearn` is missing.

    Notes
    -----
    Train has six people, val and test two each, so accuracies on val and test depend on who these
    are. What is left at the end of a recording, less than a window, is not used.

    Examples
    --------
    >>> load_watch().facts["subjects"]["test"]
    (9, 10)
    """
    windows, labels, subjects, ids = cut_windows()
    rows = {side: np.flatnonzero(np.isin(subjects, SUBJECTS[side])) for side in SPLITS}
    train = windows[rows["train"]]
    mean, deviation = train.mean((0, 2)), train.std((0, 2))  # (6,) each
    scaled = (windows - mean[:, None]) / deviation[:, None]  # (N, 6, STEPS)
    parts = dict(zip(SENSORS, np.split(scaled, len(SENSORS), axis=1), strict=True))
    splits = {
        side: Split.complete(
            side,
            {name: torch.from_numpy(part[chosen]) for name, part in parts.items()},
            torch.from_numpy(labels[chosen]),
            [ids[row] for row in chosen],
        )
        for side, chosen in rows.items()
    }

    def media(side: str, index: int) -> list[Media]:
        split = splits[side]
        subject, _, arm, start = split.ids[index].split("-")
        who = f"subject {int(subject[1:])}, {CLASSES[int(split.labels[index])]}, {arm} arm"
        when = f"2 s from {int(start) / RATE:g} s on"
        return [
            Media(
                name,
                "image/png",
                lines_png(x[index].numpy()),
                f"{SENSORS[name][1]}, standardised; {who}, {when}; {name_lines('xyz')}",
            )
            for name, x in split.inputs.items()
        ]

    modalities = [
        Modality(name, "sequence", (len(channels), STEPS), note=f"{unit}, standardised, {RATE} Hz")
        for name, (channels, unit) in SENSORS.items()
    ]
    return MultimodalDataset(
        "watch",
        modalities,
        CLASSES,
        splits,
        media=media,
        note=NOTE,
        facts=lambda: {"subjects": SUBJECTS},
    )


@functools.cache
def cut_windows() -> tuple[
    NDArray[np.float32], NDArray[np.int64], NDArray[np.int64], tuple[str, ...]
]:
    """Return all windows (N, 6, STEPS), their classes (N,), subjects (N,) and ids, in id order."""
    recordings = read_recordings()
    found: dict[str, tuple[NDArray[np.float32], int, int]] = {}
    for x, label, subject, right in zip(
        *(recordings[key] for key in ("X", "y", "subject", "side")), strict=True
    ):
        arm = "right" if right else "left"
        for start in range(0, len(x) - STEPS + 1, HOP):
            sample = f"s{subject:02d}-{CODES[label]}-{arm}-{start:04d}"
            found[sample] = (x[start : start + STEPS].T.astype(np.float32), label, subject)
    ids = tuple(sorted(found))
    windows = np.stack([found[sample][0] for sample in ids])
    labels = np.array([found[sample][1] for sample in ids], dtype=np.int64)
    subjects = np.array([found[sample][2] for sample in ids], dtype=np.int64)
    for array in (windows, labels, subjects):
        array.setflags(write=False)
    return windows, labels, subjects, ids


def read_recordings() -> dict[str, Any]:
    """Return what seglearn's own `load_watch` returns: 140 recordings (T, 6) and who made them.

    Only the package's file ``datasets.py`` is imported. The package as a whole imports parts of
    scikit-learn and scipy that later versions may no longer have, and takes a second to do so.
    """
    path = package_path("watch", "seglearn", "datasets.py")
    spec = importlib.util.spec_from_file_location("seglearn_datasets", path)
    if spec is None or spec.loader is None:
        msg = f"data set 'watch' cannot import {path}"
        raise DataError(msg)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    recordings: dict[str, Any] = module.load_watch()
    channels = [channel for names, _ in SENSORS.values() for channel in names]
    if (list(recordings["X_labels"]), tuple(recordings["y_labels"])) != (channels, CODES):
        msg = (
            f"data set 'watch' needs the channels {channels} and the classes {CODES}, but {path} "
            f"has {recordings['X_labels']} and {recordings['y_labels']}"
        )
        raise DataError(msg)
    return recordings
