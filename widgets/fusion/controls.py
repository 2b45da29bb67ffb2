"""What a person may touch in the fusion explorer: the sample, what spoils its parts, the rule."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import ipywidgets as ipw

from mla_core.analysis import SELECTIONS
from mla_core.data.corruption import DROP, Corruption, Damage
from mla_core.language import tr
from mla_core.records import Evaluation
from widgets.fusion.curves import rule_name
from widgets.fusion.pictures import title_html
from widgets.page import text

STEPS = 21  # of a corruption slider
EVERYTHING = "all"
COLUMN = {"flex": "1 1 140px", "min_width": "140px", "max_width": "300px"}  # seven fit a page


@dataclass(frozen=True)
class Choice:
    """What is to be shown.

    Attributes
    ----------
    sample : str
    damages : tuple of Damage
        At most one for each modality.
    rule : str
    temperatures : tuple of float
        One for each modality.
    curve : tuple of str
        Modality and corruption of the curve.
    """

    sample: str
    damages: tuple[Damage, ...]
    rule: str
    temperatures: tuple[float, ...]
    curve: tuple[str, str]

    def level(self) -> float | None:
        """Return how much the curve's corruption is in force on the sample, None if another is."""
        for damage in self.damages:
            if (damage.modality, damage.corruption) == self.curve:
                return damage.level
        return None


class PartControls:
    """One modality's column: its part, what spoils it, and what it says.

    Parameters
    ----------
    name : str
    m : int
        Its number.
    kinds : mapping of str to Corruption
    changed : callable
        Called, on any thread, when something was touched.
    """

    def __init__(
        self, name: str, m: int, kinds: Mapping[str, Corruption], changed: Callable[[], None]
    ) -> None:
        self.name = name
        self._kinds = kinds
        self.media = ipw.HTML(layout={"height": "120px", "overflow": "hidden auto"})
        self.says = ipw.HTML()
        wide = {"width": "98%"}
        narrow = {"description_width": "50px"}
        options = [(tr(kind.label), key) for key, kind in kinds.items() if key != DROP]
        self.kind = ipw.Dropdown(
            options=options, description=tr("spoil"), style=narrow, layout=wide
        )
        self.level = ipw.SelectionSlider(
            options=[(tr("clean"), 0.0)], description=tr("level"), style=narrow, layout=wide
        )
        self.unit = ipw.HTML()  # what the level means
        self.drop = ipw.Checkbox(
            description=tr("drop {name}", name=name), indent=False, layout=wide
        )
        self._fitted = ""
        self.fit()
        for widget in (self.kind, self.level, self.drop):
            widget.observe(lambda _: changed(), "value")
        self.view = ipw.VBox(
            [
                ipw.HTML(title_html(name, m)),
                self.media,
                self.kind,
                self.level,
                self.unit,
                self.drop,
                self.says,
            ],
            layout=COLUMN,
        )
        self.view.add_class("mla-part")

    def fit(self) -> None:
        """Give the slider the levels of the chosen corruption; only on the event loop."""
        if self._fitted != self.kind.value:
            self._fitted = self.kind.value
            kind = self._kinds[self._fitted]
            levels = kind.levels(STEPS)
            shown = [(tr("clean"), levels[0]), *((f"{x:.3g}", x) for x in levels[1:])]
            self.level.options = shown
            unit = tr(kind.unit)
            self.level.tooltip = tr("{what}: {unit}", what=tr(kind.label), unit=unit)
            self.unit.value = (
                f'<div style="font-size:11px;line-height:1.3;min-height:29px">{text(unit)}</div>'
            )
        self.level.disabled = self.kind.disabled = self.drop.value

    def damage(self) -> Damage:
        """Return what is done to the part: possibly something of the level that changes nothing."""
        if self.drop.value:
            return Damage(self.name, DROP, 1.0)
        return Damage(self.name, self._fitted, self.level.value)

    def clean(self) -> None:
        """Take everything back."""
        self.drop.value = False
        self.level.index = 0


