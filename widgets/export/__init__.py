"""One page of a run: no kernel, no network."""

from widgets.export.write import LIMIT, export_run, export_session

__all__ = [
    "LIMIT",
    "export_run",
    "export_session",
]
