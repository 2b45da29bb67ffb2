"""No two texts overlap, none is cut off: every view, at several widths, in light and dark.

A new view is one line in `BENCHES`, `EXPLORERS` or `FIGURES`: its name, and the cell that shows it.
All that a page shows is drawn anew with every width, a static figure more than once, so that only
the benches are asked at all widths in every check, and all others at the narrowest alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import nbformat
import pytest
from playwright.sync_api import Locator, expect

from tests import ROOT
from tests.browser.lab_page import LabPage
from tests.browser.texts import faults

pytestmark = pytest.mark.timeout(900)  # so many views in one page

CONFIGS = """
import mla_core as mla, widgets

def config(dataset, **options):
    shape = dict(epochs=1, batch_size=256, probe_size=60, evaluate_every=10)  # a short film
    return mla.ExperimentConfig(dataset=dataset, **shape, **options)

configs = {
    2: config("spoken_digits", modalities=["image", "audio"]),
    6: config("handwritten_views"),
}
"""
TRAIN = f"""
import shutil
from mla_core.results import by_rule, chosen_runs, compare_all, load_results, with_rates
from mla_core.runs import read_runs

sessions = {{m: mla.train(one) for m, one in configs.items()}}
shutil.rmtree("browsed", ignore_errors=True)
short = configs[6]
for one in (short, short.replace(modalities=["fac", "fou"]), short.replace(seed=1)):
    mla.run_experiment(one, "browsed")

def compared(session):
    variants = ("off", "paper", "released_enabled", "dataset_mean")
    explorer = widgets.explore_head_gradient(session, variants=variants, steps=4)
    for button in ("finish", "finish", "compare"):
        explorer._told(button)
    return explorer

def results(name):
    return load_results({str(ROOT / "results")!r}, name)

audit = chosen_runs(results("audit"))
others = [name for name in audit["label"].unique() if name != "mla (off)"]
rules = ["entropy", "released_batch_64", "released_batch_64_shuffled", "uniform"]
"""
BENCHES = {f"bench, {m}": f"widgets.open_lab(configs[{m}])" for m in (2, 6)}
EXPLORERS = {
    "fusion, 2": "widgets.explore_fusion(sessions[2])",
    "fusion, 6": "widgets.explore_fusion(sessions[6])",
    "head gradient, 2": "compared(sessions[2])",
    "head gradient, 6": "compared(sessions[6])",
    "toy": "widgets.projection_toy()",
    "gap, 2": "widgets.explore_gap(sessions[2])",
    "gap, 6": "widgets.explore_gap(sessions[6])",
    "runs": "widgets.RunBrowser('browsed', ticked=[run.name for run in read_runs('browsed')[0]])",
}
FIGURES = {
    "fusion on paper, 6": "widgets.explore_fusion(sessions[6], headless=True)",
    "gap on paper, 6": "widgets.explore_gap(sessions[6], headless=True)",
    "plasticity": "widgets.present(widgets.dot_plot(audit, {'plasticity': 'plasticity'}))",
    "methods": "widgets.present(widgets.dot_plot(chosen_runs(results('table1'))))",
    "verdicts": "widgets.present(widgets.difference_plot(compare_all(audit, others, 'mla (off)')))",
    "rules": "widgets.present(widgets.heat_map(by_rule(audit, rules)))",
    "missing": "widgets.present(widgets.missing_plot(with_rates(results('table2'))))",
}
Sight = tuple[int, str]  # how wide the window is, and its theme

WIDE, USUAL, NARROW = (1440, "dark"), (1280, "light"), (1024, "light")
TIGHT = (1024, "dark")  # which changes colours, not widths
# The first of these classes is JupyterLab's own for a figure that it draws, or is going to.
DRAWN = """(cell) => [...cell.querySelectorAll(".jp-RenderedPlotly, .js-plotly-plot")].every(
    (figure) => figure._fullLayout
        && Math.abs(figure._fullLayout.width - figure.clientWidth) < 3
        && !figure.querySelector(".mla-loading"))"""


def open_gallery(lab_page: LabPage, sources: Iterable[str]) -> None:
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    book = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
    nbformat.write(book, lab_page.lab.root / "gallery.ipynb")
    lab_page.open("gallery.ipynb")


def use(output: Locator) -> None:
    """Fill a bench as far as it goes: the run's end, a branch, a sample, everything unfolded."""
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


def settle(output: Locator) -> Locator:
    """Scroll to a view, wait until its pictures fit, and return it."""
    output.scroll_into_view_if_needed()
    expect(output.get_by_text("Comparing")).to_have_count(0)
    page = output.page
    page.wait_for_function(DRAWN, arg=output.element_handle())
    page.wait_for_timeout(60)  # what is drawn after the width was found
    return output


@pytest.mark.parametrize(
    ("prepare", "sights"),
    [
        pytest.param(CONFIGS, {WIDE: BENCHES, USUAL: {}, NARROW: {}}, id="benches"),
        pytest.param(CONFIGS + TRAIN, {TIGHT: EXPLORERS | FIGURES}, id="others"),
        pytest.param(
            CONFIGS + TRAIN,
            {WIDE: EXPLORERS | FIGURES, USUAL: {}, NARROW: {}},
            id="others, wider",
            marks=pytest.mark.long,
        ),
    ],
)
def test_no_two_texts_overlap_and_none_is_cut_off(
    lab_page: LabPage, prepare: str, sights: dict[Sight, dict[str, str]]
):
    """At each sight more views may come, and all that have come so far are measured."""
    views = {name: source for more in sights.values() for name, source in more.items()}
    open_gallery(lab_page, (prepare, *views.values()))
    cells = {name: cell for cell, name in enumerate(views, start=1)}
    found: dict[tuple[Sight, str], list[tuple[str, str, str]]] = {}
    shown: dict[str, Locator] = {}
    for (width, theme), more in sights.items():
        lab_page.page.set_viewport_size({"width": width, "height": 800})
        lab_page.theme(theme)
        if not shown:
            lab_page.run_cell(0)
        for name in more:  # together they are more than a page can load
            shown[name] = lab_page.run_cell(cells[name]).locator(".jp-Cell-outputArea")
            if name in BENCHES:
                use(shown[name])
        found |= {((width, theme), name): faults(settle(one)) for name, one in shown.items()}
    assert {sight: wrong for sight, wrong in found.items() if wrong} == {}
    moments = lab_page.page.locator(".mla-moment").all()  # beside buttons, at the narrowest now
    assert not any(one.evaluate("e => e.scrollWidth > e.clientWidth") for one in moments)
    assert lab_page.console_errors == []