class FusionControls:
    """Everything that can be chosen.

    Parameters
    ----------
    kinds : mapping of str to mapping
        Per modality, its corruptions by name.
    rules : sequence of str
        Those that can be compared; the first is in force.
    fitted : sequence of float
        Temperatures, one for each modality, for the box "fitted on val".
    best : str
        The modality whose curve is shown first.
    changed : callable
        Called, on any thread, when something was touched.
    """

    def __init__(
        self,
        kinds: Mapping[str, Mapping[str, Corruption]],
        rules: Sequence[str],
        fitted: Sequence[float],
        best: str,
        changed: Callable[[], None],
    ) -> None:
        self._fitted = tuple(fitted)
        self._want_clean = False
        self.parts = [
            PartControls(name, m, table, changed) for m, (name, table) in enumerate(kinds.items())
        ]
        self.selection = ipw.Dropdown(
            options=[(tr("all"), EVERYTHING)],
            description=tr("Show"),
            style={"description_width": "40px"},
            layout={"width": "250px"},
        )
        self.sample = ipw.Dropdown(
            description=tr("Sample"),
            style={"description_width": "52px"},
            layout={"width": "230px"},
        )
        single = len(rules) == 1
        self.rule = ipw.Dropdown(
            options=[(rule_name(rule), rule) for rule in rules],
            description=tr("Fusion rule"),
            disabled=single,
            style={"description_width": "76px"},
            layout={"width": "310px"},
        )
        self.temperature = ipw.FloatLogSlider(
            value=1.0,
            min=-1,
            max=1,
            step=0.05,
            description=tr("Temperature"),
            tooltip=tr("every modality's logits are divided by it before they are fused"),
            readout_format=".2f",
            disabled=single,
            style={"description_width": "86px"},
            layout={"width": "290px"},
        )
        self.fitted = ipw.Checkbox(
            description=tr("fitted on val, one each"),
            indent=False,
            disabled=single,
            layout={"width": "190px"},
        )
        self.reset = ipw.Button(
            description=tr("Clean"), icon="undo", tooltip=tr("Take all corruption back")
        )
        self.curve = ipw.Dropdown(
            options=[
                (tr("{name}: {corruption}", name=name, corruption=tr(kind.label)), (name, key))
                for name, table in kinds.items()
                for key, kind in table.items()
            ],
            value=(best, next(iter(kinds[best]))),
            description=tr("Curve against"),
            style={"description_width": "92px"},
            layout={"width": "330px"},
        )
        for widget in (
            self.selection, self.sample, self.rule, self.temperature, self.fitted, self.curve
        ):  # fmt: skip
            widget.observe(lambda _: changed(), "value")
        self.reset.on_click(lambda _: self._on_reset(changed))
        self.rows = (
            [self.selection, self.sample, self.reset],
            [self.rule, self.temperature, self.fitted],
        )

    def fit(self) -> None:
        """Bring what depends on another control in line with it; only on the event loop."""
        if self._want_clean:
            self._want_clean = False
            for part in self.parts:
                part.clean()
        for part in self.parts:
            part.fit()
        self.temperature.disabled = self.fitted.value or self.fitted.disabled

    def offer(self, evaluation: Evaluation) -> bool:
        """List the samples of the chosen selection; return whether it holds any.

        Parameters
        ----------
        evaluation : Evaluation
            Of the uncorrupted samples, under the rule in force.
        """
        found = {key: choose(evaluation) for key, (_, choose) in SELECTIONS.items()}
        counts = [(tr("all samples"), EVERYTHING)]
        for key, (label, _) in SELECTIONS.items():
            few = key != "uncertain"  # which all samples are, in order
            n = len(found[key])
            counts.append((tr("{what} ({n})", what=tr(label), n=n) if few else tr(label), key))
        wanted = self.selection.value
        if list(self.selection.options) != counts:
            self.selection.options = counts
            self.selection.value = wanted
        indices = found.get(wanted, range(len(evaluation.ids)))
        ids = [evaluation.ids[i] for i in indices]
        if ids and list(self.sample.options) != ids:
            kept = self.sample.value
            self.sample.options = ids  # which chooses the first
            self.sample.value = kept if kept in ids else ids[0]
        return bool(ids)

    def choose(self, sample: str) -> None:
        """Choose a sample that was pointed at, whatever selection is listed."""
        if sample not in self.sample.options:
            self.selection.value = EVERYTHING
            self.sample.options = [sample]  # until the list is filled
        self.sample.value = sample

    def temperatures(self) -> tuple[float, ...]:
        """Return the temperature of each modality."""
        one = float(self.temperature.value)
        return self._fitted if self.fitted.value else (one,) * len(self.parts)

    def choice(self) -> Choice:
        """Return what is to be shown."""
        return Choice(
            self.sample.value,
            tuple(part.damage() for part in self.parts),
            self.rule.value,
            self.temperatures(),
            self.curve.value,
        )

    def _on_reset(self, changed: Callable[[], None]) -> None:
        self._want_clean = True
        changed()
