"""What a person may touch in the head gradient explorer, and where everything stands."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import ipywidgets as ipw

from mla_core.config import ExperimentConfig
from mla_core.errors import ConfigError
from mla_core.head import VARIANTS
from mla_core.language import later, tr
from mla_core.session import TrainingSession
from widgets.page import text

MOST_STEPS = 2000
_BUTTONS = {
    "next": (later("Next stage"), "step-forward", later("Walk one stage further")),
    "finish": (
        later("Finish step"),
        "forward",
        later("Walk to the end of the sub-step, or through a whole one"),
    ),
    "epoch": (
        later("Train an epoch"),
        "fast-forward",
        later("Train to the end of the epoch, at full speed"),
    ),
    "compare": (
        later("Compare"),
        "code-fork",
        later("Run the chosen variants from where the session stands"),
    ),
    "stop": (later("Stop"), "stop", later("Stop training or comparing")),
}
_ROW = {"flex_flow": "row wrap", "align_items": "center", "grid_gap": "2px 4px"}


class HeadGradientControls:
    """Buttons, settings, choices and the places for pictures.

    Parameters
    ----------
    config : ExperimentConfig
        What the settings show at first.
    variants : sequence of str
        Chosen at first.
    steps : int
    tell : callable
        ``(what, value)``: a button's name, or a setting and its value.
    compares : bool
        Whether the method has variants of the head gradient to choose among.

    Attributes
    ----------
    progress : FloatProgress
        Of the comparison, from 0 to 1.
    stages, seen, table : HTML
    """

    def __init__(
        self,
        config: ExperimentConfig,
        variants: Sequence[str],
        steps: int,
        tell: Callable[..., None],
        *,
        compares: bool,
    ) -> None:
        self.compares = compares
        self._buttons = {
            name: ipw.Button(
                description=tr(label), icon=icon, tooltip=tr(tip), layout={"width": "138px"}
            )
            for name, (label, icon, tip) in _BUTTONS.items()
        }
        for name, button in self._buttons.items():
            button.on_click(lambda _, name=name: tell(name))
        self._buttons["next"].button_style = "primary"
        self._variant = ipw.Dropdown(
            options=list(VARIANTS),
            value=config.head_gradient,
            description=tr("Variant"),
            tooltip=tr("Of the session's own head gradient, from the coming sub-step on"),
            style={"description_width": "50px"},
            layout={"width": "210px"},
        )
        self._alpha = ipw.FloatLogSlider(
            value=config.alpha,
            min=min(-4.0, math.log10(config.alpha)),
            max=max(2.0, math.log10(config.alpha)),
            step=0.1,
            description="α",
            tooltip=tr("Smaller means a stronger projection"),
            continuous_update=False,
            readout_format=".2g",
            style={"description_width": "20px"},
            layout={"width": "260px"},
        )
        self._variant.observe(lambda change: tell("head_gradient", change["new"]), "value")
        self._alpha.observe(lambda change: tell("alpha", float(change["new"])), "value")
        self._boxes = {
            variant: ipw.Checkbox(
                value=variant in variants,
                description=variant,
                tooltip=tr(VARIANTS.describe(variant)),
                indent=False,
                layout={"width": "140px"},
            )
            for variant in VARIANTS
        }
        self._most = max(MOST_STEPS, steps)
        self._steps = ipw.IntText(
            value=steps,
            description=tr("Sub-steps"),
            style={"description_width": "66px"},
            layout={"width": "150px"},
        )
        self.progress = ipw.FloatProgress(max=1.0, layout={"width": "160px", "height": "10px"})
        self.stages, self.seen, self.table = ipw.HTML(), ipw.HTML(), ipw.HTML()

    @property
    def chosen(self) -> list[str]:
        """The variants to compare."""
        return [variant for variant, box in self._boxes.items() if box.value]

    @property
    def steps(self) -> int:
        """Sub-steps of a comparison.

        Raises
        ------
        ConfigError
            For a number that is out of range, which is left standing to be corrected.
        """
        steps = int(self._steps.value)
        if not 1 <= steps <= self._most:
            msg = tr(
                "sub-steps must be a whole number from 1 to {most}, not {steps}",
                most=self._most,
                steps=steps,
            )
            raise ConfigError(msg)
        return steps

    def lay_out(self, status: ipw.DOMWidget, figure_box: ipw.DOMWidget) -> ipw.VBox:
        """Return everything in its place."""
        buttons = self._buttons
        walk = [buttons["next"], buttons["finish"], buttons["epoch"]]
        if self.compares:
            first = [*walk, self._variant, self._alpha]
            last = [self._steps, buttons["compare"], buttons["stop"], self.progress]
            compare = [list(self._boxes.values()), last]
        else:
            first, compare = [*walk, buttons["stop"]], []
        top, *below = (ipw.HBox(row, layout=_ROW) for row in (first, *compare))
        return ipw.VBox([top, status, self.stages, self.seen, *below, self.table, figure_box])

    def enable(self, *, busy: bool) -> None:
        """Let only that be pressed which does something now."""
        for name, button in self._buttons.items():
            button.disabled = busy == (name != "stop")
        self._variant.disabled = self._alpha.disabled = busy

    def show_stages(self, stages: str, seen: str) -> None:
        """Show the sub-step as far as it has been walked."""
        self.stages.value, self.seen.value = stages, seen

    def show_no_stages(self, session: TrainingSession) -> None:
        """Say what comes next, while no sub-step is walked."""
        coming = session.next_modality or tr("all modalities")
        told = (
            tr("The training is over.")
            if session.finished
            else tr("Comes next: {coming}.", coming=coming)
        )
        self.stages.value = f'<p style="margin:4px">{text(told)}</p>'
        self.seen.value = ""

    def widgets(self) -> list[ipw.Widget]:
        """Return the widgets that not every method's explorer shows, for closing them."""
        loose = [self._variant, self._alpha, self._steps, self._buttons["compare"], self.progress]
        return [*loose, *self._boxes.values()]
