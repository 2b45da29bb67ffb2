"""Files become rows of one array on disk, once: several processes may ask at the same time.

A column lies in a folder of its own, named by a hash of the files' names, sizes and times and of
what the preparation was told. It is filled beside, under a lock, and renamed when it is whole. What
was cut off goes on: rows that were made for the same modality and whose digest fits are kept. What
stands in a finished folder is compared with its digests when it is read.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from mla_core.data.decoding import Decoder, Looked
from mla_core.data.samples import DIGEST, ArrayOnDisk, Modality, Source, row_digest
from mla_core.errors import ConfigError, DataError, MissingPackageError
from mla_core.files import check_writable, read_json, remove, write_json
from mla_core.progress import bar, stream

WORKERS = 2  # threads: the libraries that read media let go of Python's lock
CHUNK = 128  # rows that are in memory at once
FORM = 2  # of the folders; to be raised when what was kept before must not be read
PIECE = 8  # rows that a thread takes at a time: to hand over one costs more than to read a text

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class PreparedColumn:
    """One modality's samples on disk.

    Attributes
    ----------
    modality : Modality or None
        None when not one source could be read.
    array : ArrayOnDisk or None
        (K, ...): one row for each of K sources.
    digests : ndarray
        (K, DIGEST) uint8.
    faults : dict of int to str
        Which rows could not be read, and why.
    notes : tuple of str
        What else a person must know, such as how many texts were cut.
    """

    modality: Modality | None
    array: ArrayOnDisk | None
    digests: NDArray[np.uint8]
    faults: dict[int, str]
    notes: tuple[str, ...]


def default_cache() -> Path:
    """Return where columns are kept: ``MLA_LAB_CACHE``, or a folder in the user's cache."""
    if chosen := os.environ.get("MLA_LAB_CACHE"):
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mla-lab"


def prepare_column(
    name: str, sources: Sequence[Source], decoder: Decoder, cache: Path, *, skip_bad: bool = False
) -> PreparedColumn:
    """Return the column of these sources, prepared now if it is not on disk yet.

    Parameters
    ----------
    name : str
        Of the modality.
    sources : sequence of Source
        K sources.
    decoder : Decoder
    cache : Path
        Where columns are kept; it need not be writable when the column is there already.
    skip_bad : bool
        Whether a column with faults counts as finished. Otherwise they are tried again next time.

    Raises
    ------
    DataError
        When the folder cannot be written, or the disk has too little room.
    """
    told = {"form": FORM, **decoder.options()}
    key = hashlib.sha256(json.dumps(told, sort_keys=True).encode())
    for source in sources:
        key.update(source.name().encode() + b"\0")
    folder = cache / f"{decoder.kind}-{key.hexdigest()[:24]}"
    if not folder.is_dir():
        try:
            check_writable(cache)
        except ConfigError as error:
            msg = f"prepared data cannot be kept ({error}) Set `cache`, or MLA_LAB_CACHE."
            raise DataError(msg) from error
        with _alone(folder, name):
            if not folder.is_dir():  # the process that held the lock has just finished it
                partial = folder.with_name(f".{folder.name}.partial")
                partial.mkdir(exist_ok=True)
                faults = _fill(partial, name, sources, decoder)
                if faults and not skip_bad:
                    return PreparedColumn(None, None, np.zeros((0, DIGEST), np.uint8), faults, ())
                partial.rename(folder)
    return _open(folder, name)


