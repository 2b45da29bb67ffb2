"""Time travel and branches in a real JupyterLab: slide back, branch off."""

import re

from playwright.sync_api import expect

from tests.browser.bench import Bench
from tests.browser.lab_page import LabPage

DRAWN = "() => document.querySelector('.mla-map canvas').toDataURL()"
PLASTICITY = "rect[data-plasticity]"


def test_one_slider_takes_every_picture_back_and_a_branch_trains_beside(lab_page: LabPage):
    bench = Bench.of_first_notebook(lab_page)
    page = lab_page.page
    bench.press("Epoch")
    bench.wait_for_text("Paused: epoch 1 of 10, sub-step 51 of 510,")
    now = page.locator(PLASTICITY).get_attribute("data-plasticity")
    picture = bench.picture()

    slider = page.get_by_role("slider", name="Moment")
    expect(slider).to_have_attribute("aria-valuetext", "sub-step 51 (now)")
    slider.focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    bench.wait_for_text("Looking back at sub-step 24, epoch 1 of 10; the run stands at 51 of 510")
    expect(slider).to_have_attribute("aria-valuetext", "sub-step 24")
    expect(page.locator(PLASTICITY)).not_to_have_attribute("data-plasticity", now or "")
    assert bench.trace("cursor.loss", "x") == [24, 24]
    page.wait_for_function(f"(before) => ({DRAWN})() !== before", arg=picture)

    bench.press("Branch")
    bench.setting("Branch with").select_option("another head gradient")
    page.get_by_label("Head gradient").last.select_option("off")
    bench.press("Branch from here")
    words = page.locator(".mla-difference")
    expect(words).to_contain_text("Branch from sub-step 24: head_gradient off instead of paper")
    bench.press("Epoch")  # the branch is behind and goes first
    bench.wait_for_state("paused")
    bench.press("Epoch")
    expect(words).to_contain_text(
        re.compile("At sub-step (48|72|96) its accuracy differs by fused")
    )
    plasticities = page.locator(PLASTICITY)
    expect(plasticities).to_have_count(2)
    expect(plasticities.nth(1)).to_have_attribute("data-plasticity", "1.0000")
    assert bench.trace("branch.accuracy.fused", "x")[0] == 24
    expect(bench.map).to_have_count(2)
    expect(page.locator(".mla-marks")).to_contain_text(
        "① sub-step 24: branch, head_gradient paper → off"
    )
    assert lab_page.console_errors == []
