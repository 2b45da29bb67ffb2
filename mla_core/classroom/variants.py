"""A notebook for each student: other weights, another shuffle, other data, by a fixed rule."""

from __future__ import annotations

import ast
import copy
import hashlib
import json
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mla_core.classroom.guess import METADATA
from mla_core.errors import ConfigError, DataError, quoted
from mla_core.files import check_is_file

SEEDS = 10_000
LONGEST = 80  # characters of a name
FORBIDDEN = set('<>:"/\\|?*')  # in the name of a folder, on one system or another


class Variant(NamedTuple):
    """What one student gets."""

    name: str
    seed: int
    dataset: str


def variant_of(name: str, datasets: Sequence[str]) -> Variant:
    """Return a student's variant: it follows from the name alone, whoever else takes part.

    Parameters
    ----------
    name : str
    datasets : sequence of str
        Among which one is drawn.

    Examples
    --------
    >>> variant_of("Ada", ["spoken_digits"]) == variant_of("Ada", ["spoken_digits"])
    True
    """
    digest = hashlib.sha256(name.encode()).digest()
    seed = int.from_bytes(digest[:8], "big") % SEEDS
    return Variant(name, seed, datasets[int.from_bytes(digest[8:16], "big") % len(datasets)])


def read_names(path: Path) -> list[str]:
    """Read a list of students, one a line; empty lines do not count.

    Returns
    -------
    list of str
        In Unicode's composed form. Each may be the name of a folder.

    Raises
    ------
    DataError
        When the file cannot be read.
    ConfigError
        For a line that is no name of a folder, and for a name that stands there twice.
    """
    check_is_file(path, "give a text file with one name a line")
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, ValueError) as error:
        msg = f"{str(path)!r} cannot be read ({error}): save it as text in UTF-8, one name a line"
        raise DataError(msg) from error
    found: dict[str, tuple[int, str]] = {}
    for number, line in enumerate(lines, start=1):
        name = unicodedata.normalize("NFC", line).strip()
        if not name:
            continue
        where = f"line {number} of {str(path)!r}"
        if not _names_a_folder(name):
            msg = (
                f"{where} cannot name a folder: {quoted(name)}. Give at most {LONGEST} characters, "
                f"none of {' '.join(sorted(FORBIDDEN))}, no dot at an end"
            )
            raise ConfigError(msg)
        if name.casefold() in found:
            first, _ = found[name.casefold()]
            msg = f"{where} names {name!r}, as line {first} does: tell the two apart"
            raise ConfigError(msg)
        found[name.casefold()] = number, name
    if not found:
        msg = f"{str(path)!r} holds no name: write one a line"
        raise ConfigError(msg)
    return [name for _, name in found.values()]


def _names_a_folder(name: str) -> bool:
    outside = FORBIDDEN & set(name) or not name.isprintable() or name.startswith(("-", "~"))
    return not outside and len(name) <= LONGEST and name.strip(".") == name


def clean(notebook: Mapping[str, Any]) -> dict[str, Any]:
    """Return a notebook as nobody has run it yet: without outputs, counts and guesses.

    Examples
    --------
    >>> cell = {"cell_type": "code", "metadata": {"mla_lab": {}}, "source": "1", "outputs": ["1"]}
    >>> clean({"cells": [cell]})["cells"]
    [{'cell_type': 'code', 'metadata': {}, 'source': '1', 'outputs': [], 'execution_count': None}]
    """
    new = copy.deepcopy(dict(notebook))
    for cell in new["cells"]:
        cell["metadata"].pop(METADATA, None)
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
    return new


def with_parameters(notebook: Mapping[str, Any], values: Mapping[str, int | str]) -> dict[str, Any]:
    r"""Return a notebook whose parameters begin with other values, those that it has.

    They stand in the cell tagged ``parameters`` itself, where a student sees them and `run_notebook`
    finds them.

    Parameters
    ----------
    notebook : mapping
    values : mapping of str to int or str
        By the parameter's name.

    Examples
    --------
    >>> cell = {
    ...     "cell_type": "code",
    ...     "metadata": {"tags": ["parameters"]},
    ...     "source": "seed: int = 0  # decides\nepochs: int = 2",
    ... }
    >>> print(
    ...     with_parameters({"cells": [cell]}, {"seed": 7, "dataset": "emoji"})["cells"][0][
    ...         "source"
    ...     ]
    ... )
    seed: int = 7  # decides
    epochs: int = 2
    """
    new = copy.deepcopy(dict(notebook))
    for cell in new["cells"]:
        if "parameters" in cell["metadata"].get("tags", []):
            source = "".join(cell["source"])
            changed = _assigned(source, values)
            cell["source"] = (
                changed if isinstance(cell["source"], str) else changed.splitlines(keepends=True)
            )
    return new


def _assigned(source: str, values: Mapping[str, int | str]) -> str:
    lines = [line.encode() for line in source.splitlines(keepends=True)]
    for node in reversed(ast.parse(source).body):  # so that no change moves a later place
        if (
            isinstance(node, ast.AnnAssign)
            and isinstance(node.target, ast.Name)
            and node.value is not None
            and node.target.id in values
        ):
            place, line = node.value, lines[node.value.lineno - 1]
            value = json.dumps(values[node.target.id], ensure_ascii=False).encode()
            lines[place.lineno - 1] = (
                line[: place.col_offset] + value + line[place.end_col_offset :]
            )
    return b"".join(lines).decode()
