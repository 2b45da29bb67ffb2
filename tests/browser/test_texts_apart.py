"""No two texts overlap, none is cut off: every view, at three widths, in light and dark.

A new view is one line in `VIEWS`: its name, and the cell that shows it. All stand in one notebook,
so that they share a kernel and a page, whose window is resized.
"""

from __future__ import annotations

import re

import nbformat
import pytest
from playwright.sync_api import Locator, expect

from tests import ROOT
from tests.browser.lab_page import LabPage
from tests.browser.live_lab import LiveLab
from tests.browser.texts import faults

pytestmark = pytest.mark.timeout(900)  # so many views in one page

PREPARE = f"""
import mla_core as mla, widgets
from mla_core.results import by_rule, chosen_runs, compare_all, load_results, with_rates
from mla_core.runs import read_runs

def trained(dataset):
    shape = dict(epochs=1, batch_size=256, probe_size=60, evaluate_every=10)  # a short film
    session = mla.TrainingSession(mla.ExperimentConfig(dataset=dataset, **shape))
    session.advance(epochs=1)
    return session

sessions = {{2: trained("mnist_speech"), 6: trained("handwritten_views")}}
short = sessions[6].config.replace(batch_size=256)
for config in (short, short.replace(modalities=["fac", "fou"]), short.replace(seed=1)):
    mla.run_experiment(config, "browsed")

def compared(session):
    variants = ("off", "paper", "released_enabled", "dataset_mean")
    explorer = widgets.explore_head_gradient(session, variants=variants, steps=12)
    for button in ("finish", "finish", "compare"):
        explorer._told(button)
    return explorer

def results(name):
    return load_results({str(ROOT / "results")!r}, name)

audit = chosen_runs(results("audit"))
others = [name for name in audit["label"].unique() if name != "mla (off)"]
rules = ["entropy", "released_batch_64", "released_batch_64_shuffled", "uniform"]
"""
BENCHES = {f"bench, {m}": f"widgets.open_lab(sessions[{m}].config)" for m in (2, 6)}
VIEWS = {
    **BENCHES,
    "fusion, 2": "widgets.explore_fusion(sessions[2])",
    "fusion, 6": "widgets.explore_fusion(sessions[6])",
    "fusion on paper, 6": "widgets.explore_fusion(sessions[6], headless=True)",
    "head gradient, 2": "compared(sessions[2])",
    "head gradient, 6": "compared(sessions[6])",
    "toy": "widgets.projection_toy()",
    "gap, 2": "widgets.explore_gap(sessions[2])",
    "gap, 6": "widgets.explore_gap(sessions[6])",
    "gap on paper, 6": "widgets.explore_gap(sessions[6], headless=True)",
    "runs": "widgets.RunBrowser('browsed', ticked=[run.name for run in read_runs('browsed')[0]])",
    "plasticity": "widgets.present(widgets.dot_plot(audit, {'plasticity': 'plasticity'}))",
    "methods": "widgets.present(widgets.dot_plot(chosen_runs(results('table1'))))",
    "verdicts": "widgets.present(widgets.difference_plot(compare_all(audit, others, 'mla (off)')))",
    "rules": "widgets.present(widgets.heat_map(by_rule(audit, rules)))",
    "missing": "widgets.present(widgets.missing_plot(with_rates(results('table2'))))",
}
SIGHTS = ((1440, "dark"), (1280, "light"), (1024, "light"))  # dark changes colours, not widths
DRAWN = """(cell) => [...cell.querySelectorAll(".js-plotly-plot")].every(
    (figure) => figure._fullLayout
        && Math.abs(figure._fullLayout.width - figure.clientWidth) < 3
        && !figure.querySelector(".mla-loading"))"""


@pytest.fixture
def gallery(lab_page: LabPage, live_lab: LiveLab) -> LabPage:
    """Open a notebook with every view, each in a cell of its own, after the one that prepares."""
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    cells = [nbformat.v4.new_code_cell(source) for source in (PREPARE, *VIEWS.values())]
    book = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
    nbformat.write(book, live_lab.root / "gallery.ipynb")
    width, theme = SIGHTS[0]
    lab_page.page.set_viewport_size({"width": width, "height": 800})
    lab_page.open("gallery.ipynb")
    lab_page.theme(theme)  # before there is anything to be drawn anew
    lab_page.run_cell(0)
    for cell, name in enumerate(VIEWS, start=1):  # together they are more than a page can load
        lab_page.run_cell(cell)
        if name in BENCHES:
            use(lab_page, name)
    return lab_page


def use(gallery: LabPage, name: str) -> None:
    """Fill a bench as far as it goes: the run's end, a branch, a sample, everything unfolded."""
    output = gallery.cell(1 + list(VIEWS).index(name)).locator(".jp-Cell-outputArea")
    output.scroll_into_view_if_needed()

    def press(button: str) -> None:
        output.get_by_role("button", name=re.compile(f"{button}$")).click()

    status = output.locator(".mla-status")
    for step in range(1, 4):
        press("Step")
        expect(status).to_contain_text(f"sub-step {step} of")
    press("Branch")
    press("Branch from here")
    expect(output.locator(".mla-difference")).to_contain_text("Branch from sub-step 3")
    press("Play")
    expect(status).to_have_attribute("data-state", "finished", timeout=60_000)
    output.get_by_label("Sample", exact=True).select_option(index=5)
    for folded in ("Settings", "In words"):
        press(folded)


def view(gallery: LabPage, name: str) -> Locator:
    """Scroll to a view, wait until its pictures fit, and return its output."""
    cell = gallery.cell(1 + list(VIEWS).index(name))
    cell.scroll_into_view_if_needed()
    output = cell.locator(".jp-Cell-outputArea")
    expect(output.get_by_text("Comparing")).to_have_count(0)
    handle = output.element_handle()
    gallery.page.wait_for_function(DRAWN, arg=handle)
    gallery.page.wait_for_timeout(60)  # what is drawn after the width was found
    return output


def test_no_two_texts_overlap_and_none_is_cut_off(gallery: LabPage):
    found: dict[tuple[int, str, str], list[tuple[str, str, str]]] = {}
    for width, theme in SIGHTS:
        gallery.page.set_viewport_size({"width": width, "height": 800})
        gallery.theme(theme)
        found |= {(width, theme, name): faults(view(gallery, name)) for name in VIEWS}
    assert {sight: wrong for sight, wrong in found.items() if wrong} == {}
    assert gallery.console_errors == []