@contextmanager
def _alone(folder: Path, name: str) -> Iterator[None]:
    """Hold the folder's lock; say so when another process holds it."""
    from filelock import FileLock, Timeout

    lock = FileLock(folder.with_name(f".{folder.name}.lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        print(f"another process is preparing {name!r}: waiting for it", file=stream())
        lock.acquire(poll_interval=0.2)
    try:
        yield
    finally:
        lock.release()


def _open(folder: Path, name: str) -> PreparedColumn:
    try:
        about = json.loads((folder / "column.json").read_text(encoding="utf-8"))
        if about.pop("sum", "") != _sum(about):
            msg = "'column.json' is not what was written there"
            raise ValueError(msg)  # noqa: TRY301 - one message for everything that can be wrong
        known = about["modality"]
        digests, array, modality = np.zeros((0, DIGEST), np.uint8), None, None
        if known:
            modality = Modality(name, **(known | {"shape": tuple(known["shape"])}))
            digests = _load_digests(folder)
            array = ArrayOnDisk.open(folder / "rows.npy", digests)
            whole = (len(digests), *modality.shape), about["dtype"]
            if (
                _sum_of(digests) != about["digests"]
                or (array.array.shape, array.array.dtype) != whole
            ):
                msg = "'digests.npy' or the head of 'rows.npy' is not what was written there"
                raise ValueError(msg)  # noqa: TRY301 - the same
    except Exception as error:  # NumPy raises anything when a file is damaged
        msg = f"the prepared data in {str(folder)!r} is damaged: remove that folder ({error})"
        raise DataError(msg) from error
    faults = {int(row): what for row, what in about["faults"].items()}
    alike = _alike(name, np.delete(digests, list(faults), axis=0)) if modality else ()
    return PreparedColumn(modality, array, digests, faults, (*about["notes"], *alike))


def _alike(name: str, digests: NDArray[np.uint8]) -> tuple[str, ...]:
    """Return a note when all samples are the same, such as silence or black pictures."""
    if len(digests) < 2 or (digests != digests[0]).any():
        return ()
    return (f"{name}: all {len(digests)} samples are alike, so it tells nothing about the classes",)


def _fill(folder: Path, name: str, sources: Sequence[Source], decoder: Decoder) -> dict[int, str]:
    """Look at all sources, settle on a shape, decode those not there yet; return the faults."""
    with _pool() as pool:
        looked, faults = look_at(sources, decoder, pool, f"looking at {name}")
        about: dict[str, Any] = {"modality": None, "notes": []}
        if looked:
            modality = decoder.modality(name, list(looked.values()))
            known = {key: getattr(modality, key) for key in _STORED}
            notes = decoder.notes(modality, list(looked.values()))
            about = {"modality": known, "notes": notes}
            if not _made_for(folder, known):
                remove(folder / _SEALS)  # first of all, so that no row of another vocabulary counts
            write_json(folder / "column.json", about)
            rows = _Rows(folder, (len(sources), *modality.shape), np.dtype(decoder.dtype))
            try:
                faults |= rows.fill(sources, list(looked), decoder, modality, pool)
            finally:
                rows.close()
            about["dtype"] = np.dtype(decoder.dtype).str
            about["digests"] = _sum_of(_load_digests(folder))
    about["faults"] = {str(row): what for row, what in faults.items()}
    write_json(folder / "column.json", about | {"sum": _sum(about)})
    return faults


def _sum(about: dict[str, Any]) -> str:
    """Return the checksum of what is known of a column."""
    return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()


def _sum_of(digests: NDArray[np.uint8]) -> str:
    """Return the checksum of the digests of all rows."""
    return hashlib.sha256(f"{digests.shape}".encode() + digests.tobytes()).hexdigest()


def _made_for(folder: Path, known: dict[str, Any]) -> bool:
    """Whether the rows in a folder, as far as there are any, are of this very modality."""
    try:
        about = read_json(folder / "column.json", "it is made anew")
    except DataError:
        return False
    return bool(about.get("modality") == json.loads(json.dumps(known)))


def _load_digests(folder: Path) -> NDArray[np.uint8]:
    return np.asarray(np.load(folder / _SEALS, allow_pickle=False))


_SEALS = "digests.npy"
_STORED = ("kind", "shape", "vocabulary", "vocabulary_size", "note")


def look_at(
    sources: Sequence[Source], decoder: Decoder, pool: ThreadPoolExecutor, what: str
) -> tuple[dict[int, Looked], dict[int, str]]:
    """Return what the head of every source tells, and what is wrong with the others, by row."""

    def look(row: int) -> Looked | str:
        return attempt(lambda: decoder.look(sources[row]))

    looked: dict[int, Looked] = {}
    faults: dict[int, str] = {}
    for row, one in enumerate(_map(pool, look, sources, range(len(sources)), what)):
        if isinstance(one, str):
            faults[row] = one
        else:
            looked[row] = one
    return looked, faults


def attempt(action: Callable[[], T]) -> T | str:
    """Return what `action` does, or why the file does not let it."""
    try:
        return action()
    except (MissingPackageError, ConfigError):  # no file's fault
        raise
    except DataError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 - libraries raise anything when a file is damaged
        return f"cannot be read ({type(error).__name__}: {error}): copy or export it anew"


@contextmanager
def _pool() -> Iterator[ThreadPoolExecutor]:
    """Give threads in which torch does not start threads of its own."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    pool = ThreadPoolExecutor(WORKERS)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)
        torch.set_num_threads(before)


def _map(
    pool: ThreadPoolExecutor,
    work: Callable[[int], T],
    sources: Sequence[Source],
    rows: Iterable[int],
    what: str,
) -> Iterator[T]:
    """Work on rows a chunk at a time, so that only so many results are in memory; show a bar.

    Texts that are in memory already leave nothing to wait for: no thread takes them.
    """
    todo = list(rows)
    at_hand = all(isinstance(sources[row].content, str) for row in todo)
    size = CHUNK if at_hand else PIECE
    over: Callable[..., Iterator[list[T]]] = map if at_hand else pool.map
    with bar(desc=what, total=len(todo), unit="file", delay=1.0, leave=False) as shown:
        for start in range(0, len(todo), CHUNK):
            chunk = todo[start : start + CHUNK]
            pieces = [chunk[i : i + size] for i in range(0, len(chunk), size)]
            for results in over(lambda piece: [work(row) for row in piece], pieces):
                yield from results
                shown.update(len(results))


class _Rows:
    """An array file (.npy) that is filled row by row; written rather than mapped, to stay small.

    Parameters
    ----------
    folder : Path
    shape : tuple of int
        (K, ...).
    dtype : dtype
    """

    def __init__(self, folder: Path, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        path, seals, mapped = folder / "rows.npy", folder / _SEALS, np.lib.format.open_memmap
        self._size = int(np.prod(shape[1:])) * dtype.itemsize
        of_seals = (shape[0], DIGEST), np.dtype(np.uint8)
        if _header(path) != (shape, dtype) or _header(seals) != of_seals:
            remove(seals)
            _check_room(folder, shape[0] * self._size)
            mapped(path, "w+", dtype, shape)
            np.save(seals, np.zeros(*of_seals))  # not mapped: on a full disk that would crash later
        # Each is written in its place: of rows that a kill took from the buffer it does not fit.
        self._mapped = mapped(seals, "r+")
        self._digests = np.asarray(self._mapped)  # the same memory, reached without a detour
        self._offset = path.stat().st_size - shape[0] * self._size
        self._file = path.open("r+b")

    def fill(
        self,
        sources: Sequence[Source],
        rows: Sequence[int],
        decoder: Decoder,
        modality: Modality,
        pool: ThreadPoolExecutor,
    ) -> dict[int, str]:
        """Decode the sources of `rows`; return which could not be decoded, and why."""
        todo = [row for row in rows if not self._is_there(row)]

        def work(row: int) -> bytes | str:
            return attempt(lambda: decoder.row(sources[row], modality))

        faults = {}
        done = _map(pool, work, sources, todo, f"preparing {modality.name}")
        for row, result in zip(todo, done, strict=True):
            if isinstance(result, str):
                faults[row] = result
                continue
            self._file.seek(self._offset + row * self._size)
            self._file.write(result)
            self._digests[row] = row_digest(result)
        return faults

    def close(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._mapped.flush()
        del self._digests, self._mapped  # and with them the mapping

    def _is_there(self, row: int) -> bool:
        if not self._digests[row].any():
            return False
        self._file.seek(self._offset + row * self._size)
        return bool((row_digest(self._file.read(self._size)) == self._digests[row]).all())


def _header(path: Path) -> tuple[tuple[int, ...], np.dtype[Any]] | None:
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception:  # noqa: BLE001 - the same
        return None
    return array.shape, array.dtype


def _check_room(folder: Path, size: int) -> None:
    free = shutil.disk_usage(folder).free
    if size > free:
        msg = (
            f"the prepared data needs {size / 2**30:.1f} GiB, but {str(folder.parent)!r} has "
            f"{free / 2**30:.1f} GiB left: set `cache`, or make it smaller with `prepare`"
        )
        raise DataError(msg)
