"""One part of one sample, not yet read: a file or a piece of one, a text, or numbers."""

from __future__ import annotations

import hashlib
import io
import os
import re
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mla_core.data.samples.on_disk import check_file, is_hidden
from mla_core.errors import DataError

Content = Path | bytes | str | NDArray[Any]

# A piece of a file, as in W3C's Media Fragments URI: "talk.avi#t=6.2,8.4&xywh=percent:0,0,50,100".
_FRAGMENT = re.compile(
    r"#(?:t=(?P<start>\d+(?:\.\d+)?),(?P<stop>\d+(?:\.\d+)?))?"
    r"&?(?:xywh=percent:(?P<box>\d+(?:\.\d+)?(?:,\d+(?:\.\d+)?){3}))?$"
)


class Source(NamedTuple):
    """One part of one sample, not yet read.

    Attributes
    ----------
    where : str
        How a message calls it: the manifest's line and the file.
    content : Path, bytes, str or ndarray, or a function that returns one of them
        A file or folder, the bytes of a file, a text, or numbers.
    key : str
        Tells its content from any other's without reading it; made from `content` when empty.
    start, stop : float or None
        In seconds, of a sound or video: only this piece of it.
    box : tuple of float, optional
        x, y, width and height in percent, of an image or video: only this region of it.
    """

    where: str
    content: Content | Callable[[], Content]
    key: str = ""
    start: float = 0.0
    stop: float | None = None
    box: tuple[float, ...] | None = None

    @property
    def whole(self) -> bool:
        """Whether no piece in time was asked for."""
        return self.start == 0 and self.stop is None

    def read(self) -> Content:
        """Return the content; of a file or folder, its path.

        Raises
        ------
        DataError
            When what lies there cannot be read.
        """
        content = self.content() if callable(self.content) else self.content
        if isinstance(content, Path) and not content.is_dir():
            check_file(content)
        return content

    def stream(self) -> str | io.BytesIO:
        """Return what libraries for media open: a file's name, or its bytes.

        Raises
        ------
        DataError
            When it is neither.
        """
        content = self.read()
        if isinstance(content, Path):
            check_file(content)
            return str(content)
        if isinstance(content, bytes):
            return io.BytesIO(content)
        msg = f"is {type(content).__name__}, not a file"
        raise DataError(msg)

    def open(self) -> BinaryIO:
        """Return the file, opened to be read."""
        stream = self.stream()
        return Path(stream).open("rb") if isinstance(stream, str) else stream

    def name(self) -> str:
        """Return a text that changes with the content: of a file, with its size and time."""
        piece = f"{self.start} {self.stop} {self.box}"
        content = self.content
        if self.key or callable(content):
            return f"{self.key} {piece}"
        if isinstance(content, Path):
            return f"{content} {_state(content)} {piece}"
        if isinstance(content, np.ndarray):
            kind, raw = f"{content.dtype.str} {content.shape}", content.tobytes()
        else:
            kind = type(content).__name__
            raw = content.encode(errors="surrogatepass") if isinstance(content, str) else content
        return f"{kind} {hashlib.sha256(raw).hexdigest()} {piece}"


def _state(path: Path) -> str:
    """Return the size and time of a file, or of all files of a folder; empty when it is gone."""
    try:
        state = path.stat()
        states = [(path.name, state)]
        if stat.S_ISDIR(state.st_mode):
            inside = sorted(file for file in path.iterdir() if not is_hidden(file))
            states = [(file.name, file.stat()) for file in inside] or states
    except OSError:
        return ""
    return str([(name, state.st_size, state.st_mtime_ns) for name, state in states])


class Enclosure:
    """A folder beyond which no path leads; while it lives, it remembers where its folders really are.

    Parameters
    ----------
    root : Path

    Examples
    --------
    >>> enclosure = Enclosure(getfixture("tmp_path"))
    >>> enclosure.follow("a/b.png").name
    'b.png'
    >>> enclosure.follow("../b.png") is None
    True
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._real = root.resolve()
        self._folders: dict[str, tuple[Path, bool]] = {}

    def holds(self, path: Path) -> bool:
        """Whether a path that was followed lies in it."""
        return path.is_relative_to(self._real)

    def follow(self, name: str) -> Path | None:
        """Return where a path in it leads to, whether or not anything is there; None if outside.

        Raises
        ------
        OSError, RuntimeError, ValueError
            When it leads nowhere: a loop of links, or a NUL byte.
        """
        folder, last = os.path.split(os.path.join(self.root, name))  # noqa: PTH118 - a million times
        if last not in {"", ".", ".."}:
            if folder not in self._folders:
                real = Path(folder).resolve()
                self._folders[folder] = real, self.holds(real)
            real, within = self._folders[folder]
            path = real / last
            if not path.is_symlink():
                return path if within or path == self._real else None
        path = (self.root / name).resolve()
        return path if self.holds(path) else None


def file_source(enclosure: Enclosure, cell: str, where: str) -> Source:
    """Return the source that a cell of a manifest names.

    Parameters
    ----------
    enclosure : Enclosure
        Files must lie in this folder, wherever links lead.
    cell : str
        A path in it, of a file or of a folder of frames, at its end perhaps ``#t=start,stop`` (seconds) and
        ``&xywh=percent:x,y,width,height``.
    where : str

    Raises
    ------
    DataError
        When there is no such file, or when it lies outside the folder.

    Examples
    --------
    >>> folder = getfixture("tmp_path")
    >>> _ = (folder / "talk.wav").write_bytes(b"")
    >>> file_source(Enclosure(folder), "talk.wav#t=1.5,2", "line 2").start
    1.5
    >>> file_source(Enclosure(folder), "../passwords.txt", "line 3")
    Traceback (most recent call last):
    mla_core.errors.DataError: leads outside the folder ...
    """
    root, name, start, stop, box = enclosure.root, cell, 0.0, None, None
    found = _FRAGMENT.search(cell)
    if found is not None and not (root / cell).exists():
        name = cell[: found.start()]
        if found["stop"]:
            start, stop = float(found["start"]), float(found["stop"])
        box = tuple(map(float, found["box"].split(","))) if found["box"] else None
    try:
        path = enclosure.follow(name)
    except (OSError, RuntimeError, ValueError) as error:  # a loop of links, or a NUL byte
        msg = f"cannot be followed ({error}): is it a link that leads to itself?"
        raise DataError(msg) from error
    if path is None:
        msg = f"leads outside the folder {str(root)!r}: move it there, or name another `root`"
        raise DataError(msg)
    for frame in path.iterdir() if path.is_dir() else ():
        if frame.is_symlink() and not enclosure.holds(frame.resolve()):
            msg = f"holds {frame.name!r}, a link that leads outside {str(root)!r}: copy it there"
            raise DataError(msg)
    if not path.exists():
        hint = "write paths with / instead of \\" if "\\" in name else "mend the path"
        msg = f"there is no such file in {str(root)!r}: {hint}, or leave the cell empty"
        raise DataError(msg)
    if stop is not None and stop <= start:
        msg = f"the piece from {start} to {stop} s is empty: write #t=start,stop"
        raise DataError(msg)
    return Source(where, path, start=start, stop=stop, box=box)
