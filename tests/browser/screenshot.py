"""Take the README's pictures from real pages: `python -m tests.browser.screenshot [FOLDER]`."""

import sys
from pathlib import Path

from tests.browser import pictures_fusion, pictures_gap, pictures_gradient, pictures_runs
from tests.browser.bench import Bench
from tests.browser.lab_page import LabPage
from tests.browser.live_lab import LiveLab, chromium

ROOT = Path(__file__).parents[2]


def main(folder: Path) -> None:
    take_bench(folder)
    for pictures in (pictures_fusion, pictures_gradient, pictures_gap, pictures_runs):
        pictures.take(folder)


def take_bench(folder: Path) -> None:
    """Take the bench, light and dark, with a branch."""
    with (
        chromium() as browser,
        LiveLab([ROOT / "notebooks" / "01_alternating_training.ipynb"]) as lab,
        LabPage.new(browser, lab, 1280, 800) as page,
    ):
        bench = Bench.of_first_notebook(page)
        bench.press("Play")
        bench.wait_for_epoch(6)
        bench.press("Pause")
        bench.wait_for_state("paused")
        page.page.get_by_label("Map", exact=True).select_option("UMAP")
        page.page.wait_for_function(
            "() => document.querySelector('.mla-map .caption').textContent.includes('trustworthiness')",
            timeout=120_000,
        )
        bench.setting("Sample").select_option(index=40)
        page.page.locator("[data-sample]").wait_for()
        bench.scroll_to_top()
        page.page.mouse.move(5, 500)
        page.page.wait_for_timeout(1000)
        print(page.screenshot(folder / "lab.png"))
        page.theme("dark")
        page.page.wait_for_timeout(1500)
        bench.scroll_to_top()
        print(page.screenshot(folder / "lab_dark.png"))
        page.theme("light")
        slider = page.page.get_by_role("slider", name="Moment")
        slider.focus()
        slider.press("Home")
        slider.press("ArrowRight")
        slider.press("ArrowRight")
        bench.wait_for_text("Looking back at")
        bench.press("Branch")
        bench.setting("Branch with").select_option("another head gradient")
        page.page.get_by_label("Head gradient").last.select_option("off")
        bench.press("Branch from here")
        page.page.locator(".mla-difference").wait_for(timeout=60_000)
        page.page.get_by_label("Map", exact=True).select_option("PCA")
        bench.press("Play")
        page.page.wait_for_function(
            "() => document.querySelector('.mla-difference')?.textContent.includes('points')",
            timeout=120_000,
        )
        page.page.wait_for_timeout(8000)
        bench.press("Pause")
        bench.wait_for_state("paused")
        page.page.wait_for_timeout(1000)
        page.page.set_viewport_size({"width": 1280, "height": 1150})  # two runs are taller
        bench.scroll_to_top()
        page.page.wait_for_timeout(1000)
        print(page.screenshot(folder / "branch.png"))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs")
