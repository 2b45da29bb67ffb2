"""The playground: one page, opened from a file, with the network cut."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from playwright.sync_api import Browser, Page

from tests import ROOT

PAGE = ROOT / "docs" / "playground.html"

# The page's own script for its worker, asked in the page itself.
ASK = "(given) => {{ {learner}\nreturn (() => {{ {question} }})(); }}"


@contextlib.contextmanager
def offline_page(browser: Browser) -> Iterator[Page]:
    """Open a page that may ask nobody for anything, and must not complain."""
    context = browser.new_context(
        offline=True, viewport={"width": 1280, "height": 900}, locale="en-GB"
    )
    page = context.new_page()
    asked: list[str] = []
    errors: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
    yield page
    context.close()
    assert errors == []
    assert [url for url in asked if not url.startswith((PAGE.as_uri(), "blob:"))] == []


def show(page: Page, link: str = "") -> None:
    page.goto("about:blank")  # else a new link would be followed within the page
    page.goto(f"{PAGE.as_uri()}#{link}")
    page.locator("body[data-ready=true]").wait_for()


def ask(page: Page, question: str, given: Any) -> Any:
    if not page.url.startswith(PAGE.as_uri()):
        show(page)
    learner = page.locator("#learner").text_content()
    return page.evaluate(ASK.format(learner=learner, question=question), given)
