"""MVSA-Single (Niu et al. 2016): tweets with a picture, and the mood of both."""

from __future__ import annotations

import re

from mla_core.data.adapters.reading import by_stem, loader_of, read_lines, root_of
from mla_core.data.decoding.image import SUFFIXES
from mla_core.data.files import Manifest, Row, deal
from mla_core.data.samples import Fault, Source
from mla_core.errors import DataError, one_of

SPLITS = ("random",)
CLASSES = ("negative", "neutral", "positive")


def read_mvsa(root: str, split: str = "random") -> Manifest:
    """MVSA-Single: tweets and their pictures in three moods (your own copy).

    Parameters
    ----------
    root : str
        With ``data/<id>.jpg``, ``data/<id>.txt`` and ``labelResultAll.txt``.
    split : {"random"}
        80 : 10 : 10 of each class, as in the literature, by a hash of the id: there are no authors
        to keep apart.

    Returns
    -------
    Manifest
        The tweets whose two labels do not contradict each other.
    """
    one_of("split of mvsa", split, SPLITS)
    folder = root_of("mvsa", root, "labelResultAll.txt")
    images, texts = by_stem(folder / "data", *SUFFIXES), by_stem(folder / "data", ".txt")
    rows, faults, against = list[Row](), list[Fault](), 0
    for number, line in enumerate(read_lines(folder / "labelResultAll.txt"), start=1):
        cells = [cell.strip().lower() for cell in re.split(r"[\t,]", line) if cell.strip()]
        if not cells or cells[0] == "id":
            continue
        where = f"labelResultAll.txt, line {number}"
        if len(cells) != 3 or not set(cells[1:]) <= set(CLASSES):
            faults.append(Fault(where, "is not `id<TAB>text mood,image mood`: mend it", cells[0]))
            continue
        tweet, *moods = cells
        if (label := _mood(*moods)) == "":
            against += 1
            continue
        parts = {}
        if tweet in images:
            parts["image"] = Source(f"data/{images[tweet].name}", images[tweet])
        if tweet in texts:
            called = f"data/{texts[tweet].name}"
            try:
                text = " ".join(read_lines(texts[tweet])).strip()
            except DataError as error:
                faults.append(Fault(called, str(error), tweet, "text"))
                text = ""
            if text:
                parts["text"] = Source(called, text)
        rows.append(Row(where, tweet, label, "", parts))
    shares = {"test": 0.1, "val": 0.1}
    sides = deal([row.id for row in rows], [row.label for row in rows], shares)
    rows = [row.in_split(side) for row, side in zip(rows, sides, strict=True)]
    notes = (f"{against} tweets whose text and picture contradict each other are left out",)
    kinds = {"image": "image", "text": "text"}
    return Manifest("mvsa", kinds, tuple(rows), tuple(faults), notes if against else (), CLASSES)


load_mvsa = loader_of(read_mvsa)


def _mood(text: str, image: str) -> str:
    """Return the common mood; beside a neutral one the other counts; opposites have none."""
    if image in {text, "neutral"}:
        return text
    return image if text == "neutral" else ""
