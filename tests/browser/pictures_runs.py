"""Pictures of the run browser and of an exported page: `python -m tests.browser.pictures_runs [FOLDER]`."""

import sys
from pathlib import Path
from typing import Literal

import nbformat
from playwright.sync_api import Browser

import mla_core as mla
from tests.browser.lab_page import LabPage
from tests.browser.live_lab import LiveLab, chromium
from widgets import export_run

ROOT = Path(__file__).parents[2]
WIDTH = 1280
METHODS = ("mla", "concat", "ogm_ge")


def take(folder: Path) -> None:
    """Write ``run_browser.png``, ``export.png`` and their dark versions."""
    with chromium() as browser, LiveLab() as lab:
        for method in METHODS:
            for seed in (0, 1):
                config = mla.ExperimentConfig(method=method, seed=seed, epochs=4)
                run = mla.run_experiment(config, lab.root / "runs")
                if (method, seed) == (METHODS[0], 0):
                    _page(browser, export_run(run, lab.root / "run.html"), folder)
        _browser(browser, lab, folder)


def _page(browser: Browser, path: Path, folder: Path) -> None:
    schemes: dict[str, Literal["light", "dark"]] = {
        "export.png": "light",
        "export_dark.png": "dark",
    }
    for name, scheme in schemes.items():
        context = browser.new_context(
            viewport={"width": WIDTH, "height": 1500}, color_scheme=scheme, offline=True
        )
        page = context.new_page()
        page.goto(path.as_uri())
        page.locator(".mla-map[data-frames]").wait_for()
        canvas = page.locator(".mla-map canvas")
        canvas.focus()
        for _ in range(4):
            page.keyboard.press("ArrowRight")
        page.keyboard.press("Enter")
        page.evaluate("() => window.scrollTo(0, 0)")
        page.wait_for_timeout(1500)
        page.screenshot(path=folder / name)
        print(folder / name)
        context.close()


def _browser(browser: Browser, lab: LiveLab, folder: Path) -> None:
    book = nbformat.v4.new_notebook()
    book.metadata["kernelspec"] = {
        "name": "python3",
        "display_name": "Python 3",
        "language": "python",
    }
    book.cells = [nbformat.v4.new_code_cell("import widgets\n\nwidgets.RunBrowser('runs')")]
    nbformat.write(book, lab.root / "browse.ipynb")
    with LabPage.new(browser, lab, WIDTH, 1720) as page:
        page.open("browse.ipynb")
        page.page.keyboard.press("Control+b")  # the file browser takes a quarter of the width
        page.run_cell(0)
        page.page.get_by_role("button", name="test accuracy").click()
        page.page.get_by_role("button", name="test accuracy").click()
        for row in (0, 1, 2):
            page.page.get_by_role("checkbox", name="show ").nth(2 * row).check()
        page.page.get_by_text("3 compared").first.wait_for(timeout=60_000)
        page.page.locator(".js-plotly-plot").nth(1).wait_for()
        page.page.wait_for_timeout(1500)
        print(page.screenshot(folder / "run_browser.png"))
        page.theme("dark")
        page.page.wait_for_timeout(1500)
        print(page.screenshot(folder / "run_browser_dark.png"))


if __name__ == "__main__":
    take(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs")
