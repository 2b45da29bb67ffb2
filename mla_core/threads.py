"""How many threads compute: the same number everywhere, since sums depend on it."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch

# Sums depend on the number of threads, so it must not depend on the machine or on how a session
# is driven; small encoders gain nothing from more. MLA_LAB_THREADS=4 is for large ones.
THREADS = int(os.environ.get("MLA_LAB_THREADS", "1"))


@contextmanager
def compute_threads() -> Iterator[None]:
    """Compute with the same number of threads in every mode, and give the rest back."""
    before = torch.get_num_threads()
    if before == THREADS:
        yield
        return
    torch.set_num_threads(THREADS)
    try:
        yield
    finally:
        torch.set_num_threads(before)


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
