"""The command lines that stand in texts: README and the like, the notebooks, the command's own help."""

import argparse
import re
import shlex
import textwrap
from collections.abc import Iterator
from pathlib import Path

import nbformat

from mla_core.cli.main import command_parser
from tests import ROOT

PROGRAMS = ("mla-lab", "make", "papermill", "pip", "conda", "jupyter")
DOCUMENTS = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "results/README.md")),
    *sorted((ROOT / "docs").glob("*.md")),
]


def texts() -> Iterator[tuple[str, str]]:
    """Yield where a text stands, and the text."""
    for path in DOCUMENTS:
        yield path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.cell_type == "markdown":
                yield path.name, cell.source
    for name, told in helps(command_parser()):
        # Examples stand in lines of their own, indented, with a remark after two blanks.
        yield name, f"```sh\n{textwrap.dedent(told)}\n```\n{told}"


def helps(parser: argparse.ArgumentParser) -> Iterator[tuple[str, str]]:
    """Yield every help text of a command and of those below it."""
    for told in (parser.description, parser.epilog):
        yield f"{parser.prog} --help", told or ""
    for action in parser._actions:
        yield f"{parser.prog} --help", (action.help or "").replace("%%", "%")
        if isinstance(action, argparse._SubParsersAction):
            for below in dict.fromkeys(action.choices.values()):
                yield from helps(below)


def commands() -> list[tuple[str, list[str]]]:
    """Return where each command line stands, and its words, the program's name without a folder."""
    found = []
    for where, text in texts():
        for line in lines(text):
            for piece in re.split(r"\s(?:\||&&|\|\|)\s", line):
                words = split(piece)
                if words and Path(words[0]).name in PROGRAMS:
                    found.append((where, [Path(words[0]).name, *words[1:]]))
    unique = {(where, tuple(words)): (where, words) for where, words in found if len(words) > 1}
    return list(unique.values())


def lines(text: str) -> Iterator[str]:
    blocks = re.findall(r"^```sh\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    for line in "\n".join(blocks).splitlines():
        # What follows two blanks or a hash is a remark.
        yield re.split(r"\s{2,}|\s#|:\s|,\s", line.strip(), maxsplit=1)[0]
    prose = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    yield from re.findall(r"`([^`\n]+)`", prose)


def split(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError:  # prose with an apostrophe
        return []
