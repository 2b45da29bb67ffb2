"""Take the head gradient explorer's picture: `python -m tests.browser.pictures_gradient [FOLDER]`."""

import sys
from pathlib import Path

from tests.browser.head_gradient_page import (
    EXPLORER_CELL,
    NOTEBOOK,
    TOY_CELL,
    Explorer,
    open_notebook,
)
from tests.browser.lab_page import LabPage
from tests.browser.live_lab import LiveLab, chromium

ROOT = Path(__file__).parents[2]


def take(folder: Path, *, dark: bool = False) -> Path:
    """Save a picture of the toy and of the explorer after a sub-step and a comparison."""
    with (
        chromium() as browser,
        LiveLab([ROOT / "notebooks" / NOTEBOOK]) as lab,
        LabPage.new(browser, lab, 1280, 2250) as page,
    ):
        open_notebook(page, TOY_CELL, EXPLORER_CELL)
        if dark:
            page.theme("dark")
        page.page.keyboard.press("Control+b")  # the file browser takes a quarter of the width
        explorer = Explorer(page)
        explorer.ready()
        explorer.press("Finish step")
        explorer.wait_for_text("update")
        explorer.press("Finish step")
        explorer.wait_for_text("Sub-step 53")
        for variant in ("paper_previous", "additive"):
            page.page.get_by_role("checkbox", name=variant, exact=True).check()
        explorer.press("Compare")
        explorer.wait_for_text("Compared over 60", 120)
        page.page.locator(".mla-toy").evaluate("toy => toy.scrollIntoView({block: 'start'})")
        page.page.mouse.move(5, 700)
        page.page.wait_for_timeout(1500)
        return page.screenshot(folder / ("head_gradient_dark.png" if dark else "head_gradient.png"))


if __name__ == "__main__":
    print(
        take(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs", dark="--dark" in sys.argv)
    )
