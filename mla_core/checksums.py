"""What a folder held when it was finished: a checksum of each file, beside them.

The list has the form that ``sha256sum --check SHA256SUMS`` reads. A folder without one was written by
an earlier version; nothing in it can be compared.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from mla_core.errors import DataError
from mla_core.files import check_is_file, json_object, read_json_bytes, written_whole

SUMS = "SHA256SUMS"

# A checksum and a name that leads neither out of the folder nor to what is hidden in it.
_LINE = re.compile(r"^([0-9a-f]{64})  (?![/.])(?!.*/\.)([^\0\n]+)\n", re.MULTILINE)


def seal(folder: Path) -> None:
    """Note the checksum of every file in a folder and below it; hidden ones do not count.

    Examples
    --------
    >>> folder = getfixture("tmp_path")
    >>> _ = (folder / "numbers.txt").write_text("1 2 3")
    >>> seal(folder)
    >>> check_seal(folder, "make it anew")
    >>> _ = (folder / "numbers.txt").write_text("1 2 4")
    >>> check_seal(folder, "make it anew")
    Traceback (most recent call last):
    mla_core.errors.DataError: '...numbers.txt' is not what was written there ...: make it anew
    """
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))
    lines = [
        f"{_sum_of(folder / name)}  {name}\n"
        for name in names
        if (folder / name).is_file() and name != SUMS and not _is_hidden(name)
    ]
    with written_whole(folder / SUMS) as beside:
        beside.write_text("".join(lines), encoding="utf-8")


def is_sealed_whole(folder: Path) -> bool:
    """Whether a folder is sealed and no file of it is missing; what they hold is not looked at."""
    if not (folder / SUMS).is_file():
        return False
    return all((folder / name).is_file() for name in _noted(folder, "make it anew") or ())


def check_seal(folder: Path, cure: str) -> None:
    """Raise `DataError` when a file of a sealed folder is missing or holds something else.

    Parameters
    ----------
    folder : Path
    cure : str
        How the sentence ends: what to do about it.
    """
    for name in _noted(folder, cure) or ():
        check_sum(folder, name, cure)


def check_sum(folder: Path, name: str, cure: str) -> None:
    """Raise `DataError` when one file of a sealed folder is missing or holds something else."""
    if (sums := _noted(folder, cure)) is not None:
        path = folder / name
        check_is_file(path, cure)
        _compare(path, sums.get(name), _sum_of(path), cure)


def read_sealed_json(folder: Path, files: Iterable[Path], cure: str) -> Iterator[dict[str, Any]]:
    """Yield the objects in JSON files of a folder, those that were written there.

    Every file is read once: folders of thousands of runs are looked through while somebody waits.

    Parameters
    ----------
    folder : Path
    files : iterable of Path
        They lie in the folder itself, and are there when they are named.
    cure : str
        As in `check_seal`.

    Raises
    ------
    DataError
        As `check_sum` and `mla_core.files.read_json`.
    """
    sums = _noted(folder, cure)
    for path in files:
        content = read_json_bytes(path, cure)
        if sums is not None:
            _compare(path, sums.get(path.name), hashlib.sha256(content).hexdigest(), cure)
        yield json_object(content, path, cure)


def _compare(path: Path, known: str | None, now: str, cure: str) -> None:
    if known != now:
        what = "is not among the files that were" if known is None else "is not what was"
        msg = f"{str(path)!r} {what} written there (see {SUMS} beside it): {cure}"
        raise DataError(msg)


def _noted(folder: Path, cure: str) -> dict[str, str] | None:
    """Return the checksum of each file, by its name; None of a folder that is not sealed."""
    path = folder / SUMS
    if not path.is_file():
        if not path.exists():
            return None
        check_is_file(path, cure)
    try:
        text = path.read_bytes().decode("utf-8")
    except (OSError, ValueError) as error:
        msg = f"{str(path)!r} is damaged ({error}): {cure}"
        raise DataError(msg) from error
    text = text.replace("\r\n", "\n").replace("\r", "\n")  # from another system
    sums = {name: known for known, name in _LINE.findall(text)}
    if (text and text[-1] != "\n") or len(sums) < text.count("\n"):
        msg = f"{str(path)!r} is damaged (it is no list of checksums): {cure}"
        raise DataError(msg)
    return sums


def _sum_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is_hidden(name: str) -> bool:
    return any(part.startswith(".") for part in name.split("/"))
