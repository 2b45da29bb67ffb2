"""The status line: what the bench does, in words (`status.js`)."""

from __future__ import annotations

import time

import anywidget
import traitlets

from mla_core.records import History
from widgets.page.page import script, stylesheet
from widgets.page.words import listed

CALM_SECONDS = 5.0  # while training runs, a screen reader should be able to finish a sentence


class StatusLine(anywidget.AnyWidget):
    """One line of text in a live region, and the theme of the page it stands in.

    Attributes
    ----------
    text, state : str
    dark : bool
        Whether the page is dark, told by the browser.
    tick, tock : int
        The kernel counts its pictures, the page answers with the last one that it has drawn.
    """

    _esm = script("page/status")
    _css = stylesheet("page/status")
    text = traitlets.Unicode().tag(sync=True)
    state = traitlets.Unicode("ready").tag(sync=True)
    dark = traitlets.Bool(default_value=False).tag(sync=True)
    tick = traitlets.Int(0).tag(sync=True)
    tock = traitlets.Int(0).tag(sync=True)

    def say(self, state: str, text: str) -> None:
        """Show a sentence: at once when the state changes, else every few seconds."""
        now = time.monotonic()
        if state == self.state == "playing" and now - getattr(self, "_said_at", 0) < CALM_SECONDS:
            return
        self._said_at = now
        with self.hold_sync():
            self.state = state
            self.text = text


def describe(state: str, history: History, epochs: int, message: str = "") -> str:
    """Return one or two sentences that tell what the pictures show.

    Parameters
    ----------
    state : str
        Of the player.
    history : History
    epochs : int
        All epochs of the run.
    message : str
        What else must be said, for example why training failed.
    """
    said = f"{message.rstrip('.')}." if message else ""
    if not history.steps:
        hint = "press Play, or Step to train one modality once."
        told = f"Nothing trained yet{f': {hint}' if state == 'ready' else '.'}"
        return " ".join(filter(None, (said, told)))
    last = history.steps[-1]
    who = f"last trained: {last.modality}" if last.modality else "all modalities at once"
    told = f"{state.capitalize()}: epoch {last.epoch + 1} of {epochs}, sub-step {last.step + 1}, {who}."
    if history.summaries:
        look = history.summaries[-1]
        alone = listed(look.unimodal_accuracy, ".0%")
        told += f" Right on the probe set: fused {look.accuracy:.0%}; {alone}."
        if last.modality:  # joint training has neither
            weights = listed(look.mean_weight, ".2f")
            told += f" Mean weights: {weights}. Head plasticity {last.plasticity:.3f}."
    return " ".join(filter(None, (said, told)))
