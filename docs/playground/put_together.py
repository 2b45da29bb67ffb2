"""Put the playground's parts together: `python docs/playground/put_together.py` writes the page."""
# ruff: noqa: INP001 - a script, not a package

from __future__ import annotations

import re
from pathlib import Path

PARTS = Path(__file__).parent
PAGE = PARTS.with_name("playground.html")


def page() -> str:
    """Return the page: `page.html`, where a line such as ``{style.css}`` stands for a part."""

    def part(match: re.Match[str]) -> str:
        return (PARTS / match[1]).read_text(encoding="utf-8").strip()

    return re.sub(r"\{(\w+\.(?:js|css|txt))\}", part, (PARTS / "page.html").read_text("utf-8"))


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
