"""How many threads compute: the same number everywhere; and how long Ctrl-C waits for one."""

from __future__ import annotations

import os
import re
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from types import FrameType
from typing import TypeVar

import torch

from mla_core.errors import ConfigError, quoted

T = TypeVar("T")

USUAL = 1  # small encoders gain nothing from more
# While a GPU's kernels are captured, no other thread may ask it for memory.
CAPTURING = threading.RLock()


@cache
def threads() -> int:
    """Return how many threads compute in this process: 1, or what ``MLA_LAB_THREADS`` says.

    Sums depend on their number, so it must not depend on the machine or on how a session is driven,
    and a run of another number has another name.

    Raises
    ------
    ConfigError
        When ``MLA_LAB_THREADS`` is no such number.
    """
    given = os.environ.get("MLA_LAB_THREADS", str(USUAL))
    if not re.fullmatch(r"[1-9][0-9]{0,2}", given):
        msg = f"MLA_LAB_THREADS must be a whole number from 1 to 999, not {quoted(given)}"
        raise ConfigError(msg)
    return int(given)


def named_threads() -> dict[str, int]:
    """Return what the name of a run says about threads: nothing where there is the usual one.

    Examples
    --------
    >>> named_threads()
    {}
    """
    return {} if threads() == USUAL else {"threads": threads()}


_at_work: list[int] = []  # the threads that compute just now


@contextmanager
def compute_threads() -> Iterator[None]:
    """Compute with the same number of threads in every mode, and give the rest back."""
    me, before = threading.get_ident(), torch.get_num_threads()
    _at_work.append(me)
    try:
        if before != threads():
            torch.set_num_threads(threads())
        yield
    finally:
        _at_work.remove(me)
        if before != threads():
            torch.set_num_threads(before)


def others_at_work() -> bool:
    """Whether another thread computes just now, which one that has time should let go first.

    Examples
    --------
    >>> with compute_threads():
    ...     others_at_work()
    False
    """
    return any(thread != threading.get_ident() for thread in tuple(_at_work))


def cores() -> int:
    """Return how many cores this process may use; MLA_LAB_CORES=1 means no more than one."""
    try:
        here = len(os.sched_getaffinity(0))
    except AttributeError:  # only Linux knows
        here = os.cpu_count() or 1
    return min(here, int(os.environ.get("MLA_LAB_CORES", here)))


@cache
def _helpers() -> ThreadPoolExecutor | None:
    """Return the threads that help the one that computes."""
    number = cores() // threads() - 1
    return ThreadPoolExecutor(number, thread_name_prefix="side-by-side") if number > 0 else None


if hasattr(os, "register_at_fork"):  # a forked process has none of them
    os.register_at_fork(after_in_child=_helpers.cache_clear)


def helped() -> bool:
    """Whether `side_by_side` has more than one core to use."""
    return _helpers() is not None


def side_by_side(tasks: Sequence[Callable[[], T]]) -> list[T]:
    """Return what independent tasks return, computed on as many cores as there are.

    Each computes with `threads` threads, so that its numbers do not depend on who computes it. All
    have ended when this returns or raises; of several errors the first task's is raised.

    Examples
    --------
    >>> side_by_side([lambda: 1, lambda: 2])
    [1, 2]
    """
    helpers = _helpers() if len(tasks) > 1 else None
    if helpers is None:
        return [task() for task in tasks]
    found: dict[int, T] = {}
    failed: dict[int, BaseException] = {}
    left = iter(range(len(tasks)))  # whoever is free takes the next

    def work() -> None:
        for i in left:
            try:
                found[i] = tasks[i]()
            except BaseException as error:  # noqa: BLE001 - raised below
                failed[i] = error

    def help_out() -> None:
        if torch.get_num_threads() != threads():
            torch.set_num_threads(threads())
        work()

    others = [helpers.submit(help_out) for _ in range(len(tasks) - 1)]
    try:
        work()
    finally:
        for other in others:
            other.cancel() or other.result()
    if failed:
        raise failed[min(failed)]
    return [found[i] for i in range(len(tasks))]


_blas = threading.RLock()
_blas_is_limited = False  # asked and changed by whoever holds the lock


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Let numpy compute on one thread.

    On small matrices, threads that fight for cores with training or with another process cost up to
    a hundredfold. The number is the process's, so that only one thread at a time may change it and
    put it back.
    """
    global _blas_is_limited  # noqa: PLW0603 - it is the process's
    from threadpoolctl import threadpool_limits

    with _blas:
        if _blas_is_limited:  # by this thread, and to ask again takes milliseconds
            yield
            return
        _blas_is_limited = True
        try:
            with threadpool_limits(1, user_api="blas"):
                yield
        finally:
            _blas_is_limited = False


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Let Ctrl-C wait until the end of the block; pressed twice, it does not wait.

    Only where Python's own answer to Ctrl-C is in force, and in the main thread, which alone is
    interrupted.

    Examples
    --------
    >>> with uninterrupted():
    ...     pair = ["both", "or neither"]
    """
    main = threading.current_thread() is threading.main_thread()
    if not main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    pressed = False

    def wait(number: int, frame: FrameType | None) -> None:
        nonlocal pressed
        if pressed:
            signal.default_int_handler(number, frame)
        pressed = True

    try:
        signal.signal(signal.SIGINT, wait)
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if pressed:
        raise KeyboardInterrupt
