"""The fusion explorer as a person uses it: controls by name, numbers by what they stand for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import nbformat
from playwright.sync_api import Locator, expect

from tests.browser.bench import _TRACE
from tests.browser.lab_page import LabPage

NOTEBOOK = "03_test_time_fusion.ipynb"
EXPLORER_CELL = 6  # of the notebook, counted from 0


class FusionBench:
    """The one explorer on a page."""

    def __init__(self, lab_page: LabPage) -> None:
        self.lab_page = lab_page
        self.page = lab_page.page
        self.status = self.page.locator(".mla-status")
        self.formula = self.page.locator(".mla-formula")

    @classmethod
    def of_source(cls, lab_page: LabPage, source: str) -> FusionBench:
        """Run one cell with this source, whose last line shows an explorer."""
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        cells = [nbformat.v4.new_code_cell(source.strip())]
        notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
        nbformat.write(notebook, lab_page.lab.root / "fusion.ipynb")
        lab_page.open("fusion.ipynb")
        lab_page.run_cell(0)
        bench = cls(lab_page)
        bench.ready()
        return bench

    @classmethod
    def of_notebook(cls, lab_page: LabPage) -> FusionBench:
        """Open notebook 03 and run what the explorer needs."""
        lab_page.open(NOTEBOOK)
        for cell in (1, 2, EXPLORER_CELL):
            lab_page.run_cell(cell)
        bench = cls(lab_page)
        bench.ready()
        return bench

    def ready(self) -> None:
        """Wait until everything is on the screen."""
        expect(self.status).to_have_count(1)
        self.page.locator(".js-plotly-plot .scatterlayer .points path").first.wait_for()

    def part(self, name: str) -> Locator:
        """Return a modality's column."""
        column = self.page.locator(".mla-part")
        return column.filter(has=self.page.get_by_label(f"drop {name}", exact=True))

    def choose(self, label: str, option: str) -> None:
        """Choose in a list the option whose text contains this."""
        self.choose_in(self.page.get_by_label(label, exact=True), option)

    def choose_in(self, chooser: Locator, option: str) -> str:
        """Choose the option whose text contains this; return its whole text."""
        found = chooser.locator("option").filter(has_text=option).first.inner_text()
        chooser.select_option(label=found)
        return found

    def spoil(self, name: str, kind: str, steps: int) -> None:
        """Move a part's slider from where it is, with the keyboard."""
        part = self.part(name)
        chosen = self.choose_in(part.get_by_label("spoil", exact=True), kind)
        fitted = part.locator(f'.widget-slider .widget-label[title^="{chosen}:"]')
        expect(fitted).to_have_count(1)  # the slider has got its new levels
        slider = part.get_by_role("slider")
        slider.focus()
        for _ in range(steps):
            self.page.keyboard.press("ArrowRight")

    def numbers(self, what: str) -> dict[str, float]:
        """Return the formulas' numbers of one kind: ``entropy`` or ``weight``, by modality."""
        found = self.formula.locator(f"[data-{what}]").evaluate_all(
            "(all, key) => all.map((one) => [one.dataset[key], one.textContent])", what
        )
        return {name: float(shown.replace("−", "-")) for name, shown in found}

    def wait_for_numbers(self, what: str, expected: Sequence[float]) -> None:
        """Wait until the formulas show these numbers, rounded to two places."""
        found: list[float] = []
        for _ in range(600):
            found = list(self.numbers(what).values())
            if len(found) == len(expected) and all(
                abs(a - b) < 0.006 for a, b in zip(found, expected, strict=True)
            ):
                return
            self.page.wait_for_timeout(50)
        raise AssertionError(f"{what}: {found} on the page, {list(expected)} expected")

    def wait_for_curves(self, name: str) -> None:
        """Wait for the curves of ``modality.corruption``."""
        self.page.locator(f'details[data-curves="{name}"]').wait_for()

    def trace(self, meta: str, axis: str = "y") -> list[Any]:
        """Return the numbers that a curve shows on the screen."""
        found: list[Any] = self.page.evaluate(_TRACE, [meta, axis])
        return found

    def scroll_to_top(self) -> None:
        """Bring the explorer's first line to the top of the screen."""
        chooser = self.page.get_by_label("Show", exact=True)
        chooser.evaluate("one => one.scrollIntoView({block: 'start'})")
