"""A manifest from a CSV, Parquet or JSON Lines file: one line per sample, one column per modality."""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mla_core.data.decoding import DECODERS, KIND_OF_SUFFIX, need
from mla_core.data.files.cells import WORDS, is_missing, labels_of, plain
from mla_core.data.files.manifest import Manifest, Row
from mla_core.data.files.metadata import read_json_lines, with_columns_of_files
from mla_core.data.files.quotes import rows_within
from mla_core.data.samples import Fault, Source, file_source
from mla_core.errors import DataError
from mla_core.words import counted

RESERVED = ("id", "label", "split", "group")
NEEDED = ("id", "label")
DELIMITERS = {".csv": ",", ".tsv": "\t"}
EXAMPLE = "id,label,split,image,sound,caption"


class _Line(NamedTuple):
    where: str
    cells: dict[str, Any]


class _Column(NamedTuple):
    name: str  # as the header has it
    modality: str
    kind: str
    inline: bool  # cells hold the text or the numbers themselves
    words: bool = True  # such as NaN stand for nothing


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
    header, lines, faults = _read(file, notes)
    read = len(lines) + len(faults)
    if file.stem == "metadata":
        header = with_columns_of_files(header, lines, notes)
    header = _without_index(header, lines, notes)
    _check_header(file, header)
    columns = [
        _column(name, lines, notes, missing_words) for name in header if name not in RESERVED
    ]
    try:
        labels = labels_of((_value(cells, "label", missing_words) for _, cells in lines), notes)
    except DataError as error:
        msg = f"{str(file)!r}: {error}"
        raise DataError(msg) from error
    rows = []
    named = [name for name in RESERVED if name in header and name != "label"]
    for (where, cells), label in zip(lines, labels, strict=True):
        known = {"split": "", "group": ""}
        known |= {name: plain(_value(cells, name, missing_words), name) for name in named}
        parts, bad = {}, 0
        for column in columns:
            cell = cells[column.name]
            if is_missing(cell, words=column.words):
                continue
            try:
                parts[column.modality] = _source(column, cell, where, folder)
            except DataError as error:
                called = f"{where}, {str(cell)[:80]}"
                faults.append(Fault(called, str(error), known["id"], column.modality))
                bad += 1
        if parts or not bad:  # a sample that lost its every part was named already
            rows.append(Row(where=where, parts=parts, label=label, **known))
    kinds = {column.modality: column.kind for column in columns}
    name = file.resolve().parent.name if file.stem in {"manifest", "metadata"} else file.stem
    return Manifest(name, kinds, tuple(rows), tuple(faults), tuple(notes), read=read)


def _value(cells: Mapping[str, Any], name: str, missing_words: bool | None) -> Any:
    value = cells.get(name)
    return None if is_missing(value, words=missing_words is not False) else value


def _without_index(header: Sequence[str], lines: Sequence[_Line], notes: list[str]) -> list[str]:
    """Return the columns less the numbers of rows that pandas writes beside them."""
    kept = list[str]()
    for name in header:
        index = name in {"", "Unnamed: 0"} or name.startswith("__index_level_")
        numbers = [str(cells[name]).strip() for _, cells in lines] if index else []
        if index and numbers == list(map(str, range(len(lines)))):
            notes.append(f"the column {name!r} numbers the rows, as pandas' index does: not read")
        elif not name:
            msg = "a column has no name: name it in the first line, or take it out"
            raise DataError(msg)
        else:
            kept.append(name)
    return kept


def _source(column: _Column, cell: Any, where: str, folder: Path) -> Source:
    if isinstance(cell, str) and not column.inline:
        return file_source(folder, cell.strip(), f"{where}, {cell.strip()}")
    if isinstance(cell, dict):  # as Hugging Face's data sets store a file
        if cell.get("bytes") is None:
            return file_source(folder, str(cell["path"]), f"{where}, {cell['path']}")
        cell = cell["bytes"]
    content = cell if isinstance(cell, str | bytes) else np.asarray(cell)
    return Source(f"{where}, {column.name}", content)


def _column(
    name: str, lines: Sequence[_Line], notes: list[str], missing_words: bool | None
) -> _Column:
    """Return what a column holds, from its header or from its cells."""
    modality, _, kind = name.partition(":")
    for _, line in lines:  # as Hugging Face's data sets store that there is no file
        if isinstance(line[name], dict) and not any(map(bool, line[name].values())):
            line[name] = None
    cells = [(where, line[name]) for where, line in lines if not is_missing(line[name], words=True)]
    if not cells:
        msg = f"the column {name!r} is empty: fill it, or take it out"
        raise DataError(msg)
    text = all(isinstance(cell, str) for _, cell in cells)
    if kind:
        if kind not in DECODERS:
            msg = f"the column {name!r} asks for the kind {kind!r}: choose among {list(DECODERS)}"
            raise DataError(msg)
        if kind == "text" and text:
            return _texts(name, modality, lines, notes, missing_words)
        return _Column(name, modality, kind, inline=kind == "text" or not text)
    if not text:
        return _Column(name, modality, _kind_of_lists(name, cells), inline=True)
    found = {_kind_of_path(cell): (where, cell) for where, cell in cells}
    if len(found) > 1:
        told = "; ".join(f"{where}: {cell[:40]!r}" for where, cell in list(found.values())[:2])
        msg = (
            f"the column {name!r} mixes kinds ({told}): mend it, or say in its name what it is, as "
            f"in {name}:image or {name}:text"
        )
        raise DataError(msg)
    kind = next(iter(found))
    if not kind:
        _refuse_numbers(name, cells)
        return _texts(name, modality, lines, notes, missing_words)
    return _Column(name, modality, kind, inline=False)


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
    lines: Sequence[_Line],
    notes: list[str],
    missing_words: bool | None,
) -> _Column:
    """Return a column of texts, in which a word such as NaN may be a text."""
    cells = [str(line[name]).strip() for _, line in lines]
    count = sum(cell in WORDS for cell in cells)
    nan = cells.count("NaN")
    if missing_words is None and nan > 1:
        for _, line in lines:
            line[name] = None if str(line[name]).strip() == "NaN" else line[name]
        notes.append(
            f"{name}: {nan} cells 'NaN' are missing texts (missing_words=False reads them as texts)"
        )
    elif missing_words and count:
        notes.append(f"{name}: {counted(count, 'cell')} such as NaN or None are missing texts")
    return _Column(name, modality, "text", inline=True, words=bool(missing_words))


