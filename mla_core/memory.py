"""Memory that is used again and again stays with the process."""

from __future__ import annotations

import ctypes
import os
from functools import cache

LARGEST = 32 << 20  # bytes; glibc maps what is larger anew each time, whatever one says
KEPT = 1 << 30  # bytes that may lie free before some are given back

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # as <malloc.h> has them


@cache
def keep_memory() -> bool:
    """Let glibc keep the memory of large tensors for the next ones; return whether it does now.

    By default it maps every block of more than a few hundred kB anew and gives it back at once. A
    sub-step on large inputs then spends a quarter of its time in the kernel, on pages that are
    given, cleared and taken away. Where another library allocates, or the environment says how
    glibc should, nothing happens. The price: up to `KEPT` bytes stay with the process.
    """
    asked = ("GLIBC_TUNABLES", "MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_")
    if any(name in os.environ for name in asked):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):  # not glibc
        return False
    return bool(mallopt(_MMAP_THRESHOLD, LARGEST)) and bool(mallopt(_TRIM_THRESHOLD, KEPT))
