"""The page when its kernel is busy, restarted, killed; and after a reload that nobody saved before."""

import os
import re
import signal
import time
from collections.abc import Callable

import nbformat
import pytest
from playwright.sync_api import Page, expect

from tests.browser.bench import Bench
from tests.browser.lab_page import LabPage
from tests.browser.live_lab import LiveLab

CELLS = (
    """
    import os, time, mla_core as mla, widgets
    config = mla.ExperimentConfig(dataset="gaussian", dataset_options={"sizes": [80, 60, 40]})
    print(os.getpid())
    """,
    "widgets.TrainingLab(config)",
    "widgets.predict('Is it?', ['yes', 'no'], lambda: ('yes', 'It is.'))",
    """
    open("begun", "w").close()
    while not os.path.exists("enough"): time.sleep(0.1)  # however slow the page is
    """,
)
# Counts in `window.saved` how often JupyterLab was told to save.
HEAR_SAVES = """() => {
    window.saved = 0;
    window.jupyterapp.commands.commandExecuted.connect((_, { id }) => {
        window.saved += id === "docmanager:save";
    });
}"""
RUN_LAST = """() => {
    const commands = window.jupyterapp.commands;
    window.jupyterapp.shell.currentWidget.content.activeCellIndex = 3;
    void commands.execute("notebook:run-cell");
}"""


@pytest.fixture
def notebook(own_page: LabPage, live_lab: LiveLab) -> LabPage:
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    cells = [
        nbformat.v4.new_code_cell("\n".join(map(str.strip, c.strip().split("\n")))) for c in CELLS
    ]
    book = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
    nbformat.write(book, live_lab.root / "kernel.ipynb")
    own_page.open("kernel.ipynb")
    for cell in range(3):
        own_page.run_cell(cell)
    Bench(own_page).ready()
    return own_page


def told(page: Page, sentence: str) -> None:
    """Wait for what both cells' outputs say of the kernel."""
    notes = page.locator(".mla-kernel")
    expect(notes).to_have_text([re.compile(sentence)] * 2)


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline, "waited for a minute"
        time.sleep(0.2)


def restart(page: Page) -> None:
    page.evaluate(
        "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()"
    )


def test_the_view_comes_back_after_a_reload_and_dies_with_its_kernel(
    notebook: LabPage, live_lab: LiveLab
):
    page, bench = notebook.page, Bench(notebook)
    page.evaluate(HEAR_SAVES)
    bench.button("Play").focus()
    page.keyboard.press("d")
    page.keyboard.press("d")  # stays with the button
    assert page.locator(".jp-Cell").count() == len(CELLS)
    bench.press("Step")
    bench.wait_for_text("sub-step 1 of")

    # Nothing was saved: the file on the disk has no output.
    page.reload()
    notebook.wait_until_idle()
    bench.ready()
    bench.wait_for_text("sub-step 1 of")
    expect(page.locator(".mla-question")).to_have_count(1)
    bench.press("Step")
    bench.wait_for_text("sub-step 2 of")

    page.evaluate(HEAR_SAVES)
    bench.button("Step").focus()
    page.keyboard.press("Control+s")
    page.wait_for_function("() => window.saved === 1")
    notebook.run_cell(1)  # whose saved output is of a view that is gone now
    bench.ready()
    page.reload()
    notebook.wait_until_idle()
    bench.ready()
    expect(page.locator(".mla-question")).to_have_count(1)  # on a slow page it is an error at first
    bench.wait_for_answers(2)
    page.evaluate(RUN_LAST)
    wait_until((live_lab.root / "begun").exists)  # what is asked before is answered before
    bench.press("Step")
    told(page, "The kernel is busy")
    (live_lab.root / "enough").touch()
    expect(bench.button("Step")).to_be_enabled()
    told(page, "^$")

    bench.press("Play")
    bench.wait_for_state("playing")
    restart(page)
    told(page, "The kernel was restarted.*run the cells above and then this one again")
    expect(bench.status).to_be_hidden()
    living = ":is(button, select, input):not([inert], .mla-map *)"  # the map needs no kernel
    assert page.locator(f".mla-output {living}").count() == 0
    for cell in range(3):
        notebook.run_cell(cell)
    bench.ready()
    expect(page.locator(".mla-kernel:not(:empty)")).to_have_count(0)
    bench.press("Step")
    bench.wait_for_text("sub-step 1 of")

    pid = int(notebook.cell(0).locator(".jp-OutputArea-output").inner_text())
    os.kill(pid, signal.SIGKILL)
    told(page, "The kernel was restarted.*run the cells above and then this one again")
    # ipywidgets looked for the view that was saved, before ours took its place.
    assert [error for error in notebook.console_errors if "model not found" not in error] == []
