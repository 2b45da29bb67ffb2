"""Tables beside a folder of pictures, sounds or videos, as Hugging Face has them: metadata.csv, .jsonl."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from mla_core.data.decoding import KIND_OF_SUFFIX
from mla_core.data.files.cells import is_missing
from mla_core.data.files.proposal import SIDES
from mla_core.data.samples import Fault
from mla_core.errors import DataError
from mla_core.outside import read_json_text

FILE = "file_name"
Lines = Sequence[tuple[str, dict[str, Any]]]


def read_json_lines(file: Path) -> tuple[list[str], list[tuple[str, dict[str, Any]]], list[Fault]]:
    """Return the columns, the lines and the faults of a file with one JSON object in each line.

    Raises
    ------
    DataError
        When it is not UTF-8.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        msg = f"{str(file)!r} is not UTF-8: save it as UTF-8"
        raise DataError(msg) from error
    lines, faults = list[tuple[str, dict[str, Any]]](), list[Fault]()
    for number, line in enumerate(text.split("\n"), start=1):  # no other sign ends a line of JSON
        if not line.strip():
            continue
        where = f"{file.name}, line {number}"
        try:
            cells = read_json_text(line)
        except ValueError as error:
            faults.append(
                Fault(where, f"is not one JSON object ({error}): mend it, or take it out")
            )
            continue
        if isinstance(cells, dict):
            lines.append((where, cells))
        else:
            what = f"is not one JSON object, but {line[:40]!r}: mend it, or take it out"
            faults.append(Fault(where, what))
    header = list(dict.fromkeys(name for _, cells in lines for name in cells))
    return header, [(where, dict.fromkeys(header) | cells) for where, cells in lines], faults


def with_columns_of_files(header: Sequence[str], lines: Lines, notes: list[str]) -> list[str]:
    """Return the header of a manifest; the cells are renamed in their place.

    ``file_name`` becomes a modality that is called by the kind of its files, ``view_file_name``
    becomes ``view``. Where they are not there, the id is the path without its ending, and split and
    label are read from the folders, as far as all files lie in some.

    Examples
    --------
    >>> lines = [("line 2", {"file_name": "train/owl/1.png"})]
    >>> with_columns_of_files(["file_name"], lines, [])
    ['id', 'split', 'label', 'image']
    >>> lines[0][1]
    {'image': 'train/owl/1.png', 'id': 'train/owl/1', 'split': 'train', 'label': 'owl'}
    """
    of_files = [name for name in header if name == FILE or name.endswith(f"_{FILE}")]
    if not of_files:
        return list(header)
    first = of_files[0]
    paths = [_path(cells[first]) for _, cells in lines]
    modality = {name: name.removesuffix(f"_{FILE}") for name in of_files}
    if FILE in modality:
        modality[FILE] = _kind(paths)
    read = {
        "id": [str(path.with_suffix("")) if path.name else "" for path in paths],
        "split": [_side(path) for path in paths],
        "label": [_label(path) for path in paths],
    }
    added = [name for name, found in read.items() if name not in header and all(found)]
    for i, (_, cells) in enumerate(lines):
        for name in of_files:
            cells[modality[name]] = cells.pop(name)
        cells |= {name: read[name][i] for name in added}
    if added:
        notes.append(f"{', '.join(added)} read from {first}")
    return [*added, *(modality.get(name, name) for name in header)]


def _path(cell: Any) -> PurePosixPath:
    return PurePosixPath("" if is_missing(cell) else str(cell).strip())


def _kind(paths: Sequence[PurePosixPath]) -> str:
    kinds = (KIND_OF_SUFFIX.get(path.suffix.lower()) for path in paths)
    return next((kind for kind in kinds if kind), "file")


def _side(path: PurePosixPath) -> str:
    return next((SIDES[name.lower()] for name in path.parts[:-1] if name.lower() in SIDES), "")


def _label(path: PurePosixPath) -> str:
    return path.parent.name if path.parent.name.lower() not in SIDES else ""
