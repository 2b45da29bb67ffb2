"""One page and one kernel for many tests, each of which finds both as if they were new.

Loading JupyterLab and importing torch take most of a short test's time. A test that restarts or
ends its kernel, closes its page, or changes what either has loaded needs its own: `own_page` of
`conftest.py`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from tests.browser.lab_page import HEIGHT, WIDTH, LabPage
from tests.browser.live_lab import LiveLab

if TYPE_CHECKING:  # whoever has no browser is told so without it
    from playwright.sync_api import BrowserContext

_KERNEL = "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.id"
_OPEN = """async ([path, id]) => {
    const asked = { path, factory: "Notebook", kernel: { id } };
    await window.jupyterapp.commands.execute("docmanager:open", asked);
}"""
_CLOSE_ALL = """() => {
    for (const widget of [...window.jupyterapp.shell.widgets("main")]) {
        if (widget.context) widget.context.model.dirty = false;  // nobody is asked to save
        widget.dispose();
    }
}"""
_EXECUTE = """async ([id, code]) => {
    const kernel = window.jupyterapp.serviceManager.kernels.connectTo({ model: { id, name: "python3" } });
    try {
        const { content } = await kernel.requestExecute({ code, store_history: false }).done;
        if (content.status !== "ok") throw new Error(`${content.ename}: ${content.evalue}`);
    } finally {
        kernel.dispose();  // the next notebook's widgets need the first connection
    }
}"""

_GO = "import os; os.chdir({folder!r})"
_FORGET = """
def forget():
    import ipywidgets, mla_core
    from widgets.page import per_cell
    for _, opened in per_cell._open.values():
        for one in opened:
            one.close()
    per_cell._open.clear()
    ipywidgets.Widget.close_all()
    mla_core.language.choose("en")
    shell = get_ipython()  # `%reset` would take from `__main__` what new processes need
    for name in [name for name in shell.user_ns if name not in shell.user_ns_hidden]:
        del shell.user_ns[name]
forget()
"""


class SharedPage(LabPage):
    """A page with JupyterLab in it, whose kernel serves one notebook after another."""

    _kernel = ""

    def open(self, notebook: str, seconds: float = 120) -> None:
        """Open a notebook of the lab with the kernel of the ones before, in the notebook's folder."""
        if self._kernel:
            self._execute(_GO.format(folder=str((self.lab.root / notebook).parent)))
            self.page.evaluate(_OPEN, [notebook, self._kernel])
            self.wait_until_idle(seconds)
            return
        super().open(notebook, seconds)
        self._kernel = str(self.page.evaluate(_KERNEL))
        self.lab.spared.add(self._kernel)

    def clear(self) -> None:
        """Close every notebook, forget in the kernel what it was told, and put page and lab back."""
        self.page.evaluate(_CLOSE_ALL)
        self.page.locator(".jp-Launcher").wait_for()  # JupyterLab shows it where nothing is open
        if self._kernel:
            self._execute(_FORGET)
        self.theme("light")
        self.page.emulate_media(reduced_motion="null")
        self.page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
        self.page.mouse.move(0, 0)
        self.lab.reset()
        self.console_errors.clear()
        self.dialogs.clear()

    def _execute(self, code: str) -> None:
        self.page.evaluate(_EXECUTE, [self._kernel, code])


class SharedPages:
    """Lends the page that is shared, and begins another after one that could not be cleared."""

    def __init__(self, context: BrowserContext, lab: LiveLab) -> None:
        self._context = context
        self._lab = lab
        self._begun = contextlib.ExitStack()
        self._page: SharedPage | None = None

    @contextlib.contextmanager
    def lend(self) -> Iterator[SharedPage]:
        """Give the page to a test, and clear it afterwards."""
        if self._page is None:
            self._page = self._begun.enter_context(SharedPage.new(self._context, self._lab))
        yield self._page
        try:
            self._page.clear()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the page with its kernel."""
        self._page = None
        self._lab.spared.clear()
        self._begun.close()
