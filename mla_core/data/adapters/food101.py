"""UPMC Food-101 (Wang et al. 2015): pictures of dishes with the titles of the pages they stood on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from mla_core.data.adapters.lists import listed_rows
from mla_core.data.adapters.reading import by_stem, loader_of, read_table, root_of, text_part
from mla_core.data.decoding.image import SUFFIXES
from mla_core.data.files import Manifest, Row
from mla_core.data.samples import Fault, Source, files_below
from mla_core.errors import one_of
from mla_core.words import counted

SPLITS = ("published",)
_BEGINS = re.compile(r"[^,\"]+\.\w{2,5},")  # a picture's name; texts have theirs in .txt


def read_food101(root: str, split: str = "published") -> Manifest:
    """UPMC Food-101: pictures and titles of 101 dishes (your own copy).

    Parameters
    ----------
    root : str
        With ``images/{train,test}/<class>/<class>_<n>.jpg`` and ``texts/{train,test}_titles.csv``,
        or a text for each picture, ``texts_txt/<class>/<class>_<n>.txt``, or lists ``train.jsonl``
        and so on (id, text, img, label).
    split : {"published"}
        Train and test as published, 15 % of train for val.

    Returns
    -------
    Manifest
        Pictures and titles, joined by the picture's name.
    """
    one_of("split of food101", split, SPLITS)
    folder = root_of("food101", root, "images/train", "*.jsonl")
    kinds = {"image": "image", "text": "text"}
    if not (folder / "texts").is_dir() and not (folder / "texts_txt").is_dir():
        found = list[Fault]()
        listed = listed_rows("food101", folder, by_stem(folder, *SUFFIXES), {}, found)
        return Manifest("food101", kinds, tuple(listed), tuple(found))
    rows, faults, notes = list[Row](), list[Fault](), list[str]()
    for side in ("train", "test"):
        images = by_stem(folder / "images" / side, *SUFFIXES)
        if (folder / "texts").is_dir():
            titles = _titles(folder / "texts" / f"{side}_titles.csv", faults, notes)
        else:
            titles = _texts(folder, images, faults)
        for stem in sorted({*images, *titles}):
            parts, label = {}, titles[stem].label if stem in titles else ""
            if stem in images:
                parts["image"] = Source(str(images[stem].relative_to(folder)), images[stem])
                kind = images[stem].parent.name
                if label not in {"", kind}:
                    what = f"is of the class {label!r}, its picture of {kind!r}: mend the line"
                    faults.append(Fault(titles[stem].where, what, stem, "text"))
                    del titles[stem]
                label = kind
            if stem in titles and titles[stem].text:
                parts["text"] = Source(titles[stem].where, titles[stem].text)
            where = parts["image"].where if "image" in parts else titles[stem].where
            rows.append(Row(where, stem, label, side, parts))
    return Manifest("food101", kinds, tuple(rows), tuple(faults), tuple(notes))


load_food101 = loader_of(read_food101)


class _Title(NamedTuple):
    where: str
    text: str
    label: str


def _texts(folder: Path, images: Mapping[str, Path], faults: list[Fault]) -> dict[str, _Title]:
    """Return the texts of these pictures, each from its own file; the folder's name is the class."""
    texts = dict[str, _Title]()
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
