"""Quotes in a CSV file that were never closed: what they swallow looks like part of a text."""

from __future__ import annotations

import csv
import re
from collections.abc import Collection, Mapping

_BREAK = re.compile(r"\r\n|\r|\n")


def rows_within(
    cells: Mapping[str, str], begin: int, labels: Collection[str], comma: str
) -> list[int]:
    r"""Return which of a file's lines are rows of their own, although a cell holds them.

    A line of a cell is a row when it has as many cells as the header, and a label of another row.

    Parameters
    ----------
    cells : mapping of str to str
        One row by the header's names; some cells hold line breaks.
    begin : int
        The number of the file's line in which the row begins.
    labels : collection of str
        Of the rows that hold no line breaks.
    comma : str
        What stands between two cells.

    Examples
    --------
    >>> rows_within({"id": "1", "label": "owl", "song": "hoo\n2,tit,tsee\nhoo"}, 7, {"tit"}, ",")
    [8]
    >>> rows_within({"id": "1", "label": "owl", "song": "hoo\nhoo, hoo, hoo"}, 7, {"tit"}, ",")
    []
    """
    found, number = list[int](), begin
    for cell in cells.values():
        for line in _BREAK.split(cell)[1:]:
            number += 1
            inner = next(csv.reader([line], delimiter=comma), [])
            if len(inner) == len(cells):
                label = dict(zip(cells, inner, strict=True)).get("label", "").strip()
                found += [number] if label in labels else []
    return found
