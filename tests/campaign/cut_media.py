"""Sounds and videos of which the end is missing: whoever takes them for whole says something false."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mla_core.errors import OURS
from tests.campaign.children import Child
from tests.campaign.readers import MEDIA, SMALL
from tests.campaign.tally import Budget, Tally
from tests.core.media_files import sound, video, write_manifest

SUFFIXES = (".wav", ".flac", ".ogg", ".mp3", ".mp4", ".avi", ".webm", ".flv", ".mkv")
FILES = 20


def campaigns(work: Path, budget: Budget) -> list[Tally]:
    """Cut the last part off files of each kind; all of them must be told as faulty."""
    found = []
    for suffix in SUFFIXES:
        tally = Tally(f"cut: {suffix[1:]}")
        share = Budget(budget.seed, max(1, budget.tries // FILES), budget.seconds / len(SUFFIXES))
        for number, chance in share.each(tally):
            folder = work / f"{suffix[1:]} {number}"
            folder.mkdir()
            log = folder / "log"
            code = Child(cut, suffix, str(folder), chance.random(), log=log).wait(120)
            if code:
                tally.fault("hung" if code is None else "crashed", f"{log}")
            kept = [line for line in (folder / "log").read_text().splitlines() if "kept" in line]
            tally.faults += [("wrong in silence", f"{tally.name}, {folder}: {one}") for one in kept]
        tally.tries *= FILES
        found.append(tally)
    return found


def cut(suffix: str, place: str, share: float) -> None:
    """Write files, keep 20 to 80 percent of each, and say which are taken for whole."""
    import mla_core as mla

    assert suffix[1:] in MEDIA
    folder, lines = Path(place), []
    shares = np.random.default_rng(round(share * 2**31)).uniform(0.2, 0.8, FILES)
    for i, kept in enumerate([*shares, *[1.0] * FILES]):
        path = folder / f"{i}{suffix}"
        if suffix in (".wav", ".flac", ".ogg", ".mp3"):
            sound(path, seconds=1.0, rate=16000)
        else:
            video(path, frames=48, fps=24)
        content = path.read_bytes()
        path.write_bytes(content[: round(kept * len(content))])
        lines.append({"id": f"s{i}", "label": "ab"[i % 2], "part": path.name})
    table = write_manifest(folder / "manifest.csv", lines)
    cache = str(folder / "cache")
    try:
        data = mla.load_dataset(
            "manifest", path=str(table), prepare=SMALL, cache=cache, skip_bad=True
        )
    except OURS as error:
        print(error)
        return
    there = {sample for side in ("train", "val", "test") for sample in data.split(side).ids}
    for i, kept in enumerate(shares):
        if f"s{i}" in there:
            print(f"s{i} is kept, with {kept:.0%} of its bytes")
