"""The journal of a run: what it writes down while it trains, so that others can follow it.

A file of JSON lines: first what the run is, then every sub-step and every look at the probe set. It
only grows, and a line counts once it has its end, so it can be read at any time, whatever ended its
writer. A run that goes on from a checkpoint puts another journal in its place, and so does one whose
journal has become too long: it begins with what the history has kept.
"""

from __future__ import annotations

import json
import math
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from mla_core.errors import DataError, quoted
from mla_core.files import written_whole
from mla_core.outside import MOST, read_json_text
from mla_core.records.history import History, StepRecord, Summary

JOURNAL = "journal.jsonl"
SECONDS = 1.0  # from one writing to the next, unless somebody asks for it
LONGEST = 16 * 2**20  # bytes; a history keeps records for about 2 of them
MOST_AT_ONCE = 64 * 2**20  # bytes that a reader takes in

_NO_NUMBERS = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}  # JSON has no words for these


@dataclass(frozen=True)
class About:
    """What the charts of a run need to know beside its records.

    Attributes
    ----------
    modalities, classes : tuple of str
        M and C names.
    total : int
        Sub-steps of the whole run.
    """

    modalities: tuple[str, ...]
    classes: tuple[str, ...]
    total: int


class Journal:
    """Writes the journal of a run, at most once a second.

    Parameters
    ----------
    folder : Path
    about : About
    history : History
        What has happened so far.

    Attributes
    ----------
    folder : Path
    """

    def __init__(self, folder: Path, about: About, history: History) -> None:
        self.folder = folder
        self._path = folder / JOURNAL
        self._about = about
        self._records: list[StepRecord] = []  # not written yet
        self._begin(history)

    def add(self, records: Sequence[StepRecord]) -> bool:
        """Note new sub-steps; return whether it is time to write them."""
        self._records += records
        return time.monotonic() - self._written >= SECONDS

    def write(self, history: History) -> None:
        """Write the sub-steps that were noted, and the looks of a history that are new."""
        if self._size > LONGEST:
            self._begin(history)
            return
        lines = b"".join([*map(_sub_step, self._records), *self._new_looks(history)])
        with self._path.open("ab") as file:
            file.write(lines)
        self._went(history, self._size + len(lines))

    def _begin(self, history: History) -> None:
        about = {"journal": secrets.token_hex(8), **vars(self._about)}  # never the same twice
        self._look = -1
        steps = map(_sub_step, history.steps)
        lines = b"".join([_line("run", about), *steps, *self._new_looks(history)])
        with written_whole(self._path) as beside:
            beside.write_bytes(lines)
        self._went(history, len(lines))

    def _went(self, history: History, size: int) -> None:
        self._records, self._size, self._written = [], size, time.monotonic()
        self._look = history.summaries.indices[-1] if history.summaries else -1

    def _new_looks(self, history: History) -> Iterator[bytes]:
        for index, summary in zip(history.summaries.indices, history.summaries, strict=True):
            if index > self._look:
                yield _line("look", {"index": index, **vars(summary)})


