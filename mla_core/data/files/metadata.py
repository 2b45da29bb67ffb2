"""Tables beside a folder of pictures, sounds or videos, as Hugging Face has them: metadata.csv, .jsonl."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any

from mla_core.data.decoding import KIND_OF_SUFFIX
from mla_core.data.files.cells import is_missing
from mla_core.data.files.proposal import SIDES
from mla_core.data.files.table import Columns

FILE = "file_name"


def with_columns_of_files(columns: Columns, notes: list[str]) -> Columns:
    """Return the columns of a manifest.

    ``file_name`` becomes a modality that is called by the kind of its files, ``view_file_name``
    becomes ``view``. Where they are not there, the id is the path without its ending, and split and
    label are read from the folders, as far as all files lie in some.

    Examples
    --------
    >>> for column in with_columns_of_files([("file_name", ["train/owl/1.png"])], []):
    ...     print(column)
    ('id', ['train/owl/1'])
    ('split', ['train'])
    ('label', ['owl'])
    ('image', ['train/owl/1.png'])
    """
    of_files = [name for name, _ in columns if name == FILE or name.endswith(f"_{FILE}")]
    if not of_files:
        return columns
    paths = [_path(cell) for cell in dict(columns)[of_files[0]]]
    read = {
        "id": [str(path.with_suffix("")) if path.name else "" for path in paths],
        "split": [_side(path) for path in paths],
        "label": [_label(path) for path in paths],
    }
    names = [name for name, _ in columns]
    added = [(name, found) for name, found in read.items() if name not in names and all(found)]
    if added:
        notes.append(f"{', '.join(name for name, _ in added)} read from {of_files[0]}")
    renamed = [
        (_kind(cells) if name == FILE else name.removesuffix(f"_{FILE}"), cells)
        for name, cells in columns
    ]
    return [*added, *renamed]


def _path(cell: Any) -> PurePosixPath:
    return PurePosixPath("" if is_missing(cell) else str(cell).strip())


def _kind(cells: Sequence[Any]) -> str:
    kinds = (KIND_OF_SUFFIX.get(_path(cell).suffix.lower()) for cell in cells)
    return next((kind for kind in kinds if kind), "file")


def _side(path: PurePosixPath) -> str:
    return next((SIDES[name.lower()] for name in path.parts[:-1] if name.lower() in SIDES), "")


def _label(path: PurePosixPath) -> str:
    return path.parent.name if path.parent.name.lower() not in SIDES else ""
