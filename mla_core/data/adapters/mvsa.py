"""MVSA (Niu et al. 2016): tweets with a picture, and the mood of both."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from mla_core.data.adapters.lists import listed_rows
from mla_core.data.adapters.reading import (
    by_stem,
    loader_of,
    read_lines,
    root_of,
    tells_encodings,
    text_part,
)
from mla_core.data.decoding.image import SUFFIXES
from mla_core.data.files import Manifest, Row, deal
from mla_core.data.samples import Fault, Source
from mla_core.errors import one_of

SPLITS = ("random", "published")
CLASSES = ("negative", "neutral", "positive")
_TABLE = "labelResultAll.txt"


@tells_encodings
def read_mvsa(root: str, split: str = "random") -> Manifest:
    """MVSA-Single or MVSA-Multiple: tweets and their pictures in three moods (your own copy).

    Parameters
    ----------
    root : str
        With ``data/<id>.jpg``, ``data/<id>.txt`` and ``labelResultAll.txt``, in which one person
        (Single) or three (Multiple) say the moods of text and picture.
    split : {"random", "published"}
        ``random``: 80 : 10 : 10 of each class, as in the literature, by a hash of the id: there are
        no authors to keep apart. ``published``: as lists in `root` say, ``train.jsonl``,
        ``val.jsonl`` and ``test.jsonl`` (id, text, img, label), or ``my_train_mvsa.txt`` and so on
        (``<id>.jpg <label>``), whose labels count; 15 % of train are val where no list says so.

    Returns
    -------
    Manifest
        The tweets whose labels do not contradict each other. Of three people the majority counts.
    """
    one_of("split of mvsa", split, SPLITS)
    folder = root_of("mvsa", root, _TABLE, "*.jsonl", "*train*.txt")
    kinds = {"image": "image", "text": "text"}
    rows, faults, notes = list[Row](), list[Fault](), list[str]()
    images = by_stem(folder / "data", *SUFFIXES, notes=notes)
    texts = by_stem(folder / "data", ".txt", notes=notes)

    def text_of(tweet: str) -> dict[str, Source]:
        if tweet not in texts:
            return {}
        return text_part(texts[tweet], f"data/{texts[tweet].name}", tweet, faults)

    if split == "published":
        rows = listed_rows("mvsa", folder, images, text_of, faults, notes)
        known = {row.label for row in rows} <= set(CLASSES)  # some lists have numbers
        classes = CLASSES if known else ()
        return Manifest("mvsa", kinds, tuple(rows), tuple(faults), tuple(notes), classes)
    against = 0
    for where, tweet, label in _moods(folder / _TABLE, faults):
        if not label:
            against += 1
            continue
        parts = {}
        if tweet in images:
            parts["image"] = Source(f"data/{images[tweet].name}", images[tweet])
        parts |= text_of(tweet)
        rows.append(Row(where, tweet, label, "", parts))
    shares = {"test": 0.1, "val": 0.1}
    sides = deal([row.id for row in rows], [row.label for row in rows], shares)
    rows = [row.in_split(side) for row, side in zip(rows, sides, strict=True)]
    if against:
        notes.append(f"{against} tweets whose text and picture contradict each other are left out")
    return Manifest("mvsa", kinds, tuple(rows), tuple(faults), tuple(notes), CLASSES)


load_mvsa = loader_of(read_mvsa)


def _moods(path: Path, faults: list[Fault]) -> Iterator[tuple[str, str, str]]:
    """Yield where it stands, the tweet, and the common mood of its text and picture, or nothing."""
    for number, line in enumerate(read_lines(path), start=1):
        cells = [cell.strip().lower() for cell in re.split(r"[\t,]", line) if cell.strip()]
        if not cells or cells[0] == "id":
            continue
        where = f"{path.name}, line {number}"
        if len(cells) not in {3, 7} or not set(cells[1:]) <= set(CLASSES):
            what = "is not `id<TAB>text mood,image mood`, once or three times: mend it"
            faults.append(Fault(where, what, cells[0]))
            continue
        yield where, cells[0], _mood(_majority(cells[1::2]), _majority(cells[2::2]))


def _majority(moods: Sequence[str]) -> str:
    """Return what more than half say; nothing when there is none."""
    mood, count = Counter(moods).most_common(1)[0]
    return mood if 2 * count > len(moods) else ""


def _mood(text: str, image: str) -> str:
    """Return the common mood; beside a neutral one the other counts; opposites have none."""
    if not text or not image:
        return ""
    if image in {text, "neutral"}:
        return text
    return image if text == "neutral" else ""
