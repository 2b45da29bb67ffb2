"""What the adapters share: their loader, a root that is there, files by name, texts as they come."""

from __future__ import annotations

import codecs
import contextlib
import csv
import functools
import importlib
import inspect
import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import replace
from pathlib import Path
from re import Pattern
from typing import Any, NamedTuple

from mla_core.data.dataset import MultimodalDataset
from mla_core.data.decoding import Preparation
from mla_core.data.files import Manifest, load_rows
from mla_core.data.samples import Fault, Source, check_file, files_below
from mla_core.errors import DataError, one_of
from mla_core.outside import path_of
from mla_core.words import counted

# Name -> the function that reads its layout; its module also has the loader.
ADAPTERS = {
    "cremad": "read_cremad",
    "kinetics_sounds": "read_kinetics_sounds",
    "food101": "read_food101",
    "mvsa": "read_mvsa",
    "iemocap": "read_iemocap",
    "fsdd_mnist": "read_fsdd_mnist",
}

_ANY = re.compile("")


def reader(name: str) -> Callable[..., Manifest]:
    """Return the function from a root (and a split's name) to a manifest."""
    one_of("data set", name, ADAPTERS)
    module = importlib.import_module(f"mla_core.data.adapters.{name}")
    found: Callable[..., Manifest] = getattr(module, ADAPTERS[name])
    return found


def preparation_of(name: str, given: Mapping[str, Any] | None) -> Preparation:
    """Return how a data set is prepared: by default as the paper's, some have their own."""
    Preparation.of(given)  # what was given must be one by itself
    module = importlib.import_module(f"mla_core.data.adapters.{name}")
    return Preparation.of({**getattr(module, "PREPARE", {}), **(given or {})})


def loader_of(
    read: Callable[..., Manifest], *, note: str = "", **defaults: Any
) -> Callable[..., MultimodalDataset]:
    """Return the loader of a layout, which takes what the loaders of all layouts take.

    Parameters
    ----------
    read : callable
        ``(root, split)`` to a manifest; its default split and its docstring become the loader's.
    note : str
        What a person must know about the whole.
    **defaults
        Of `Preparation`, where they are not the paper's.
    """
    usual = inspect.signature(read).parameters["split"].default

    def load(
        root: str = "",
        *,
        split: str = usual,
        prepare: Mapping[str, Any] | None = None,
        skip_bad: bool = False,
        cache: str = "",
    ) -> MultimodalDataset:
        preparation = Preparation.of({**defaults, **(prepare or {})})
        manifest = read(root, split)
        return MultimodalDataset.of(
            load_rows(manifest, preparation, skip_bad=skip_bad, cache=cache, note=note)
        )

    load.__doc__ = read.__doc__
    return load


_OTHERS: ContextVar[dict[str, None] | None] = ContextVar("lines that are not UTF-8", default=None)


def tells_encodings(read: Callable[..., Manifest]) -> Callable[..., Manifest]:
    """Make a function to a manifest note how many lines it took for Windows-1252, and the first."""

    @functools.wraps(read)
    def noting(*args: Any, **options: Any) -> Manifest:
        others = dict[str, None]()  # each once, however often it is read
        token = _OTHERS.set(others)
        try:
            manifest = read(*args, **options)
        finally:
            _OTHERS.reset(token)
        if not others:
            return manifest
        what = counted(len(others), "line that is", "lines that are")
        note = f"{what} not UTF-8 taken for Windows-1252, the first {next(iter(others))}"
        return replace(manifest, notes=(*manifest.notes, note))

    return noting


def root_of(name: str, root: str, *needed: str) -> Path:
    """Return the folder `root`, in which at least one of the `needed` must be.

    Raises
    ------
    DataError
        When it is not there, with what it should hold.
    """
    folder = path_of(f"`root` of data set {name!r}", root)
    holds = " or ".join(needed)
    if not root or not folder.is_dir():
        msg = f"data set {name!r}: there is no folder {root!r}: set `root` to the one with {holds}"
        raise DataError(msg)
    if not any(any(folder.glob(pattern)) for pattern in needed):
        there = ", ".join(sorted(path.name for path in folder.iterdir())[:5]) or "nothing"
        msg = f"data set {name!r}: {root!r} holds {there}, but not {holds}: is it the right folder?"
        raise DataError(msg)
    return folder


