"""Terms of the glossary on a real page: underlined, and explained on focus and under the pointer."""

import nbformat
from playwright.sync_api import Browser, expect

from tests.browser.lab_page import LabPage
from tests.browser.live_lab import LiveLab
from widgets.page.glossary import as_script
from widgets.page.page import asset

ASK = """
import widgets
widgets.predict("Which share of its plasticity has the shared head?", ["all", "a round"], lambda: ("all", "."))
"""
HEARD = "term => term.getAttribute('aria-description')"
PLASTICITY = "plasticity: The share of the head's gradient that P still lets through"
PARTS = """
<div class="mla-output"><label for="a">Head gradient</label><select id="a"><option>UMAP</select>
<div class="widget-slider"><label>α (projection)</label><div role="slider" tabindex="0" aria-label="α (projection)"></div></div>
<button>Epoch</button><table><tr><td>round</td></tr></table><p role="status">epoch 1</p>
<div class="js-plotly-plot"><svg><text>Head forgetting</text><text>UMAP</text></svg></div><p id="anew"></p></div>
"""
CHANGES = """async () => {
    let changes = 0;
    const observer = new MutationObserver((found) => (changes += found.length));
    observer.observe(document.body, { childList: true, characterData: true, subtree: true });
    await new Promise((done) => setTimeout(done, 2000));
    return changes;
}"""


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


def test_settings_and_pictures_are_explained_and_what_changes_is_left_alone(browser: Browser):
    page = browser.new_page()
    page.set_content(PARTS)
    scripts = asset("page/language.js") + asset("page/terms.js")
    page.add_script_tag(content=f"{as_script()}{scripts}explainTerms();")
    # A control keeps its name, and is explained when it gets the focus by keyboard.
    page.keyboard.press("Tab")
    setting = page.get_by_role("combobox", name="Head gradient")
    expect(setting).to_be_focused()
    expect(page.get_by_role("tooltip")).to_contain_text("head gradient modification: Multiplying")
    slider = page.get_by_role("slider", name="α (projection)")
    assert "eq. 5" in slider.evaluate(HEARD)
    # Words of pictures stand below them; names in tables, buttons and live regions stay as they are.
    expect(page.locator(".mla-words dfn")).to_have_text(["head forgetting", "UMAP"])
    expect(page.locator(":is(button, td, [role=status]) dfn")).to_have_count(0)
    # What is written anew is marked anew, once it stays, and nothing but that changes the page.
    page.locator("#anew").evaluate(
        "e => { e.textContent = 'The entropy: 2 nats, no epoch-like P.'; }"
    )
    expect(page.locator("#anew dfn")).to_have_text(["entropy", "nat", "P"])
    assert page.locator("#anew").inner_text() == "The entropy: 2 nats, no epoch-like P."
    expect(page.locator(".mla-words dfn")).to_have_text(["head forgetting", "UMAP"])
    assert page.evaluate(CHANGES) == 0
    page.close()
