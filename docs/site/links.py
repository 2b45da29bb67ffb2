"""Whether every link of the built site leads somewhere in it."""
# ruff: noqa: INP001 - a script, not a package

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

_SCRIPT = re.compile(r"(<script\b[^>]*>).*?(?=</script>)", re.DOTALL)  # what is in it is no markup
_LINK = re.compile(r'\s(?:href|src)="([^"]*)"')
_PLACE = re.compile(r'\s(?:id|name)="([^"]*)"')


def broken_links(site: Path) -> list[str]:
    """Return a sentence for each link to a file, or to a place in a page, that is not there.

    Parameters
    ----------
    site : Path
        The folder of the built site. Addresses elsewhere are not asked.
    """
    pages = {page: _SCRIPT.sub(r"\1", page.read_text("utf-8")) for page in site.rglob("*.html")}
    places = {page: set(_PLACE.findall(text)) for page, text in pages.items()}
    found = []
    for page, text in pages.items():
        for link in dict.fromkeys(_LINK.findall(text)):
            parts = urlsplit(link.replace("&amp;", "&"))
            if parts.scheme or parts.netloc:
                continue
            target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            there = target.is_file() or target.is_dir()
            if not there or (parts.fragment and not _has(places.get(target), parts.fragment)):
                found.append(f"{page.relative_to(site)}: the link {link} leads nowhere")
    return found


def _has(places: set[str] | None, fragment: str) -> bool:
    return places is None or unquote(fragment) in places
