"""Time travel and branches: where in the run the bench looks, and what goes on from there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ipywidgets as ipw

from mla_core.catalogue import traits
from mla_core.config import ExperimentConfig
from mla_core.language import later, tr
from widgets.bench.controls import UNUSED, live_settings
from widgets.bench.moment_slider import MomentSlider
from widgets.bench.saying import say
from widgets.charts import Run

ANOTHER = {
    "head_gradient": later("another head gradient"),
    "fusion": later("another fusion"),
    "alpha": later("another α (projection)"),
    "learning_rate": later("another learning rate"),
}
CURIOUS = ("off", "uniform")  # what a branch proposes, where the run has something else


class Timeline:
    """A slider over the recorded moments, and the button that branches off there.

    Parameters
    ----------
    config : ExperimentConfig
        What a branch starts with.
    queue : callable
        Takes a command and runs it on the event loop: a person may press at any time.
    on_travel : callable
        ``(step)`` of a recorded moment; None means now, and on with the run.
    on_branch : callable
        ``(changes)``, such as ``{"head_gradient": "off"}``.
    on_drop : callable
        ``()``, when the branch is to go.
    """

    def __init__(
        self,
        config: ExperimentConfig,
        queue: Callable[[Callable[[], None]], None],
        on_travel: Callable[[int | None], None],
        on_branch: Callable[[dict[str, Any]], None],
        on_drop: Callable[[], None],
    ) -> None:
        self._on_travel = on_travel
        self._queue = queue
        self.slider = MomentSlider(self._asked)
        self.now = _button(
            later("Now"), "step-forward", later("Back to the newest moment, and on with the run")
        )
        self.now.on_click(lambda _: queue(lambda: on_travel(None)))
        self._values = live_settings(config)
        self._offered: list[str] = []
        self.what = say(
            ipw.Dropdown(style={"description_width": "92px"}, layout={"width": "310px"}),
            description=lambda: tr("Branch with"),
            options=self._branches,
        )
        self.what.observe(lambda _: queue(self._offer_value), "value")
        self._value_box = ipw.HBox()
        self.branch = _button(
            later("Branch from here"),
            "code-fork",
            later("A second run goes on from the moment shown"),
            "160px",
        )
        self.branch.on_click(lambda _: queue(lambda: on_branch(self._changes())))
        self.drop = _button(
            later("Drop branch"), "trash", later("Go on with the first run alone"), "130px"
        )
        self.drop.on_click(lambda _: queue(on_drop))
        self.unfold = say(
            ipw.ToggleButton(icon="code-fork"),
            description=lambda: tr("Branch"),
            tooltip=lambda: tr("Show or hide what a branch needs"),
        )
        self.unfold.observe(lambda _: queue(self._fold), "value")
        self.branching = _row(self.what, self._value_box, self.branch, self.drop)
        self._fold()
        self.slider.layout.flex = "1 1 auto"
        self.view = ipw.HBox([self.slider, self.now], layout={"align_items": "center"})

    def show(self, config: ExperimentConfig) -> None:
        """Offer what can be changed in this run, from its own values."""
        unused = UNUSED - traits(config.method).uses
        for field, control in self._values.items():
            control.value = _another(control, getattr(config, field))
        self._offered = [field for field in self._values if field not in unused]
        say(self.what, options=self._branches)
        self.what.value = self._offered[0] if self._offered else ""
        self._offer_value()

    def follow(self, run: Run, travel: int | None) -> None:
        """Show how far the run is, and the moment looked back at; None is now."""
        at = run.step if travel is None else travel
        self.slider.show(run.moments, run.total, at, following=travel is None)

    def enable(self, *, busy: bool, travelling: bool, branched: bool) -> None:
        """Let only that be pressed which does something."""
        self.slider.disabled = self.branch.disabled = busy
        self.now.disabled = busy or not travelling
        self.drop.disabled = busy or not branched

    def widgets(self) -> list[ipw.Widget]:
        """Return the widgets that do not always stand in `view`, for closing them."""
        return list(self._values.values())

    def _asked(self, step: int) -> None:
        newest = self.slider.steps[-1]
        self._queue(lambda: self._on_travel(None if step >= newest else step))

    def _fold(self) -> None:
        self.branching.layout.display = "flex" if self.unfold.value else "none"

    def _branches(self) -> list[tuple[str, str]]:
        others = [(tr(ANOTHER[field]), field) for field in self._offered]
        return [(tr("the same settings"), ""), *others]

    def _offer_value(self) -> None:
        field = self.what.value
        self._value_box.children = [self._values[field]] if field else []

    def _changes(self) -> dict[str, Any]:
        field = self.what.value
        return {field: self._values[field].value} if field else {}


def _another(control: Any, value: Any) -> Any:
    """Return what a branch may be curious about: anything but the run's own value."""
    if isinstance(control, ipw.Dropdown):
        options = [*(one for one in CURIOUS if one in control.options), *control.options]
        return next((option for option in options if option != value), value)
    return value / 10 if value / 10 >= 10**control.min else value * 10


def _button(label: str, icon: str, tip: str, width: str = "90px") -> Any:
    button = ipw.Button(icon=icon, layout={"width": width})
    return say(button, description=lambda: tr(label), tooltip=lambda: tr(tip))


def _row(*children: ipw.Widget) -> ipw.HBox:
    return ipw.HBox(list(children), layout={"flex_flow": "row wrap", "align_items": "center"})
