"""The slider over a run's recorded moments (`moment_slider.js`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import anywidget
import traitlets

from widgets.page import script, stylesheet


class MomentSlider(anywidget.AnyWidget):
    """Tells which moment a person asks for, while the run goes on and new moments come.

    The sliders of ipywidgets echo what the kernel sends them, which would stop time for nobody.

    Parameters
    ----------
    on_ask : callable
        ``(index)`` of the moment asked for.

    Attributes
    ----------
    steps : list of int
        Sub-steps finished at each moment.
    at : int
        Index of the one that is shown.
    following : bool
        Whether the newest is always the one shown.
    asked : list of int
        Written by the page: the index, and a count, so that asking again is a change.
    """

    _esm = script("bench/moment_slider")
    _css = stylesheet("bench/moment_slider")
    steps = traitlets.List(traitlets.Int(), [0]).tag(sync=True)
    at = traitlets.Int(0).tag(sync=True)
    following = traitlets.Bool(default_value=True).tag(sync=True)
    disabled = traitlets.Bool(default_value=False).tag(sync=True)
    asked = traitlets.List(traitlets.Int(), [0, 0]).tag(sync=True)

    def __init__(self, on_ask: Callable[[int], None]) -> None:
        super().__init__()
        self.observe(lambda change: on_ask(change["new"][0]), "asked")

    def show(self, steps: Sequence[int], at: int, *, following: bool) -> None:
        """Show these moments, and which of them is seen."""
        with self.hold_sync():
            for name, value in (("steps", list(steps)), ("at", at), ("following", following)):
                self._set(name, value)

    def _set(self, name: str, value: Any) -> None:
        if getattr(self, name) != value:
            setattr(self, name, value)
