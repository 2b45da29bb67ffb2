"""A live figure on a page that is slow to load plotly: nothing that the kernel sent is lost."""

from collections.abc import Iterator

import nbformat
import pytest
from playwright.sync_api import BrowserContext, expect

from tests.browser.lab_page import LabPage
from tests.browser.live_lab import LiveLab

SHOW = """
import plotly.graph_objects as go
from widgets.page.live_figure import LiveFigure

figure = LiveFigure(go.Figure(go.Scatter(y=[1, 3, 2], name="curve"), {"title": {"text": "first"}}))
figure
"""
CHANGE = """
with figure.batch_update():
    figure.data[0].y = [5, 6, 7, 8]
    figure.layout.title.text = "changed before it was drawn"
"""
AGAIN = """
figure.data[0].y = [9, 9]
LiveFigure(go.Figure(go.Bar(y=[1]), {"title": {"text": "second"}}))
"""
LATER = "figure.data[0].y = [1, 2, 3]"
# anywidget waits for two seconds. Every module as large as plotly now takes four.
SLOW = """() => {
    const plain = URL.createObjectURL.bind(URL);
    window.loads = 0;
    URL.createObjectURL = (blob) => {
        if (blob.size < 1e6) return plain(blob);
        window.loads += 1;
        const wait = "await new Promise((go) => setTimeout(go, 4000));\\n";
        return plain(new Blob([wait, blob], { type: blob.type }));
    };
}"""
# What tells all figures that the window has changed.
HEAR_RESIZES = """() => {
    window.resizes = 0;
    window.addEventListener("resize", () => window.resizes += 1);
}"""

Y = "(figure) => figure.data[0].y.length"
POINTS = f"() => ({Y})(document.querySelector('.js-plotly-plot'))"
WIDTH = "() => document.querySelector('.js-plotly-plot')._fullLayout.width"


@pytest.fixture(scope="module")
def slow_page(person: BrowserContext, live_lab: LiveLab) -> Iterator[LabPage]:
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    cells = [nbformat.v4.new_code_cell(source) for source in (SHOW, CHANGE, AGAIN, "figure", LATER)]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
    nbformat.write(notebook, live_lab.root / "figure.ipynb")
    with LabPage.new(person, live_lab) as page:
        page.page.add_init_script(f"({SLOW})()")
        page.open("figure.ipynb")
        yield page


def test_a_page_that_loads_slowly_shows_what_the_kernel_has_now(slow_page: LabPage):
    page = slow_page.page
    page.evaluate(HEAR_RESIZES)
    slow_page.run_cell(0)
    page.get_by_text("Loading the picture").wait_for()
    slow_page.run_cell(1)
    page.locator(".gtitle", has_text="changed before it was drawn").wait_for()
    expect(page.get_by_text("Loading the picture")).to_have_count(0)
    assert page.evaluate(POINTS) == 4
    slow_page.run_cell(2)  # and it goes on listening
    page.locator(".gtitle", has_text="second").wait_for()
    page.wait_for_function(f"() => ({POINTS})() === 2")
    assert page.evaluate("() => window.loads") == 1, "plotly is loaded once a page"

    slow_page.cell(0).locator(".jp-InputArea").click()  # its first view goes ...
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:clear-cell-output')")
    slow_page.run_cell(2)
    expect(page.locator(".gtitle", has_text="changed before")).to_have_count(0)
    figure = slow_page.cell(3).locator(".js-plotly-plot")
    slow_page.run_cell(3)  # ... and another comes, and goes on listening, too
    figure.locator(".gtitle", has_text="changed before").wait_for()
    assert figure.evaluate(Y) == 2
    slow_page.run_cell(4)
    page.wait_for_function(f"(figure) => ({Y})(figure) === 3", arg=figure.element_handle())
    assert page.evaluate("() => window.resizes") == 0, "every figure of the page is drawn anew"
    assert slow_page.console_errors == []


def test_a_figure_follows_the_width_of_its_place(slow_page: LabPage):
    page = slow_page.page
    slow_page.run_cell(0)
    page.locator(".gtitle", has_text="first").wait_for()
    before = page.evaluate(WIDTH)
    page.keyboard.press("Control+b")  # hides the file browser
    page.wait_for_function(f"(before) => ({WIDTH})() > before + 100", arg=before)
    fits = "figure.closest('.jp-OutputArea-output').clientWidth - figure._fullLayout.width"
    page.wait_for_function(f"""() => {{
        const figure = document.querySelector('.js-plotly-plot');
        return Math.abs({fits}) < 20;
    }}""")
