"""A package of somebody else's in the bench: chosen, trained, coloured, branched like ours."""

import os

import nbformat
import pytest
from playwright.sync_api import expect

from tests.browser.bench import Bench
from tests.guests.package import install

CODE = """
import sys
sys.path.insert(0, {site!r})
import mla_core as mla
import widgets
config = mla.ExperimentConfig(
    dataset="two_clouds", head_gradient="forgetful", fusion="sharpest", metrics=["top_two"],
    encoders={{"left": "wide"}}, batch_size=16, feature_size=8, epochs=50, evaluate_every=4,
)
widgets.TrainingLab(config)
"""


@pytest.fixture
def bench(live_lab, own_page, tmp_path):
    book = nbformat.v4.new_notebook()
    book.metadata["kernelspec"] = {
        "name": "python3",
        "display_name": "Python 3",
        "language": "python",
    }
    book.cells = [nbformat.v4.new_code_cell(CODE.format(site=str(install(tmp_path))))]
    nbformat.write(book, tmp_path / "guests.ipynb")
    own_page.open(live_lab.add(tmp_path / "guests.ipynb"))
    own_page.run_cell(0)
    bench = Bench(own_page)
    bench.ready()
    return bench


@pytest.mark.long
def test_a_package_of_guests_is_used_by_the_bench(bench, own_page):
    page = own_page.page
    bench.press("Epoch")
    bench.wait_for_text("Paused: epoch 1")
    assert bench.trace("weight.left")
    assert bench.trace("number.top_two")
    bench.open_settings()
    expect(page.get_by_text("left noise")).to_have_count(0)  # the data set has no such dial
    for label, mine, ours in (
        ("Head gradient", "forgetful", "paper"),
        ("Fusion", "sharpest", "entropy"),
    ):
        setting = bench.setting(label)
        expect(setting).to_have_value(mine)
        setting.select_option(ours)
        bench.press("Step")
        bench.wait_for_state("paused")
        setting.select_option(mine)
    if shot := os.environ.get("SHOT"):
        page.screenshot(path=shot, full_page=True)
    bench.setting("Fusion").select_option("experts")
    bench.press("Step")
    expect(page.get_by_text("fused by the rule")).to_be_visible()
    bench.setting("Method").select_option("patient")
    bench.press("Reset")
    bench.press("Epoch")
    bench.wait_for_text("Paused: epoch 1")
    expect(bench.setting("Head gradient")).to_be_disabled()
    bench.setting("Method").select_option("counting")
    bench.press("Reset")
    bench.wait_for_text("Could not start: method 'counting' brings encoders of its own")
    assert own_page.console_errors == []
