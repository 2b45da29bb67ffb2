"""Lists with which others have split a published data set: one file for each side, one line a sample."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from re import Pattern
from typing import Any, NamedTuple

from mla_core.data.adapters.reading import read_lines
from mla_core.data.files import Row
from mla_core.data.samples import Enclosure, Fault, Source, file_source, is_hidden
from mla_core.errors import DataError

_NAMED = re.compile(  # train.csv, my_dev_food.txt, 80_train_cre.txt
    r"(?:[a-z0-9]+_)?(?P<side>train|val|valid|dev|test)(?:[_-]\w*)?\.(?P<kind>jsonl|txt|csv)"
)
_LINE = re.compile(r"(?P<image>.+\.\w{3,4})[ \t,]+(?P<label>\S.*)")
SIDES = {"train": "train", "val": "val", "valid": "val", "dev": "val", "test": "test"}
PICTURE = ("img", "image", "image_path", "img_path")  # as the lines of .jsonl call it


class Listed(NamedTuple):
    """What a line says of one sample; its text is empty where the line has none."""

    where: str
    id: str
    label: str
    side: str
    image: str
    text: str

    @property
    def stem(self) -> str:
        """What its files are called."""
        return Path(self.image.replace("\\", "/")).stem or self.id


def find_lists(folder: Path, notes: list[str]) -> list[tuple[str, Path]]:
    """Return the lists in a folder, each with its side: ``.jsonl``, or else ``.txt``, or ``.csv``.

    A note tells when there are others.
    """
    found = [
        (match, path)
        for path in sorted(folder.iterdir())
        if (match := _NAMED.fullmatch(path.name)) and not is_hidden(path) and not path.is_dir()
    ]
    kinds = {match["kind"] for match, _ in found}
    kind = next((kind for kind in ("jsonl", "txt", "csv") if kind in kinds), "")
    read = [(SIDES[match["side"]], path) for match, path in found if match["kind"] == kind]
    if others := [path.name for match, path in found if match["kind"] != kind]:
        names = ", ".join(path.name for _, path in read)
        notes.append(f"lists are {names}; {', '.join(others)} are not read")
    return read


def listed_sides(
    folder: Path, name: Pattern[str], example: str, faults: list[Fault], notes: list[str]
) -> dict[str, str]:
    """Return the side of each sample that the lists in a folder name.

    Parameters
    ----------
    folder : Path
    name : pattern
        What the first name of a sample in a line looks like.
    example : str
        Such a name.
    faults, notes : list
        Grow.
    """
    sides = dict[str, str]()
    for side, path in find_lists(folder, notes):
        for number, line in enumerate(read_lines(path), start=1):
            where = f"{path.name}, line {number}"
            if (found := name.search(line)) is None:
                if number > 1 and line.strip():  # the first may be a header
                    faults.append(Fault(where, f"names no sample, as in {example}: mend the line"))
            elif sides.setdefault(sample := found[0], side) != side:
                what = f"{sample} is in {sides[sample]} as well: take it out of one of the lists"
                faults.append(Fault(where, what, sample))
    return sides


def listed_rows(
    name: str,
    folder: Path,
    images: Mapping[str, Path],
    text_of: Callable[[str], dict[str, Source]],
    faults: list[Fault],
    notes: list[str],
) -> list[Row]:
    """Return the samples that the lists in a folder name, with their pictures and texts.

    Parameters
    ----------
    name : str
        Of the data set.
    folder : Path
    images : mapping of str to Path
        Pictures by their stem, where a line's path leads nowhere.
    text_of : callable
        From a picture's stem to its text as a part, where a line has no text.
    faults, notes : list
        Grow.

    Raises
    ------
    DataError
        When there is no list.
    """
    lists = find_lists(folder, notes)
    if not lists:
        msg = f"data set {name!r}: {str(folder)!r} has no lists train.jsonl, test.jsonl: put them there"
        raise DataError(msg)
    rows, enclosure = [], Enclosure(folder)
    for listed in read_lists(lists, faults):
        parts = {}
        if (picture := image_of(listed, enclosure, images, faults)) is not None:
            parts["image"] = picture
        if listed.text:
            parts["text"] = Source(listed.where, listed.text)
        else:
            parts |= text_of(listed.stem)
        rows.append(Row(listed.where, listed.id, listed.label, listed.side, parts))
    return rows


def read_lists(lists: list[tuple[str, Path]], faults: list[Fault]) -> Iterator[Listed]:
    """Yield what the lists of sides say; lines that say nothing become faults.

    Lines of ``.jsonl`` are objects with img, label, and perhaps id and text; those of ``.txt`` are
    a picture's name and its label.
    """
    for side, path in lists:
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
    listed: Listed, enclosure: Enclosure, by_stem: Mapping[str, Path], faults: list[Fault]
) -> Source | None:
    """Return the picture that a line names: by its path, or else by its name, wherever it lies."""
    folder = enclosure.root
    if listed.image and (folder / listed.image).is_file():
        try:
            return file_source(enclosure, listed.image, f"{listed.where}, {listed.image}")
        except DataError as error:
            faults.append(Fault(listed.where, str(error), listed.id, "image"))
            return None
    if (path := by_stem.get(listed.stem)) is not None:
        return Source(str(path.relative_to(folder)), path)
    what = (
        f"there is no picture {listed.image or listed.stem!r}: put it there, or take the line out"
    )
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
