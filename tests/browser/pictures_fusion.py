"""The pictures of the fusion explorer, from the real page."""

from __future__ import annotations

from pathlib import Path

from tests.browser.fusion_bench import FusionBench
from tests.browser.lab_page import LabPage
from tests.browser.live_lab import LiveLab, chromium

ROOT = Path(__file__).parents[2]


def take(folder: Path) -> list[Path]:
    """Save the explorer with a spoilt sample, light and dark, and return the files."""
    with (
        chromium() as browser,
        LiveLab([ROOT / "notebooks" / "03_test_time_fusion.ipynb"]) as lab,
        LabPage.new(browser, lab, 1280, 1400) as page,
    ):
        bench = FusionBench.of_notebook(page)
        page.page.keyboard.press("Control+b")  # the file browser takes a quarter of the width
        bench.choose("Show", "rescued")
        bench.spoil("image", "blur", 8)
        bench.wait_for_curves("image.noise")
        page.page.wait_for_timeout(1500)
        bench.scroll_to_top()
        light = page.screenshot(folder / "fusion.png")
        page.theme("dark")
        page.page.wait_for_timeout(2000)
        bench.scroll_to_top()
        return [light, page.screenshot(folder / "fusion_dark.png")]
