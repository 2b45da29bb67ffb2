"""Lists with which others have split a published data set: one file for each side, one line a sample."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from mla_core.data.adapters.reading import read_lines, text_part
from mla_core.data.files import Row
from mla_core.data.samples import Fault, Source, file_source, is_hidden
from mla_core.errors import DataError

_NAMED = re.compile(r"(?:my_)?(?P<side>train|val|dev|test)(?:[_-]\w*)?\.(?P<kind>jsonl|txt|csv)")
_LINE = re.compile(r"(?P<image>.+\.\w{3,4})[ \t,]+(?P<label>\S.*)")
SIDES = {"train": "train", "val": "val", "dev": "val", "test": "test"}
PICTURE = ("img", "image", "image_path", "img_path")  # as the lines of .jsonl call it


class Listed(NamedTuple):
    """What a line says of one sample; its text is empty where the line has none."""

    where: str
    id: str
    label: str
    side: str
    image: str
    text: str


def find_lists(folder: Path) -> list[tuple[str, Path]]:
    """Return the lists in a folder, each with its side: ``.jsonl``, or else ``.txt``, or ``.csv``."""
    found = [
        (match, path)
        for path in sorted(folder.iterdir())
        if (match := _NAMED.fullmatch(path.name)) and not is_hidden(path) and not path.is_dir()
    ]
    kinds = {match["kind"] for match, _ in found}
    kind = next((kind for kind in ("jsonl", "txt", "csv") if kind in kinds), "")
    return [(SIDES[match["side"]], path) for match, path in found if match["kind"] == kind]


def listed_rows(
    name: str,
    folder: Path,
    images: Mapping[str, Path],
    texts: Mapping[str, Path],
    faults: list[Fault],
) -> list[Row]:
    """Return the samples that the lists in a folder name, with their pictures and texts.

    Parameters
    ----------
    name : str
        Of the data set.
    folder : Path
    images, texts : mapping of str to Path
        Files by their stem, where a line's path leads nowhere, or it has no text.
    faults : list of Fault
        Grows.

    Raises
    ------
    DataError
        When there is no list.
    """
    if not find_lists(folder):
        msg = f"data set {name!r}: {str(folder)!r} has no lists train.jsonl, test.jsonl: put them there"
        raise DataError(msg)
    rows = []
    for listed in read_lists(folder, faults):
        parts = {}
        if (picture := image_of(listed, folder, images, faults)) is not None:
            parts["image"] = picture
        if listed.text:
            parts["text"] = Source(listed.where, listed.text)
        elif listed.id in texts:
            path = texts[listed.id]
            parts |= text_part(path, str(path.relative_to(folder)), listed.id, faults)
        rows.append(Row(listed.where, listed.id, listed.label, listed.side, parts))
    return rows


def read_lists(folder: Path, faults: list[Fault]) -> Iterator[Listed]:
    """Yield what the lists in a folder say; lines that say nothing become faults.

    Lines of ``.jsonl`` are objects with img, label, and perhaps id and text; those of ``.txt`` are
    a picture's name and its label.
    """
    for side, path in find_lists(folder):
        parse = _object if path.suffix == ".jsonl" else _words
        for number, line in enumerate(read_lines(path), start=1):
            where = f"{path.name}, line {number}"
            if not line.strip():
                continue
            try:
                said = parse(line)
            except DataError as error:
                faults.append(Fault(where, str(error)))
                continue
            image = said.get("image", "")
            name = said.get("id") or Path(image.replace("\\", "/")).stem
            yield Listed(where, name, said["label"], side, image, said.get("text", ""))


def image_of(
    listed: Listed, folder: Path, by_stem: Mapping[str, Path], faults: list[Fault]
) -> Source | None:
    """Return the picture that a line names: by its path, or else by its name, wherever it lies."""
    stem = Path(listed.image.replace("\\", "/")).stem or listed.id
    if listed.image and (folder / listed.image).is_file():
        try:
            return file_source(folder, listed.image, f"{listed.where}, {listed.image}")
        except DataError as error:
            faults.append(Fault(listed.where, str(error), listed.id, "image"))
            return None
    if stem in by_stem:
        return Source(str(by_stem[stem].relative_to(folder)), by_stem[stem])
    what = f"there is no picture {listed.image or stem!r}: put it there, or take the line out"
    faults.append(Fault(listed.where, what, listed.id, "image"))
    return None


def _words(line: str) -> dict[str, str]:
    if (found := _LINE.fullmatch(line.strip())) is None:
        msg = "is not `<picture>.jpg <label>`: mend the line"
        raise DataError(msg)
    return found.groupdict()


def _object(line: str) -> dict[str, str]:
    try:
        said: Any = json.loads(line)
    except (ValueError, RecursionError) as error:
        msg = f"is no JSON ({error}): is the line cut off?"
        raise DataError(msg) from error
    said = said if isinstance(said, dict) else {}
    picture = next((said[key] for key in PICTURE if said.get(key)), "")
    found = {"image": picture, "label": said.get("label"), "text": said.get("text") or ""}
    if isinstance(number := said.get("id"), int | str) and not isinstance(number, bool):
        found["id"] = str(number)
    if isinstance(found["label"], int) and not isinstance(found["label"], bool):
        found["label"] = str(found["label"])
    if not found["label"] or not all(isinstance(value, str) for value in found.values()):
        msg = 'is not like {"id": "1", "img": "data/1.jpg", "text": "…", "label": "…"}: mend it'
        raise DataError(msg)
    return found
