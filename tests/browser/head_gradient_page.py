"""Notebook 02 as a person uses it: the toy's vectors, the stages, the comparison."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, expect

from tests.browser.lab_page import LabPage

NOTEBOOK = "02_head_gradient_modification.ipynb"
IMPORT_CELLS = (1, 2)
TOY_CELL, EXPLORER_CELL = 6, 8  # counted from 0


class Toy:
    """The vectors of the plane.

    Attributes
    ----------
    root
        Everything of it.
    """

    def __init__(self, lab_page: LabPage) -> None:
        self.page = lab_page.page
        self.root = self.page.locator(".mla-toy")

    def tip(self, name: str) -> Locator:
        """Return the tip of ``"h"`` or ``"g"``."""
        told = {"h": "Tip of the mean feature h", "g": "Tip of the gradient g"}[name]
        return self.root.get_by_role("slider", name=re.compile(told))

    def text(self, name: str) -> str:
        """Return what stands in a row of the table."""
        return self.root.locator(f"[data-number={name}]").inner_text()

    def numbers(self, name: str) -> list[float]:
        """Return the numbers in a row of the table."""
        return [float(number) for number in re.findall(r"-?\d+\.\d+", self.text(name))]

    def drag(self, name: str, right: float, up: float) -> None:
        """Drag a tip by so many units of the plane, with the mouse."""
        self.root.locator("svg").scroll_into_view_if_needed()
        box = self.tip(name).bounding_box()
        drawing = self.root.locator("svg").bounding_box()
        assert box is not None
        assert drawing is not None
        unit = drawing["width"] / 4.4  # from -2.2 to 2.2
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        mouse = self.page.mouse
        mouse.move(x, y)
        mouse.down()
        mouse.move(x + right * unit, y - up * unit, steps=5)
        mouse.up()


class Explorer:
    """The slow motion and the comparison.

    Attributes
    ----------
    status
        The line that tells what happens.
    stage
        The card of the current stage.
    """

    def __init__(self, lab_page: LabPage) -> None:
        self.page = lab_page.page
        self.status = self.page.locator(".mla-status")
        self.stage = self.page.locator("li[data-stage][data-state=now]")

    def ready(self) -> None:
        """Wait until everything is on the screen."""
        expect(self.status).to_have_count(1)
        self.page.locator(".js-plotly-plot .gtitle, .js-plotly-plot .annotation").first.wait_for()
        expect(self.button("Next stage")).to_be_enabled()

    def button(self, name: str) -> Locator:
        """Return a button; its icon is part of its accessible name, so the end decides."""
        return self.page.get_by_role("button", name=re.compile(rf"{name}$"))

    def press(self, name: str) -> None:
        self.button(name).click()

    def wait_for_stage(self, name: str) -> None:
        expect(self.stage).to_have_attribute("data-stage", name)

    def wait_for_text(self, pattern: str, seconds: float = 60) -> None:
        expect(self.status).to_have_text(re.compile(pattern), timeout=seconds * 1000)


def open_notebook(lab_page: LabPage, *cells: int) -> None:
    """Open notebook 02 and run its first cells and these."""
    lab_page.open(NOTEBOOK)
    for cell in (*IMPORT_CELLS, *cells):
        lab_page.run_cell(cell)
