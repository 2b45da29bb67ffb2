"""Hostile texts through every widget and page, in a real browser: they are shown and never act."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

import nbformat
from playwright.sync_api import Page

import mla_core as mla
from tests.browser.lab_page import LabPage
from tests.browser.live_lab import LabError, LiveLab, chromium, find_chromium
from tests.campaign.tally import Budget, Tally

AT_ONCE = 20  # texts on one page
HOST = "hostile.invalid"
HIT = f"window.hit=1;fetch('http://{HOST}/')"

TEMPLATES = (
    "<img src=x onerror={act}>",
    '"><img src=x onerror="{act}">',
    "<script>{act}</script>",
    "</script><script>{act}</script>",
    "</title></style></textarea><script>{act}</script>",
    "<svg onload={act}>",
    "<svg><animate onbegin={act} attributeName=x dur=1s>",
    "<iframe srcdoc='<script>parent.{act}</script>'></iframe>",
    "<a href='javascript:{act}'>press</a>",
    "<details open ontoggle={act}>",
    "<input autofocus onfocus={act}>",
    "<body onload={act}>",
    "<style>@import 'http://{host}/x.css';</style>",
    "<link rel=stylesheet href=http://{host}/x.css>",
    "<meta http-equiv=refresh content='0;url=http://{host}/'>",
    "<base href=http://{host}/>",
    "<form action=http://{host}/><button>go</button></form>",
    "<math><mtext><img src=x onerror={act}></mtext></math>",
    "' onmouseover='{act}' x='",
    '" autofocus onfocus="{act}" x="',
    "`${{{act}}}`",
    "{{{{constructor.constructor('{act}')()}}}}",
    "$\\href{{javascript:{act}}}{{x}}$",
    "[x](javascript:{act})",
    "![x](http://{host}/x.png)",
    "<b>bold</b><br><sup>x</sup><span style='font-size:99px'>x</span>",
    "%{{x}} %{{customdata}} <extra>{act}</extra>",
    "\N{RIGHT-TO-LEFT OVERRIDE}<img src=x onerror={act}>",
    "\N{LINE SEPARATOR}<img/src=x/onerror={act}>\N{ZERO WIDTH SPACE}",
    "&lt;img src=x onerror={act}&gt;&#60;img src=x onerror={act}&#62;",
    "<!--<img src=x onerror={act}>-->",
    "]]><img src=x onerror={act}>",
    "\\u003cimg src=x onerror={act}\\u003e",
    "<xmp><img src=x onerror={act}>",
    "<video><source onerror={act}></video>",
    "<object data='javascript:{act}'></object>",
    "<table background=http://{host}/x.png><td>",
    "<p style=\"background:url('http://{host}/x.png')\">",
    "__proto__",
    "constructor",
)

CELLS = (
    "import json, torch, mla_core as mla, widgets\n"
    "from mla_core import Modality, MultimodalDataset, Split\n"
    "texts = json.load(open('texts.json'))\n"
    "def side(name, n):\n"
    "    labels = torch.arange(n) % len(texts)\n"
    "    x = torch.nn.functional.one_hot(labels, len(texts)).float() + torch.randn(n, len(texts)) / 9\n"
    "    ids = [f'{texts[i % len(texts)]} {name} {i}' for i in range(n)]\n"
    "    return Split.complete(name, {'a': x, 'b': x + 1}, labels, ids)\n"
    "sides = {name: side(name, 4 * len(texts)) for name in ('train', 'val', 'test')}\n"
    "kinds = [Modality(n, 'vector', (len(texts),), note=texts[0]) for n in 'ab']\n"
    "data = MultimodalDataset(texts[1], kinds, texts, sides, note=texts[2])\n"
    "config = mla.ExperimentConfig(epochs=2, evaluate_every=4)\n"
    "session = mla.TrainingSession(config, data)\n"
    "list(session); None",
    "bench = widgets.TrainingLab(config, data=data)\nbench",
    "widgets.explore_fusion(session)",
    "widgets.explore_head_gradient(session)",
    "widgets.explore_gap(session)",
    "widgets.RunBrowser('runs', ticked=json.load(open('ticked.json')))",
    "from pathlib import Path\n"
    "mla.train(config, Path('texts/.begun.partial'), data=data)\n"
    "widgets.watch('texts/begun')",
    "widgets.open_lab(config, data=data, headless=True)",
    "widgets.explore_fusion(session, headless=True)",
    "widgets.explore_gap(session, headless=True)",
    "widgets.RunBrowser('runs', headless=True)",
    "widgets.export_session(session, 'page.html'); None",
)


def campaigns(work: Path, budget: Budget) -> list[Tally]:
    """Show so many texts, some on each page."""
    if find_chromium() is None:
        return [Tally("hostile texts", left_out="left out: there is no Chromium")]
    tally = Tally("hostile texts")
    pages = Budget(budget.seed, max(1, budget.tries // AT_ONCE), budget.seconds)
    with chromium() as browser, browser.new_context() as context, LiveLab() as lab:
        for number, chance in pages.each(tally):
            with LabPage.new(context, lab) as page:
                show(hostile_texts(chance), number, page, tally)
    tally.tries *= AT_ONCE
    return [tally]


def hostile_texts(chance: random.Random, number: int = AT_ONCE) -> list[str]:
    """Return texts that differ, each of which would be noticed if it acted."""
    chosen = chance.sample(TEMPLATES, number)
    return [f"{one.format(act=HIT, host=HOST)} {i}" for i, one in enumerate(chosen)]


def show(texts: list[str], number: int, shown: LabPage, tally: Tally) -> None:
    """Open a notebook with every widget, and an exported page, and note what the texts do."""
    lab = shown.lab
    (lab.root / "texts.json").write_text(json.dumps(texts))
    _write_runs(lab.root, texts)
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    book = nbformat.v4.new_notebook(metadata={"kernelspec": kernel})
    book.cells = [nbformat.v4.new_code_cell(text) for text in CELLS]
    name = f"hostile{number}.ipynb"
    nbformat.write(book, lab.root / name)
    what = f"page {number}"
    watch(shown.page, tally, what)
    try:
        shown.open(name)
        for place in range(len(CELLS)):
            shown.run_cell(place, 240).scroll_into_view_if_needed()
            shown.page.wait_for_timeout(700)
            look(shown.page, tally, f"{what}, cell {place}")
    except LabError as error:
        tally.fault("crashed", f"{what}: {error}")
    for complaint in shown.console_errors:
        tally.fault("crashed", f"{what}: {complaint[:300]}")
    for message in shown.dialogs:
        tally.fault("wrong in silence", f"{what}: a dialog {message!r}")

    def dialog(one) -> None:
        tally.fault("wrong in silence", f"{what}, exported: a dialog {one.message!r}")
        one.dismiss()

    page = shown.page.context.new_page()
    watch(page, tally, f"{what}, exported")
    page.on("dialog", dialog)
    page.goto((lab.root / "page.html").as_uri())
    page.locator("body[data-ready]").wait_for()
    look(page, tally, f"{what}, exported")
    page.close()


def _write_runs(root: Path, texts: list[str]) -> None:
    """Leave runs whose folders bear hostile names, as far as a folder can."""
    made = mla.run_experiment(
        mla.ExperimentConfig(dataset="gaussian", dataset_options={"sizes": [60, 30, 30]}, epochs=1),
        root / "made",
    )
    for old in ("runs", "texts"):  # of the page before, with other data
        shutil.rmtree(root / old, ignore_errors=True)
    names = [text.replace("/", "\N{FRACTION SLASH}")[:80] for text in texts[:6]]
    for name in names:
        shutil.copytree(made, root / "runs" / name)
    (root / "ticked.json").write_text(json.dumps(names))


def watch(page: Page, tally: Tally, what: str) -> None:
    """Note requests to where only a hostile text leads."""

    def request(one) -> None:
        if HOST in one.url:
            tally.fault("wrong in silence", f"{what}: {one.url} was asked for")

    page.on("request", request)


def look(page: Page, tally: Tally, what: str) -> None:
    """Note what a text has done to a page."""
    found = page.evaluate(
        """(host) => ({
            acted: Boolean(window.hit) || [...document.querySelectorAll("iframe")].some((frame) => {
                try { return Boolean(frame.contentWindow.hit); } catch { return false; }
            }),
            elements: [...document.querySelectorAll(
                "img[src=x], iframe[srcdoc*=hit], a[href^=javascript], [onerror], [onload]"
                + ", [onfocus], [ontoggle], [onmouseover], base[href*=invalid], form[action*=invalid]"
                + ", link[href*=invalid], object[data^=javascript]")].map((e) => e.outerHTML),
        })""",
        HOST,
    )
    if found["acted"]:
        tally.fault("wrong in silence", f"{what}: a text has run")
    for element in found["elements"]:
        tally.fault("wrong in silence", f"{what}: a text became {element[:200]}")
