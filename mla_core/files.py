"""Files and folders that other files may rely on: whole or not there."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from mla_core.errors import ConfigError, DataError


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
        msg = f"cannot write {str(path)!r}: {error.strerror or error}. Choose another place."
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
        When the file is missing, damaged, or holds something else.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        msg = f"{str(path)!r} is damaged ({error}): {cure}"
        raise DataError(msg) from error
    if not isinstance(values, dict):
        msg = f"{str(path)!r} is damaged (it holds no object): {cure}"
        raise DataError(msg)
    return values
