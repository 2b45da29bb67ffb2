"""What live widgets share: a task on the event loop, an inbox, a status line, a figure, an end."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from typing import Any

import ipywidgets as ipw
from IPython.display import display

from mla_core.language import tr
from widgets.page import per_cell
from widgets.page.closing import close
from widgets.page.inbox import Inbox
from widgets.page.status import StatusLine
from widgets.page.style import apply_theme

ANSWER_SECONDS = 3.0


class LiveWidget(ABC):
    """One task on the kernel's event loop does all the work, and alone writes what is seen.

    Callbacks only put something into `_inbox`. A subclass makes first what can fail, then its
    widgets with `view` around them, and calls `_open` last: a cell that fails or is interrupted
    before closes nothing of its earlier run, and leaves nothing half made to its next.

    Parameters
    ----------
    loop : AbstractEventLoop
        Of `notebook_loop`.
    height : int
        Of the figure, in pixels.
    """

    view: ipw.Widget

    def __init__(self, loop: asyncio.AbstractEventLoop, height: int) -> None:
        self._loop = loop
        self._inbox: Inbox[Any] = Inbox(loop)
        self._status = StatusLine()
        self._status.observe(lambda _: loop.call_soon_threadsafe(self._apply_theme), "dark")
        self._figure_box = ipw.VBox(layout={"min_height": f"{height}px"})
        self._task: asyncio.Task[None] | None = None

    def _open(self, *, part: bool = False) -> None:
        """Close what an earlier run of the cell opened, and begin.

        A part of something larger belongs to that, which closes it.
        """
        if not part:
            per_cell.register(self)
        self._task = self._loop.create_task(self._run())
        self._task.add_done_callback(self._ended)

    @abstractmethod
    async def _run(self) -> None:
        """Work until the task is cancelled."""

    def close(self) -> None:
        """Stop all work and remove every widget."""
        if self._task is not None:
            self._task.cancel()
        self._show_figure(None)
        for widget in [*_descendants(self.view), *self._loose()]:
            close(widget)

    def _loose(self) -> Iterable[ipw.Widget]:
        """Return the widgets that do not always stand in `view`."""
        return ()

    def _ipython_display_(self) -> None:
        display(self.view)

    def _show_figure(self, figure: ipw.Widget | None) -> None:
        """Put a figure in its place; the one that was there is closed when the page has answered it."""
        before = self._figure_box.children
        self._figure_box.children = () if figure is None else (figure,)
        for widget in before:
            # The page still answers the last update, which fails on a closed channel.
            if not self._loop.is_closed():
                self._loop.call_later(ANSWER_SECONDS, close, widget)

    def _apply_theme(self) -> None:
        for figure in self._figure_box.children:
            apply_theme(figure, dark=self._status.dark)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            fault = f"{type(error).__name__}: {error}"
            self._status.say("failed", tr("the interface failed: {fault}", fault=fault))


def _descendants(widget: ipw.Widget) -> Iterator[ipw.Widget]:
    yield widget
    for child in getattr(widget, "children", ()):
        yield from _descendants(child)
