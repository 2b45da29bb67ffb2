"""The first notebook in a real JupyterLab: press what a person presses, see what changes."""

import re

import nbformat
from playwright.sync_api import expect

from tests.browser.bench import FIRST_NOTEBOOK, LAB_CELL, Bench
from tests.browser.lab_page import LabPage
from tests.browser.live_lab import LiveLab

LIT = "svg[role=img] g[data-lit=true]"


def test_play_pause_step_and_reset_move_every_picture(lab_page: LabPage):
    lab_page.open(FIRST_NOTEBOOK)
    lab_page.run_all()
    bench = Bench(lab_page)
    bench.ready()
    page = lab_page.page
    expect(page.locator(LIT)).to_have_count(0)
    expect(bench.status).to_have_text(re.compile("Nothing trained yet"))

    bench.press("Step")
    bench.wait_for_text("sub-step 1 of 510, last trained: image")
    expect(page.locator(LIT)).to_have_attribute("data-encoder", "image")
    bench.press("Step")
    bench.wait_for_text("sub-step 2 of 510, last trained: audio")
    bench.wait_for_trace("loss.audio", 1)
    assert len(bench.trace("loss.image")) == 1

    before = bench.picture()
    bench.press("Play")
    bench.wait_for_state("playing")
    bench.wait_for_epoch(3)
    bench.press("Pause")
    bench.wait_for_state("paused")
    stopped_at = bench.step()
    assert stopped_at > 100
    for meta in (
        *("accuracy.fused", "weight.text", "gap.image|audio", "forgetting.audio"),
        "plasticity",
    ):
        assert len(bench.trace(meta)) > 2, meta
    bench.wait_for_another_picture(before)
    plasticity = page.locator("rect[data-plasticity]").get_attribute("data-plasticity")
    assert float(plasticity or 1) < 0.9
    page.wait_for_timeout(500)
    assert bench.step() == stopped_at, "a paused bench must not go on"

    bench.press("Epoch")
    epoch_end = (stopped_at // 51 + 1) * 51  # 17 rounds of three modalities
    bench.wait_for_text(rf"Paused: .* sub-step {epoch_end} of")

    bench.press("Stop")
    bench.wait_for_state("stopped")
    expect(bench.button("Play")).to_be_disabled()
    bench.press("Reset")
    bench.wait_for_text("Nothing trained yet")
    bench.ready()
    page.wait_for_function("() => document.querySelector('rect[data-plasticity=\"1.0000\"]')")
    assert bench.trace("loss.image") == []
    assert lab_page.console_errors == []

    # The cell is run again while the bench plays: one is left, and it has just begun.
    bench.press("Play")
    bench.wait_for_state("playing")
    lab_page.run_cell(LAB_CELL)
    bench.ready()
    bench.wait_for_text("Nothing trained yet")
    page.wait_for_timeout(1000)
    bench.wait_for_text("Nothing trained yet", 1)
    # JupyterLab empties the cell's output while an update of the old figure may be on its way;
    # plotly then finds its figure gone and says so. Nobody is harmed, the figure is gone.
    late = "Error setting state: Cannot read properties of undefined (reading 'length')"
    assert [error for error in lab_page.console_errors if not error.startswith(late)] == []


def test_settings_maps_samples_and_themes(lab_page: LabPage):
    bench = Bench.of_first_notebook(lab_page)
    page = lab_page.page
    bench.open_settings()

    bench.setting("Head gradient").select_option("off")
    bench.wait_for_text("head_gradient is off from sub-step 0 on")
    bench.press("Epoch")
    bench.wait_for_text("sub-step 51 of")
    page.locator("rect[data-plasticity='1.0000']").wait_for()
    expect(page.locator(".mla-marks")).to_have_text("① sub-step 0: head_gradient paper → off")

    bench.setting("Data").select_option("gaussian")
    bench.wait_for_text("Press Reset to start afresh with the new dataset")
    bench.setting("Data").select_option("spoken_digits")

    page.get_by_label("Map", exact=True).select_option("UMAP")
    expect(page.locator(".mla-map .caption")).to_contain_text("trustworthiness 0.", timeout=120_000)

    # The sample shown is the one that was clicked, and stands in view beside the map.
    bench.scroll_to_top()
    for start in (0, 120):
        clicked = bench.point_at_some_sample(start)
        page.mouse.down()
        page.mouse.up()
        sample = page.locator("[data-sample]")
        expect(sample).to_have_attribute("data-sample", clicked)
        expect(sample).to_be_in_viewport()
    assert page.locator("[data-sample] img").evaluate("i => i.naturalWidth") > 0
    page.wait_for_function("() => document.querySelector('[data-sample] audio').duration > 0.1")

    # The same without a mouse.
    chooser = bench.setting("Sample")
    chooser.focus()
    page.keyboard.press("Home")
    expect(page.locator("[data-sample]")).to_have_count(0)
    page.keyboard.press("ArrowDown")
    first = chooser.locator("option").nth(1).inner_text()
    expect(page.locator("[data-sample]")).to_have_attribute("data-sample", first)

    width = bench.map.first.evaluate("canvas => canvas.width")
    lab_page.theme("dark")
    page.wait_for_function(
        """() => document.querySelector(".js-plotly-plot")._fullLayout.font.color === "#f2f5fa" """
    )
    assert bench.map.first.evaluate("canvas => canvas.width") == width, "the map is drawn as before"
    assert lab_page.console_errors == []


HOSTILE = """
import asyncio, torch
import mla_core as mla, widgets
from mla_core.data import Modality, MultimodalDataset, Split

bad = "<img src=x onerror=alert(1)>"

def split(side):
    labels = torch.arange(40) % 2
    x = torch.randn(40, 4, generator=torch.Generator().manual_seed(0)) + 3 * labels[:, None]
    ids = [f"{bad}{side}{i}" for i in range(40)]
    return Split.complete(side, {"a": x, "b": x + 1}, labels, ids)

data = MultimodalDataset(
    "mine", [Modality(n, "vector", (4,), note=bad) for n in "ab"], [bad, "ok"],
    {side: split(side) for side in ("train", "val", "test")}, note=bad,
)
widgets.TrainingLab(mla.ExperimentConfig(learning_rate=LEARNING_RATE), data=data)
"""


def hostile_bench(lab_page: LabPage, live_lab: LiveLab, learning_rate: str) -> Bench:
    """Open a notebook whose data set bears hostile names, and run its bench."""
    source = HOSTILE.replace("LEARNING_RATE", learning_rate)
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source)], metadata={"kernelspec": kernel}
    )
    nbformat.write(notebook, live_lab.root / "hostile.ipynb")
    lab_page.open("hostile.ipynb")
    lab_page.run_cell(0)
    bench = Bench(lab_page)
    bench.ready()
    return bench


