"""The site's short form, built with every warning an error and opened from its folder, offline."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from playwright.sync_api import Browser, ConsoleMessage, Page, expect

import mla_core as mla
from mla_core.fusion import fuse, importance_weights, uniform_weights
from tests import ROOT
from widgets.fusion.grid import FusionGrid
from widgets.page import asset

SITE = ROOT / "docs" / "site"
FIRST, SECOND = (
    "notebooks/01_alternating_training.html",
    "notebooks/02_head_gradient_modification.html",
)
PAGES = ("index.html", "quick_start.html", "docs/data.html", "CONTRIBUTING.html", FIRST, SECOND)
CHINESE = ("zh/index.html", f"zh/{FIRST}")
# On a machine that does much else, two notebooks may take minutes.
pytestmark = pytest.mark.timeout(1500)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("site")
    command = [sys.executable, str(SITE / "build.py"), "--short", "--out", str(out)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=out)
    assert done.returncode == 0, done.stdout + done.stderr
    return out / "html"


class OfflinePage:
    """A page with the network cut, and what it complained of or asked for."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self._asked(request.url))

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(message.text)

    def _asked(self, url: str) -> None:
        if not url.startswith(("file:", "blob:", "data:")):
            self.complaints.append(f"it asked the network for {url}")

    def open(self, path: Path) -> Page:
        self.page.goto(path.as_uri())
        return self.page


@pytest.fixture(
    params=[pytest.param(("light", 1280), marks=pytest.mark.long), ("dark", 390)],
    ids=["light", "dark phone"],
)
def offline(browser: Browser, request: pytest.FixtureRequest) -> Iterator[OfflinePage]:
    scheme, width = request.param
    context = browser.new_context(
        offline=True, color_scheme=scheme, viewport={"width": width, "height": 900}
    )
    yield OfflinePage(context.new_page())
    context.close()


@pytest.mark.parametrize("name", [*PAGES, *CHINESE])
def test_a_page_opens_from_its_folder_without_the_network(
    site: Path, offline: OfflinePage, name: str
):
    page = offline.open(site / name)
    expect(page.locator("h1").first).to_be_visible()
    width = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert width[0] <= width[1], "nothing sticks out"
    assert offline.complaints == []


def test_a_question_takes_the_guess_before_it_shows_the_answer(site: Path, offline: OfflinePage):
    page = offline.open(site / FIRST)
    form = page.locator(".mla-question").first
    after = page.locator(".mla-living", has=form).locator("xpath=following-sibling::*")
    figure = after.locator(".mla-plot")
    expect(figure.first).to_be_hidden()
    form.get_by_role("radio").first.check()
    form.get_by_role("button", name="Reveal").click()
    expect(form.get_by_role("status")).to_contain_text("uess")
    expect(form.get_by_role("status")).not_to_contain_text("Take a guess")
    expect(form.locator("label[data-holds=true]")).to_have_count(1)
    expect(figure.first).to_be_visible()
    expect(figure.first.locator(".main-svg").first).to_be_visible()
    assert offline.complaints == []


def test_the_map_is_scrubbed_through_the_run_and_a_button_says_what_it_needs(
    site: Path, offline: OfflinePage
):
    page = offline.open(site / FIRST)
    view = page.locator(".mla-map")
    expect(view).to_have_attribute("data-ready", "true")
    last = view.get_attribute("data-look")
    slider = view.locator("input[type=range]").first
    slider.focus()
    slider.press("Home")
    expect(view).to_have_attribute("data-look", "0")
    assert last != "0"
    expect(page.locator(".mla-needs-kernel")).to_contain_text("open this notebook in JupyterLab")
    expect(page.get_by_role("button", name="Play")).to_have_count(1)  # the map's own
    assert offline.complaints == []


def test_the_projection_follows_the_arrow_keys_and_formulas_are_drawn(
    site: Path, offline: OfflinePage
):
    page = offline.open(site / SECOND)
    toy = page.locator(".mla-toy")
    before = toy.inner_text()
    tip = toy.locator(".tip").first
    tip.focus()
    tip.press("ArrowUp")
    assert toy.inner_text() != before
    expect(page.locator("math mfrac").first).to_be_visible()
    assert offline.complaints == []


