"""The first minutes of a new user: the address that was printed, Run All, the bench's first chart.

`python -m tests.browser.first_hour ADDRESS` drives Chromium at a server that somebody else started,
as `.ci/first_command` does, with what is on the page alone.
"""

from __future__ import annotations

import re
import sys

from playwright.sync_api import Page, expect

from tests.browser.live_lab import chromium

SECONDS = 240  # the first start of a kernel in a fresh environment compiles its packages
BEGUN = re.compile(r"\[(\*|\d+)\]")  # the prompt of a cell that runs or has run
# JupyterLab opens what was open before, too, behind the notebook of the address.
NOTEBOOK = ".jp-NotebookPanel:not(.lm-mod-hidden)"
IDLE = ".jp-Notebook-ExecutionIndicator[data-status=idle]"
# What a cell writes to stderr is of the same type as what it raises.
ERROR = f"{NOTEBOOK} [data-mime-type$='.stderr']:has-text('Traceback (most recent call last)')"
CHART = f"{NOTEBOOK} .jp-OutputArea-output .js-plotly-plot .main-svg"


def open_notebook(page: Page, address: str) -> None:
    """Open the address, and wait for the notebook's kernel."""
    page.goto(address)
    name = address.partition("?")[0].rpartition("/")[2]
    expect(page.locator(".jp-mod-current .lm-TabBar-tabLabel", has_text=name)).to_be_visible()
    # Before that JupyterLab would ask which kernel is meant; what it says may be of another notebook.
    page.locator(f"{NOTEBOOK} {IDLE}").wait_for()
    expect(page.locator("#jp-main-statusbar")).to_contain_text("(ipykernel) | Idle")


def run_all(page: Page) -> None:
    """Run all cells by the menu, and wait for a chart, or an error.

    Whoever is faster than the kernel's start is asked which kernel is meant: the one that is proposed.
    """
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    begun = page.locator(f"{NOTEBOOK} .jp-InputPrompt").filter(has_text=BEGUN).first
    asked = page.locator(".jp-Dialog .jp-mod-accept")
    expect(begun.or_(asked).first).to_be_visible()
    if asked.is_visible():
        asked.click()
    page.locator(f"{CHART}, {ERROR}").first.wait_for(state="attached")


def check_bench(page: Page) -> None:
    """See that no cell failed, and that the bench shows its chart."""
    errors = page.locator(ERROR).all_inner_texts()
    assert not errors, errors[0]
    expect(page.locator(f"{NOTEBOOK} .mla-status").first).to_have_attribute("data-state", "ready")
    chart = page.locator(CHART).first
    chart.scroll_into_view_if_needed()
    expect(chart).to_be_visible()


def main(address: str) -> None:
    expect.set_options(timeout=SECONDS * 1000)
    with chromium() as browser:
        context = browser.new_context(viewport={"width": 1280, "height": 800})
        context.set_default_timeout(SECONDS * 1000)
        page = context.new_page()
        open_notebook(page, address)
        run_all(page)
        check_bench(page)
        context.close()
    print(f"the bench is drawn: {address.partition('?')[0]}")


if __name__ == "__main__":
    main(sys.argv[1])
