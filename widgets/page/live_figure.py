"""A plotly figure that the kernel changes while a person looks at it (`live_figure.js`)."""

from __future__ import annotations

import asyncio
from typing import Any

import plotly
import plotly.graph_objects as go
import traitlets

from widgets.page.page import script, stylesheet
from widgets.page.spoken import Spoken
from widgets.page.style import CONFIG
from widgets.page.version_alone import version_alone

with version_alone("nbformat"):
    _ = go.FigureWidget  # loaded when it is first named


class LiveFigure(Spoken, go.FigureWidget):
    """plotly's widget, which shows what the kernel has sent even on a page that was slow to draw it.

    Write to it on one thread alone: that of the event loop, when one runs. Its traces may be changed
    as often as wanted, but not added or taken away once it is shown.

    Parameters
    ----------
    figure : Figure

    Notes
    -----
    plotly's own widget stays empty for good when a page takes more than two seconds to load plotly,
    does not show changes that were made before it was drawn, and keeps the width it was drawn with.
    """

    _esm = script("page/live_figure")
    _css = stylesheet("page/live_figure")
    _plotly_module = traitlets.Unicode().tag(sync=True)
    _plotly_version = traitlets.Unicode(plotly.__version__).tag(sync=True)
    _wanted = traitlets.Unicode("").tag(sync=True)  # the page's question for the figure ...
    _given = traitlets.Unicode("").tag(sync=True)  # ... which is answered with this

    def __init__(self, figure: go.Figure) -> None:
        super().__init__(figure)
        self._config = CONFIG | {"responsive": True}
        self._loop: asyncio.AbstractEventLoop | None
        try:
            self._loop = asyncio.get_running_loop()
        except RuntimeError:  # a cell that makes a figure and lets nothing run beside
            self._loop = None
        self.observe(self._asked, "_wanted")

    @traitlets.default("_plotly_module")
    def _read_module(self) -> str:
        return str(go.FigureWidget._esm)  # noqa: SLF001 - there is no public name for it

    def _asked(self, change: dict[str, Any]) -> None:
        if self._loop is None:
            self._give(change["new"])
        else:  # messages come on another thread
            self._loop.call_soon_threadsafe(self._give, change["new"])

    def _give(self, token: str) -> None:
        """Send the figure as it is; as plotly itself does when a figure is displayed."""
        with self.hold_sync():
            self._widget_layout = self.layout.to_plotly_json()
            self._widget_data = [trace.to_plotly_json() for trace in self.data]
            self._given = token
