"""Kinetics-Sounds (Arandjelović and Zisserman 2017): clips of 31 things that can be heard and seen."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from mla_core.data.adapters.reading import (
    loader_of,
    missing,
    read_lines,
    read_table,
    root_of,
    tell_others,
    tells_encodings,
)
from mla_core.data.decoding.image import SUFFIXES as IMAGE
from mla_core.data.decoding.sound import SUFFIXES as SOUND
from mla_core.data.decoding.video import SUFFIXES as VIDEO
from mla_core.data.files import Manifest, Row
from mla_core.data.samples import Fault, Source, files_below
from mla_core.errors import one_of
from mla_core.words import counted

SPLITS = ("published",)
SIDES = {"train": "train", "validate": "val", "val": "val", "validation": "val", "test": "test"}
NEEDED = ("label", "youtube_id")
_LIST = re.compile(r"(?:my_)?(?:train|val|test)\w*\.txt")
_LISTED = re.compile(  # a clip, perhaps how many seconds it lasts, and its label
    r"(?:.*/)?(?P<name>[\w-]{11,})(?:\.\w{2,4})?(?:,[\d.]+)?[,\s]+(?P<label>\S.*)"
)
ID = 11  # characters of a YouTube id, with which a file's name begins
CLASSES = (
    "blowing nose",
    "blowing out candles",
    "bowling",
    "chopping wood",
    "dribbling basketball",
    "laughing",
    "mowing lawn",
    "playing accordion",
    "playing bagpipes",
    "playing bass guitar",
    "playing clarinet",
    "playing drums",
    "playing guitar",
    "playing harmonica",
    "playing keyboard",
    "playing organ",
    "playing piano",
    "playing saxophone",
    "playing trombone",
    "playing trumpet",
    "playing violin",
    "playing xylophone",
    "ripping paper",
    "shoveling snow",
    "shuffling cards",
    "singing",
    "stomping grapes",
    "tap dancing",
    "tapping guitar",
    "tapping pen",
    "tickling",
)


class _Clip(NamedTuple):
    """What a table, a list or a folder says of one clip."""

    where: str
    label: str
    video: str  # YouTube's id
    start: str  # in seconds; empty where it is not said
    side: str

    @property
    def id(self) -> str:
        return f"{self.video}_{_second(self.start)}" if self.start else self.video


@tells_encodings
def read_kinetics_sounds(root: str, split: str = "published") -> Manifest:
    """Kinetics-Sounds: clips of 31 classes, as sound and video (your own copy).

    Parameters
    ----------
    root : str
        With Kinetics' tables (``*.csv``: label, youtube_id, time_start, time_end, split; without a
        column ``split`` the table's name tells it), or lists ``my_train.txt`` and ``my_test.txt``
        (``<id>_<start>_<end>,<label>``, ``<id>_<start>,10,<label>`` or ``<id>_<start>_<end>.mp4
        <label>``; numbers for labels are named by ``class.txt``), or no list at all, but a folder for each class, perhaps in
        ``train`` and ``test``. In any folders, clips whose names begin with the id:
        ``<id>_000010_000020.mp4``, or folders of frames so named, and ``.wav`` where the sound was
        taken out; else the video's own track is heard. Labels may have ``_`` for spaces.
    split : {"published"}
        Train, validation and test as published. Where there is no test, validation is test, and
        15 % of train's videos are val.

    Returns
    -------
    Manifest
        The clips that are listed and on disk; a note counts the others.
    """
    one_of("split of kinetics_sounds", split, SPLITS)
    needed = ("*.csv", "annotations/*.csv", "*train*.txt", "train", "playing*")
    folder = root_of("kinetics_sounds", root, *needed)
    files = files_below(folder)
    frames = {path.parent for path in files if path.suffix.lower() in IMAGE}
    faults, notes = list[Fault](), list[str]()
    whole = [path for path in files if path.suffix.lower() in VIDEO]  # these can be heard, too
    videos = _by_id([*whole, *sorted(frames)], notes)
    sounds = _by_id([path for path in files if path.suffix.lower() in SOUND], notes)
    rows, twice = dict[tuple[str, str, str], Row](), 0
    clips = list(_clips(folder, files, {**sounds, **videos}, faults))
    if all(clip.side != "test" for clip in clips):
        clips = [c._replace(side="test") if c.side == "val" else c for c in clips]
    for clip in clips:
        if (key := (clip.id, clip.label, clip.side)) in rows:  # Kinetics-400 and 600 share many
            twice += 1
            continue
        seen = videos.get(clip.id) or videos.get(clip.video)
        own = seen if seen and not seen.is_dir() else None
        heard = sounds.get(clip.id) or sounds.get(clip.video) or own
        paths = {"audio": heard, "video": seen}
        parts = {m: Source(str(p.relative_to(folder)), p) for m, p in paths.items() if p}
        rows[key] = Row(clip.where, clip.id, clip.label, clip.side, parts, clip.video)
    found = tuple(row for row in rows.values() if row.parts)
    notes += missing(len(found), len(rows), "listed clips")
    if twice:
        notes.append(f"{counted(twice, 'line')} said again what others had said")
    classes: tuple[str, ...] = CLASSES
    if numbers := {row.label for row in found} - set(CLASSES):
        classes = tuple(sorted(numbers, key=int))
        told = "the lists have numbers for classes: put their names in class.txt, in that order"
        notes.append(f"{told}, with commas between them")
    kinds = {"audio": "sound", "video": "video"}
    return Manifest("kinetics_sounds", kinds, found, tuple(faults), tuple(notes), classes)


load_kinetics_sounds = loader_of(read_kinetics_sounds)


def _clips(
    folder: Path, files: list[Path], by_id: dict[str, Path], faults: list[Fault]
) -> Iterator[_Clip]:
    """Yield the clips of the 31 classes from tables, or else from lists, or else from folders."""
    tables = [
        p for p in files if p.suffix == ".csv" and p.parent in {folder, folder / "annotations"}
    ]
    lists = [p for p in files if _LIST.fullmatch(p.name) and p.parent == folder]
    if tables:
        yield from _from_tables(tables, faults)
    elif lists:
        yield from _from_lists(lists, folder, faults)
    else:
        yield from _from_folders(folder, by_id)


def _from_tables(tables: list[Path], faults: list[Fault]) -> Iterator[_Clip]:
    for path, where, line in _lines(tables, faults):
        if (label := _spaced(line["label"])) not in CLASSES:
            continue
        said = line.get("split", path.stem)
        if not (side := _side(said)):
            what = f"the split is {said!r}: write train, validate or test"
            faults.append(Fault(where, what, line["youtube_id"]))
            continue
        yield _Clip(where, label, line["youtube_id"], line.get("time_start", ""), side)


def _from_lists(lists: list[Path], folder: Path, faults: list[Fault]) -> Iterator[_Clip]:
    found = list[tuple[Path, str, re.Match[str]]]()
    for path in lists:
        for number, line in enumerate(read_lines(path), start=1):
            where = f"{path.name}, line {number}"
            if match := _LISTED.fullmatch(line.strip()):
                found.append((path, where, match))
            elif line.strip():
                what = "is not `<id>_<start>_<end>,<label>`: mend the line"
                faults.append(Fault(where, what))
    numbered = _numbered(folder, faults)
    labels = [match["label"].strip(' "') for _, _, match in found]
    if not numbered and all(label.isdecimal() for label in labels):
        numbered = {label: label for label in labels}  # nobody says what they mean
    for (path, where, match), said in zip(found, labels, strict=True):
        name, label = match["name"], numbered.get(said) or _spaced(said)
        if said.isdecimal() and said not in numbered:
            what = f"has the number {said} for a class: put the names of all into class.txt"
            faults.append(Fault(where, what, name))
        elif label in CLASSES or label.isdecimal():
            yield _Clip(where, label, name[:ID], _start(name), _side(path.stem))


def _from_folders(folder: Path, by_id: dict[str, Path]) -> Iterator[_Clip]:
    timed = {name[:ID] for name in by_id if len(name) > ID}
    for name, path in by_id.items():
        if name in timed:  # the same clip, whose other file says where it begins
            continue
        above = path.relative_to(folder).parts[:-1]
        labels = [label for part in above if (label := _spaced(part)) in CLASSES]
        if labels:
            side = next(filter(None, map(_side, above)), "")
            where = str(path.relative_to(folder))
            yield _Clip(where, labels[0], name[:ID], _start(name), side)


def _lines(tables: list[Path], faults: list[Fault]) -> Iterator[tuple[Path, str, dict[str, str]]]:
    """Yield the whole lines of the tables by their columns; the others become faults."""
    for path in tables:
        header: list[str] = []
        for where, cells, open_quote in read_table(path):
            if not header:
                header = [cell.strip().lower() for cell in cells]
                if lacking := [name for name in NEEDED if name not in header]:
                    what = f"the header lacks {', '.join(lacking)}: add it, or move the table away"
                    faults.append(Fault(where, what))
                    break
            elif open_quote:
                faults.append(Fault(where, "opens a quote that never closes: take it out"))
            elif len(cells) != len(header):
                what = f"has {len(cells)} cells, the header {len(header)}: is the line cut off?"
                faults.append(Fault(where, what))
            else:
                yield path, where, dict(zip(header, map(str.strip, cells), strict=True))


def _numbered(folder: Path, faults: list[Fault]) -> dict[str, str]:
    """Return the classes by the numbers that lists use for them, in the order of class.txt."""
    path = folder / "class.txt"
    if not path.is_file():
        return {}
    names = [name.strip() for line in read_lines(path) for name in line.split(",")]
    names = [_spaced(name) for name in names if name]
    if strange := [name for name in names if name not in CLASSES]:
        note = f"{', '.join(map(repr, strange[:3]))} is none of the 31 classes: mend the name"
        faults.append(Fault(path.name, note))
    return {str(number): name for number, name in enumerate(names)}


def _side(said: str) -> str:
    """Return the split that a cell, a folder or a file such as my_train.txt names."""
    words = re.findall(r"[a-z]+", said.lower())
    return next((SIDES[word] for word in words if word in SIDES), "")


def _spaced(label: str) -> str:
    return " ".join(label.replace("_", " ").split())


def _by_id(paths: list[Path], notes: list[str]) -> dict[str, Path]:
    """Return files by id, and by id and second: an id may itself hold - and _."""
    found, others = dict[str, Path](), list[tuple[Path, Path]]()
    for path in paths:
        name = path.name if path.is_dir() else path.stem
        if len(name) >= ID:
            start = _start(name)
            key = f"{name[:ID]}_{_second(start)}" if start else name[:ID]
            if (first := found.setdefault(key, path)) != path:
                others.append((path, first))
    tell_others(others, notes)
    return found


def _start(name: str) -> str:
    return name[ID:].strip("_").split("_")[0]


def _second(text: str) -> str:
    try:
        return f"{round(float(text)):06d}"
    except (ValueError, OverflowError):
        return text