def test_the_handout_is_two_pages_of_paper(site: Path, offline: OfflinePage):
    page = offline.open(site / "docs" / "teach" / "handout.html")
    page.emulate_media(media="print")
    for of_the_screen in (".skip-to-content", ".mla-language"):
        expect(page.locator(of_the_screen)).to_be_hidden()
    breaks = page.locator("article hr")
    assert breaks.evaluate_all("all => all.map(one => getComputedStyle(one).breakAfter)") == [
        "page"
    ]


def test_the_search_finds_a_page(site: Path, offline: OfflinePage):
    offline.page.goto(f"{(site / 'search.html').as_uri()}?q=plasticity")
    expect(offline.page.locator("#search-results li a").first).to_be_visible()
    assert offline.complaints == []


def test_a_chinese_page_leads_to_its_english_twin_and_back(site: Path, offline: OfflinePage):
    page = offline.open(site / "zh" / "index.html")
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    page.locator(".mla-doors").get_by_role("link", name="快速上手").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("快速上手")
    page.get_by_role("link", name="English", exact=True).click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Quick start")
    page.get_by_role("link", name="中文", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("快速上手")
    assert offline.complaints == []


def test_the_chinese_search_finds_a_page(site: Path, offline: OfflinePage):
    offline.page.goto(f"{(site / 'zh' / 'search.html').as_uri()}?q=可塑性")
    expect(offline.page.locator("#search-results li a").first).to_be_visible()
    assert offline.complaints == []


def test_the_theme_reaches_widgets_and_figures(site: Path, browser: Browser):
    context = browser.new_context(offline=True, color_scheme="dark")
    page = OfflinePage(context.new_page()).open(site / FIRST)
    assert page.evaluate("document.body.dataset.jpThemeLight") == "false"
    page.evaluate("document.body.dataset.theme = 'light'")
    page.wait_for_function("document.body.dataset.jpThemeLight === 'true'")
    context.close()


def kept_page(folder: Path, widget: Any) -> Path:
    """Write a page with one widget's state, as an executed notebook keeps it."""
    state = {
        key: value for key, value in widget.get_state().items() if not key.startswith("layout")
    }
    kept = json.dumps({"state": {"one": {"state": state}}}).replace("<", "\\u003c")
    kind = "application/vnd.jupyter.widget"
    page = folder / "page.html"
    page.write_text(
        f'<!doctype html><meta charset="utf-8"><body><script type="{kind}-state+json">{kept}</script>'
        f'<script type="{kind}-view+json">{{"model_id": "one"}}</script>'
        f"<script>{asset('page/kept_model.js')}</script>"
        f"<script>{(SITE / 'static' / 'living.js').read_text(encoding='utf-8')}</script></body>",
        encoding="utf-8",
    )
    return page


@pytest.mark.parametrize("rule", ["entropy", "uniform"])
def test_the_grid_computes_what_the_core_does(tmp_path: Path, offline: OfflinePage, rule: str):
    config = mla.ExperimentConfig(dataset="gaussian", epochs=1, probe_size=40)
    widget = FusionGrid(mla.train(config))
    page = offline.open(kept_page(tmp_path, widget))
    grid = page.locator(".mla-grid")
    grid.locator("[data-trait=rule]").select_option(rule)
    spoilt = grid.locator("[data-level='0']")
    spoilt.focus()
    for _ in range(3):
        spoilt.press("ArrowRight")
    grid.locator("[data-dropped='1']").check()
    rows = [
        levels[at]
        for levels, at in zip(widget.meta["samples"][0]["logits"], (3, 0, 0), strict=True)
    ]
    logits = torch.tensor(rows, dtype=torch.float64)[:, None]  # (M, 1, C)
    present = torch.tensor([[True], [False], [True]])
    weigh = importance_weights if rule == "entropy" else uniform_weights
    weights = weigh(logits, present)
    found = [json.loads(grid.get_attribute(f"data-{name}") or "") for name in ("weights", "fused")]
    torch.testing.assert_close(torch.tensor(found[0]).double(), weights[:, 0], atol=1e-6, rtol=1e-5)
    expected = fuse(logits, weights)[0]
    torch.testing.assert_close(torch.tensor(found[1]).double(), expected, atol=1e-5, rtol=1e-5)
    expect(grid.get_by_role("status")).to_contain_text("Fused:")
    assert offline.complaints == []
