"""The bench as a person uses it: buttons by name, pictures by what they say."""

from __future__ import annotations

import re
import time
from typing import Any

from playwright.sync_api import Locator, expect

from tests.browser.lab_page import LabPage

FIRST_NOTEBOOK = "01_alternating_training.ipynb"
LAB_CELL = 6  # of the first notebook, counted from 0

_REACHED = """(epoch) => {
    const told = document.querySelector(".mla-status")?.textContent.match(/epoch ([0-9]+) of/);
    return Boolean(told) && Number(told[1]) >= epoch;
}"""

_TRACE = """([meta, axis]) => {
    const figures = [...document.querySelectorAll(".js-plotly-plot")];
    const trace = figures.flatMap((f) => f.data).find((t) => t.meta === meta);
    return Array.from(trace?.[axis] ?? []);
}"""

# Adds to `window.answered` the anchors that a kernel has answered.
HEAR_ANSWERS = """() => {
    window.answered = new Set();
    const { kernel } = window.jupyterapp.shell.currentWidget.sessionContext.session;
    kernel.iopubMessage.connect((_, { content }) => {
        if (content.data?.state?.answered) window.answered.add(content.comm_id);
    });
}"""


class Bench:
    """The one bench on a page.

    Attributes
    ----------
    status
        The line that tells what happens.
    """

    def __init__(self, lab_page: LabPage) -> None:
        self.lab_page = lab_page
        self.page = lab_page.page
        self.status = self.page.locator(".mla-status")
        self.map = self.page.locator(".mla-map canvas")

    @classmethod
    def of_first_notebook(cls, lab_page: LabPage) -> Bench:
        """Open the first notebook and run what the bench needs."""
        lab_page.open(FIRST_NOTEBOOK)
        for cell in (1, 2, LAB_CELL):
            lab_page.run_cell(cell)
        bench = cls(lab_page)
        bench.ready()
        return bench

    def ready(self) -> None:
        """Wait until everything is on the screen."""
        expect(self.status).to_have_count(1)
        self.page.locator(".js-plotly-plot .main-svg").first.wait_for()
        self.map.first.wait_for()
        expect(self.button("Play")).to_be_enabled()

    def button(self, name: str) -> Locator:
        """Return a button; its icon is part of its accessible name, so the end decides."""
        return self.page.get_by_role("button", name=re.compile(rf"{name}$"))

    def press(self, name: str) -> None:
        self.button(name).click()

    def wait_for_state(self, state: str, seconds: float = 60) -> None:
        expect(self.status).to_have_attribute("data-state", state, timeout=seconds * 1000)

    def wait_for_text(self, pattern: str, seconds: float = 60) -> None:
        expect(self.status).to_have_text(re.compile(pattern), timeout=seconds * 1000)

    def wait_for_epoch(self, epoch: int, seconds: float = 60) -> None:
        """Wait until so many epochs have begun; looked at with every frame, since training runs on."""
        self.page.wait_for_function(_REACHED, arg=epoch, timeout=seconds * 1000)

    def wait_for_answers(self, anchors: int, seconds: float = 60) -> None:
        """Press a key until so many had an answer: who never had one says nothing of a kernel."""
        self.page.evaluate(HEAR_ANSWERS)
        self.button("Step").focus()
        deadline = time.monotonic() + seconds
        while self.page.evaluate("window.answered.size") < anchors:
            assert time.monotonic() < deadline, "the kernel does not answer"
            self.page.keyboard.press("Shift")
            time.sleep(0.2)

    def step(self) -> int:
        """Return the number of sub-steps done, as the status line tells it."""
        found = re.search(r"sub-step (\d+)", self.status.inner_text())
        return int(found.group(1)) if found else 0

    def trace(self, meta: str, axis: str = "y") -> list[Any]:
        """Return the numbers that a curve shows on the screen."""
        found: list[Any] = self.page.evaluate(_TRACE, [meta, axis])
        return found

    def wait_for_trace(self, meta: str, points: int) -> None:
        """Wait until a curve shows at least so many points."""
        self.page.wait_for_function(f"(a) => ({_TRACE})(a).length >= {points}", arg=[meta, "y"])

    def picture(self) -> str:
        """Return the map as it is drawn."""
        drawn: str = self.map.first.evaluate("canvas => canvas.toDataURL()")
        return drawn

    def wait_for_another_picture(self, before: str) -> None:
        """Wait until the map is drawn anew: it follows the numbers within a moment."""
        self.page.wait_for_function(
            "([canvas, before]) => canvas.toDataURL() !== before",
            arg=[self.map.first.element_handle(), before],
        )

    def point_at_some_sample(self, start: int = 0) -> str:
        """Move the mouse over the map, from a row of it on, until it means a point; return its id."""
        box = self.map.first.bounding_box()
        assert box is not None
        root = self.page.locator(".mla-map").first
        for y in range(start, int(box["height"]), 6):
            for x in range(4, int(box["width"]), 12):
                self.page.mouse.move(box["x"] + x, box["y"] + y)
                if found := root.get_attribute("data-hovered"):
                    return found
        raise AssertionError("no point is there")

    def open_settings(self) -> None:
        """Unfold the settings, as JupyterLab's own menu of that name does not."""
        self.page.locator(".jp-OutputArea").get_by_text("Settings", exact=True).click()

    def setting(self, label: str) -> Locator:
        """Return a setting's input; that of a branch, of the same name, comes after it."""
        return self.page.get_by_label(label, exact=True).first

    def scroll_to_top(self) -> None:
        """Bring the bench's first line to the top of the screen."""
        self.button("Play").evaluate("button => button.scrollIntoView({block: 'start'})")
