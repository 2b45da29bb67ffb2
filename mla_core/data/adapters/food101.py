"""UPMC Food-101 (Wang et al. 2015): pictures of dishes with the titles of the pages they stood on."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from mla_core.data.adapters.lists import listed_rows
from mla_core.data.adapters.reading import (
    by_stem,
    loader_of,
    read_table,
    root_of,
    tells_encodings,
    text_part,
)
from mla_core.data.decoding.image import SUFFIXES
from mla_core.data.files import Manifest, Row
from mla_core.data.samples import Fault, Source, files_below
from mla_core.errors import one_of
from mla_core.words import counted

SPLITS = ("published", "lists")
_BEGINS = re.compile(r"[^,\"]+\.\w{2,5},")  # a picture's name; texts have theirs in .txt


@tells_encodings
def read_food101(root: str, split: str = "published") -> Manifest:
    """UPMC Food-101: pictures and titles of 101 dishes (your own copy).

    Parameters
    ----------
    root : str
        With ``images/{train,test}/<class>/<class>_<n>.jpg`` and ``texts/{train,test}_titles.csv``,
        or a text for each picture, ``texts_txt/<class>/<class>_<n>.txt``, or lists ``train.jsonl``
        and so on (img, label, perhaps id and text).
    split : {"published", "lists"}
        ``published``: train and test as the folders have them. ``lists``: as lists in `root` say,
        ``train.jsonl`` and so on, or ``my_train_food.txt`` (``<class>_<n>.jpg <class>``), whose
        labels count. 15 % of train are val where no list says so.

    Returns
    -------
    Manifest
        Pictures and titles, joined by the picture's name.
    """
    one_of("split of food101", split, SPLITS)
    folder = root_of("food101", root, "images/train", "*.jsonl")
    rows, faults, notes = list[Row](), list[Fault](), list[str]()
    if split == "lists" or not _has_texts(folder):
        images = by_stem(folder, *SUFFIXES, notes=notes)
        texts = _texts(folder, ("train", "test"), images, faults, notes)

        def text_of(stem: str) -> dict[str, Source]:
            return {"text": texts[stem].part} if stem in texts and texts[stem].text else {}

        rows = listed_rows("food101", folder, images, text_of, faults, notes)
    else:
        for side in ("train", "test"):
            images = by_stem(folder / "images" / side, *SUFFIXES, notes=notes)
            texts = _texts(folder, (side,), images, faults, notes)
            rows += _joined(folder, side, images, texts, faults)
    kinds = {"image": "image", "text": "text"}
    return Manifest("food101", kinds, tuple(rows), tuple(faults), tuple(notes))


load_food101 = loader_of(read_food101)


class _Title(NamedTuple):
    where: str
    text: str
    label: str

    @property
    def part(self) -> Source:
        return Source(self.where, self.text)


def _joined(
    folder: Path,
    side: str,
    images: Mapping[str, Path],
    texts: dict[str, _Title],
    faults: list[Fault],
) -> Iterator[Row]:
    """Yield the samples of a side, whose pictures' folders say the class."""
    for stem in sorted({*images, *texts}):
        parts, label = {}, texts[stem].label if stem in texts else ""
        if stem in images:
            parts["image"] = Source(str(images[stem].relative_to(folder)), images[stem])
            kind = images[stem].parent.name
            if label not in {"", kind}:
                what = f"is of the class {label!r}, its picture of {kind!r}: mend the line"
                faults.append(Fault(texts[stem].where, what, stem, "text"))
                del texts[stem]
            label = kind
        if stem in texts and texts[stem].text:
            parts["text"] = texts[stem].part
        where = parts["image"].where if "image" in parts else texts[stem].where
        yield Row(where, stem, label, side, parts)


def _has_texts(folder: Path) -> bool:
    return (folder / "texts").is_dir() or (folder / "texts_txt").is_dir()


def _texts(
    folder: Path,
    sides: Sequence[str],
    images: Mapping[str, Path],
    faults: list[Fault],
    notes: list[str],
) -> dict[str, _Title]:
    """Return the titles of these sides, or the texts of these pictures, each from its own file."""
    texts = dict[str, _Title]()
    if (folder / "texts").is_dir():
        for side in sides:
            texts |= _titles(folder / "texts" / f"{side}_titles.csv", faults, notes)
        return texts
    for path in files_below(folder / "texts_txt"):
        if path.suffix.lower() == ".txt" and path.stem in images:
            where = str(path.relative_to(folder))
            if part := text_part(path, where, path.stem, faults).get("text"):
                texts[path.stem] = _Title(where, str(part.content), path.parent.name)
    return texts


def _titles(path: Path, faults: list[Fault], notes: list[str]) -> dict[str, _Title]:
    """Return the titles by the picture's stem; a line is name, title, class."""
    titles = dict[str, _Title]()
    if not path.is_file():
        faults.append(Fault(path.name, f"there is no {str(path)!r}: put it there"))
        return titles
    unclosed = 0
    for number, (where, cells, open_quote) in enumerate(read_table(path, _BEGINS)):
        if len(cells) < 3 or not Path(cells[0]).suffix:
            if number:  # the first may be a header
                faults.append(Fault(where, "is not `picture.jpg,title,class`: mend the line"))
            continue
        unclosed += open_quote
        stem = Path(cells[0]).stem
        if stem in titles:
            what = f"{stem!r} stands in {titles[stem].where} already: take one of the lines out"
            faults.append(Fault(where, what, stem, "text"))
            continue
        titles[stem] = _Title(where, ",".join(cells[1:-1]).strip(), cells[-1].strip())
    if unclosed:
        lines = counted(unclosed, "title opens a quote", "titles open a quote")
        notes.append(f"{path.name}: {lines} that never closes; each line is read for itself")
    return titles