def by_stem(folder: Path, *suffixes: str, notes: list[str]) -> dict[str, Path]:
    """Return the files below a folder by their stem; hidden ones, such as ``._x``, are no files.

    Of several that are called alike the first counts, and a note tells the others.
    """
    found, others = dict[str, Path](), list[tuple[Path, Path]]()
    for path in files_below(folder):
        if path.suffix.lower() not in suffixes or path.is_dir():
            continue
        if (first := found.setdefault(path.stem, path)) != path:
            others.append((path, first))
    tell_others(others, notes)
    return found


def tell_others(pairs: Sequence[tuple[Path, Path]], notes: list[str]) -> None:
    """Add a note about files that are not read, each with the one that is read in its place."""
    if pairs:
        other, first = pairs[0]
        what = counted(len(pairs), "file is", "files are")
        notes.append(f"{what} called as another, and not read: {other}, as {first}")


def text_part(path: Path, where: str, sample: str, faults: list[Fault]) -> dict[str, Source]:
    """Return the text of a file as the part `text`; nothing when it is empty or becomes a fault."""
    try:
        text = " ".join(read_lines(path)).strip()
    except DataError as error:
        faults.append(Fault(where, str(error), sample, "text"))
        text = ""
    return {"text": Source(where, text)} if text else {}


class Line(NamedTuple):
    """A line of a table: where it stands, its cells, and whether a quote in it never closes."""

    where: str
    cells: list[str]
    open_quote: bool = False


def read_lines(path: Path) -> list[str]:
    """Return a text file's lines, each in UTF-8, or else in Windows-1252.

    Only the characters that end a line in a file do so: a form feed or U+2028 is part of a text.

    Raises
    ------
    DataError
        When the file is not there, no text, or in UTF-16.
    """
    try:
        check_file(path)
    except DataError as error:
        msg = f"{str(path)!r} {error}"
        raise DataError(msg) from error
    raw = path.read_bytes()
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in raw:
        msg = f"{str(path)!r} is UTF-16 or no text at all: save it in UTF-8"
        raise DataError(msg)
    lines = raw.removeprefix(codecs.BOM_UTF8).splitlines()
    return [_decoded(line, path, number) for number, line in enumerate(lines, start=1)]


def _decoded(line: bytes, path: Path, number: int) -> str:
    with contextlib.suppress(UnicodeDecodeError):
        return line.decode()
    if (others := _OTHERS.get()) is not None:
        others[f"{path}, line {number}"] = None
    with contextlib.suppress(UnicodeDecodeError):
        return line.decode("cp1252")
    return line.decode("latin-1")  # five bytes mean nothing in Windows-1252


def read_table(path: Path, begins: Pattern[str] = _ANY) -> Iterator[Line]:
    """Yield the records of a CSV file that are not blank, one for each line that `begins` one.

    Parameters
    ----------
    path : Path
    begins : pattern
        Matches a line that begins a record. A quoted text goes on in the lines that do not; where
        its quote never closes before the next record, each line stands for itself.
    """
    lines = read_lines(path)
    starts = [k for k, line in enumerate(lines) if begins.match(line)]
    after = dict(itertools.pairwise([*starts, len(lines)]))
    k = 0
    while k < len(lines):
        cells, used = _record(lines[k : after.get(k, k + 1)])
        if any(cell.strip() for cell in cells):
            yield Line(f"{path.name}, line {k + 1}", cells, open_quote=not used)
        k += used or 1


def _record(lines: Sequence[str]) -> tuple[list[str], int]:
    """Return the cells of the first record and how many lines it takes; 0: a quote stays open."""
    reader = csv.reader([*(f"{line}\n" for line in lines), ""])
    try:
        cells = next(reader)
    except csv.Error:  # a cell is longer than the library reads
        return lines[0].split(","), 0
    if reader.line_num > len(lines):
        return lines[0].split(","), 0
    return cells, reader.line_num


def missing(found: int, wanted: int, what: str) -> tuple[str, ...]:
    """Return a note when something was not found."""
    return (f"{wanted - found} of {wanted} {what} are not on this disk",) if found < wanted else ()
