"""Which of a method's instruments are watched: a button for each, folded away until asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets as ipw

from mla_core.catalogue import method_class
from mla_core.config import ExperimentConfig
from mla_core.language import tr
from mla_core.methods import Instrument
from widgets.bench.saying import say
from widgets.page import close, text


class Watching:
    """Buttons that add a panel to the curves, or take it away.

    Parameters
    ----------
    queue : callable
        Takes a command and runs it on the event loop: a person may press at any time.
    on_choice : callable
        ``(names)`` of all instruments that are to be watched, in the method's order.

    Attributes
    ----------
    unfold : ToggleButton
        Shows `box` while it is down.
    """

    def __init__(
        self,
        queue: Callable[[Callable[[], str | None]], None],
        on_choice: Callable[[list[str]], str],
    ) -> None:
        self._queue = queue
        self._on_choice = on_choice
        self.buttons: dict[str, ipw.ToggleButton] = {}
        self.unfold = say(
            ipw.ToggleButton(icon="tachometer"),
            description=lambda: tr("Instruments"),
            tooltip=lambda: tr("Show or hide what the method can show of itself as curves"),
        )
        self.unfold.observe(lambda _: queue(self._fold), "value")
        self.box = ipw.HBox(layout={"flex_flow": "row wrap", "display": "none"})

    def show(self, config: ExperimentConfig) -> None:
        """Offer the instruments of this method, those pressed that are watched."""
        for widget in self.box.children:
            close(widget)
        self.buttons = {
            name: _button(instrument, pressed=name in config.instruments)
            for name, instrument in method_class(config.method).instruments.items()
        }
        for button in self.buttons.values():
            button.observe(self._told, "value")
        self.box.children = [*self.buttons.values()] or [say(ipw.HTML(), value=_none)]

    def _fold(self) -> None:
        self.box.layout.display = "flex" if self.unfold.value else "none"

    def _told(self, _: dict[str, Any]) -> None:
        names = [name for name, button in self.buttons.items() if button.value]
        self._queue(lambda: self._on_choice(names))


def _button(instrument: Instrument, *, pressed: bool) -> Any:
    return say(
        ipw.ToggleButton(value=pressed, layout={"width": "auto"}),
        description=lambda: tr(instrument.title),
        tooltip=lambda: tr(instrument.meaning),
    )


def _none() -> str:
    told = tr("This method has no instruments: it shows nothing of itself.")
    return f"<p>{text(told)}</p>"


def with_instruments(
    config: ExperimentConfig, names: Sequence[str], **changes: Any
) -> ExperimentConfig:
    """Return a configuration with some settings changed that watches those of these it has."""
    other = config.replace(instruments=(), **changes)
    known = method_class(other.method).instruments
    return other.replace(instruments=[name for name in names if name in known])


def needs_reset(wanted: ExperimentConfig, running: ExperimentConfig) -> bool:
    """Whether what is wanted differs from what runs in more than may change while it runs."""
    live = running.live_values() | {"instruments": ()}
    return wanted.replace(**live) != running.replace(instruments=())
