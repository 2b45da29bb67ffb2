"""Counts as a sentence has them."""

from __future__ import annotations


def counted(number: int, one: str, many: str = "") -> str:
    """Return a number and what is counted, in the singular or the plural.

    Parameters
    ----------
    number : int
    one, many : str
        What is counted; `many` where it is not `one` and an s.

    Examples
    --------
    >>> counted(1, "label"), counted(12, "sample"), counted(0, "class", "classes")
    ('1 label', '12 samples', '0 classes')
    """
    return f"{number} {one if number == 1 else many or one + 's'}"
