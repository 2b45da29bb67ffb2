"""The bench and a question without a mouse: Tab, arrows, Enter, Space, and always a visible focus."""

import re

import nbformat
import pytest
from playwright.sync_api import Page, expect

from tests.browser.bench import Bench
from tests.browser.lab_page import LabPage
from tests.browser.live_lab import LiveLab

RING = """() => {
    const style = getComputedStyle(document.activeElement);
    return style.outlineStyle === "solid" ? parseFloat(style.outlineWidth) : 0;
}"""
NAME = """() => {
    const e = document.activeElement;
    return (e.getAttribute("aria-label") || e.labels?.[0]?.textContent || e.textContent).trim();
}"""
INSIDE = "() => document.activeElement.closest('.mla-output') !== null"
# Text fainter than 4.5 to 1, by the formula of WCAG 2. Disabled controls need no contrast; glyphs
# beside a name are pictures; bars and heat maps have a ground of their own.
FAINT = """() => {
    const parse = (c) => [...c.match(/[\\d.]+/g).map(Number), 1].slice(0, 4);
    const over = (a, b) => [0, 1, 2].map((i) => a[i] * a[3] + b[i] * (1 - a[3]));
    const light = (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    const luminance = ([r, g, b]) =>
        0.2126 * light(r / 255) + 0.7152 * light(g / 255) + 0.0722 * light(b / 255);
    const ground = (e) => e === null ? [255, 255, 255]
        : over(parse(getComputedStyle(e).backgroundColor), ground(e.parentElement));
    const skipped = "style, option, :disabled, [aria-disabled=true], tspan[fill], .hoverlayer, [aria-hidden=true]";
    return [...document.querySelectorAll(".mla-output *")].filter((e) => {
        const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
        if (!own || !e.getClientRects().length || e.closest(skipped)) return false;
        const style = getComputedStyle(e);
        const behind = ground(e);
        const ink = over(parse(e instanceof SVGElement ? style.fill : style.color), behind);
        const [low, high] = [luminance(ink), luminance(behind)].sort((a, b) => a - b);
        return (high + 0.05) / (low + 0.05) < 4.5;
    }).map((e) => e.textContent);
}"""
QUESTION = """
import widgets
choices = ["image", "audio", "<img src=x onerror=alert(1)>"]
widgets.predict("Which?", choices, lambda: (choices[2], "So <b>it</b> is."))
"""


def focused(page: Page) -> str:
    """Return the name of what has the focus, which must be seen to have it."""
    assert page.evaluate(RING) >= 2, "the focus must be visible"
    return str(page.evaluate(NAME))


def tab_to(page: Page, name: str) -> None:
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate(INSIDE) and focused(page) == name:
            return
    raise AssertionError(f"no Tab leads to {name}")


def test_the_bench_by_keyboard_alone(lab_page: LabPage):
    bench = Bench.of_first_notebook(lab_page)
    page = lab_page.page
    cells = lab_page.page.locator(".jp-Cell").count()
    tab_to(page, "Play")
    page.keyboard.press("Enter")
    bench.wait_for_state("playing")
    expect(bench.button("Pause")).to_be_focused()  # Play is disabled now
    assert focused(page) == "Pause"
    page.keyboard.press("Space")
    bench.wait_for_state("paused")
    expect(bench.button("Play")).to_be_focused()
    tab_to(page, "Step")
    before = bench.step()
    for further in (1, 2):  # the focus comes back for another press
        page.keyboard.press("Enter")
        bench.wait_for_text(f"sub-step {before + further} of")
        expect(bench.button("Step")).to_be_focused()
    tab_to(page, "Settings")
    page.keyboard.press("Space")
    expect(bench.button("Settings")).to_have_attribute("aria-pressed", "true")
    bench.setting("Head gradient").wait_for()
    tab_to(page, "Head gradient")
    page.keyboard.press("o")
    bench.wait_for_text("head_gradient is off")
    tab_to(page, "α (projection)")  # a slider has a name, too
    page.keyboard.press("ArrowRight")
    bench.wait_for_text("alpha is")
    alpha = page.get_by_role("slider", name="α (projection)")
    beside = alpha.locator("xpath=ancestor::*[contains(@class, 'widget-slider')]")
    said = beside.locator(".widget-readout").inner_text()
    expect(alpha).to_have_attribute("aria-valuetext", said)  # not the exponent
    page.keyboard.type("dd")  # would delete the cell
    assert page.locator(".jp-Cell").count() == cells
    tab_to(page, "Sample")
    tab_to(page, "In words")
    page.keyboard.press("Space")
    words = page.get_by_text(re.compile("In words. Training loss in nats: image from "))
    expect(words).to_have_attribute("aria-live", "off")
    heard = page.locator(".mla-heard")
    expect(heard).to_have_attribute("aria-live", "polite")
    expect(heard).to_have_text(bench.status.inner_text())
    assert page.locator(".mla-output *").count() > 100
    assert page.evaluate(FAINT) == []
    lab_page.theme("dark")
    page.wait_for_function(f"() => ({FAINT})().length === 0")
    assert lab_page.console_errors == []


@pytest.mark.parametrize("theme", ["light", pytest.param("dark", marks=pytest.mark.long)])
def test_a_question_by_keyboard_alone(lab_page: LabPage, live_lab: LiveLab, theme: str):
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    cells = [nbformat.v4.new_code_cell(QUESTION)]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
    nbformat.write(notebook, live_lab.root / "question.ipynb")
    lab_page.open("question.ipynb")
    lab_page.run_cell(0)
    lab_page.theme(theme)
    page = lab_page.page
    page.emulate_media(reduced_motion="reduce")
    form = page.get_by_role("group", name="Which?")
    reveal = page.get_by_role("button", name="Reveal")
    expect(reveal).to_be_disabled()
    page.keyboard.press("Escape")
    tab_to(page, "image")
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    expect(form.get_by_role("radio", name="audio")).to_be_checked()
    focused(page)
    page.keyboard.press("Tab")
    assert focused(page) == "Reveal"
    page.keyboard.press("Enter")
    told = "You guessed “audio”, but it is “<img src=x onerror=alert(1)>”. So <b>it</b> is."
    expect(page.locator(".mla-question [role=status]")).to_have_text(told)
    expect(reveal).to_be_focused()
    assert page.locator("img[src=x]").count() == 0
    assert page.evaluate(FAINT) == []
    lab_page.theme("dark")
    page.wait_for_function(f"() => ({FAINT})().length === 0")
    lab_page.run_cell(0)  # a new question, and only that
    expect(page.locator(".mla-question")).to_have_count(1)
    expect(reveal).to_be_disabled()
    assert lab_page.console_errors == []
