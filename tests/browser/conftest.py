"""One JupyterLab, one browser, and one page for all browser tests that need none of their own."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from tests.browser.lab_page import LabPage
from tests.browser.live_lab import LiveLab, chromium, find_chromium, profile
from tests.browser.shared_page import SharedPages

LONGEST = ("test_texts_apart.py", "test_hostile_texts.py", "test_kernel_gone.py")
NOTEBOOKS = Path(__file__).parents[2] / "notebooks"

expect.set_options(timeout=60_000)  # ms; Playwright's 5 s are too few for a busy machine


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark what lies in this folder while it is collected: `-m` chooses before items are sorted."""
    item.add_marker("browser")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the browser tests last, the longest first: a worker takes file after file.

    Playwright's synchronous interface keeps an event loop running in the main thread until the
    browser is closed, and no other test could call `asyncio.run` meanwhile.
    """
    turn = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: (_in_a_browser(item), turn.get(item.path.name, len(turn))))


def _in_a_browser(item: pytest.Item) -> bool:
    return item.get_closest_marker("browser") is not None


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if find_chromium() is None:
        reason = "no Chromium on the PATH (Debian: apt-get install chromium), nor in $CHROMIUM"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    with chromium() as started:
        yield started


@pytest.fixture(scope="session")
def live_lab(browser: Browser) -> Iterator[LiveLab]:
    """Serve a copy of every notebook; it asks for the browser first, to be skipped without one."""
    with LiveLab(sorted(NOTEBOOKS.glob("*.ipynb"))) as lab:
        yield lab


@pytest.fixture(scope="session")
def person(browser: Browser) -> Iterator[BrowserContext]:
    """Let the pages of JupyterLab share what their browser has compiled, for they are many."""
    with profile(browser) as context:
        yield context


@pytest.fixture
def own_page(person: BrowserContext, live_lab: LiveLab) -> Iterator[LabPage]:
    """Give a test a page and a kernel that nobody else sees."""
    with LabPage.new(person, live_lab) as page:
        yield page


@pytest.fixture(scope="session")
def shared_pages(person: BrowserContext, live_lab: LiveLab) -> Iterator[SharedPages]:
    with contextlib.closing(SharedPages(person, live_lab)) as pages:
        yield pages


@pytest.fixture
def lab_page(shared_pages: SharedPages) -> Iterator[LabPage]:
    """Give a test the page and the kernel that all share who leave both as good as new."""
    with shared_pages.lend() as page:
        yield page
