"""What a single value says, from whatever it came: the one place that decides what is missing."""

from __future__ import annotations

import enum
import math
import unicodedata
from collections.abc import Iterable
from datetime import date, time
from typing import Any

import numpy as np

from mla_core.errors import DataError
from mla_core.words import counted

WORDS = frozenset({"NaN", "nan", "NA", "<NA>", "N/A", "NaT", "null", "NULL", "None"})


def is_missing(value: Any, *, words: bool = False) -> bool:
    """Return whether a value is none: None, NaN, NaT, pandas.NA, masked, or an empty cell.

    0, 0.0 and False are values.

    Parameters
    ----------
    value : object
    words : bool
        Whether a text such as ``NaN``, ``NA``, ``null`` or ``None`` stands for nothing, too, as it
        does in a column that holds no texts of its own.

    Examples
    --------
    >>> [is_missing(value) for value in (None, float("nan"), " ", 0, False, "NaN")]
    [True, True, True, False, False, False]
    >>> is_missing("NaN", words=True)
    True
    """
    if isinstance(value, str | bytes):  # first, as most values are
        text = value.strip()
        return not text or (words and text in WORDS)
    if value is None:
        return True
    if type(value).__name__ in {"NAType", "NaTType"}:  # of pandas, which is never imported
        return True
    if isinstance(value, np.datetime64 | np.timedelta64):
        return bool(np.isnat(value))
    value = _unwrapped(value)
    return value is None or (isinstance(value, float) and math.isnan(value))


def plain(value: Any, what: str) -> str:
    """Return a label, id or group as text; empty when it is missing.

    Parameters
    ----------
    value : object
        A text, a number, a truth value, a date, bytes, a member of an enumeration, or a tensor or
        array of one of them.
    what : str
        What it is called in a message.

    Raises
    ------
    DataError
        When it is more than one value.

    Examples
    --------
    >>> plain(np.int64(0), "label"), plain(b"owl", "label"), plain(None, "label")
    ('0', 'owl', '')
    """
    if type(value) is str:  # as in every cell of a CSV file
        return value.strip()
    value = _unwrapped(value)
    if is_missing(value):
        return ""
    if isinstance(value, bytes):
        try:
            value = value.decode()
        except UnicodeDecodeError as error:
            msg = f"the {what} {value[:40]!r} is not UTF-8: write it as text"
            raise DataError(msg) from error
    if isinstance(value, date | time):  # also a datetime, and a Timestamp of pandas
        return value.isoformat()
    if not isinstance(value, str | int | float | np.generic):
        msg = f"the {what} is {str(value)[:40]!r}, not one value: give each sample one {what}"
        raise DataError(msg)
    return str(value).strip()


def plains(values: Iterable[Any], what: str, *, words: bool = False) -> list[str]:
    """Return what `plain` does of each value of a column, and "" for words that stand for nothing.

    Examples
    --------
    >>> plains([" a ", 1, None, "NaN"], "id", words=True)
    ['a', '1', '', '']
    """
    nothing = WORDS if words else frozenset[str]()
    told = (v.strip() if type(v) is str else plain(v, what) for v in values)
    return ["" if text in nothing else text for text in told]


def labels_of(values: Iterable[Any], notes: list[str] | None = None) -> list[str]:
    """Return labels as texts, when no two that differ would be written alike.

    Parameters
    ----------
    values : iterable
    notes : list of str, optional
        Gets a note where white space around labels was taken off.

    Raises
    ------
    DataError
        For a label that is several values or a fraction, or for such as 1 beside "1".

    Examples
    --------
    >>> labels_of([0, 1, None])
    ['0', '1', '']
    >>> labels_of([1, "1"])
    Traceback (most recent call last):
    mla_core.errors.DataError: the labels 1 (int) and '1' (str) are alike: make them one kind
    """
    told, first, spaced = list[str](), dict[Any, Any](), list[str]()
    texts = dict[str, str]()  # those that were seen: there are few labels, even in a large table
    for value in values:
        if type(value) is str and value in texts:
            told.append(texts[value])
            spaced += [value] if texts[value] not in ("", value) else []
            continue
        told.append(text := plain(value, "label"))
        one = _unwrapped(value)
        if text and isinstance(one, float) and not one.is_integer():
            msg = f"the label {one!r} is no class: give texts or whole numbers"
            raise DataError(msg)
        for key in (text, one) if text else ():  # 1, 1.0 and True are one key
            before = first.setdefault(key, one)
            if type(before) is not type(one):
                msg = (
                    f"the labels {_called(before)} and {_called(one)} are alike: make them one kind"
                )
                raise DataError(msg)
        if isinstance(one, str) and text and one != text:
            spaced.append(one)
        if type(value) is str:
            texts[value] = text
    if spaced and notes is not None:
        count = counted(len(spaced), "label has", "labels have")
        notes.append(
            f"{count} white space around them, such as {spaced[0][:40]!r}, which is taken off"
        )
    return told


def bare(text: str) -> str:
    """Return what a person sees of a text: composed, without what takes no room, one space each.

    Examples
    --------
    >>> bare("a\u200b  b ") == bare("a b")
    True
    """
    if not text.isascii():
        composed = unicodedata.normalize("NFC", text)
        text = "".join(c for c in composed if unicodedata.category(c) != "Cf")
    return " ".join(text.split())


def _unwrapped(value: Any) -> Any:
    """Return what a tensor, an array, a scalar of numpy or a member holds, when that is one value."""
    if value is np.ma.masked:
        return None
    if isinstance(value, enum.Enum):
        return _unwrapped(value.value)
    item = getattr(value, "item", None)
    if callable(item) and not isinstance(value, np.datetime64 | np.timedelta64):
        size = getattr(value, "numel", None)
        if (size() if callable(size) else getattr(value, "size", 1)) == 1:
            return item()
    return value


def _called(value: Any) -> str:
    return f"{value!r} ({type(value).__name__})"
