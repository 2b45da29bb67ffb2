"""One page of a run: no kernel, no network."""

from widgets.export.write import export_run, export_session

__all__ = ["export_run", "export_session"]
