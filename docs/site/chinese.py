"""The Chinese pages: those that have a catalogue, `locale/zh_CN/LC_MESSAGES/PAGE.po`."""
# ruff: noqa: INP001 - a script, not a package

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.search.en import SearchEnglish
from sphinx.transforms.post_transforms import SphinxPostTransform

LANGUAGE = "zh_CN"
FOLDER = "zh"  # of the site
CATALOGUES = Path(__file__).parent / "locale" / LANGUAGE / "LC_MESSAGES"
TRANSLATED = sorted(
    path.relative_to(CATALOGUES).with_suffix("").as_posix() for path in CATALOGUES.rglob("*.po")
)


def setup(app: Sphinx) -> dict[str, Any]:
    """Let Chinese pages be searched, and lead to English ones where there is no Chinese one."""
    app.add_post_transform(_ToEnglish)
    app.add_search_language(PairsOfCharacters)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


class _ToEnglish(SphinxPostTransform):
    default_priority = 8  # before MyST complains of a page that is not there

    def run(self, **_: Any) -> None:
        if self.config.language != LANGUAGE:
            return
        page = self.env.current_document.docname
        here = posixpath.dirname(f"{FOLDER}/{page}")
        for link in list(self.document.findall(addnodes.pending_xref)):
            path, mark, place = link["reftarget"].partition("#")
            name, ending = posixpath.splitext(path)
            if link["reftype"] == "myst" and ending in {".md", ".ipynb"}:
                there = posixpath.join(posixpath.dirname(page), f"{name}.html")
                address = posixpath.relpath(there, here) + mark + place
                link.replace_self(
                    nodes.reference("", "", *link.children, refuri=address, internal=True)
                )


class PairsOfCharacters(SearchEnglish):
    """Chinese has no spaces: each two characters that stand together are a term, beside Latin words.

    Sphinx's own needs another package, and its page ends in an error (9.0: no `ChineseStemmer`).
    """

    lang = "zh"
    js_splitter_code = r"""
var splitQuery = (query) => (query.match(/[\u4e00-\u9fff]+|\w+/g) ?? []).flatMap((run) =>
  /^[\u4e00-\u9fff]{3,}$/.test(run) ? [...run].slice(1).map((next, at) => run[at] + next) : [run]);
"""

    def split(self, input: str) -> list[str]:  # noqa: A002 - Sphinx calls it so
        """Return the terms of a text."""
        return re.findall(r"(?=([\u4e00-\u9fff]{2}))", input) + re.findall(r"[a-zA-Z0-9_]+", input)
