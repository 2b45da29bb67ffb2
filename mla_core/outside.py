"""What comes from outside, held against what it must be: JSON text, plain values, kinds, paths."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import msgspec

from mla_core.errors import ConfigError, quoted

DEEPEST = 32  # lists and mappings inside one another
MOST = 2**53 - 1  # beyond it, a whole number is not the same in every program that reads JSON

Seed = Annotated[int, msgspec.Meta(ge=0, le=MOST, description="a whole number of at least 0")]


def read_json_text(text: str | bytes) -> Any:
    """Return what JSON text says; nothing of it is dropped or made another value in silence.

    Parameters
    ----------
    text : str or bytes
        Bytes are UTF-8.

    Raises
    ------
    ValueError
        In words that end a sentence: it is not JSON, names an entry twice, holds a number that is
        none, or lists inside one another without an end.

    Examples
    --------
    >>> read_json_text('{"seed": 1, "seed": 2}')
    Traceback (most recent call last):
    ValueError: it names 'seed' twice: leave one out
    """
    try:  # thousands of runs are read while somebody waits
        raw = text if isinstance(text, bytes) else text.encode("utf-8")
        if _is_certain(value := msgspec.json.decode(raw), raw.count(b":")):
            return value
    except (msgspec.MsgspecError, ValueError, RecursionError):
        pass  # what is wrong is told below
    if isinstance(text, bytes):
        text = text.decode("utf-8")  # its error is a ValueError, too
    try:
        return _STRICT.decode(text)
    except RecursionError:
        msg = "it has too many lists or objects inside one another"
        raise ValueError(msg) from None


def check_plain(what: str, value: object) -> None:
    """Raise `ConfigError` unless JSON can hold a value and give it back as it was.

    A tuple counts as a list.

    Examples
    --------
    >>> check_plain("dataset_options", {"noise": [0.5, 1], "path": "here.csv"})
    >>> check_plain("dataset_options", {1: 2})
    Traceback (most recent call last):
    mla_core.errors.ConfigError: dataset_options must have texts for names, not 1
    """
    layer: list[object] = [value]
    for _ in range(DEEPEST):
        below: list[object] = []
        for one in layer:
            if isinstance(one, Mapping):
                for name in one:
                    if not isinstance(name, str):
                        msg = f"{what} must have texts for names, not {quoted(name)}"
                        raise ConfigError(msg)
                below += one.values()
            elif isinstance(one, list | tuple):
                below += one
            elif fault := _not_plain(one):
                msg = f"{what} must hold plain JSON values, not {fault}"
                raise ConfigError(msg)
        if not below:
            return
        layer = below
    msg = f"{what} must hold plain JSON values, not {DEEPEST} lists or mappings inside one another"
    raise ConfigError(msg)


def check_kind(what: str, value: object, kind: Any) -> None:
    """Raise `ConfigError` unless a value is of a kind.

    Parameters
    ----------
    what : str
        With which the sentence begins.
    value : object
        Arrays count as lists of numbers, and paths as texts.
    kind : type
        As in an annotation, with bounds and their words in `msgspec.Meta`. Of a kind that outside
        text cannot be, such as a class of one's own, everything is taken.

    Examples
    --------
    >>> check_kind("the seed", 3, Seed)
    >>> check_kind("the seed", 2.5, Seed)
    Traceback (most recent call last):
    mla_core.errors.ConfigError: the seed must be a whole number of at least 0, not 2.5
    >>> check_kind("noise", [1, "2"], Sequence[float] | None)
    Traceback (most recent call last):
    mla_core.errors.ConfigError: noise must be a list (each a number) or nothing, not [1, '2']
    """
    try:
        msgspec.convert(_plain_form(value), kind)
    except msgspec.ValidationError as error:
        msg = f"{what} must be {_in_words(kind)}, not {quoted(value)}"
        raise ConfigError(msg) from error
    except TypeError:  # the kind is none that it knows
        return


def path_of(what: str, given: object) -> Path:
    """Return a path that was given as text or as a path.

    Raises
    ------
    ConfigError
        When it is something else, or no system could have such a file.

    Examples
    --------
    >>> path_of("the folder of runs", "runs").name
    'runs'
    >>> path_of("the folder of runs", 5)
    Traceback (most recent call last):
    mla_core.errors.ConfigError: the folder of runs must be a path, such as 'runs', not 5
    """
    if not isinstance(given, str | os.PathLike) or not isinstance(os.fspath(given), str):
        msg = f"{what} must be a path, such as 'runs', not {quoted(given)}"
        raise ConfigError(msg)
    path = Path(given)
    try:
        path.exists()
        whole = "\0" not in str(path)
    except OSError as error:
        msg = f"{what} cannot be {quoted(str(path))}: {error.strerror}"
        raise ConfigError(msg) from error
    if not whole:
        msg = f"{what} cannot be {quoted(str(path))}: a path holds no character of the code 0"
        raise ConfigError(msg)
    return path


def _is_certain(value: Any, colons: int) -> bool:
    """Whether no name stood twice in a text, since it has no more colons than there are names."""
    names, inside = 0, list[Any]([[value]])
    for one in inside:  # it grows meanwhile
        named = type(one) is dict
        names += len(one) if named else 0
        for part in one.values() if named else one:
            kind = type(part)
            if kind is float or kind is str:  # most of them, so they go first
                continue
            if kind is dict or kind is list:
                inside.append(part)
            elif kind is int and abs(part) > MOST:
                return False
    return names == colons


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        msg = f"it names {quoted(twice)} twice: leave one out"
        raise ValueError(msg)
    return found


def _no_number(text: str) -> Any:
    msg = f"{text} is no number that JSON knows"
    raise ValueError(msg)


def _whole(text: str) -> int:
    if len(text) > 400:  # no float is as long
        msg = f"a number of {len(text)} digits is too large"
        raise ValueError(msg)
    return int(text)


def _finite(text: str) -> float:
    if not math.isfinite(value := float(text)):
        msg = f"{text[:40]} is too large"
        raise ValueError(msg)
    return value


_STRICT = json.JSONDecoder(
    object_pairs_hook=_once, parse_constant=_no_number, parse_int=_whole, parse_float=_finite
)


def _not_plain(value: object) -> str:
    """Return what a value is, where JSON has no such thing; else nothing."""
    if isinstance(value, bool | str) or value is None:
        return ""
    if isinstance(value, int):
        return "" if abs(value) <= MOST else f"{quoted(value)}, beyond ±(2^53 - 1)"
    return "" if isinstance(value, float) and math.isfinite(value) else quoted(value)


def _plain_form(value: object) -> Any:
    """Return what JSON would hold instead of arrays and paths; other things as they are."""
    try:
        return json.loads(json.dumps(value, default=_to_json))
    except (TypeError, ValueError, RecursionError):
        return value


def _to_json(value: Any) -> Any:
    return value.tolist() if hasattr(value, "tolist") else os.fspath(value)


_WORDS = {
    str: "a text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    type(None): "nothing",
}


def _in_words(kind: Any) -> str:
    """Return what a value of a kind is, in words."""
    if get_origin(kind) is Annotated:
        described = [meta.description for meta in kind.__metadata__ if meta.description]
        return described[0] if described else _in_words(kind.__origin__)
    inner = [_in_words(one) for one in get_args(kind)]
    if get_origin(kind) in (Union, UnionType):
        return " or ".join(inner)
    if get_origin(kind) is Sequence:
        return f"a list (each {inner[0]})"
    return _WORDS.get(kind, "a mapping" if get_origin(kind) is Mapping else str(kind))
