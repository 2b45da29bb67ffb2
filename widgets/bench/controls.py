"""The bench's buttons and settings: what a person may touch, and nothing about training."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import ipywidgets as ipw

from mla_core.catalogue import METHODS, method_class
from mla_core.config import ExperimentConfig
from mla_core.data import DATASETS, NEED_FILES
from mla_core.data.samples import Modality
from mla_core.fusion import RULES
from mla_core.head import VARIANTS
from mla_core.language import LANGUAGES, language, later, tr
from mla_core.presets import HOW_TO_PREDICT, how_it_predicts
from widgets.bench.saying import say
from widgets.page import close, text

SPEEDS = {
    later("1 step/s"): 1.0,
    later("5 steps/s"): 5.0,
    later("25 steps/s"): 25.0,
    later("100 steps/s"): 100.0,
    later("full speed"): 0.0,
}
SPEED_TO_WATCH = 25.0  # an epoch of the spoken digits in two seconds
UNUSED = {"head_gradient", "alpha", "fusion"}  # where a method does not use them
MAPS = {"PCA": "pca", "UMAP": "umap"}
MORE_EPOCHS = 10
AS_CONFIGURED = later("as configured")
_BUTTONS = {
    "play": (later("Play"), "play", later("Train until paused or finished")),
    "pause": (later("Pause"), "pause", later("Stop after the current moment; Play goes on")),
    "step": (later("Step"), "step-forward", later("Train one modality once")),
    "epoch": (later("Epoch"), "fast-forward", later("Train to the end of the current epoch")),
    "stop": (later("Stop"), "stop", later("End this run here; Reset starts another")),
    "reset": (later("Reset"), "undo", later("Start afresh with the settings shown")),
    "page": (
        later("Export"),
        "download",
        later("Save the run so far as one HTML page beside the notebook"),
    ),
}
_FURTHER = {  # what may follow when a run is over
    "more": (later("{epochs} more epochs"), "forward", later("Go on with this run")),
    "seed": (
        later("Another seed"),
        "random",
        later("Start afresh from other weights and another order"),
    ),
}


class Controls:
    """Buttons, speed, map choice and settings.

    Parameters
    ----------
    config : ExperimentConfig
        What the settings show at first.
    on_button : callable
        ``(name)``, one of play, pause, step, epoch, stop, reset, page, more, seed.
    on_setting : callable
        ``(field, value)`` of the configuration, for example ``("alpha", 0.01)``; noise arrives as
        ``("noise", [level per modality])``, and what predicts as ``("prediction", name)``.
    own_data : bool
        The data were handed in, so the choice of data set and its noise are not offered.
    """

    def __init__(
        self,
        config: ExperimentConfig,
        on_button: Callable[[str], None],
        on_setting: Callable[[str, Any], None],
        *,
        own_data: bool = False,
    ) -> None:
        self._on_setting = on_setting
        self._own_data = own_data
        self._quiet = False
        self.buttons = {name: _button(*what) for name, what in (_BUTTONS | _FURTHER).items()}
        for name, button in self.buttons.items():
            button.on_click(lambda _, name=name: on_button(name))
        self.buttons["play"].button_style = "primary"
        self.speed = say(
            ipw.Dropdown(style={"description_width": "46px"}, layout={"width": "172px"}),
            description=lambda: tr("Speed"),
            options=lambda: _named(SPEEDS.items()),
        )
        self.speed.value = SPEED_TO_WATCH
        self.map = say(
            ipw.Dropdown(
                options=MAPS,
                value="pca",
                style={"description_width": "32px"},
                layout={"width": "112px"},
            ),
            description=lambda: tr("Map"),
            tooltip=lambda: tr(
                "PCA: linear, at once. UMAP: nonlinear, recomputed from time to time"
            ),
        )
        offered = {
            name: name for name in DATASETS if name not in NEED_FILES or name == config.dataset
        }
        self._settings: dict[str, Any] = {
            "dataset": _choice(later("Data"), offered, config.dataset, disabled=own_data),
            "method": _choice(later("Method"), METHODS, config.method),
            **live_settings(config),
        }
        self._predicts = _choice(later("Prediction"))
        self._predicts.layout.width = "290px"  # the longest way to predict, unabridged
        say(
            self._predicts,
            tooltip=lambda: tr(
                "What predicts: the weights as they are now; or their mean over the last epochs, "
                "with a temperature for each modality, fused as a product of experts"
            ),
        )
        self._offer_ways(config)
        self._predicts.observe(lambda change: self._told("prediction", change["new"]), "value")
        for field, widget in self._settings.items():
            widget.observe(lambda change, field=field: self._told(field, change["new"]), "value")
        self._method = config.method
        self._noise: list[ipw.FloatSlider] = []
        self._noise_rows: list[ipw.VBox] = []  # each with its unit below
        self._noise_box = ipw.HBox(layout={"flex_flow": "row wrap"})
        self.language = _choice(later("Language"))
        self.language.options = [(name, code) for code, name in LANGUAGES.items()]
        self.language.value = language()
        self.unfold = say(
            ipw.ToggleButton(icon="sliders"),
            description=lambda: tr("Settings"),
            tooltip=lambda: tr("Show or hide the settings"),
        )
        self.bar = ipw.HBox([*(self.buttons[name] for name in _BUTTONS), self.speed, self.unfold])
        self.bar.add_class("mla-bench-bar")
        self.further = ipw.HBox([self.buttons[name] for name in _FURTHER])
        self.further.add_class("mla-bench-bar")
        self.settings = ipw.VBox(
            [
                ipw.HBox(
                    [*self._settings.values(), self._predicts, self.language],
                    layout={"flex_flow": "row wrap"},
                ),
                self._noise_box,
            ],
            layout={"display": "none", "flex": "0 0 auto"},
        )

    def show(self, config: ExperimentConfig, modalities: Mapping[str, Modality]) -> None:
        """Show these settings, with one noise slider per modality, without reporting a change."""
        with self.quiet():
            for field, widget in self._settings.items():
                widget.value = getattr(config, field)
            self._offer_ways(config)
            for widget in self._noise_parts():
                close(widget)
            # A data set without noise says nothing of its unit.
            dials = any(m.noise_unit for m in modalities.values())
            offered = list(modalities.values()) if dials and not self._own_data else []
            self._noise = [_noise_slider(m) for m in offered]
            levels = [modality.noise for modality in modalities.values()]
            for m, slider in enumerate(self._noise):
                slider.observe(
                    lambda change, m=m: self._noise_told(levels, m, change["new"]), "value"
                )
            self._noise_rows = [
                ipw.VBox([slider, _unit_of(m)])
                for slider, m in zip(self._noise, offered, strict=True)
            ]
            self._noise_box.children = self._noise_rows
            self._method = config.method

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """While this lasts, no change is reported."""
        self._quiet = True
        try:
            yield
        finally:
            self._quiet = False

    def fold(self) -> None:
        """Show the settings while their button is down."""
        self.settings.layout.display = "flex" if self.unfold.value else "none"

    def offer_noise(self, *, offered: bool) -> None:
        """Take the noise sliders away while another data set waits for the reset."""
        self._noise_box.children = self._noise_rows if offered else []

    def enable(self, state: str) -> None:
        """Let only that be pressed and changed which does something in this state of the player."""
        loading = state == "loading"
        for field, widget in self._settings.items():
            unused = field in UNUSED - method_class(self._method).uses
            widget.disabled = loading or unused or (field == "dataset" and self._own_data)
        self._predicts.disabled = loading
        for slider in self._noise:
            slider.disabled = loading
        over = state in {"finished", "stopped", "loading"}
        self.buttons["play"].disabled = over or state == "playing"
        self.buttons["pause"].disabled = state != "playing"
        self.buttons["step"].disabled = over or state == "playing"
        self.buttons["epoch"].disabled = over or state == "playing"
        self.buttons["stop"].disabled = over or state == "failed"
        self.buttons["reset"].disabled = state == "loading"
        self.buttons["page"].disabled = state in {"loading", "playing"}
        self.buttons["more"].disabled = state != "finished"
        ended = state in {"finished", "stopped"}
        self.further.layout.display = "flex" if ended else "none"

    def ask_for_reset(self, *, needed: bool) -> None:
        """Highlight the Reset button while a changed setting waits for it."""
        self.buttons["reset"].button_style = "warning" if needed else ""

    def widgets(self) -> Sequence[ipw.Widget]:
        """Return every widget made here, for closing them."""
        return [
            *self.buttons.values(),
            *self._settings.values(),
            self._predicts,
            self.language,
            *self._noise_parts(),
            self.speed,
            self.map,
            self.unfold,
            self._noise_box,
            self.bar,
            self.further,
            *self.settings.children,
            self.settings,
        ]

    def _offer_ways(self, config: ExperimentConfig) -> None:
        """Offer the ways to predict, and show the configuration's own."""
        own = how_it_predicts(config) or AS_CONFIGURED
        ways = [*HOW_TO_PREDICT, *([own] if own not in HOW_TO_PREDICT else [])]
        say(self._predicts, options=lambda: _named(zip(ways, ways, strict=True)))
        self._predicts.value = own

    def _noise_parts(self) -> list[ipw.Widget]:
        return [part for row in self._noise_rows for part in (*row.children, row)]

    def _noise_told(self, levels: list[float], m: int, level: float) -> None:
        levels[m] = level  # the others stay exactly as they were, whatever a slider can show
        self._told("noise", list(levels))

    def _told(self, field: str, value: Any) -> None:
        if not self._quiet:
            self._on_setting(field, value)


