"""CREMA-D (Cao et al. 2014): actors say sentences in six moods, as sound and video."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from mla_core.data.adapters.lists import listed_sides
from mla_core.data.adapters.reading import (
    by_stem,
    loader_of,
    root_of,
    tells_encodings,
)
from mla_core.data.files import Manifest, Row, deal
from mla_core.data.samples import SPLITS as SIDES
from mla_core.data.samples import Fault, Source, files_below
from mla_core.errors import DataError, one_of
from mla_core.words import counted

SPLITS = ("actors", "random", "published")
MOODS = {
    "ANG": "anger",
    "DIS": "disgust",
    "FEA": "fear",
    "HAP": "happy",
    "NEU": "neutral",
    "SAD": "sad",
}
# Actor, sentence, mood, strength; one clip of the set ends in _X.
_NAME = re.compile(r"(?P<actor>\d{4})_[A-Z]{3}_(?P<mood>[A-Z]{3})_(?:XX?|LO|MD|HI)")
_SOUNDS = ("AudioWAV", "audio")
_VIDEOS = ("VideoFlash", "VideoMP4", "visual")
_FRAMES = re.compile(r"Image-\d+-FPS(?:-SE)?|frames|visual")  # one folder of pictures per clip


@tells_encodings
def read_cremad(root: str, split: str = "actors") -> Manifest:
    """CREMA-D: 91 actors in six moods, as sound and video (your own copy).

    Parameters
    ----------
    root : str
        With ``AudioWAV/`` and ``VideoFlash/`` (or ``VideoMP4/``; ``.flv`` or ``.mp4``), or frames in
        ``Image-01-FPS/<clip>/*.jpg`` (any number). Also ``audio/`` and ``visual/``, perhaps with
        ``train/`` and ``test/`` in them.
    split : {"actors", "random", "published"}
        ``actors``: nobody is in two splits. ``random``: 80 : 10 : 10 clips of each mood, as in much
        of the literature, where all actors are on all sides. ``published``: as the lists in `root`
        say, ``train.csv`` and ``test.csv`` (or ``my_train_cre.txt`` and so on; perhaps ``val``), in
        each of whose lines a clip is named, or else the folders ``train/`` and ``test/``; 15 % of train are val.

    Returns
    -------
    Manifest
        What is in `root`: clips named like ``1001_DFA_ANG_XX.wav``.
    """
    one_of("split of cremad", split, SPLITS)
    folder = root_of("cremad", root, *_SOUNDS)
    rows, faults, notes, unlisted = list[Row](), list[Fault](), list[str](), 0
    sounds, videos = _sounds(folder, notes), _videos(folder, notes)
    sides = _published(folder, sounds | videos, faults, notes) if split == "published" else {}
    for clip in sorted({*sounds, *videos}):
        files = {"audio": sounds.get(clip), "video": videos.get(clip)}
        parts = {
            m: Source(str(path.relative_to(folder)), path) for m, path in files.items() if path
        }
        where = next(iter(parts.values())).where
        found = _NAME.fullmatch(clip)
        if found is None or found["mood"] not in MOODS:
            what = "is not named like 1001_DFA_ANG_XX: rename it, or take it out"
            faults.append(Fault(where, what, clip))
            continue
        if split == "published" and clip not in sides:
            unlisted += 1
            continue
        group = found["actor"] if split == "actors" else ""
        rows.append(Row(where, clip, MOODS[found["mood"]], sides.get(clip, ""), parts, group))
    if split == "random":
        shares = {"test": 0.1, "val": 0.1}
        dealt = deal([row.id for row in rows], [row.label for row in rows], shares)
        rows = [row.in_split(side) for row, side in zip(rows, dealt, strict=True)]
    kinds = {"audio": "sound", "video": "video"} if videos else {"audio": "sound"}
    if not videos:
        notes.append("no VideoFlash, VideoMP4, visual or frames were found: sound alone")
    if unlisted:
        notes.append(f"{counted(unlisted, 'clip')} on this disk, but in no list: left out")
    if absent := len(sides.keys() - sounds.keys() - videos.keys()):
        notes.append(f"{absent} of {len(sides)} listed clips are not on this disk")
    return Manifest("cremad", kinds, tuple(rows), tuple(faults), tuple(notes))


load_cremad = loader_of(read_cremad)


def _sounds(folder: Path, notes: list[str]) -> dict[str, Path]:
    found = (by_stem(folder / name, ".wav", notes=notes) for name in _SOUNDS)
    return next(filter(None, found), {})


def _videos(folder: Path, notes: list[str]) -> dict[str, Path]:
    """Return files or folders of frames by clip; whole videos are preferred."""
    for name in _VIDEOS:
        if found := by_stem(folder / name, ".flv", ".mp4", notes=notes):
            return found
    for place in sorted(folder.iterdir()):
        if place.is_dir() and _FRAMES.fullmatch(place.name):
            clips = (path for path in files_below(place) if path.is_dir())
            if found := {path.name: path for path in clips if _NAME.fullmatch(path.name)}:
                return found
    return {}


def _published(
    folder: Path, clips: Mapping[str, Path], faults: list[Fault], notes: list[str]
) -> dict[str, str]:
    """Return the side of each clip that a list names, or that lies in a folder of a side."""
    sides = listed_sides(folder, _NAME, "1001_DFA_ANG_XX", faults, notes)
    for clip, path in clips.items() if not sides else ():
        inside = [name for name in path.relative_to(folder).parts[:-1] if name in SIDES]
        sides |= {clip: inside[0]} if inside else {}
    if not sides:
        msg = (
            f"data set 'cremad': {str(folder)!r} has neither train.csv and test.csv nor folders "
            "train and test: put the lists there, or use split='actors'"
        )
        raise DataError(msg)
    return sides
