"""What lies at a path: a file that can be read, or something that only looks like one."""

from __future__ import annotations

import stat
from pathlib import Path

from mla_core.errors import DataError

POINTER = b"version https://git-lfs.github.com/spec/"  # how a git-lfs pointer begins
SMALL = 1024  # bytes: a pointer is never larger


def check_file(path: Path) -> None:
    """Raise `DataError`, whose sentence goes on from the file's name, unless it can be read.

    What would wait for ever, such as a pipe, is not opened.

    Examples
    --------
    >>> path = getfixture("tmp_path") / "a.wav"
    >>> _ = path.write_bytes(POINTER + b"v1")
    >>> check_file(path)
    Traceback (most recent call last):
    mla_core.errors.DataError: is a git-lfs pointer, not the file itself: run `git lfs pull` ...
    """
    try:
        state = path.stat()
        if not stat.S_ISREG(state.st_mode):
            what = "a folder" if stat.S_ISDIR(state.st_mode) else "a pipe or a device"
            msg = f"is {what}, not a file: name a file, or leave the cell empty"
            raise DataError(msg)
        if state.st_size < SMALL and path.read_bytes().startswith(POINTER):
            msg = (
                "is a git-lfs pointer, not the file itself: run `git lfs pull` in the folder that "
                "was cloned"
            )
            raise DataError(msg)
    except OSError as error:
        msg = f"cannot be read ({error.strerror or error}): is it there, and may you read it?"
        raise DataError(msg) from error


def as_utf8(raw: bytes) -> str:
    r"""Return a file's text, less the byte-order mark that spreadsheets put before it.

    Raises
    ------
    DataError
        When it is in another encoding, in a sentence that goes on from the file's name. None is
        guessed: a byte that is an e with an accent in one is a Cyrillic letter in another.

    Examples
    --------
    >>> as_utf8("tsee\nol\xe9".encode("cp1252"))
    Traceback (most recent call last):
    mla_core.errors.DataError: is not UTF-8 in line 2 (byte 0xe9, which is 'é' in Windows-1252): ...
    """
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in raw:
        msg = "is UTF-16 or no text at all: save it in UTF-8"
        raise DataError(msg)
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line, byte = raw[: error.start].count(b"\n") + 1, raw[error.start : error.start + 1]
        sign = byte.decode("cp1252", errors="replace")
        msg = (
            f"is not UTF-8 in line {line} (byte {byte[0]:#04x}, which is {sign!r} in Windows-1252): "
            "save it in UTF-8"
        )
        raise DataError(msg) from error


def is_hidden(path: Path) -> bool:
    """Return whether a file or folder is none of the data: ``.DS_Store``, ``._clip.wav``.

    Examples
    --------
    >>> [name for name in ("._a.png", "a.png", "__MACOSX") if is_hidden(Path(name))]
    ['._a.png', '__MACOSX']
    """
    return path.name.startswith(".") or path.name in {"__MACOSX", "Thumbs.db"}


def files_below(folder: Path) -> list[Path]:
    """Return the files and folders below a folder, sorted, less hidden ones and what these hold."""
    found = []
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if not is_hidden(path):
            found.append(path)
            if path.is_dir() and not path.is_symlink():  # a link may lead to itself
                found += files_below(path)
    return found
