"""One set of live widgets per notebook cell: running the cell again closes those of before."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Protocol

import ipywidgets as ipw
from IPython.core.getipython import get_ipython

from widgets.page.anchor import Anchor


class Closable(Protocol):
    """What can be closed, twice as well as once."""

    def close(self) -> None:
        """Stop all work and remove every widget."""


_open: dict[str, tuple[str, list[Closable]]] = {}  # cell -> which run of it, what that run opened


def register(widget: Closable) -> None:
    """Note that the running cell opened `widget`; close what an earlier run of it opened.

    Several widgets of one run stand beside each other. Outside a notebook there is nothing to
    note. Call it last: a cell that fails or is interrupted before closes nothing, and what is noted
    is whole, so that the cell's next run can close it.

    Parameters
    ----------
    widget : Closable

    Examples
    --------
    >>> class Bell:
    ...     def close(self):
    ...         print("closed")
    >>> register(Bell())  # in a notebook, its cell's next run prints "closed"
    """
    where = running_cell()
    if where is None:
        return
    cell, run = where
    if _open.get(cell, (run, []))[0] != run:
        with ExitStack() as closing:  # all of them, even when one fails
            for before in _open.pop(cell)[1]:
                closing.callback(before.close)
    _open.setdefault(cell, (run, []))[1].append(widget)
    view = getattr(widget, "view", widget)
    if isinstance(view, ipw.Widget):
        Anchor(view, cell)


def running_cell() -> tuple[str, str] | None:
    """Return the running cell, as far as the front end tells it, and this run; None elsewhere."""
    kernel = getattr(get_ipython(), "kernel", None)
    if kernel is None:
        return None
    parent = kernel.get_parent()
    run = str(parent.get("header", {}).get("msg_id", kernel.execution_count))
    return str(parent.get("metadata", {}).get("cellId") or f"run {run}"), run
