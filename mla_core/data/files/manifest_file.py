"""A manifest from a CSV, Parquet or JSON Lines file: one line per sample, one column per modality."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mla_core.data.decoding import DECODERS, KIND_OF_SUFFIX
from mla_core.data.files.cells import WORDS, is_missing, labels_of, plains
from mla_core.data.files.manifest import Manifest, Row
from mla_core.data.files.metadata import with_columns_of_files
from mla_core.data.files.table import Columns, Table, read_table
from mla_core.data.files.without_gc import without_gc
from mla_core.data.samples import Enclosure, Fault, Source, file_source
from mla_core.errors import DataError
from mla_core.words import counted

RESERVED = ("id", "label", "split", "group")
NEEDED = ("id", "label")
EXAMPLE = "id,label,split,image,sound,caption"


class _Column(NamedTuple):
    name: str  # as the header has it
    modality: str
    kind: str
    cells: Sequence[Any]
    inline: bool  # cells hold the text or the numbers themselves
    words: bool = True  # such as NaN stand for nothing


@without_gc
def read_manifest(
    path: str | Path, root: str | Path = "", *, missing_words: bool | None = None
) -> Manifest:
    r"""Return what a manifest says; files are found, but not read.

    Parameters
    ----------
    path : str or Path
        A table with the columns ``id`` and ``label``, perhaps ``split`` (train, val, test) and
        ``group`` (such as the speaker), and one column per modality with a path (or with the text
        or the numbers themselves). An empty cell is a missing part. The files' endings tell the
        kind of a column; its header may, too: ``caption:text``, ``frames:video``. A file called
        ``metadata`` may name its files as Hugging Face does, with ``file_name``; see
        `mla_core.data.files.metadata.with_columns_of_files`.
    root : str or Path
        Where paths begin, and beyond which none may lead; empty means the manifest's folder. It may
        begin with ``~`` and hold environment variables.
    missing_words : bool, optional
        Whether a word such as NaN, NA, null or None in a column of texts stands for no text. By
        default only ``NaN`` does, where it stands in more cells than one, as programs write it;
        `Manifest.notes` say so. In labels, ids and groups, such words stand for nothing unless this
        is False; among paths and numbers they always do.

    Raises
    ------
    DataError
        When the table itself cannot be used. What is wrong in its lines becomes `Manifest.faults`.

    Examples
    --------
    >>> file = getfixture("tmp_path") / "birds.csv"
    >>> _ = file.write_text("id,label,song\n1,owl,hoo hoo\n2,tit,\n")
    >>> manifest = read_manifest(file)
    >>> manifest.kinds, [sorted(row.parts) for row in manifest.rows]
    ({'song': 'text'}, [['song'], []])
    """
    file = Path(path)
    if not str(path) or not file.is_file():
        msg = f"there is no manifest {str(path)!r}: set dataset_options={{'path': 'manifest.csv'}}"
        raise DataError(msg)
    folder = Path(os.path.expandvars(str(root))).expanduser() if str(root) else file.parent
    if not folder.is_dir():
        msg = f"there is no folder {str(root)!r}: set `root` to where the manifest's paths begin"
        raise DataError(msg)
    notes = list[str]()
    table = read_table(file, notes)
    if table.faults and not table.where:
        msg = f"{str(file)!r} has not one line that can be read: {table.faults[0]}"
        raise DataError(msg)
    columns = table.columns
    if file.stem == "metadata":
        columns = with_columns_of_files(columns, notes)
    columns = _without_index(columns, notes)
    _check_header(file, [name for name, _ in columns])
    told = {name: cells for name, cells in columns if name in RESERVED}
    parts = [
        _column(name, cells, table.where, notes, missing_words)
        for name, cells in columns
        if name not in RESERVED
    ]
    words = missing_words is not False
    try:
        labels = labels_of(
            (None if is_missing(cell, words=words) else cell for cell in told.pop("label")), notes
        )
    except DataError as error:
        msg = f"{str(file)!r}: {error}"
        raise DataError(msg) from error
    known = {name: plains(cells, name, words=words) for name, cells in told.items()}
    rows, faults = _rows(table, labels, known, parts, Enclosure(folder))
    kinds = {column.modality: column.kind for column in parts}
    name = file.resolve().parent.name if file.stem in {"manifest", "metadata"} else file.stem
    return Manifest(name, kinds, rows, (*table.faults, *faults), tuple(notes), read=table.read)


def _rows(
    table: Table,
    labels: Sequence[str],
    known: Mapping[str, Sequence[str]],
    columns: Sequence[_Column],
    enclosure: Enclosure,
) -> tuple[tuple[Row, ...], list[Fault]]:
    rows, faults = list[Row](), list[Fault]()
    nothing = [""] * len(labels)
    ids, splits, groups = (known.get(name, nothing) for name in ("id", "split", "group"))
    for i, where in enumerate(table.where):
        parts, bad = {}, 0
        for column in columns:
            cell = column.cells[i]
            if is_missing(cell, words=column.words):
                continue
            try:
                parts[column.modality] = _source(column, cell, where, enclosure)
            except DataError as error:
                called = f"{where}, {str(cell)[:80]}"
                faults.append(Fault(called, str(error), ids[i], column.modality))
                bad += 1
        if parts or not bad:  # a sample that lost its every part was named already
            rows.append(Row(where, ids[i], labels[i], splits[i], parts, groups[i]))
    return tuple(rows), faults


def _without_index(columns: Columns, notes: list[str]) -> Columns:
    """Return the columns less the numbers of rows that pandas writes beside them."""
    kept = list[tuple[str, Sequence[Any]]]()
    for name, cells in columns:
        index = name in {"", "Unnamed: 0"} or name.startswith("__index_level_")
        if index and [str(cell).strip() for cell in cells] == list(map(str, range(len(cells)))):
            notes.append(f"the column {name!r} numbers the rows, as pandas' index does: not read")
        elif not name:
            msg = "a column has no name: name it in the first line, or take it out"
            raise DataError(msg)
        else:
            kept.append((name, cells))
    return kept


def _source(column: _Column, cell: Any, where: str, enclosure: Enclosure) -> Source:
    if isinstance(cell, str) and not column.inline:
        return file_source(enclosure, cell.strip(), f"{where}, {cell.strip()}")
    if isinstance(cell, dict):  # as Hugging Face's data sets store a file
        if cell.get("bytes") is None:
            return file_source(enclosure, str(cell["path"]), f"{where}, {cell['path']}")
        cell = cell["bytes"]
    content = cell if isinstance(cell, str | bytes) else np.asarray(cell)
    return Source(f"{where}, {column.name}", content)


def _column(
    name: str,
    cells: Sequence[Any],
    where: Sequence[str],
    notes: list[str],
    missing_words: bool | None,
) -> _Column:
    """Return what a column holds, from its header or from its cells."""
    modality, _, kind = name.partition(":")
    cells = [None if _is_no_file(cell) else cell for cell in cells]
    there = [
        (here, cell)
        for here, cell in zip(where, cells, strict=True)
        if not is_missing(cell, words=True)
    ]
    if not there:
        msg = f"the column {name!r} is empty: fill it, or take it out"
        raise DataError(msg)
    text = all(isinstance(cell, str) for _, cell in there)
    if kind:
        if kind not in DECODERS:
            msg = f"the column {name!r} asks for the kind {kind!r}: choose among {list(DECODERS)}"
            raise DataError(msg)
        if kind == "text" and text:
            return _texts(name, modality, cells, notes, missing_words)
        return _Column(name, modality, kind, cells, inline=kind == "text" or not text)
    if not text:
        return _Column(name, modality, _kind_of_lists(name, there), cells, inline=True)
    found = {_kind_of_path(cell): (here, cell) for here, cell in there}
    if len(found) > 1:
        told = "; ".join(f"{here}: {cell[:40]!r}" for here, cell in list(found.values())[:2])
        msg = (
            f"the column {name!r} mixes kinds ({told}): mend it, or say in its name what it is, as "
            f"in {name}:image or {name}:text"
        )
        raise DataError(msg)
    kind = next(iter(found))
    if not kind:
        _refuse_numbers(name, there)
        return _texts(name, modality, cells, notes, missing_words)
    return _Column(name, modality, kind, cells, inline=False)


def _refuse_numbers(name: str, cells: Sequence[tuple[str, Any]]) -> None:
    if all(re.fullmatch(r"[-+\d.,eE]+", cell.strip()) for _, cell in cells):
        msg = (
            f"the column {name!r} holds numbers: keep them as vectors in .npy files or in Parquet, "
            f"or name it {name}:text to read them as texts"
        )
        raise DataError(msg)


def _kind_of_lists(name: str, cells: Sequence[tuple[str, Any]]) -> str:
    """Return the kind of a column of numbers, by how deep its lists are."""
    axes = {np.ndim(cell) if isinstance(cell, list) else 0 for _, cell in cells}
    if axes not in ({1}, {2}):
        msg = (
            f"the column {name!r} holds {type(cells[0][1]).__name__}: say what it is in its "
            f"name, as in {name}:image, or store lists of numbers"
        )
        raise DataError(msg)
    return "vector" if axes == {1} else "series"


def _texts(
    name: str,
    modality: str,
    cells: Sequence[Any],
    notes: list[str],
    missing_words: bool | None,
) -> _Column:
    """Return a column of texts, in which a word such as NaN may be a text."""
    stripped = [str(cell).strip() for cell in cells]
    count = sum(cell in WORDS for cell in stripped)
    nan = stripped.count("NaN")
    if missing_words is None and nan > 1:
        cells = [
            None if text == "NaN" else cell for text, cell in zip(stripped, cells, strict=True)
        ]
        notes.append(
            f"{name}: {nan} cells 'NaN' are missing texts (missing_words=False reads them as texts)"
        )
    elif missing_words and count:
        notes.append(f"{name}: {counted(count, 'cell')} such as NaN or None are missing texts")
    return _Column(name, modality, "text", cells, inline=True, words=bool(missing_words))


def _is_no_file(cell: Any) -> bool:
    """Whether a cell says, as Hugging Face's data sets do, that there is no file."""
    return isinstance(cell, dict) and not any(map(bool, cell.values()))


def _kind_of_path(cell: str) -> str:
    path = cell.strip()
    if "#" in path:
        path = path.split("#t=")[0].split("#xywh=")[0]
    _, dot, ending = path.rpartition(".")
    return "video" if path.endswith("/") else KIND_OF_SUFFIX.get(dot + ending.lower(), "")


def _check_header(file: Path, header: Sequence[str]) -> None:
    for name in NEEDED:
        if name not in header:
            msg = f"{str(file)!r} lacks the column {name!r}: its first line is to be like {EXAMPLE}"
            raise DataError(msg)
    modalities = [name.partition(":")[0] for name in header]
    if twice := [name for name in modalities if modalities.count(name) > 1]:
        msg = f"{str(file)!r} has the column {twice[0]!r} twice: give each its own name"
        raise DataError(msg)
    if not set(header) - set(RESERVED):
        msg = f"{str(file)!r} has no column for a modality: its first line is to be like {EXAMPLE}"
        raise DataError(msg)
