"""The terms that stand on a screen, for widgets and for `docs/glossary.md`."""

from __future__ import annotations

import json
import tomllib
from typing import Any, NamedTuple

from mla_core.language import tr
from widgets.page.page import asset


class Term(NamedTuple):
    """A term.

    Attributes
    ----------
    title : str
        What it is called.
    words : list of str
        By which it stands in texts, in the singular.
    says : str
        One sentence.
    """

    title: str
    words: list[str]
    says: str

    @property
    def told(self) -> str:
        """What is shown where one points at it: the title, too."""
        return f"{self.title}: {self.says}"


def glossary() -> list[Term]:
    """Return all terms, by their titles.

    Examples
    --------
    >>> next(term.says for term in glossary() if term.title == "round")
    'One sub-step for each modality, one after the other.'
    """
    found = [
        Term(one.get("title", name.replace("_", " ")), one["words"], one["says"])
        for name, one in _written()["terms"].items()
    ]
    return sorted(found, key=lambda term: term.title.casefold())


def as_script() -> str:
    """Return the terms as JavaScript: ``GLOSSARY``, a list of ``[words, sentence]``.

    In another language a term stands by its English words, too: names in code are English.
    """
    terms = [
        [[*dict.fromkeys([*map(tr, term.words), *term.words])], tr(term.told)]
        for term in glossary()
    ]
    return f"const GLOSSARY = {json.dumps(terms, ensure_ascii=False)};\n"


def as_page() -> str:
    """Return the terms as Markdown, in English, with a heading each, so that a link can lead to it."""
    terms = (f"\n## {term.title}\n\n{term.says}\n" for term in glossary())
    return "".join((f"# Glossary\n\n{_written()['introduction']}\n", *terms))


def _written() -> dict[str, Any]:
    return tomllib.loads(asset("page/glossary.toml"))
