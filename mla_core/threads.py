"""How many threads compute: the same number everywhere; and how long Ctrl-C waits for one."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import torch

# Sums depend on the number of threads, so it must not depend on the machine or on how a session
# is driven; small encoders gain nothing from more. MLA_LAB_THREADS=4 is for large ones.
THREADS = int(os.environ.get("MLA_LAB_THREADS", "1"))


_at_work: list[int] = []  # the threads that compute just now


@contextmanager
def compute_threads() -> Iterator[None]:
    """Compute with the same number of threads in every mode, and give the rest back."""
    me, before = threading.get_ident(), torch.get_num_threads()
    _at_work.append(me)
    try:
        if before != THREADS:
            torch.set_num_threads(THREADS)
        yield
    finally:
        _at_work.remove(me)
        if before != THREADS:
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


_BLAS = threading.Lock()


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Let numpy compute on one thread.

    On small matrices, threads that fight with training for cores cost a hundredfold. The number is
    the process's, so that only one thread at a time may change it and put it back.
    """
    from threadpoolctl import threadpool_limits

    with _BLAS, threadpool_limits(1, user_api="blas"):
        yield


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
