"""CREMA-D (Cao et al. 2014): actors say sentences in six moods, as sound and video."""

from __future__ import annotations

import re

from mla_core.data.adapters.reading import by_stem, loader_of, root_of
from mla_core.data.files import Manifest, Row, deal
from mla_core.data.samples import Fault, Source, is_hidden
from mla_core.errors import one_of

SPLITS = ("actors", "random")
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
_FRAMES = ("Image-01-FPS", "frames")  # one folder of pictures per clip


def read_cremad(root: str, split: str = "actors") -> Manifest:
    """CREMA-D: 91 actors in six moods, as sound and video (your own copy).

    Parameters
    ----------
    root : str
        With ``AudioWAV/`` and ``VideoFlash/`` (or ``VideoMP4/``, or ``Image-01-FPS/<clip>/*.jpg``).
    split : {"actors", "random"}
        ``actors``: nobody is in two splits. ``random``: 80 : 10 : 10 clips of each mood, as in much
        of the literature, where all actors are on all sides.

    Returns
    -------
    Manifest
        What is in `root`: clips named like ``1001_DFA_ANG_XX.wav``.
    """
    one_of("split of cremad", split, SPLITS)
    folder = root_of("cremad", root, "AudioWAV")
    sounds = by_stem(folder / "AudioWAV", ".wav")
    videos = by_stem(folder / "VideoFlash", ".flv") or by_stem(folder / "VideoMP4", ".mp4")
    for name in _FRAMES:
        if not videos and (folder / name).is_dir():
            clips = (path for path in (folder / name).iterdir() if not is_hidden(path))
            videos = {path.name: path for path in clips if path.is_dir()}
    rows, faults = [], []
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
        group = found["actor"] if split == "actors" else ""
        rows.append(Row(where, clip, MOODS[found["mood"]], "", parts, group))
    if split == "random":
        shares = {"test": 0.1, "val": 0.1}
        sides = deal([row.id for row in rows], [row.label for row in rows], shares)
        rows = [row.in_split(side) for row, side in zip(rows, sides, strict=True)]
    kinds = {"audio": "sound", "video": "video"} if videos else {"audio": "sound"}
    notes = () if videos else ("no VideoFlash, VideoMP4 or frames were found: sound alone",)
    return Manifest("cremad", kinds, tuple(rows), tuple(faults), notes)


load_cremad = loader_of(read_cremad)
