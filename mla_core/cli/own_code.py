"""Code of one's own on the command line: where it is found, and who may name it."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from mla_core.language import later, tr
from mla_core.references import allow_import

HELP = later(
    "a module that the file may import, once for each. A configuration can name code as "
    "'my_lab:Mine'; what only a file names is not run before you say that you know and trust it"
)


def find_modules_here() -> None:
    """Let modules of the current folder be found, by this process and by those that it starts.

    At the end of the path, so that nothing here stands in for an installed package.
    """
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.append(here)
    known = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    if here not in known:
        os.environ["PYTHONPATH"] = os.pathsep.join([*filter(None, known), here])


def add_allow_import(parser: argparse.ArgumentParser) -> None:
    """Add ``--allow-import`` to a command that reads files from elsewhere."""
    parser.add_argument(
        "--allow-import", metavar="MODULE", action="append", default=[], help=tr(HELP)
    )


def allow(arguments: argparse.Namespace) -> None:
    """Do what ``--allow-import`` asks for."""
    if arguments.allow_import:
        find_modules_here()
        allow_import(*arguments.allow_import)
