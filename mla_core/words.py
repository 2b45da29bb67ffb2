"""Counts as a sentence has them, and sentences one after the other."""

from __future__ import annotations

from functools import reduce

from mla_core.language import tr


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


def sentence(told: str) -> str:
    """Return what was told with one full stop at its end.

    Examples
    --------
    >>> sentence("It stands"), sentence("It stands.")
    ('It stands.', 'It stands.')
    """
    return tr("{sentence}.", sentence=told.rstrip(".。"))


def sentences(*said: str) -> str:
    """Return sentences one after the other; those that are empty are left out.

    Examples
    --------
    >>> sentences("It stands.", "", "It goes on.")
    'It stands. It goes on.'
    """
    told = [one for one in said if one]
    return reduce(lambda one, then: tr("{one} {then}", one=one, then=then), told or [""])
