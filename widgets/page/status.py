"""The status line: what a live widget does, in words (`status.js`)."""

from __future__ import annotations

import time

import anywidget
import traitlets

from widgets.page.page import script, stylesheet

CALM_SECONDS = 5.0  # while work goes on, a screen reader should be able to finish a sentence


class StatusLine(anywidget.AnyWidget):
    """One line of text, the same in a live region, and the theme of the page it stands in.

    Attributes
    ----------
    text, state : str
        What is seen: always of now.
    said : str
        What a screen reader says: the text, but calmly while work goes on.
    dark : bool
        Whether the page is dark, told by the browser.
    tick, tock : int
        The kernel counts its pictures, the page answers with the last one that it has drawn.
    """

    _esm = script("page/dom", "page/status")
    _css = stylesheet("page/status")
    text = traitlets.Unicode().tag(sync=True)
    said = traitlets.Unicode().tag(sync=True)
    state = traitlets.Unicode("ready").tag(sync=True)
    dark = traitlets.Bool(default_value=False).tag(sync=True)
    tick = traitlets.Int(0).tag(sync=True)
    tock = traitlets.Int(0).tag(sync=True)

    def say(self, state: str, text: str) -> None:
        """Show a sentence; say it at once when the state changes, else every few seconds."""
        now = time.monotonic()
        goes_on = state == self.state == "playing"
        with self.hold_sync():
            self.text = text
            if not goes_on or now - getattr(self, "_said_at", 0) >= CALM_SECONDS:
                self._said_at = now
                self.said = text
            self.state = state
