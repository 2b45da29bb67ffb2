"""Bring the Chinese catalogues up to date with the English pages: `python docs/site/translate.py`.

What is new stands in them without a translation, what has changed is marked `fuzzy`. A page is added
by an empty file `locale/zh_CN/LC_MESSAGES/PAGE.po`.
"""
# ruff: noqa: INP001 - a script, not a package

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po
from chinese import CATALOGUES, LANGUAGE, TRANSLATED
from sphinx.cmd.build import build_main
from stage import ROOT, stage

HERE = Path(__file__).parent
# Without dates and versions, which would change with every run.
HEADER = rf"""msgid ""
msgstr ""
"Language: {LANGUAGE}\n"
"MIME-Version: 1.0\n"
"Content-Type: text/plain; charset=UTF-8\n"
"Content-Transfer-Encoding: 8bit\n"

"""


def update(to: Path) -> None:
    """Write the catalogues with the messages that the pages have now.

    Parameters
    ----------
    to : Path
        The folder of the new catalogues; the old ones are read from their own.
    """
    with tempfile.TemporaryDirectory() as folder:
        templates = _extract(Path(folder))
        for page in TRANSLATED:
            catalogue = _read(CATALOGUES / f"{page}.po")
            catalogue.update(_read(templates / f"{page}.pot"))
            for message in catalogue:
                message.flags &= {"fuzzy"}  # formulas have braces, and are no formats
            target = to / f"{page}.po"
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("wb") as file:
                file.write(HEADER.encode())
                write_po(file, catalogue, width=0, omit_header=True, ignore_obsolete=True)


def _extract(place: Path) -> Path:
    """Return a folder with a template for each page."""
    notebooks = (ROOT / "notebooks").glob("*.ipynb")
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
    parser.add_argument("--to", type=Path, default=CATALOGUES, help="another folder for them")
    update(parser.parse_args().to)
