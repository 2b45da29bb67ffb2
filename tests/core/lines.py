"""Between any two lines of the library something can happen: Ctrl-C, or another thread's turn."""

import linecache
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import mla_core

CORE = mla_core.__path__[0]


@contextmanager
def before_every_line(do: Callable[[], None], *parts: str) -> Iterator[None]:
    """Call `do` before every line of the core's files whose path contains one of `parts`.

    What it raises comes out of that line; then nothing is called any more. Lines with a ``with``
    are left out: tracing also stops there on the way out, where Python itself never interrupts.
    """
    before, busy = sys.gettrace(), False

    def line(frame: FrameType, event: str, arg: Any) -> Any:
        nonlocal busy
        source = linecache.getline(frame.f_code.co_filename, frame.f_lineno).lstrip()
        if event == "line" and not busy and not source.startswith("with "):
            busy = True
            try:
                do()
            finally:
                busy = False
        return line

    def call(frame: FrameType, event: str, arg: Any) -> Any:
        path = frame.f_code.co_filename
        mine = path.startswith(CORE) and any(part in path[len(CORE) :] for part in parts)
        return line if mine and not busy else None

    sys.settrace(call)
    try:
        yield
    finally:
        sys.settrace(before)


def count_lines(do: Callable[[], object], *parts: str) -> int:
    """Return how many lines `do` runs through."""
    lines = 0

    def count() -> None:
        nonlocal lines
        lines += 1

    with before_every_line(count, *parts):
        do()
    return lines


@contextmanager
def cut_off_before_line(number: int, *parts: str) -> Iterator[None]:
    """Raise `KeyboardInterrupt` before that line of the block, counted from 0, and catch it."""
    left = number

    def cut() -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise KeyboardInterrupt

    try:
        with before_every_line(cut, *parts):
            yield
    except KeyboardInterrupt:
        pass
