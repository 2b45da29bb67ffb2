"""A table as it was read from a CSV, Parquet or JSON Lines file: columns, and where each row stands."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mla_core.data.decoding import need
from mla_core.data.files.quotes import rows_within
from mla_core.data.samples import Fault, as_utf8, check_file
from mla_core.errors import DataError
from mla_core.outside import read_json_text
from mla_core.words import counted

DELIMITERS = {".csv": ",", ".tsv": "\t"}
Columns = Sequence[tuple[str, Sequence[Any]]]


@dataclass(frozen=True, eq=False)
class Table:
    """What a file says, column by column: a million rows are a few lists.

    Attributes
    ----------
    columns : sequence of (str, sequence)
        Names, of which none is left out when two are alike, and (N,) cells.
    where : sequence of str
        (N,) the file and the line of each row.
    faults : list of Fault
        Of lines that are no rows.
    """

    columns: Columns
    where: Sequence[str]
    faults: list[Fault]

    @property
    def read(self) -> int:
        """Lines that were read, good or bad."""
        return len(self.where) + len(self.faults)


def read_table(file: Path, notes: list[str]) -> Table:
    """Return what a file says; its name's ending tells how it is written.

    Raises
    ------
    DataError
        When it cannot be read, or is not in UTF-8.
    """
    suffix = file.suffix.lower()
    if suffix == ".parquet":
        return _read_parquet(file)
    if suffix in {".jsonl", ".ndjson"}:
        return _read_json_lines(file)
    return _read_csv(file, notes)


def _read_csv(file: Path, notes: list[str]) -> Table:
    text = _text_of(file)
    comma = _comma(file, io.StringIO(text, newline=None).readline())
    records = _records(file, text, comma)
    blank = 0
    header = list[str]()
    where, rows, faults = list[str](), list[list[str]](), list[Fault]()
    broken = dict[int, int]()  # rows with line breaks within quotes: their place, their first line
    for number, last, cells in records:
        if not "".join(cells).strip():
            blank += len(cells) > 1
        elif not header:
            header = [cell.strip() for cell in cells]
        elif len(cells) != len(header):
            what = f"has {len(cells)} cells, the header {len(header)}"
            what += (
                f", and goes on to line {last}, where a quote ends: write every quote within a text twice"
                if last > number
                else f": put texts with {comma} in quotes"
            )
            faults.append(Fault(f"{file.name}, line {number}", what, cells[0].strip()))
        else:
            if last > number:
                broken[len(rows)] = number
            where.append(f"{file.name}, line {number}")
            rows.append(cells)
    if blank:
        notes.append(f"{counted(blank, 'line')} of nothing but {comma!r} left out")
    swallowing = _swallowing(header, rows, broken, comma)
    faults += _told(file, where, broken, swallowing)
    if len(broken) > len(swallowing):
        count = counted(len(broken) - len(swallowing), "row")
        notes.append(f"{count} with a line break within quotes")
    if swallowing:
        kept = [i for i in range(len(rows)) if i not in swallowing]
        where, rows = [where[i] for i in kept], [rows[i] for i in kept]
    cells_of = list(zip(*rows, strict=True)) or [()] * len(header)
    return Table(list(zip(header, cells_of, strict=True)), where, faults)


def _comma(file: Path, header: str) -> str:
    """Return what stands between two cells: half of Europe's spreadsheets write ; in a .csv."""
    usual = DELIMITERS.get(file.suffix.lower(), ",")
    return max((usual, ",", ";", "\t"), key=header.count)  # the first of those that are as frequent


def _text_of(file: Path) -> str:
    try:
        check_file(file)
        return as_utf8(file.read_bytes())
    except DataError as error:
        msg = f"{str(file)!r} {error}"
        raise DataError(msg) from error


def _swallowing(
    header: Sequence[str], rows: Sequence[Sequence[str]], broken: Mapping[int, int], comma: str
) -> dict[int, list[int]]:
    """Return the rows whose open quote swallows others, with the lines of those."""
    if not broken or "label" not in header:
        return {}
    of_labels = header.index("label")
    labels = {cells[of_labels].strip() for i, cells in enumerate(rows) if i not in broken}
    found = {
        i: rows_within(dict(zip(header, rows[i], strict=True)), number, labels, comma)
        for i, number in broken.items()
    }
    return {i: numbers for i, numbers in found.items() if numbers}


def _told(
    file: Path,
    where: Sequence[str],
    broken: Mapping[int, int],
    swallowing: Mapping[int, Sequence[int]],
) -> Iterator[Fault]:
    """Yield the faults of rows that swallow others, and of those."""
    for i, numbers in swallowing.items():
        told = f"a quote opens here and swallows line {numbers[0]}: close it, or write it twice"
        yield Fault(where[i], told)
        told = f"is a row within the quotes that open in line {broken[i]}: close them there"
        for number in numbers:
            yield Fault(f"{file.name}, line {number}", told)


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


def _read_json_lines(file: Path) -> Table:
    """Return the rows of a file with one JSON object in each line; columns that it lacks are None."""
    where, rows, faults = list[str](), list[dict[str, Any]](), list[Fault]()
    for number, line in enumerate(_text_of(file).split("\n"), start=1):  # no other sign ends a line
        if not line.strip():
            continue
        here = f"{file.name}, line {number}"
        try:
            cells = read_json_text(line)
        except ValueError as error:
            faults.append(Fault(here, f"is not one JSON object ({error}): mend it, or take it out"))
            continue
        if isinstance(cells, dict):
            where.append(here)
            rows.append(cells)
        else:
            what = f"is not one JSON object, but {line[:40]!r}: mend it, or take it out"
            faults.append(Fault(here, what))
    header = dict.fromkeys(name for cells in rows for name in cells)
    return Table([(name, [cells.get(name) for cells in rows]) for name in header], where, faults)


def _read_parquet(file: Path) -> Table:
    need("pyarrow", "Parquet")
    from pyarrow import ArrowException, parquet

    try:
        table = parquet.read_table(file)
        columns = [
            (name, column.to_pylist())
            for name, column in zip(table.column_names, table.columns, strict=True)
        ]
    except (ArrowException, OSError, ValueError, OverflowError) as error:  # also text not in UTF-8
        msg = f"{str(file)!r} is no Parquet file that can be read ({error}): write it anew"
        raise DataError(msg) from error
    return Table(columns, [f"{file.name}, row {i + 1}" for i in range(table.num_rows)], [])
