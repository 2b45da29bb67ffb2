"""One page and one kernel for many tests, each of which finds both as if they were new.

Loading JupyterLab and importing torch take most of a short test's time. A test that restarts or
ends its kernel, closes its page, or changes what either has loaded needs its own: `own_page` of
`conftest.py`.
"""

from __future__ import annotations

from tests.browser.lab_page import HEIGHT, WIDTH, LabPage

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
    const { content } = await kernel.requestExecute({ code, store_history: false }).done;
    kernel.dispose();
    if (content.status !== "ok") throw new Error(`${content.ename}: ${content.evalue}`);
}"""

# Whoever asks for a UMAP gets one; in a test nobody waits for what begins by itself.
_PREPARE = """
from widgets.bench import map_follower
map_follower.CALM = 1e6
"""
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
        """Open a notebook of the lab with the kernel of the ones before, and wait for it."""
        if self._kernel:
            self.page.evaluate(_OPEN, [notebook, self._kernel])
            self.wait_until_idle(seconds)
            return
        super().open(notebook, seconds)
        self._kernel = str(self.page.evaluate(_KERNEL))
        self.lab.spared.add(self._kernel)
        self.page.evaluate(_EXECUTE, [self._kernel, _PREPARE])
        self.wait_until_idle(seconds)

    def clear(self) -> None:
        """Close every notebook, forget in the kernel what it was told, and put page and lab back."""
        self.page.evaluate(_CLOSE_ALL)
        self.page.locator(".jp-Launcher").wait_for()  # JupyterLab shows it where nothing is open
        if self._kernel:
            self.page.evaluate(_EXECUTE, [self._kernel, _FORGET])
        self.theme("light")
        self.page.emulate_media(reduced_motion="null")
        self.page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
        self.page.mouse.move(0, 0)
        self.lab.reset()
        self.console_errors.clear()
        self.dialogs.clear()

    def give_up(self) -> None:
        """End the kernel with the page, so that nobody meets what is wrong with them."""
        self.lab.spared.discard(self._kernel)
        self.page.close()
        self.lab.reset()
