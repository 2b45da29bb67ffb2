"""The page when its kernel is busy, restarted, killed; after a reload that nobody saved before; in a new tab."""

import os
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Page, expect

from tests.browser.bench import Bench
from tests.browser.lab_page import HEIGHT, WIDTH, LabPage
from tests.browser.live_lab import LiveLab

CELLS = (
    """
    import os, time, mla_core as mla, widgets
    options = {"sizes": [80, 60, 40]}
    config = mla.ExperimentConfig(dataset="gaussian", dataset_options=options, epochs=40)
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


def in_a_new_tab(old: LabPage) -> LabPage:
    """Close the tab, and open its address in another one."""
    address, context = old.page.url, old.page.context
    old.page.close()
    new = LabPage(context.new_page(), old.lab)
    new.page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
    new.page.goto(f"{address}?token={old.lab.token}")
    return new


def surprises(notebook: LabPage) -> list[str]:
    """Return what the page complained of, but that ipywidgets looked for a view that was saved."""
    return [error for error in notebook.console_errors if "model not found" not in error]


def reload_unsaved(notebook: LabPage) -> None:
    """Reload: nothing was saved, so that the file on the disk has no output."""
    page, bench = notebook.page, Bench(notebook)
    page.reload()
    notebook.wait_until_idle()
    bench.ready()
    bench.wait_for_text("sub-step 1 of")
    expect(page.locator(".mla-question")).to_have_count(1)
    bench.press("Step")
    bench.wait_for_text("sub-step 2 of")


def close_while_it_plays(notebook: LabPage) -> LabPage:
    """Save, run the cell again, play, and return the notebook in a new tab: it shows the present."""
    page, bench = notebook.page, Bench(notebook)
    page.evaluate(HEAR_SAVES)
    bench.button("Step").focus()
    page.keyboard.press("Control+s")
    page.wait_for_function("() => window.saved === 1")
    notebook.run_cell(1)  # whose saved output is of a view that is gone now
    bench.ready()
    bench.press("Play")
    bench.wait_for_epoch(2)
    assert surprises(notebook) == []

    back = in_a_new_tab(notebook)
    bench = Bench(back)
    bench.wait_for_state("finished")  # training went on where nobody looked
    bench.wait_for_text("epoch 40 of 40")
    expect(bench.status).to_have_count(1)
    expect(back.page.locator(".js-plotly-plot")).to_have_count(1)
    bench.wait_for_trace("accuracy.fused", 5)
    bench.press("Reset")
    bench.ready()
    back.wait_until_idle()
    expect(back.page.locator(".mla-question")).to_have_count(1)  # on a slow page an error at first
    return back


def keep_busy(notebook: LabPage, folder: Path) -> None:
    """Run the cell that waits, and see that the views say so until it ends."""
    page, bench = notebook.page, Bench(notebook)
    bench.wait_for_answers(2)
    page.evaluate(RUN_LAST)
    wait_until((folder / "begun").exists)  # what is asked before is answered before
    bench.press("Step")
    told(page, "The kernel is busy")
    (folder / "enough").touch()
    expect(bench.button("Step")).to_be_enabled()
    told(page, "^$")


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
    reload_unsaved(notebook)
    notebook = close_while_it_plays(notebook)
    page, bench = notebook.page, Bench(notebook)
    keep_busy(notebook, live_lab.root)

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
    assert surprises(notebook) == []
