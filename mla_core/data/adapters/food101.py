"""UPMC Food-101 (Wang et al. 2015): pictures of dishes with the titles of the pages they stood on."""

from __future__ import annotations

import csv
from pathlib import Path

from mla_core.data.adapters.reading import by_stem, loader_of, read_lines, root_of
from mla_core.data.decoding.image import SUFFIXES
from mla_core.data.files import Manifest, Row
from mla_core.data.samples import Fault, Source
from mla_core.errors import one_of

SPLITS = ("published",)


def read_food101(root: str, split: str = "published") -> Manifest:
    """UPMC Food-101: pictures and titles of 101 dishes (your own copy).

    Parameters
    ----------
    root : str
        With ``images/{train,test}/<class>/<class>_<n>.jpg`` and ``texts/{train,test}_titles.csv``.
    split : {"published"}
        Train and test as published, 15 % of train for val.

    Returns
    -------
    Manifest
        Pictures and titles, joined by the picture's name.
    """
    one_of("split of food101", split, SPLITS)
    folder = root_of("food101", root, "images/train")
    rows, faults = list[Row](), list[Fault]()
    for side in ("train", "test"):
        images = by_stem(folder / "images" / side, *SUFFIXES)
        titles, labels = _titles(folder / "texts" / f"{side}_titles.csv", faults)
        for stem in sorted({*images, *titles}):
            parts = {}
            if stem in images:
                parts["image"] = Source(str(images[stem].relative_to(folder)), images[stem])
            if stem in titles:
                parts["text"] = titles[stem]
            label = images[stem].parent.name if stem in images else labels[stem]
            rows.append(Row(next(iter(parts.values())).where, stem, label, side, parts))
    return Manifest("food101", {"image": "image", "text": "text"}, tuple(rows), tuple(faults))


load_food101 = loader_of(read_food101)


def _titles(path: Path, faults: list[Fault]) -> tuple[dict[str, Source], dict[str, str]]:
    """Return titles and labels by the picture's stem; a line is name, title, class."""
    titles, labels = dict[str, Source](), dict[str, str]()
    if not path.is_file():
        faults.append(Fault(path.name, f"there is no {str(path)!r}: put it there"))
        return titles, labels
    reader = csv.reader(read_lines(path))
    for line in reader:
        where = f"{path.name}, line {reader.line_num}"
        if len(line) < 3 or not Path(line[0]).suffix:
            if line and reader.line_num > 1:  # the first may be a header
                faults.append(Fault(where, "is not `picture.jpg,title,class`: mend the line"))
            continue
        stem = Path(line[0]).stem
        labels[stem] = line[-1].strip()
        if title := ",".join(line[1:-1]).strip():
            titles[stem] = Source(where, title)
    return titles, labels
