"""Write the glossary's page from the terms of the widgets: `python docs/glossary.py`."""
# ruff: noqa: INP001 - a script, not a package

from __future__ import annotations

from pathlib import Path

from widgets.page.glossary import as_page

if __name__ == "__main__":
    Path(__file__).with_suffix(".md").write_text(as_page(), encoding="utf-8")