def test_names_from_outside_are_shown_literally(lab_page: LabPage, live_lab: LiveLab):
    bench = hostile_bench(lab_page, live_lab, "0.01")
    bench.press("Epoch")
    bench.wait_for_state("paused")
    bench.setting("Sample").select_option(index=1)
    sample = lab_page.page.locator("[data-sample]")
    expect(sample).to_contain_text("<img src=x onerror=alert(1)>val0, true class <img src=x")
    bench.scroll_to_top()
    bench.point_at_some_sample()
    expect(lab_page.page.locator(".mla-map .tip")).to_contain_text(
        "<img src=x onerror=alert(1)>val"
    )
    assert lab_page.dialogs == []
    assert lab_page.page.locator("img[src=x]").count() == 0
    assert lab_page.console_errors == []


def test_divergence_pauses_says_so_and_reset_goes_on(lab_page: LabPage, live_lab: LiveLab):
    bench = hostile_bench(lab_page, live_lab, "1e18")
    bench.press("Play")
    bench.wait_for_state("failed")
    bench.wait_for_text("training diverged in sub-step .* Try a smaller learning rate")
    bench.wait_for_trace("loss.a", 1)  # the history is kept
    bench.press("Reset")
    bench.wait_for_text("Nothing trained yet")
    assert lab_page.console_errors == []
