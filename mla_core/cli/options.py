"""Arguments that several commands have."""

from __future__ import annotations

import argparse
from pathlib import Path

from mla_core.language import tr


def add_config(parser: argparse.ArgumentParser) -> None:
    """Add ``CONFIG`` to a command that trains as a configuration says."""
    parser.add_argument(
        "config", metavar="CONFIG", help=tr("a JSON file, a run folder, or - to read")
    )


def add_out(parser: argparse.ArgumentParser) -> None:
    """Add ``--out`` to a command that leaves run folders."""
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("runs"),
        help=tr("where run folders are kept (default: runs)"),
    )
