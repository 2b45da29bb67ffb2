"""Runs beside each other."""

from widgets.runs.browser import RunBrowser

__all__ = [
    "RunBrowser",
]
