"""Files and folders that other files may rely on: whole or not there."""

from __future__ import annotations

import errno
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from mla_core.errors import ConfigError, DataError
from mla_core.outside import read_json_text

NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}
MOST_JSON = 64 * 2**20  # bytes of a file that is read as JSON


def check_writable(folder: Path) -> None:
    """Raise `ConfigError` unless files can be made in `folder`, which is made when missing."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        msg = f"cannot write to the folder {str(folder)!r}: {error.strerror}. Choose another one."
        raise ConfigError(msg) from error


@contextmanager
def no_room_told(folder: Path) -> Iterator[None]:
    """Raise `ConfigError` in place of what anybody meets who writes to a disk that is full.

    Parameters
    ----------
    folder : Path
        Where all that is written goes.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        msg = (
            f"cannot write to the folder {str(folder)!r}: {error.strerror}. Make room, and the same "
            "command goes on, or choose another one."
        )
        raise ConfigError(msg) from error


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Give a place to write a file or a folder, which becomes `path` when all went well.

    So `path` is whole or not there at all, even if this process ends meanwhile: then something
    hidden is left beside it. Of an attempt that failed nothing is left.

    Parameters
    ----------
    path : Path
        The folders above it are made when missing. A file that is there is replaced; a folder must
        not be there.

    Yields
    ------
    Path
        Beside `path`, hidden, with the same ending; nothing is there yet.

    Raises
    ------
    ConfigError
        When it cannot be written.

    Examples
    --------
    >>> path = getfixture("tmp_path") / "numbers.txt"
    >>> with written_whole(path) as beside:
    ...     _ = beside.write_text("1 2 3")
    ...     path.exists()
    False
    >>> path.read_text()
    '1 2 3'
    """
    beside = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        remove(beside)  # of a killed process that had the same number
        yield beside
        beside.replace(path)
    except OSError as error:
        msg = f"cannot write {str(path)!r}: {error.strerror or error}. Make room, or choose another place."
        raise ConfigError(msg) from error
    finally:
        with suppress(OSError):
            remove(beside)


def remove(path: Path) -> None:
    """Remove a file, or a folder and all that is in it; it need not be there.

    A folder is taken out of sight first, so that it is whole or not there at all.
    """
    if not path.is_dir() or path.is_symlink():
        path.unlink(missing_ok=True)
        return
    hidden = path
    if not path.name.startswith("."):
        hidden = path.with_name(f".{path.name}.removed")
        shutil.rmtree(hidden, ignore_errors=True)
        path.rename(hidden)
    shutil.rmtree(hidden)


def write_json(path: Path, values: Any) -> None:
    """Write a file that is whole or not there at all, even if this process ends meanwhile."""
    with written_whole(path) as beside:
        text = json.dumps(values, indent=2, allow_nan=False)
        beside.write_text(text + "\n", encoding="utf-8")


def read_json(path: Path, cure: str) -> dict[str, Any]:
    """Read an object from a JSON file.

    Parameters
    ----------
    path : Path
    cure : str
        How the sentence ends when it cannot be read: what to do about it.

    Raises
    ------
    DataError
        When the file is missing, damaged, or holds something else: also NaN, numbers beyond all
        bounds, and a name twice, of which one would be dropped.
    """
    check_is_file(path, cure)
    return json_object(read_json_bytes(path, cure), path, cure)


def read_json_bytes(path: Path, cure: str) -> bytes:
    """Return what a JSON file holds that is there, as it is; raises `DataError` as `read_json`."""
    try:
        return bytes_of_json(path)
    except (OSError, ValueError) as error:
        msg = f"{str(path)!r} is damaged ({error}): {cure}"
        raise DataError(msg) from error


def bytes_of_json(path: Path) -> bytes:
    """Read a file; raises `ValueError` for one that is too large to be JSON that we wrote."""
    with path.open("rb", buffering=0) as file:
        if (size := os.fstat(file.fileno()).st_size) > MOST_JSON:
            msg = f"it has {size / 1e6:.0f} MB, more than {MOST_JSON / 1e6:.0f}"
            raise ValueError(msg)
        return file.read()


def json_object(content: bytes, path: Path, cure: str) -> dict[str, Any]:
    """Return the object that the content of a JSON file stands for; raises as `read_json`."""
    try:
        values = read_json_text(content)
    except ValueError as error:
        msg = f"{str(path)!r} is damaged ({error}): {cure}"
        raise DataError(msg) from error
    if not isinstance(values, dict):
        msg = f"{str(path)!r} is damaged (it holds no object): {cure}"
        raise DataError(msg)
    return values


def check_is_file(path: Path, cure: str) -> None:
    """Raise `DataError` unless a file is there: one that waits for a writer would never be read."""
    if not path.is_file():
        what = f"{str(path)!r} is no file" if path.exists() else f"there is no {str(path)!r}"
        msg = f"{what}: {cure}"
        raise DataError(msg)
