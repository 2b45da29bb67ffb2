"""Ties a live view to its notebook: reloads of the page, and kernels that are gone (`anchor.js`)."""

from __future__ import annotations

import asyncio
import contextlib

import anywidget
import ipywidgets as ipw
import traitlets

from widgets.page.closing import close
from widgets.page.glossary import as_script
from widgets.page.page import asset
from widgets.page.spoken import Spoken

SCRIPTS = ("page/language.js", "page/hear.js", "page/terms.js", "page/anchor.js")


class Anchor(Spoken, anywidget.AnyWidget):
    """Brings a view back into its cell after a reload of the page, and tells when its kernel is gone.

    It is shown nowhere, and ends with its view. It also brings the glossary (`terms.js`).

    Parameters
    ----------
    view : Widget
        What the cell shows.
    cell : str
        The cell's id.

    Attributes
    ----------
    seen : bool
        Whether a page knew it before: the one that asks now was reloaded.
    asked, answered : int
        The page counts its questions whether anybody is there; the event loop answers.

    Examples
    --------
    >>> view = ipw.VBox()
    >>> anchor = Anchor(view, "cell")
    >>> view.close()
    >>> anchor.comm is None
    True
    """

    _esm = traitlets.Unicode().tag(sync=True)
    view = traitlets.Unicode().tag(sync=True)
    cell = traitlets.Unicode().tag(sync=True)
    seen = traitlets.Bool(default_value=False).tag(sync=True)
    asked = traitlets.Int(0).tag(sync=True)
    answered = traitlets.Int(0).tag(sync=True)

    def __init__(self, view: ipw.Widget, cell: str) -> None:
        super().__init__(view=view.model_id, cell=cell)
        view.observe(lambda _: close(self), "comm")
        with contextlib.suppress(RuntimeError):  # no loop, and so no page
            loop = asyncio.get_running_loop()
            # The message may be heard in another thread, while a cell keeps the loop busy.
            self.observe(lambda _: loop.call_soon_threadsafe(self._answer), "asked")

    @traitlets.default("_esm")
    def _script(self) -> str:
        return as_script() + "".join(map(asset, SCRIPTS))

    def _answer(self) -> None:
        self.answered = self.asked
