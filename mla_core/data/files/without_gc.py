"""Work on very many rows at once, which Python need not look through for what refers to itself."""

from __future__ import annotations

import functools
import gc
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


def without_gc(function: Callable[P, R]) -> Callable[P, R]:
    """Return the function such that no search for circles of objects interrupts it.

    Rows never are one, and of a table of 100,000 the search was two fifths of the time to read it.
    """

    @functools.wraps(function)
    def quiet(*args: P.args, **kwargs: P.kwargs) -> R:
        before = gc.isenabled()
        gc.disable()
        try:
            return function(*args, **kwargs)
        finally:
            if before:
                gc.enable()

    return quiet