def live_settings(config: ExperimentConfig) -> dict[str, Any]:
    """Return a control for every setting that may change while a run goes on, by its field."""
    return {
        "head_gradient": _choice(later("Head gradient"), VARIANTS, config.head_gradient),
        "fusion": _choice(later("Fusion"), RULES, config.fusion),
        "alpha": _log_slider(later("α (projection)"), config.alpha, -4, 2),
        "learning_rate": _log_slider(later("Learning rate"), config.learning_rate, -4, 0),
    }


def _named(options: Iterable[tuple[str, Any]]) -> list[tuple[str, Any]]:
    return [(tr(name), value) for name, value in options]


def _button(label: str, icon: str, tip: str) -> Any:
    return say(
        ipw.Button(icon=icon),
        description=lambda: tr(label, epochs=MORE_EPOCHS),
        tooltip=lambda: tr(tip),
    )


def _choice(
    label: str, options: Iterable[str] = (), value: str | None = None, *, disabled: bool = False
) -> Any:
    choice = ipw.Dropdown(
        options=list(options),
        value=value,
        disabled=disabled,
        style={"description_width": "100px"},
        layout={"width": "250px"},
    )
    return say(choice, description=lambda: tr(label))


def _log_slider(label: str, value: float, low: int, high: int) -> Any:
    slider = ipw.FloatLogSlider(
        value=value,
        min=min(low, math.floor(math.log10(value))),
        max=max(high, math.ceil(math.log10(value))),
        step=0.1,
        continuous_update=False,
        readout_format=".2g",
        style={"description_width": "100px"},
        layout={"width": "300px"},
    )
    return say(slider, description=lambda: tr(label))


def _noise_slider(modality: Modality) -> Any:
    low, high = min(modality.noise_range[0], modality.noise), modality.noise_range[1]
    high = max(high, modality.noise)
    slider = ipw.FloatSlider(
        value=modality.noise,
        min=low,
        max=high,
        step=(high - low) / 50,
        continuous_update=False,
        readout_format=".2f",
        style={"description_width": "100px"},
        layout={"width": "300px"},
    )
    return say(slider, description=lambda: tr("{modality} noise", modality=modality.name))


def _unit_of(modality: Modality) -> Any:
    return say(
        ipw.HTML(),
        value=lambda: f'<p class="mla-unit">{text(tr(modality.noise_unit))}</p>',
    )
