"""Terms of the glossary on a real page: underlined, and explained on focus and under the pointer."""

import nbformat
from playwright.sync_api import expect

from tests.browser.bench import Bench
from tests.browser.live_lab import LabPage, LiveLab

ASK = """
import widgets
widgets.predict("Which share of its plasticity has the shared head?", ["all", "a round"], lambda: ("all", "."))
"""
HEARD = "term => term.getAttribute('aria-description')"
PLASTICITY = "plasticity: The share of the head's gradient that P still lets through"


def test_a_term_is_explained_by_pointer_and_by_keyboard(lab_page: LabPage, live_lab: LiveLab):
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    cells = [nbformat.v4.new_code_cell(ASK.strip())]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
    nbformat.write(notebook, live_lab.root / "terms.ipynb")
    lab_page.open("terms.ipynb")
    lab_page.run_cell(0)
    page = lab_page.page
    terms = page.locator(".mla-question legend dfn")
    expect(terms).to_have_text(["plasticity", "shared head"])
    tip = page.get_by_role("tooltip")
    terms.nth(0).hover()
    expect(tip).to_contain_text(PLASTICITY)
    page.mouse.move(0, 0)
    expect(tip).to_be_hidden()
    terms.nth(0).focus()
    page.keyboard.press("Tab")
    expect(terms.nth(1)).to_be_focused()
    expect(tip).to_contain_text("shared head: The one linear layer")
    assert "The one linear layer" in terms.nth(1).evaluate(HEARD)
    page.keyboard.press("Escape")
    expect(tip).to_be_hidden()
    # A term in a control's label is heard with the control, which keeps its name.
    radio = page.get_by_role("radio", name="a round")
    assert "One sub-step for each modality" in radio.evaluate(HEARD)
    radio.locator("xpath=..").locator("dfn").click()
    expect(radio).to_be_checked()
    assert lab_page.console_errors == []


def test_the_bench_explains_its_settings_and_its_pictures(lab_page: LabPage):
    bench = Bench.of_first_notebook(lab_page)
    words = lab_page.page.locator(".mla-words dfn")
    expect(words.filter(has_text="head forgetting")).to_have_count(1)
    expect(words.filter(has_text="modality gap")).to_have_count(1)
    bench.open_settings()
    bench.setting("Head gradient").focus()
    lab_page.page.keyboard.press("Tab")
    lab_page.page.keyboard.press("Shift+Tab")
    expect(lab_page.page.get_by_role("tooltip")).to_contain_text("head gradient modification:")
    alpha = lab_page.page.get_by_role("slider", name="α (projection)")
    assert "eq. 5" in alpha.evaluate(HEARD)
    assert lab_page.console_errors == []
