"""The terms that stand on a screen, for widgets and for `docs/glossary.md`."""

from __future__ import annotations

import json
import tomllib
from typing import NamedTuple

from widgets.page.page import asset

INTRODUCTION = """\
# Glossary

Every term that stands on a screen. In the widgets a term is underlined, and its sentence shows when one points at it or comes to it by Tab. Numbers of equations are those of the paper ([what it computes](what_it_computes.md)).
"""


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


def glossary() -> list[Term]:
    """Return all terms, by their titles.

    Examples
    --------
    >>> next(term.says for term in glossary() if term.title == "round")
    'One sub-step for each modality, one after the other.'
    """
    terms = tomllib.loads(asset("page/glossary.toml"))["terms"]
    found = [
        Term(one.get("title", name.replace("_", " ")), one["words"], one["says"])
        for name, one in terms.items()
    ]
    return sorted(found, key=lambda term: term.title.casefold())


def as_script() -> str:
    """Return the terms as JavaScript: ``GLOSSARY``, a list of ``[words, sentence]``."""
    terms = [[term.words, f"{term.title}: {term.says}"] for term in glossary()]
    return f"const GLOSSARY = {json.dumps(terms, ensure_ascii=False)};\n"


def as_page() -> str:
    """Return the terms as Markdown, with a heading each, so that a link can lead to it."""
    terms = (f"\n## {term.title}\n\n{term.says}\n" for term in glossary())
    return "".join((INTRODUCTION, *terms))