def _kind_of_path(cell: str) -> str:
    path = cell.strip().split("#t=")[0].split("#xywh=")[0]
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


def _read(file: Path, notes: list[str]) -> tuple[list[str], list[_Line], list[Fault]]:
    suffix = file.suffix.lower()
    if suffix == ".parquet":
        return _read_parquet(file)
    if suffix in {".jsonl", ".ndjson"}:
        header, lines, faults = read_json_lines(file)
        return header, [_Line(*line) for line in lines], faults
    return _read_csv(file, notes)


def _read_csv(file: Path, notes: list[str]) -> tuple[list[str], list[_Line], list[Fault]]:
    text = _text_of(file)
    first = text.partition("\n")[0]
    comma = DELIMITERS.get(file.suffix.lower(), ",")
    if comma not in first and ";" in first:  # as spreadsheets write it in half of Europe
        comma = ";"
    lines, faults, header, blank = list[_Line](), list[Fault](), list[str](), 0
    broken = dict[int, int]()  # rows with line breaks within quotes: their place, their first line
    for number, last, cells in _records(file, text, comma):
        where = f"{file.name}, line {number}"
        if not any(map(str.strip, cells)):
            blank += len(cells) > 1
        elif not header:
            header = [cell.strip() for cell in cells]
        elif len(cells) != len(header):
            what = f"has {len(cells)} cells, the header {len(header)}: put texts with {comma} in quotes"
            if last > number:
                what = (
                    f"has {len(cells)} cells, the header {len(header)}, and goes on to line {last}, "
                    "where a quote ends: write every quote within a text twice"
                )
            faults.append(Fault(where, what, cells[0].strip()))
        else:
            if last > number:
                broken[len(lines)] = number
            lines.append(_Line(where, dict(zip(header, cells, strict=True))))
    if blank:
        notes.append(f"{counted(blank, 'line')} of nothing but {comma!r} left out")
    lines, more = _without_swallowed(file, lines, broken, comma, notes)
    return header, lines, faults + more


def _text_of(file: Path) -> str:
    raw = file.read_bytes()
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in raw:
        msg = f"{str(file)!r} is UTF-16 or no text at all: save it as CSV in UTF-8"
        raise DataError(msg)
    try:
        return raw.decode("utf-8-sig")  # Excel puts a byte-order mark before the header
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        msg = f"{str(file)!r} is not UTF-8 in line {line}: save it as CSV in UTF-8"
        raise DataError(msg) from error


def _without_swallowed(
    file: Path, lines: list[_Line], broken: Mapping[int, int], comma: str, notes: list[str]
) -> tuple[list[_Line], list[Fault]]:
    """Leave out rows whose open quote swallows others, and name all of them; count other breaks."""
    labels = {
        line.cells.get("label", "").strip() for i, line in enumerate(lines) if i not in broken
    }
    found = {i: rows_within(lines[i].cells, n, labels, comma) for i, n in broken.items()}
    swallowing = {i: numbers for i, numbers in found.items() if numbers}
    faults = list[Fault]()
    for i, numbers in swallowing.items():
        told = f"a quote opens here and swallows line {numbers[0]}: close it, or write it twice"
        faults.append(Fault(lines[i].where, told))
        told = f"is a row within the quotes that open in line {broken[i]}: close them there"
        faults += [Fault(f"{file.name}, line {number}", told) for number in numbers]
    if len(broken) > len(swallowing):
        count = counted(len(broken) - len(swallowing), "row")
        notes.append(f"{count} with a line break within quotes")
    return [line for i, line in enumerate(lines) if i not in swallowing], faults


def _records(file: Path, text: str, comma: str) -> Iterator[tuple[int, int, list[str]]]:
    """Yield the lines that are not empty, each with the file's lines in which it begins and ends."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=comma, strict=True)
    begin = 1
    try:
        for cells in reader:
            if cells:
                yield begin, reader.line_num, cells
            begin = reader.line_num + 1
    except csv.Error as error:
        msg = f"{str(file)!r} is no CSV from line {begin} on ({error}): mend the quotes there"
        raise DataError(msg) from error


def _read_parquet(file: Path) -> tuple[list[str], list[_Line], list[Fault]]:
    need("pyarrow", "Parquet")
    from pyarrow import ArrowException, parquet

    try:
        table = parquet.read_table(file)
        rows = enumerate(table.to_pylist(), start=1)
    except (ArrowException, OSError, ValueError, OverflowError) as error:  # also text not in UTF-8
        msg = f"{str(file)!r} is no Parquet file that can be read ({error}): write it anew"
        raise DataError(msg) from error
    return table.column_names, [_Line(f"{file.name}, row {i}", cells) for i, cells in rows], []
