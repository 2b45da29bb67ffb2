"""Folders of runs: which they are, and the two files of plain values that each holds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mla_core.checksums import read_sealed_json
from mla_core.errors import DataError

AGAIN = "run it again"
ANEW = "remove its folder and run it again, or choose another folder for runs"
_FILES = ("config.json", "metrics.json")
_PROOF = ("metrics.json", "notebook.json")  # written last, and the folder is renamed after that


def is_run(folder: Path) -> bool:
    """Whether a folder is a run, or bears the name of one."""
    if folder.name.startswith("."):
        return False
    if any((folder / name).is_file() for name in _FILES):
        return True
    named = re.fullmatch(r"(.+-)?[0-9a-f]{12}", folder.name) is not None
    return named and folder.is_dir() and not is_finished(folder)  # a notebook need not train


def is_finished(folder: Path) -> bool:
    """Whether a folder that bears the name of a run holds what a finished run leaves last."""
    return any((folder / name).is_file() for name in _PROOF)


def read_run_files(folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the settings and the numbers of a finished run, as they were written.

    Raises
    ------
    DataError
        In one sentence, when a file is missing, damaged, or not the one that the run left.
    """
    settings, numbers = read_sealed_json(folder, _present(folder), ANEW)
    return settings, numbers


def _present(folder: Path) -> Iterator[Path]:
    """Yield what is to be read next, if it is there."""
    for name in _FILES:
        path = folder / name
        if not path.is_file():
            msg = f"there is no {str(path)!r}: the run was not finished, or is none; {AGAIN}"
            raise DataError(msg)
        yield path
