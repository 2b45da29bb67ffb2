"""A manifest from a CSV or Parquet file: one line per sample, one column per modality."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mla_core.data.decoding import DECODERS, KIND_OF_SUFFIX, need
from mla_core.data.files.manifest import Manifest, Row
from mla_core.data.samples import Fault, Source, file_source
from mla_core.errors import DataError

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


def read_manifest(path: str | Path, root: str | Path = "") -> Manifest:
    r"""Return what a manifest says; files are found, but not read.

    Parameters
    ----------
    path : str or Path
        A table with the columns ``id`` and ``label``, perhaps ``split`` (train, val, test) and
        ``group`` (such as the speaker), and one column per modality with a path (or with the text
        or the numbers themselves). An empty cell is a missing part. The files' endings tell the
        kind of a column; its header may, too: ``caption:text``, ``frames:video``.
    root : str or Path
        Where paths begin, and beyond which none may lead; empty means the manifest's folder.

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
    folder = Path(root) if str(root) else file.parent
    if not folder.is_dir():
        msg = f"there is no folder {str(root)!r}: set `root` to where the manifest's paths begin"
        raise DataError(msg)
    header, lines, faults = (
        _read_parquet(file) if file.suffix.lower() == ".parquet" else _read_csv(file)
    )
    _check_header(file, header)
    columns = [_column(name, lines) for name in header if name not in RESERVED]
    rows = []
    for where, cells in lines:
        known = {name: str(cells.get(name) or "").strip() for name in RESERVED}
        parts, bad = {}, 0
        for column in columns:
            cell = cells[column.name]
            if _is_empty(cell):
                continue
            try:
                parts[column.modality] = _source(column, cell, where, folder)
            except DataError as error:
                called = f"{where}, {str(cell)[:80]}"
                faults.append(Fault(called, str(error), known["id"], column.modality))
                bad += 1
        if parts or not bad:  # a sample that lost its every part was named already
            rows.append(Row(where=where, parts=parts, **known))
    kinds = {column.modality: column.kind for column in columns}
    name = file.resolve().parent.name if file.stem == "manifest" else file.stem
    return Manifest(name, kinds, tuple(rows), tuple(faults))


def _source(column: _Column, cell: Any, where: str, folder: Path) -> Source:
    if isinstance(cell, str) and not column.inline:
        return file_source(folder, cell.strip(), f"{where}, {cell.strip()}")
    if isinstance(cell, dict):  # as Hugging Face's data sets store a file
        cell = cell.get("bytes")
    content = cell if isinstance(cell, str | bytes) else np.asarray(cell)
    return Source(f"{where}, {column.name}", content)


def _column(name: str, lines: Sequence[_Line]) -> _Column:
    """Return what a column holds, from its header or from its cells."""
    modality, _, kind = name.partition(":")
    cells = [(where, line[name]) for where, line in lines if not _is_empty(line[name])]
    if not cells:
        msg = f"the column {name!r} is empty: fill it, or take it out"
        raise DataError(msg)
    text = all(isinstance(cell, str) for _, cell in cells)
    if kind:
        if kind not in DECODERS:
            msg = f"the column {name!r} asks for the kind {kind!r}: choose among {list(DECODERS)}"
            raise DataError(msg)
        return _Column(name, modality, kind, inline=kind == "text" or not text)
    if not text:
        nested = {np.ndim(cell) for _, cell in cells if isinstance(cell, list)}
        kind = {frozenset({1}): "vector", frozenset({2}): "series"}.get(frozenset(nested), "")
        if not kind or not all(isinstance(cell, list) for _, cell in cells):
            msg = (
                f"the column {name!r} holds {type(cells[0][1]).__name__}: say what it is in its "
                f"name, as in {name}:image, or store lists of numbers"
            )
            raise DataError(msg)
        return _Column(name, modality, kind, inline=True)
    found = {_kind_of_path(cell): (where, cell) for where, cell in cells}
    if len(found) > 1:
        told = "; ".join(f"{where}: {cell[:40]!r}" for where, cell in list(found.values())[:2])
        msg = (
            f"the column {name!r} mixes kinds ({told}): mend it, or say in its name what it is, as "
            f"in {name}:image or {name}:text"
        )
        raise DataError(msg)
    kind = next(iter(found))
    if not kind and all(re.fullmatch(r"[-+\d.,eE]+", cell.strip()) for _, cell in cells):
        msg = (
            f"the column {name!r} holds numbers: keep them as vectors in .npy files or in Parquet, "
            f"or name it {name}:text to read them as texts"
        )
        raise DataError(msg)
    return _Column(name, modality, kind or "text", inline=not kind)


def _kind_of_path(cell: str) -> str:
    path = cell.strip().split("#t=")[0].split("#xywh=")[0]
    return "video" if path.endswith("/") else KIND_OF_SUFFIX.get(Path(path).suffix.lower(), "")


def _is_empty(cell: Any) -> bool:
    return cell is None or (isinstance(cell, str) and not cell.strip())


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


def _read_csv(file: Path) -> tuple[list[str], list[_Line], list[Fault]]:
    raw = file.read_bytes()
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in raw:
        msg = f"{str(file)!r} is UTF-16 or no text at all: save it as CSV in UTF-8"
        raise DataError(msg)
    try:
        text = raw.decode("utf-8-sig")  # Excel puts a byte-order mark before the header
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        msg = f"{str(file)!r} is not UTF-8 in line {line}: save it as CSV in UTF-8"
        raise DataError(msg) from error
    first = text.partition("\n")[0]
    comma = DELIMITERS.get(file.suffix.lower(), ",")
    if comma not in first and ";" in first:  # as spreadsheets write it in half of Europe
        comma = ";"
    lines, faults, header = list[_Line](), list[Fault](), list[str]()
    for number, cells in _records(file, text, comma):
        where = f"{file.name}, line {number}"
        if not header:
            header = [cell.strip() for cell in cells]
        elif len(cells) != len(header):
            what = f"has {len(cells)} cells, the header {len(header)}: put texts with {comma} in quotes"
            faults.append(Fault(where, what, cells[0].strip()))
        else:
            lines.append(_Line(where, dict(zip(header, cells, strict=True))))
    return header, lines, faults


def _records(file: Path, text: str, comma: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the lines that are not blank, each with the number of the file's line it begins in."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=comma, strict=True)
    begin = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield begin, cells
            begin = reader.line_num + 1
    except csv.Error as error:
        msg = f"{str(file)!r} is no CSV from line {begin} on ({error}): mend the quotes there"
        raise DataError(msg) from error


def _read_parquet(file: Path) -> tuple[list[str], list[_Line], list[Fault]]:
    need("pyarrow", "Parquet")
    from pyarrow import ArrowException, parquet

    try:
        table = parquet.read_table(file)
    except (ArrowException, OSError) as error:
        msg = f"{str(file)!r} is no Parquet file that can be read ({error}): write it anew"
        raise DataError(msg) from error
    rows = enumerate(table.to_pylist(), start=1)
    return table.column_names, [_Line(f"{file.name}, row {i}", cells) for i, cells in rows], []
