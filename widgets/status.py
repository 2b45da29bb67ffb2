"""The status line: what the bench does, in words (`static/status.js`)."""

from __future__ import annotations

import time
from pathlib import Path

import anywidget
import traitlets

from mla_core.history import History

STATIC = Path(__file__).parent / "static"
CALM_SECONDS = 1.0  # while training runs, a screen reader should be able to finish a sentence


class StatusLine(anywidget.AnyWidget):
    """One line of text in a live region, and the theme of the page it stands in.

    Attributes
    ----------
    text, state : str
    dark : bool
        Whether the page is dark, told by the browser.
    """

    _esm = STATIC / "status.js"
    _css = STATIC / "status.css"
    text = traitlets.Unicode().tag(sync=True)
    state = traitlets.Unicode("ready").tag(sync=True)
    dark = traitlets.Bool(default_value=False).tag(sync=True)

    def say(self, state: str, text: str) -> None:
        """Show a sentence: at once when the state changes, else at most once a second."""
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
    if not history.steps:
        done = "Nothing trained yet: press Play, or Step to train one modality once."
        return " ".join(filter(None, (message, done)))
    last = history.steps[-1]
    who = f"last trained: {last.modality}" if last.modality else "all modalities at once"
    parts = [
        f"{state.capitalize()}: epoch {last.epoch + 1} of {epochs}, sub-step {last.step + 1}, {who}."
    ]
    if history.summaries:
        look = history.summaries[-1]
        alone = ", ".join(f"{m} {a:.0%}" for m, a in look.unimodal_accuracy.items())
        weights = ", ".join(f"{m} {w:.2f}" for m, w in look.mean_weight.items())
        parts.append(
            f"Right on the probe set: fused {look.accuracy:.0%}; {alone}. Mean weights: {weights}. "
            f"Head plasticity {last.plasticity:.3f}."
        )
    return " ".join(filter(None, (message, *parts)))
