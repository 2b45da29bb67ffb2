"""Bring the Chinese catalogues up to date with the English texts: `python docs/site/translate.py`.

Those are the site's pages, and the messages of widgets and commands (`mla_core/language.py`). What is
new stands in them without a translation, what has changed is marked `fuzzy`. A page is added by an
empty file `locale/zh_CN/LC_MESSAGES/PAGE.po`.
"""
# ruff: noqa: INP001 - a script, not a package

from __future__ import annotations

import argparse
import ast
import json
import re
import tempfile
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import IO, Any

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po
from chinese import CATALOGUES, LANGUAGE, TRANSLATED
from sphinx.cmd.build import build_main
from stage import ROOT, stage

import mla_core as mla
from mla_core.language import CATALOGUES as OF_MESSAGES
from widgets.page.glossary import glossary

HERE = Path(__file__).parent
GLOSSARY = "widgets/page/glossary.toml"
LISTED = (  # what `mla-lab list` describes
    mla.datasets,
    mla.methods.METHODS,
    mla.head_gradients,
    mla.fusion.RULES,
    mla.encoders.ENCODERS,
    mla.metrics,
    mla.corruptions,
)
MARKS = {"tr": None, "later": None}
Found = tuple[int, str, str, list[str]]

# Babel's own readers miss messages in f-strings, in template literals and in other calls.


def _of_python(file: IO[bytes], marks: Collection[str], *_: Any, **__: Any) -> Iterator[Found]:
    for node in ast.walk(ast.parse(file.read())):
        if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            name = getattr(node.func, "id", "")
            if name in marks:
                yield node.lineno, name, node.args[0].value, []


def _of_script(file: IO[bytes], *_: Any, **__: Any) -> Iterator[Found]:
    code = file.read().decode()
    for call in re.finditer(r'\btr\(\s*("[^"]*"(?:\s*\+\s*"[^"]*")*)', code):
        line = code.count("\n", 0, call.start()) + 1
        yield line, "tr", "".join(re.findall('"([^"]*)"', call[1])), []


def _of_questions(file: IO[bytes], *_: Any, **__: Any) -> Iterator[Found]:
    for cell in json.load(file)["cells"]:
        code = "".join(cell["source"])
        if cell["cell_type"] != "code" or "widgets.predict(" not in code:
            continue
        for call in ast.walk(ast.parse(code)):
            if isinstance(call, ast.Call) and ast.unparse(call.func) == "widgets.predict":
                for text in (call.args[0], *getattr(call.args[1], "elts", ())):
                    if isinstance(text, ast.Constant):
                        yield call.lineno, "tr", text.value, []


METHODS = [("**.py", _of_python), ("**.js", _of_script), ("**.ipynb", _of_questions)]
# Without dates and versions, which would change with every run.
HEADER = rf"""msgid ""
msgstr ""
"Language: {LANGUAGE}\n"
"MIME-Version: 1.0\n"
"Content-Type: text/plain; charset=UTF-8\n"
"Content-Transfer-Encoding: 8bit\n"

"""


def update(to: Path) -> None:
    """Write the catalogues with the texts that the pages have now.

    Parameters
    ----------
    to : Path
        The folder of the new catalogues; the old ones are read from their own.
    """
    with tempfile.TemporaryDirectory() as folder:
        templates = _extract(Path(folder))
        for page in TRANSLATED:
            _update(CATALOGUES / f"{page}.po", _read(templates / f"{page}.pot"), to / f"{page}.po")


def update_messages(to: Path) -> None:
    """Write the catalogue with the messages that widgets and commands have now.

    Parameters
    ----------
    to : Path
        The folder of the new catalogue; the old one is read from its own.
    """
    found = Catalog(locale=LANGUAGE)
    for room in ("mla_core", "widgets", "notebooks"):
        for path, _, message, *_ in extract_from_dir(ROOT / room, METHODS, keywords=MARKS):
            found.add(message, None, [(f"{room}/{path}", 0)])
    for term in glossary():
        for message in (term.told, *term.words):
            found.add(message, None, [(GLOSSARY, 0)])
    for registry in LISTED:
        for name in registry.built_in:
            found.add(registry.describe(name), None, [("mla_core/cli/listing.py", 0)])
    _update(OF_MESSAGES / f"{LANGUAGE}.po", found, to / f"{LANGUAGE}.po")


def _update(path: Path, template: Catalog, to: Path) -> None:
    catalogue = _read(path)
    catalogue.update(template)
    for message in catalogue:
        message.flags &= {"fuzzy"}  # formulas have braces, and are no formats
    to.parent.mkdir(parents=True, exist_ok=True)
    with to.open("wb") as file:
        file.write(HEADER.encode())
        write_po(
            file,
            catalogue,
            width=0,
            omit_header=True,
            ignore_obsolete=True,
            sort_by_file=path.parent == OF_MESSAGES,
            include_lineno=path.parent != OF_MESSAGES,
        )


def _extract(place: Path) -> Path:
    """Return a folder with a template for each page."""
    notebooks = {f"notebooks/{path.name}": path for path in (ROOT / "notebooks").glob("*.ipynb")}
    stage(place / "source", notebooks, reference=False, only=TRANSLATED)
    options = ["-W", "-q", "-b", "gettext", "-c", str(HERE), "-d", str(place / "doctrees")]
    others = ["-D", "suppress_warnings=myst.xref_missing"]  # links to pages that are not among them
    if build_main([*options, *others, str(place / "source"), str(place / "templates")]):
        raise SystemExit("the pages' texts could not be read")
    return place / "templates"


def _read(path: Path) -> Catalog:
    with path.open(encoding="utf-8") as file:
        return read_po(file, locale=LANGUAGE)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--to", type=Path, help="another folder for them")
    parser.add_argument("--messages", action="store_true", help="only widgets and commands")
    asked = parser.parse_args()
    update_messages(asked.to or OF_MESSAGES)
    if not asked.messages:
        update(asked.to or CATALOGUES)
