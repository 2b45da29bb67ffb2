"""Kinetics-Sounds (Arandjelović and Zisserman 2017): clips of 31 things that can be heard and seen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mla_core.data.adapters.reading import loader_of, missing, read_table, root_of
from mla_core.data.decoding.sound import SUFFIXES as SOUND
from mla_core.data.decoding.video import SUFFIXES as VIDEO
from mla_core.data.files import Manifest, Row
from mla_core.data.samples import Fault, Source, files_below, is_hidden
from mla_core.errors import one_of

SPLITS = ("published",)
SIDES = {"train": "train", "validate": "test", "val": "test", "validation": "test", "test": "test"}
NEEDED = ("label", "youtube_id", "split")
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


def read_kinetics_sounds(root: str, split: str = "published") -> Manifest:
    """Kinetics-Sounds: clips of 31 classes, as sound and video (your own copy).

    Parameters
    ----------
    root : str
        With Kinetics' tables (``*.csv``: label, youtube_id, time_start, time_end, split) and, in
        any folders, clips whose names begin with the id: ``<id>_000010_000020.mp4``, and ``.wav``
        where the sound was taken out; else the video's own track is heard.
    split : {"published"}
        Train as published, 15 % of its videos for val; validation and test as test.

    Returns
    -------
    Manifest
        The clips that are listed and on disk; a note counts the others.
    """
    one_of("split of kinetics_sounds", split, SPLITS)
    folder = root_of("kinetics_sounds", root, "*.csv", "annotations/*.csv")
    found = (*folder.glob("*.csv"), *folder.glob("annotations/*.csv"))
    tables = sorted(path for path in found if not is_hidden(path))
    files = files_below(folder)
    videos, sounds = _by_id(files, VIDEO), _by_id(files, SOUND)
    rows, faults, wanted = list[Row](), list[Fault](), 0
    for where, line in _lines(tables, faults):
        label, video = line["label"], line["youtube_id"]
        if label not in CLASSES:
            continue
        wanted += 1
        side = SIDES.get(line["split"].lower(), "")
        if not side:
            what = f"the split is {line['split']!r}: write train, validate or test"
            faults.append(Fault(where, what, video))
            continue
        start = line.get("time_start", "")
        clip = f"{video}_{_second(start)}" if start else video
        seen = videos.get(clip) or videos.get(video)
        heard = sounds.get(clip) or sounds.get(video) or seen
        paths = {"audio": heard, "video": seen}
        parts = {m: Source(str(p.relative_to(folder)), p) for m, p in paths.items() if p}
        if parts:
            rows.append(Row(where, clip, label, side, parts, video))
    return Manifest(
        "kinetics_sounds",
        {"audio": "sound", "video": "video"},
        tuple(rows),
        tuple(faults),
        missing(len(rows), wanted, "listed clips"),
        CLASSES,
    )


load_kinetics_sounds = loader_of(read_kinetics_sounds)


def _lines(tables: list[Path], faults: list[Fault]) -> Iterator[tuple[str, dict[str, str]]]:
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
                yield where, dict(zip(header, map(str.strip, cells), strict=True))


def _by_id(files: list[Path], suffixes: tuple[str, ...]) -> dict[str, Path]:
    """Return files by id, and by id and second: an id may itself hold - and _."""
    found = dict[str, Path]()
    for path in files:
        if path.suffix.lower() in suffixes and len(path.stem) >= ID:
            start = path.stem[ID:].strip("_").split("_")[0]
            found.setdefault(f"{path.stem[:ID]}_{_second(start)}" if start else path.stem, path)
    return found


def _second(text: str) -> str:
    try:
        return f"{round(float(text)):06d}"
    except ValueError:
        return text
