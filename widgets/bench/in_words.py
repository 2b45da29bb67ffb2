"""What the pictures of a run show, in words, folded away until asked for."""

from __future__ import annotations

from collections.abc import Callable

import ipywidgets as ipw

from mla_core.language import tr
from mla_core.words import sentences
from widgets.bench.saying import say
from widgets.charts import Run
from widgets.page import describe_training, text

SMALL = "font-size:12px;line-height:1.4"


class InWords:
    """A button, and words that are shown while it is down.

    Parameters
    ----------
    on_press : callable
        ``()``, in any thread; then `fold` has to be called on the event loop.

    Attributes
    ----------
    button : ToggleButton
    told : HTML
    """

    def __init__(self, on_press: Callable[[], None]) -> None:
        self.button = say(
            ipw.ToggleButton(icon="align-left"),
            description=lambda: tr("In words"),
            tooltip=lambda: tr("Tell what the pictures show"),
        )
        self.told = ipw.HTML()
        self.button.observe(lambda _: on_press(), "value")
        self.fold()

    def fold(self) -> None:
        """Show the words while the button is down."""
        self.told.layout.display = "block" if self.button.value else "none"

    def tell(self, run: Run) -> None:
        """Tell of a run as it is shown."""
        caption = run.view.caption if run.view is not None else ""
        told = text(sentences(tr("In words."), describe_training(run.shown, caption)))
        self.told.value = f"<p style='{SMALL}' aria-live='off'>{told}</p>"
