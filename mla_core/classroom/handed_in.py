"""A pile of notebooks that students handed in, as one table: nothing in them is executed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from mla_core.classroom.guess import guesses_of
from mla_core.errors import ConfigError
from mla_core.outside import path_of
from mla_core.runs.notebook_file import read_notebook


class Row(NamedTuple):
    """One question in one notebook.

    Attributes
    ----------
    who : str
        The folder that the notebook lies in, the uppermost one below the pile; or else its name.
    file : str
        From the pile's folder on, with forward slashes.
    cell : int
        Counted from 1, with the cells of text.
    question, guess, answer : str
        Empty where there is none: no guess headless, no answer before it was revealed.
    verdict : str
        right, wrong, or empty where one of both is missing.
    """

    who: str
    file: str
    cell: int
    question: str
    guess: str
    answer: str
    verdict: str


class HandedIn(NamedTuple):
    """What a pile holds.

    Attributes
    ----------
    rows : list of Row
    notebooks : int
        How many were read.
    problems : list of str
        What was left out, and why, each in a sentence.
    """

    rows: list[Row]
    notebooks: int
    problems: list[str]


def collect_guesses(folder: str | Path) -> HandedIn:
    """Read every notebook in a folder and in those below it.

    Hidden files and folders, such as Jupyter's checkpoints, are not looked at, and links are not followed.

    Parameters
    ----------
    folder : str or Path

    Raises
    ------
    ConfigError
        When there is no such folder, or no notebook in it.
    """
    folder = path_of("the folder of notebooks", folder)
    if not folder.is_dir():
        msg = f"there is no folder {str(folder)!r}: give the one that holds what was handed in"
        raise ConfigError(msg)
    rows: list[Row] = []
    problems: list[str] = []
    read = 0
    for path in _notebooks(folder, problems):
        name = path.relative_to(folder).as_posix()
        try:
            found = _rows(path, name)
        except ConfigError as error:
            problems.append(f"{name!r} is left out: {error}")
            continue
        read += 1
        rows += found
        if not found:
            problems.append(f"{name!r} keeps no guess: none was taken, or it was not saved after")
    if not read and not problems:
        msg = f"no notebook is in {str(folder)!r} or below: give the folder that holds some"
        raise ConfigError(msg)
    return HandedIn(rows, read, problems)


def _notebooks(folder: Path, problems: list[str]) -> Iterator[Path]:
    def refused(error: OSError) -> None:
        problems.append(f"{str(error.filename)!r} is left out: {error.strerror}")

    for place, folders, files in os.walk(folder, onerror=refused):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            path = Path(place, name)
            if name.startswith(".") or path.suffix.lower() != ".ipynb":
                continue
            if path.is_symlink():
                problems.append(
                    f"{path.relative_to(folder).as_posix()!r} is left out: it is a link"
                )
                continue
            yield path


def _rows(path: Path, name: str) -> list[Row]:
    top, inside, _ = name.partition("/")
    who = top if inside else path.stem
    found = []
    for number, cell in enumerate(read_notebook(path, to_run=False)["cells"], start=1):
        try:
            kept = guesses_of(cell)
        except ConfigError as error:
            msg = f"cell {number}: {error}"
            raise ConfigError(msg) from error
        for one in kept:
            guess, answer = one["guess"], one["answer"]
            judged = guess is not None and answer is not None
            verdict = ("right" if guess == answer else "wrong") if judged else ""
            told = one["question"], guess or "", answer or ""
            found.append(Row(who, name, number, *told, verdict))
    return found
