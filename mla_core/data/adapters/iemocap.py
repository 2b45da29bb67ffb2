"""IEMOCAP (Busso et al. 2008): ten actors in five sessions, as sound, text and video."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from mla_core.data.adapters.lists import listed_sides
from mla_core.data.adapters.reading import (
    by_stem,
    loader_of,
    read_lines,
    root_of,
    tells_encodings,
)
from mla_core.data.files import Manifest, Row, deal
from mla_core.data.samples import Fault, Source
from mla_core.errors import DataError, one_of
from mla_core.words import counted

SPLITS = ("session1", "session2", "session3", "session4", "session5", "random", "published")
MOODS = {"ang": "angry", "hap": "happy", "exc": "happy", "neu": "neutral", "sad": "sad"}
_TURN = re.compile(r"\[(?P<start>[\d.]+) - (?P<stop>[\d.]+)\]\s+(?P<id>\w+)\s+(?P<mood>\w+)\s")
_LISTED = re.compile(r"Ses\d\d[FM]_\w+?_[FM][\dX]+")
_SAID = re.compile(r"(?P<id>Ses\w+)\s*\[[^\]]*\]:\s*(?P<text>.*)")


@tells_encodings
def read_iemocap(root: str, split: str = "session5") -> Manifest:
    """IEMOCAP: dialogues in four moods, as sound, text and video (your own copy).

    Parameters
    ----------
    root : str
        With ``Session{1..5}/sentences/wav``, ``dialog/EmoEvaluation``, ``dialog/transcriptions``,
        and perhaps ``dialog/avi``, whose pictures show both speakers.
    split : {"session5", "session1", ..., "session4", "random", "published"}
        The session for test; the one before it is val, so that no actor is in two splits.
        ``random``: 80 : 10 : 10 of each mood, all actors on all sides, as in part of the literature.
        ``published``: as lists in `root` say, ``train.txt`` and so on (or ``.csv``), in each of
        whose lines a turn is named; 15 % of train are val where no list says so.

    Returns
    -------
    Manifest
        The turns in the four moods; their moods are those of the evaluation; excited counts as happy, others are counted in a note.
    """
    one_of("split of iemocap", split, SPLITS)
    folder = root_of("iemocap", root, "Session[1-5]")
    rows, notes, other, seen = list[Row](), list[str](), 0, False
    for session in sorted(folder.glob("Session[1-5]")):
        sounds = by_stem(session / "sentences" / "wav", ".wav", notes=notes)
        videos = by_stem(session / "dialog" / "avi", ".avi", notes=notes)
        said = _texts(session / "dialog" / "transcriptions")
        for where, turn in _turns(session / "dialog" / "EmoEvaluation"):
            if turn["mood"] not in MOODS:
                other += 1
                continue
            name, parts = turn["id"], {}
            if name in sounds:
                parts["audio"] = Source(str(sounds[name].relative_to(folder)), sounds[name])
            if (film := videos.get(name.rsplit("_", 1)[0])) is not None:
                start, stop = float(turn["start"]), float(turn["stop"])
                path = str(film.relative_to(folder))
                parts["video"] = Source(f"{path}, {start} s", film, start=start, stop=stop)
                seen = True
            if name in said:
                parts["text"] = said[name]
            rows.append(Row(f"{session.name}, {where}", name, MOODS[turn["mood"]], "", parts))
    kinds = {"audio": "sound", "video": "video", "text": "text"}
    if other:
        notes.append(f"{other} turns in other moods are left out")
    rows, faults = _in_splits(rows, split, folder, notes)
    if not seen:
        kinds.pop("video")
        notes.append("no dialog/avi was found: sound and text alone")
    return Manifest("iemocap", kinds, tuple(rows), tuple(faults), tuple(notes))


load_iemocap = loader_of(read_iemocap)


def _in_splits(
    rows: list[Row], split: str, folder: Path, notes: list[str]
) -> tuple[list[Row], list[Fault]]:
    """Return the turns with their sides, less those that no list names."""
    faults = list[Fault]()
    if split == "published":
        listed = _listed(folder, faults, notes)
        kept = [row.in_split(listed[row.id]) for row in rows if row.id in listed]
        if unlisted := len(rows) - len(kept):
            notes.append(f"{counted(unlisted, 'turn is', 'turns are')} in no list: left out")
        if absent := len(listed) - len(kept):
            notes.append(f"{absent} of {len(listed)} listed turns are not here, or in other moods")
        return kept, faults
    if split == "random":
        shares = {"test": 0.1, "val": 0.1}
        sides = deal([row.id for row in rows], [row.label for row in rows], shares)
    else:
        sides = [_side(int(row.where[7]), split) for row in rows]  # "Session5, ..."
    return [row.in_split(side) for row, side in zip(rows, sides, strict=True)], faults


def _listed(folder: Path, faults: list[Fault], notes: list[str]) -> dict[str, str]:
    """Return the sides of the turns that lists name."""
    sides = listed_sides(folder, _LISTED, "Ses01F_impro01_F000", faults, notes)
    if not sides:
        msg = (
            f"data set 'iemocap': {str(folder)!r} has no lists such as train.txt and test.txt that "
            "name turns: put them there, or use split='session5'"
        )
        raise DataError(msg)
    return sides


def _side(session: int, split: str) -> str:
    test = int(split[-1])
    return {test: "test", (test - 2) % 5 + 1: "val"}.get(session, "train")


def _turns(folder: Path) -> Iterator[tuple[str, re.Match[str]]]:
    for path in sorted(folder.glob("Ses*.txt")):
        for number, line in enumerate(read_lines(path), start=1):
            if found := _TURN.match(line):
                yield f"{path.name}, line {number}", found


def _texts(folder: Path) -> dict[str, Source]:
    texts = {}
    for path in sorted(folder.glob("Ses*.txt")):
        for number, line in enumerate(read_lines(path), start=1):
            if (found := _SAID.match(line)) and found["text"].strip():
                texts[found["id"]] = Source(f"{path.name}, line {number}", found["text"].strip())
    return texts
