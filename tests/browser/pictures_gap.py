"""Take the picture of notebook 04's explorer: `python -m tests.browser.pictures_gap [FOLDER]`."""

import sys
from pathlib import Path

from tests.browser.lab_page import LabPage
from tests.browser.live_lab import LiveLab, chromium

ROOT = Path(__file__).parents[2]
NOTEBOOK = "04_modality_gap.ipynb"
EXPLORER_CELL = 6  # counted from 0
LASSO = ((0.6, 0.02), (0.98, 0.02), (0.98, 0.2), (0.6, 0.1))  # shares of the map's side


def take(folder: Path) -> None:
    """Write ``modality_gap.png`` and ``modality_gap_dark.png`` into `folder`."""
    with (
        chromium() as browser,
        LiveLab([ROOT / "notebooks" / NOTEBOOK]) as lab,
        LabPage.new(browser, lab, 1280, 1100) as page,
    ):
        page.open(NOTEBOOK)
        page.page.keyboard.press("Control+b")  # the file browser takes a quarter of the width
        for cell in (1, 2, EXPLORER_CELL):
            page.run_cell(cell, 240)
        view = page.page.locator(".mla-map[data-frames]")
        view.wait_for()
        view.get_by_label("View").locator("option[value=umap]").wait_for(
            state="attached", timeout=240_000
        )
        view.get_by_label("Trails").check()
        view.evaluate("view => view.scrollIntoView({block: 'start'})")
        canvas = view.locator("canvas")
        side = canvas.bounding_box()
        assert side is not None
        spots = [(side["x"] + x * side["width"], side["y"] + y * side["width"]) for x, y in LASSO]
        page.page.mouse.move(*spots[0])
        page.page.mouse.down()
        for spot in spots[1:]:
            page.page.mouse.move(*spot, steps=4)
        page.page.mouse.up()
        canvas.press("ArrowRight")
        canvas.press("Enter")
        page.page.locator("[data-sample][data-waits='false']").wait_for()
        page.page.mouse.move(5, 500)
        view.evaluate("view => view.scrollIntoView({block: 'start'})")
        page.page.wait_for_timeout(1500)
        print(page.screenshot(folder / "modality_gap.png"))
        page.theme("dark")
        page.page.wait_for_timeout(1500)
        view.evaluate("view => view.scrollIntoView({block: 'start'})")
        print(page.screenshot(folder / "modality_gap_dark.png"))


if __name__ == "__main__":
    take(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs")
