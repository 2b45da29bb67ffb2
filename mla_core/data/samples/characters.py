"""Short texts as rows of character codes, and the typing errors that make them hard to read."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from mla_core.errors import ConfigError, DataError

LETTERS = "abcdefghijklmnopqrstuvwxyz"
PADDING = 0
_NO_CHARACTER = re.compile("[\0\ud800-\udfff]")  # the latter are halves of one


def edit(text: str, probability: float, rng: np.random.Generator, letters: str = LETTERS) -> str:
    """Return `text` with random typing errors.

    Each character is, with the given probability, hit by one of four errors, equally likely: it
    is replaced by another letter, deleted, followed by an extra letter, or swapped with its right
    neighbour (the last one with its left). What cannot be done - swapping a lone character,
    deleting the last one that is left - becomes a replacement, so no text ever comes out empty.

    Parameters
    ----------
    text : str
    probability : float
        Of an error per character, 0..1.
    rng : numpy.random.Generator
        The same draws are taken at every probability, so that with one seed a higher probability
        hits the characters that a lower one hit, and more. (Two swaps may undo each other.)
    letters : str
        Where replacements and extra letters come from, at least two.

    Raises
    ------
    ConfigError
        When `probability` is outside 0..1 or NaN.

    Examples
    --------
    >>> edit("seven", 0.0, np.random.default_rng(0))
    'seven'
    >>> edit("seven", 0.5, np.random.default_rng(4))
    'sevne'
    """
    if not 0 <= probability <= 1:
        msg = f"edit probability {probability!r} is outside 0..1"
        raise ConfigError(msg)
    hits = (rng.random(len(text)) < probability).tolist()
    kinds = rng.integers(4, size=len(text)).tolist()
    picks = rng.integers(len(letters), size=len(text)).tolist()
    rest, done = list(text), list[str]()
    for i, (hit, kind, pick) in enumerate(zip(hits, kinds, picks, strict=True)):
        char, last = rest[i], i == len(rest) - 1
        other = letters[pick] if letters[pick] != char else letters[pick - 1]
        if not hit:
            done.append(char)
        elif kind == 1 and not (last and not done):  # delete
            continue
        elif kind == 2:
            done += [char, letters[pick]]
        elif kind == 3 and not last:
            rest[i + 1] = char
            done.append(text[i + 1])
        elif kind == 3 and done:
            done.insert(len(done) - 1, char)
        else:
            done.append(other)
    return "".join(done)


def composed(text: str) -> str:
    r"""Return a text with its characters composed (NFC), so that what looks alike is alike.

    Raises
    ------
    DataError
        When it holds what no text does, in a sentence that goes on from its name.

    Examples
    --------
    >>> len(composed("e\u0301"))
    1
    >>> composed("a\0b")
    Traceback (most recent call last):
    mla_core.errors.DataError: holds '\x00', which is no character of a text: take it out
    """
    if not text.isprintable() and (found := _NO_CHARACTER.search(text)):
        msg = f"holds {found[0]!r}, which is no character of a text: take it out"
        raise DataError(msg)
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def encode(texts: Sequence[str], vocabulary: str, length: int) -> Tensor:
    """Return the texts as rows of character codes.

    Parameters
    ----------
    texts : sequence of str
        N texts.
    vocabulary : str
        Code ``i + 1`` stands for ``vocabulary[i]``.
    length : int
        L, the longest text that fits. Shorter ones are padded with 0 on the right.

    Returns
    -------
    Tensor
        (N, L) int64.

    Raises
    ------
    DataError
        Naming the text that is too long or has a character outside the vocabulary: nothing is
        cut off or dropped.

    Examples
    --------
    >>> encode(["ba", "c"], "abc", 3).tolist()
    [[2, 1, 0], [3, 0, 0]]
    """
    code_of = _codes(vocabulary)
    codes = np.full((len(texts), length), PADDING, dtype=np.int64)
    for row, text in zip(codes, texts, strict=True):
        if len(text) > length:
            msg = f"text {text!r} has {len(text)} characters, more than {length}"
            raise DataError(msg)
        try:
            row[: len(text)] = [code_of[char] for char in text]
        except KeyError as error:
            unknown = error.args[0]
            msg = f"text {text!r} has {unknown!r}, which is not in the vocabulary {vocabulary!r}"
            raise DataError(msg) from error
    return torch.from_numpy(codes)


@functools.lru_cache(maxsize=16)
def _codes(vocabulary: str) -> dict[str, int]:
    return {char: code for code, char in enumerate(vocabulary, start=1)}


def decode(codes: Tensor, vocabulary: str) -> str:
    """Return the text of one row (L,) of codes, padding left out.

    Examples
    --------
    >>> decode(torch.tensor([2, 1, 0]), "abc")
    'ba'
    """
    return "".join(vocabulary[code - 1] for code in codes.tolist() if code != PADDING)
