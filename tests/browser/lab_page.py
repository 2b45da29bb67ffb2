"""A page that works in a real JupyterLab: it opens notebooks, runs them and listens for errors."""

from __future__ import annotations

import contextlib
import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Self

from tests.browser.live_lab import LabError, LiveLab

if TYPE_CHECKING:  # whoever has no browser is told so without it
    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Dialog, Locator, Page

WIDTH, HEIGHT = 1400, 1000  # of a page, in pixels

# Console errors of JupyterLab and anywidget themselves, as (pattern, reason). Anything else fails a test.
HARMLESS: tuple[tuple[str, str], ...] = (
    (
        r"\[anywidget\] Failed to initialize model\.",
        "said of a widget whose script took more than two seconds to load, and which is shown all the same",
    ),
)

# The commands are the ones behind JupyterLab's own menus and keys; their promises tell when the
# cells have run, which no picture on the screen does reliably.
_RUN = """async ([command, seconds]) => {
    const late = new Promise((_, no) => setTimeout(
        () => no(new Error(`${command} did not end within ${seconds} s`)), seconds * 1000));
    await Promise.race([window.jupyterapp.commands.execute(command), late]);
}"""
_ACTIVATE = """(index) => {
    const notebook = window.jupyterapp.shell.currentWidget.content;
    notebook.activeCellIndex = index;
    notebook.deselectAll();
}"""
_IS_IDLE = """() => {
    const panel = window.jupyterapp?.shell?.currentWidget;
    return panel?.context?.isReady && panel.sessionContext?.session?.kernel?.status === "idle";
}"""
_ERRORS = """() => window.jupyterapp.shell.currentWidget.content.widgets.flatMap((cell, index) =>
    (cell.model.sharedModel.outputs ?? []).filter((output) => output.output_type === "error")
        .map((output) => `cell ${index}: ${output.ename}: ${output.evalue}`))"""


class LabPage:
    """One browser page with JupyterLab in it.

    Attributes
    ----------
    page
        The Playwright page, for everything that is not said here.
    console_errors
        What the page reported as an error so far, JupyterLab's own harmless noise left out.
    dialogs
        What scripts of the page asked in a dialog so far; each was dismissed. Whoever leaves the
        page is let go, unasked.
    """

    def __init__(self, page: Page, lab: LiveLab) -> None:
        self.page = page
        self.lab = lab
        self.console_errors: list[str] = []
        self.dialogs: list[str] = []
        page.on("dialog", self._on_dialog)
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self._note(f"page error: {error}"))

    @classmethod
    @contextlib.contextmanager
    def new(
        cls,
        browser: Browser | BrowserContext,
        lab: LiveLab,
        width: int = WIDTH,
        height: int = HEIGHT,
    ) -> Iterator[Self]:
        """Open an empty page; afterwards close it, its kernels and its settings.

        In a context it shares what that has compiled of JupyterLab with the pages before.
        """
        page = browser.new_page()
        page.set_viewport_size({"width": width, "height": height})
        page.context.set_default_timeout(60_000)  # ms; two workers and a map share two cores
        others = [one for one in page.context.pages if one is not page]
        try:
            yield cls(page, lab)
        finally:
            for one in page.context.pages:
                if one not in others:
                    one.close()
            lab.reset()

    def open(self, notebook: str, seconds: float = 120) -> None:
        """Open a notebook of the lab in a workspace of its own, and wait for its kernel."""
        workspace = f"test-{uuid.uuid4().hex}"
        self.page.goto(
            f"{self.lab.url}/lab/workspaces/{workspace}/tree/{notebook}?token={self.lab.token}"
        )
        self.page.get_by_role("main").locator(".jp-NotebookPanel").wait_for(timeout=seconds * 1000)
        self.wait_until_idle(seconds)

    def run_all(self, seconds: float = 240) -> None:
        """Run every cell, wait until the kernel is idle, and raise `LabError` if a cell failed."""
        self._run("notebook:run-all-cells", seconds)

    def run_cell(self, index: int, seconds: float = 120) -> Locator:
        """Run one cell, counted from 0 with Markdown cells, and return it."""
        self.page.evaluate(_ACTIVATE, index)
        self._run("notebook:run-cell", seconds)
        return self.cell(index)

    def cell(self, index: int) -> Locator:
        """Return the cell at this place, counted from 0 with Markdown cells."""
        return self.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Cell").nth(index)

    def wait_until_idle(self, seconds: float = 120) -> None:
        """Wait until the notebook is loaded and its kernel has nothing to do."""
        self.page.wait_for_function(_IS_IDLE, timeout=seconds * 1000)

    def theme(self, name: str) -> None:
        """Change JupyterLab's theme to "light" or "dark"; to the one that it has, nothing is drawn anew."""
        if name not in ("light", "dark"):
            raise ValueError(f"theme must be 'light' or 'dark', not {name!r}")
        is_light = str(name == "light").lower()
        wanted = self.page.locator(f"body[data-jp-theme-light='{is_light}']")
        if wanted.count() == 0:
            self.page.evaluate(
                "(theme) => window.jupyterapp.commands.execute('apputils:change-theme', {theme})",
                f"JupyterLab {name.capitalize()}",
            )
            wanted.wait_for(state="attached")

    def screenshot(self, path: str | Path) -> Path:
        """Save a picture of the page as it is seen."""
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=path)
        return path

    def _run(self, command: str, seconds: float) -> None:
        self.page.evaluate(_RUN, [command, seconds])
        self.wait_until_idle(seconds)
        if errors := self.page.evaluate(_ERRORS):
            raise LabError("; ".join(errors))

    def _on_dialog(self, dialog: Dialog) -> None:
        if dialog.type == "beforeunload":
            dialog.accept()
            return
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self._note(f"{message.text} ({message.location.get('url', '')})")

    def _note(self, text: str) -> None:
        if not any(re.search(pattern, text) for pattern, _ in HARMLESS):
            self.console_errors.append(text)
