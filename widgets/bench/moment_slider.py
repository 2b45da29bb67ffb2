"""How far a run is trained, and the slider over its recorded moments (`moment_slider.js`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import anywidget
import traitlets

from widgets.page import script, stylesheet
from widgets.page.spoken import Spoken


class MomentSlider(Spoken, anywidget.AnyWidget):
    """Tells which moment a person asks for, while the run goes on and new moments come.

    The sliders of ipywidgets echo what the kernel sends them, which would stop time for nobody.

    Parameters
    ----------
    on_ask : callable
        ``(step)`` of the moment asked for.

    Attributes
    ----------
    steps : list of int
        Sub-steps finished at each moment; the last one is now.
    total : int
        Sub-steps of the whole run.
    at : int
        Sub-step of the moment shown.
    following : bool
        Whether the newest is always the one shown.
    asked : list of int
        Written by the page: the sub-step, and a count, so that asking again is a change.
    """

    _esm = script("page/dom", "bench/moment_slider")
    _css = stylesheet("bench/moment_slider")
    steps = traitlets.List(traitlets.Int(), [0]).tag(sync=True)
    total = traitlets.Int(1).tag(sync=True)
    at = traitlets.Int(0).tag(sync=True)
    following = traitlets.Bool(default_value=True).tag(sync=True)
    disabled = traitlets.Bool(default_value=False).tag(sync=True)
    asked = traitlets.List(traitlets.Int(), [0, 0]).tag(sync=True)

    def __init__(self, on_ask: Callable[[int], None]) -> None:
        super().__init__()
        self.observe(lambda change: on_ask(change["new"][0]), "asked")

    def show(self, steps: Sequence[int], total: int, at: int, *, following: bool) -> None:
        """Show these moments of a run, and which of them is seen."""
        values = {"steps": list(steps), "total": total, "at": at, "following": following}
        with self.hold_sync():
            for name, value in values.items():
                self._set(name, value)

    def _set(self, name: str, value: Any) -> None:
        if getattr(self, name) != value:
            setattr(self, name, value)
