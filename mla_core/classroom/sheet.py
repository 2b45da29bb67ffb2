"""Tables that people open in a spreadsheet, with texts that others wrote in their cells."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

ACTIVE = ("=", "+", "-", "@")  # with which a spreadsheet takes a cell for a formula


def cell_text(value: object) -> str:
    r"""Return what stands in a cell: never a formula, and nothing that a terminal would obey.

    Examples
    --------
    >>> cell_text("=HYPERLINK(1)"), cell_text("-1 to 1"), cell_text("a\x1b[31m\nb"), cell_text(3)
    ("'=HYPERLINK(1)", "'-1 to 1", 'a\\x1b[31m\\nb', '3')
    """
    written = "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii")
        for letter in str(value)
    )
    # Some programs look behind spaces and quotes, too.
    return f"'{written}" if written.lstrip(" '\"").startswith(ACTIVE) else written


def as_csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    r"""Return a table as CSV.

    Examples
    --------
    >>> as_csv(["who", "seed"], [["Ada, the first", 7]])
    'who,seed\n"Ada, the first",7\n'
    """
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([cell_text(value) for value in row] for row in rows)
    return written.getvalue()
