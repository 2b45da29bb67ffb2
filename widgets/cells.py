"""One bench per notebook cell: running the cell again closes what it showed before."""

from __future__ import annotations

from typing import Protocol

from IPython.core.getipython import get_ipython


class Closable(Protocol):
    """Whatever lives in a cell and can be closed."""

    def close(self) -> None:
        """Stop all work and remove every widget."""


_open: dict[str, Closable] = {}


def take_cell(owner: Closable) -> None:
    """Close what the running cell showed before, and remember what it shows now."""
    cell = _cell_id()
    if (before := _open.pop(cell, None)) is not None:
        before.close()
    _open[cell] = owner


def _cell_id() -> str:
    """Return the id of the notebook cell that runs, as far as the front end tells it."""
    kernel = getattr(get_ipython(), "kernel", None)
    if kernel is None:
        return ""
    told = kernel.get_parent().get("metadata", {}).get("cellId")
    return str(told or f"execution {kernel.execution_count}")
