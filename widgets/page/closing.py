"""Widgets leave nothing behind."""

from __future__ import annotations

import ipywidgets as ipw


def close(widget: ipw.Widget) -> None:
    """Close a widget with its layout and style, which it would leave behind."""
    for part in (getattr(widget, "layout", None), getattr(widget, "style", None), widget):
        if isinstance(part, ipw.Widget):
            part.close()