class JournalReader:
    """Reads a journal as it grows.

    Parameters
    ----------
    folder : Path
        Where the run trains.

    Attributes
    ----------
    folder : Path
    about : About or None
        None as long as there is no journal.
    history : History
        Another one after each reading, so that nobody's changes under their eyes.

    Examples
    --------
    >>> folder, history = getfixture("tmp_path"), History()
    >>> journal = Journal(folder, About(("image", "audio"), ("cat", "dog"), 100), history)
    >>> journal.add([StepRecord(0, 0, "image", 64, 2.3, 0.1, 1.0, 0.9)])
    False
    >>> journal.write(history)
    >>> reader = JournalReader(folder)
    >>> reader.read(), reader.about.modalities, reader.history.steps[0].loss
    (True, ('image', 'audio'), 2.3)
    >>> reader.read()
    False
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._path = folder / JOURNAL
        self._first = b""  # by its first line one knows a journal from another
        self._offset = 0
        self.about: About | None = None
        self.history = History()

    def read(self) -> bool:
        """Take in what has been written since; return whether there was anything.

        Raises
        ------
        DataError
            For a line that is not what a run writes; what stands before it has been taken in.
        """
        try:
            with self._path.open("rb") as file:
                first = file.readline(MOST_AT_ONCE)
                fresh = first != self._first
                file.seek(len(first) if fresh else self._offset)
                whole, end, _ = file.read(MOST_AT_ONCE).rpartition(b"\n")
        except (FileNotFoundError, NotADirectoryError):
            return False
        if not first.endswith(b"\n"):
            return False
        try:
            if fresh or self.about is None:
                self.about = _about(first)
                self.history, self._first, self._offset = History(), first, len(first)
            self._take(whole.split(b"\n") if end else [], self.about)
        except (ValueError, msgspec.ValidationError) as error:
            msg = f"{str(self._path)!r} is damaged ({error}): what stands before that is shown"
            raise DataError(msg) from error
        return fresh or bool(end)

    def _take(self, lines: Sequence[bytes], about: About) -> None:
        history = self.history.copy()
        try:
            for line in lines:
                _note(line, history, about)
                self._offset += len(line) + 1
        finally:
            self.history = history


def _line(kind: str, values: Mapping[str, Any]) -> bytes:
    try:
        told = json.dumps({kind: values}, allow_nan=False)
    except ValueError:
        told = json.dumps({kind: _in_words(values)}, allow_nan=False)
    return f"{told}\n".encode()


def _sub_step(record: StepRecord) -> bytes:
    return _line("sub_step", vars(record))


def _about(line: bytes) -> About:
    _, values = _parsed(line, "run")
    about: About = msgspec.convert(values, About)
    return about


def _note(line: bytes, history: History, about: About) -> None:
    """Add what a line tells of to a history."""
    kind, values = _parsed(line, "sub_step", "look")
    if kind == "sub_step":
        modality = {"modality": values.get("modality")}  # even if it is called "nan"
        record = msgspec.convert(_in_numbers(values) | modality, StepRecord)
        last = history.steps[-1].step if history.steps else -1
        if not last < record.step <= MOST or not 1 <= record.sub_steps <= record.step + 1:
            msg = f"sub-step {quoted(record.step)} cannot stand after {last}"
            raise ValueError(msg)
        history.add(record)
        return
    index, known = values.get("index"), history.summaries.indices
    if type(index) is not int or not (known[-1] if known else -1) < index <= MOST:
        msg = f"its looks must be numbered, rising from 0, not {quoted(index)}"
        raise ValueError(msg)
    summary = msgspec.convert(_in_numbers(values), Summary)
    each = (summary.unimodal_accuracy, summary.mean_weight, summary.weight_quantiles)
    if any(set(one) != set(about.modalities) for one in each):
        msg = f"a look must tell of the modalities {list(about.modalities)}"
        raise ValueError(msg)
    history.summaries.put(index, summary)


def _parsed(line: bytes, *kinds: str) -> tuple[str, dict[str, Any]]:
    """Return the one record of a line, which is of one of these kinds."""
    told = read_json_text(line)
    kind = next(iter(told)) if isinstance(told, dict) and len(told) == 1 else ""
    if kind not in kinds or not isinstance(told[kind], dict):
        msg = f"a line must hold one record, of {' or '.join(kinds)}"
        raise ValueError(msg)
    return kind, told[kind]


def _in_words(value: Any) -> Any:
    """Return a value with texts in place of numbers that JSON does not know."""
    if isinstance(value, Mapping):
        return {key: _in_words(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_in_words(inner) for inner in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _in_numbers(value: Any) -> Any:
    """Take back what `_in_words` gave."""
    if isinstance(value, dict):
        return {key: _in_numbers(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_in_numbers(inner) for inner in value]
    return _NO_NUMBERS.get(value, value) if isinstance(value, str) else value
