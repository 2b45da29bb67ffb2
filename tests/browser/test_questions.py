"""A question about runs on a real page: it waits, opens by itself, and says when it is of the past."""

import nbformat
from playwright.sync_api import expect

from tests.browser.bench import Bench
from tests.browser.lab_page import LabPage
from tests.browser.live_lab import LiveLab

SETUP = """
import mla_core as mla, widgets
options = {"sizes": [96, 40, 40], "classes": 3}
config = mla.ExperimentConfig(dataset="gaussian", dataset_options=options, epochs=2)
lazy = widgets.train_in_background(config.replace(method="concat"))
"""
BENCH = """
lab = widgets.open_lab(config)
lab
"""
QUESTION = """
widgets.predict(
    "Which gains least?",
    list(lazy.session.data.modalities),
    lambda: widgets.once_trained(widgets.least_gained, lazy, lab, method=("concat", "mla")),
)
"""


def test_it_waits_for_the_bench_and_notices_another_run(lab_page: LabPage, live_lab: LiveLab):
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    cells = [nbformat.v4.new_code_cell(source.strip()) for source in (SETUP, BENCH, QUESTION)]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
    nbformat.write(notebook, live_lab.root / "questions.ipynb")
    lab_page.open("questions.ipynb")
    lab_page.run_all()
    bench = Bench(lab_page)
    bench.ready()
    page = lab_page.page
    expect(page.locator(".mla-training [role=status]")).to_have_text("concat is trained: 2 epochs.")
    form = page.locator(".mla-question")
    form.get_by_label("m1").check()
    form.get_by_role("button", name="Reveal").click()
    told = form.get_by_role("status")
    expect(told).to_contain_text("Not yet: the bench has trained 0 of 2 epochs. Your guess is kept")

    bench.press("Play")
    bench.wait_for_state("finished")
    expect(form).to_have_attribute("data-state", "revealed")
    expect(told).to_contain_text("This is one run (seed 0)")

    bench.press("Reset")
    expect(told).to_contain_text("This answer is about earlier runs (concat and mla: gaussian")
    form.get_by_role("button", name="Ask again").click()
    expect(form).to_have_attribute("data-state", "waiting")
    assert lab_page.console_errors == []
