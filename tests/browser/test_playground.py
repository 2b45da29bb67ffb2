"""The playground as a person uses it: what is pressed, said, linked and drawn."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.playground import PAGE, ask, offline_page, show
from tests.browser.texts import faults

# `readState` is the page's own.
TRAIN = """
const session = new Session(readState(given.link).state, digits);
while (session.step < given.step) session.advance();
return session.curves.at(-1);
"""


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    with offline_page(browser) as opened:
        yield opened


def step_of(page: Page) -> int:
    return int(page.locator("body").get_attribute("data-step") or "-1")


def seen(page: Page) -> list[str]:
    """Return all that the page says and draws."""
    pictures = page.evaluate(
        "() => [...document.querySelectorAll('canvas')].map((c) => c.toDataURL())"
    )
    return [page.locator("main").inner_text(), page.locator("#story").inner_text(), *pictures]


def trained(page: Page, link: str, step: int) -> dict[str, Any]:
    point: dict[str, Any] = ask(page, TRAIN, {"link": link, "step": step})
    return point


def test_what_the_examples_promise_is_seen(page: Page) -> None:
    show(page)
    links: dict[str, str] = page.evaluate(
        "() => Object.fromEntries(EXAMPLES.map((e) => [e.title, e.link]))"
    )

    lazy = trained(page, links["A lazy modality"], 800)
    assert lazy["joint"][1] < 0.6
    assert lazy["turns"][1] > 0.9
    equals = trained(page, links["Equals"], 300)
    assert max(abs(a - b) for a, b in zip(equals["joint"], equals["turns"], strict=False)) < 0.1
    missing = trained(page, links["Missing parts"], 1000)
    assert min(missing["joint"][1], missing["turns"][1]) > 0.9
    freezes = links["A head that freezes"]
    frozen, free = trained(page, freezes, 200), trained(page, f"{freezes}&gradient=off", 200)
    assert (frozen["plasticity"] < 0.01, free["plasticity"]) == (True, 1)
    assert frozen["turns"][2] < free["turns"][2] - 0.2


def test_step_play_pause_and_reset(page: Page) -> None:
    show(page)
    body = page.locator("body")
    blobs, spirals = (page.locator("#views figure").nth(i) for i in (1, 3))
    told = ("Turn of Blobs", "joint training made its step"), ("Turn of Spirals", "waits")
    for step, (works, rests) in enumerate(((blobs, spirals), (spirals, blobs)), start=1):
        page.get_by_role("button", name="Step").click()
        expect(body).to_have_attribute("data-step", str(step))
        expect(works).to_have_attribute("data-works", "")
        expect(rests).not_to_have_attribute("data-works", "")
        for part in told[step - 1]:
            expect(page.locator("#count")).to_contain_text(part)

    page.get_by_role("button", name="Play").press("Enter")
    page.wait_for_function("() => Number(document.body.dataset.step) > 40")
    page.get_by_role("button", name="Pause").press("Enter")
    page.wait_for_function("() => !waiting")
    paused = step_of(page)
    page.wait_for_timeout(200)
    assert step_of(page) == paused
    assert f"step={paused}" in page.url

    for _ in range(5):  # faster than the worker answers
        page.get_by_role("button", name="Step").evaluate("(button) => button.click()")
    expect(body).to_have_attribute("data-step", str(paused + 5))

    page.get_by_role("button", name="Reset").click()
    expect(body).to_have_attribute("data-step", "0")
    expect(page.locator("#story")).to_contain_text("Nothing is trained yet")


LINK = (
    "m=spirals:0.05,blobs:0.3,digits:0.2&missing=0.3&joint=concat&gradient=paper_previous"
    "&alpha=1&fusion=uniform&rate=0.1&seed=7&step=37&sample=12&plane=1"
)


def test_a_link_brings_the_same_state_back(page: Page) -> None:
    show(page, LINK)
    assert page.evaluate("() => writeState(state)") == LINK
    first = seen(page)
    show(page, LINK)
    assert seen(page) == first

    # And what is done from there on is in the address, too.
    page.get_by_label("Sample").press("ArrowRight")
    page.wait_for_function("() => !waiting")
    page.get_by_role("button", name="Step").click()
    page.wait_for_function("() => !waiting && location.hash.includes('step=38')")
    further, link = seen(page), page.url.partition("#")[2]
    assert further != first
    show(page, link)
    assert seen(page) == further

    page.evaluate("() => (location.hash = 'seed=5')")  # another link in the same page
    expect(page.get_by_label("Seed")).to_have_value("5")


@pytest.mark.parametrize(
    ("link", "told"),
    [
        ("seed=-3", "seed = “-3”, but it must be a whole number from 0 to 9999"),
        ("alpha=0.2", "alpha = “0.2”, but it must be one of 0.001, 0.01, 0.1, 1, 10"),
        ("m=blobs:0.1", "modalities = “blobs:0.1”, but it must be two to four of blobs"),
        ("m=blobs:9,cats:0.1", "modalities = “blobs:9,cats:0.1”"),
        ("step=1e9", "step = “1e9”, but it must be a whole number from 0 to 10000"),
        ("__proto__=1", "“__proto__”, which this page does not know"),
        ("joint=<img src=x onerror=alert(1)>", "joint = “<img src=x onerror=alert(1)>”"),
    ],
)
def test_a_bad_link_is_told_and_the_usual_is_used(page: Page, link: str, told: str) -> None:
    if not page.url.startswith(PAGE.as_uri()):
        show(page)
    page.evaluate("(link) => load(link)", link)
    expect(page.locator("#fault")).to_be_visible()
    expect(page.locator("#fault")).to_contain_text(told)
    assert page.locator("img").count() == 0
    assert page.evaluate("() => writeState(state)") == ""


def test_another_fusion_changes_what_is_fused_and_no_training(page: Page) -> None:
    show(page, "m=blobs:0.4,spirals:0.2&step=60&sample=5")
    weights = page.locator("#one .weight")
    before = weights.all_inner_texts()
    page.get_by_label("Fusion").select_option("uniform")
    expect(weights.first).to_have_text("0.50")
    assert before[0] != "0.50"
    assert step_of(page) == 60
    page.get_by_label("Kind").first.select_option("rings")
    expect(page.locator("body")).to_have_attribute("data-step", "0")
    page.get_by_role("button", name="Add a modality").click()
    page.get_by_role("button", name="Remove modality 2").click()
    expect(page.locator("#views h3")).to_have_text(
        ["Rings 1", "Rings 2", "Fused over Rings 1, the rest from sample 5"]
    )


def test_a_sample_is_chosen_by_the_pointer_and_may_lack_a_part(page: Page) -> None:
    show(page, "m=blobs:0.1,spirals:0.03&missing=0.4&step=20")
    spot = page.evaluate(
        """() => {
            const k = data.present[0].findIndex((here, k) => here && !data.present[1][k] && k > 9);
            const { clientWidth } = document.querySelector("canvas");
            const at = (v) => (toPixel(v) / SIDE) * clientWidth;
            return [k, at(data.inputs[0][2 * k]), at(-data.inputs[0][2 * k + 1])];
        }"""
    )
    page.locator("canvas").first.hover(position={"x": spot[1] + 2, "y": spot[2] + 2})
    found = page.evaluate("() => state.sample")
    assert found > 0
    page.get_by_label("Sample").fill(str(spot[0]))
    rows = page.locator("#one tbody tr")
    expect(rows.nth(1)).to_contain_text("missing")
    expect(rows.nth(0).locator(".weight")).to_have_text("1.00")
    expect(rows.nth(1).locator(".weight")).to_have_text("0.00")


# ---------------------------------------------------------------------------------- how it looks


@pytest.mark.parametrize(
    "link", ["step=40", "m=digits:0.1,spirals:0.03,blobs:0.2,digits:0&step=20&x=1"]
)
def test_no_text_lies_over_another(page: Page, link: str) -> None:
    show(page, link)
    page.locator("summary").click()
    for width in (390, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        assert faults(page.locator("body")) == []
        assert page.evaluate("() => document.documentElement.scrollWidth") <= width


def test_the_other_language_shows_the_same_state(page: Page) -> None:
    show(page, "m=digits:0.1,spirals:0.03&step=40&sample=7")
    english, pictures = page.locator("#count").inner_text(), seen(page)[2:]
    page.get_by_role("link", name="中文").click()
    body = page.locator("body[data-ready=true]")
    expect(body).to_have_attribute("data-step", "40")
    expect(page.locator("#count")).to_contain_text("子步 40")
    assert page.evaluate("document.documentElement.lang") == "zh-CN"
    assert seen(page)[2:] == pictures
    names = "MLA|English|entropy|uniform|ReLU|Zhang|CVPR|[hq]|trace|softmax|SGD|UCI|CC|BY"
    kept = f"Optical.*digits|E. Alpaydin|C. Kaynak|scikit-learn|{names}"
    page.locator("details").evaluate("(one) => { one.open = true; }")
    assert re.findall("[A-Za-z]{2,}", re.sub(kept, "", body.inner_text())) == []
    assert faults(body) == []
    page.get_by_role("link", name="English").click()
    expect(page.locator("#count")).to_have_text(english)


def test_every_control_is_reached_by_tab_seen_and_named(page: Page) -> None:
    show(page)
    page.locator("h1").click()
    count = page.locator("button:enabled, select:enabled, input:enabled, summary").count()
    reached = set()
    for _ in range(count):
        page.keyboard.press("Tab")
        name, outline = page.evaluate(
            """() => {
                const e = document.activeElement;
                const named = e.ariaLabel ?? (e.labels?.[0] ?? e).textContent.trim();
                return [`${e.dataset.key ?? ""} ${named}`, getComputedStyle(e).outlineStyle];
            }"""
        )
        assert (name.strip() != "", outline) == (True, "solid"), name
        reached.add(name)
    assert len(reached) == count
    assert page.locator("canvas:not([aria-label])").count() == 0
