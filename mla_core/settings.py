"""What one setting may be, told in the field itself, so that checks and screens read the same."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from mla_core.errors import ConfigError, one_of, quoted
from mla_core.outside import MOST, check_plain


def setting(
    default: Any = dataclasses.MISSING,
    *,
    factory: Any = dataclasses.MISSING,
    choices: Sequence[str] = (),
    or_list: bool = False,
    whole: int | tuple[int, int] | None = None,
    real: Mapping[str, float] | None = None,
    live: bool = False,
    later: bool = False,
) -> Any:
    """Return a field of a configuration.

    Parameters
    ----------
    default, factory
        As `dataclasses.field` takes them.
    choices : sequence of str
        All allowed values.
    or_list : bool
        A tuple is allowed, too, and checked elsewhere.
    whole : int or (int, int), optional
        A whole number of at least this, or from one to the other; another value may be among
        `choices`.
    real : mapping, optional
        A finite number with the bounds ``above``, ``least`` and ``below``.
    live : bool
        It may change while a session runs; anything else needs a new one.
    later : bool
        It did not exist when the first runs were named, which therefore say nothing about it.
    """
    told = {
        "choices": tuple(choices),
        "or_list": or_list,
        "whole": (whole, MOST) if isinstance(whole, int) else whole,
        "real": real,
        "live": live,
        "later": later,
    }
    if factory is not dataclasses.MISSING:
        return dataclasses.field(default_factory=factory, metadata=told)
    return dataclasses.field(default=default, metadata=told)


def check_settings(config: Any) -> None:
    """Check every field of a configuration against what it may be; numbers become floats.

    Raises
    ------
    ConfigError
        Naming the field, the bad value and what is allowed.

    Examples
    --------
    >>> @dataclasses.dataclass
    ... class Config:
    ...     rate: float = setting(1, real={"above": 0})
    >>> config = Config(rate=2)
    >>> check_settings(config)
    >>> config.rate
    2.0
    >>> check_settings(Config(rate=-1.0))
    Traceback (most recent call last):
    mla_core.errors.ConfigError: rate must be a number above 0 and finite, not -1.0
    """
    kind: type = type(config)
    for name, may in _limited(kind):
        value = getattr(config, name)
        if isinstance(value, str) and value in may["choices"]:
            continue
        if may["whole"] is not None:
            also = f" (or {', '.join(map(repr, may['choices']))})" if may["choices"] else ""
            _check_whole(name + also, value, *may["whole"])
        elif may["real"] is not None:
            _check_real(name, value, **may["real"])
            object.__setattr__(config, name, float(value))  # 1 is named as 1.0 is
        elif not (may["or_list"] and isinstance(value, tuple)):
            one_of(name + (" (or a list)" if may["or_list"] else ""), value, may["choices"])


@cache
def _limited(kind: type) -> list[tuple[str, Mapping[str, Any]]]:
    """Return the fields whose values have a limit of their own, each with what it may be."""
    every = ((field.name, field.metadata) for field in dataclasses.fields(kind))
    return [
        (name, may)
        for name, may in every
        if may and (may["choices"] or may["whole"] is not None or may["real"] is not None)
    ]


def check_list_of_names(what: str, names: object) -> None:
    """Raise `ConfigError` unless these are texts, none of them twice."""
    whole = isinstance(names, tuple) and all(isinstance(name, str) for name in names)
    if not whole or len(set(names)) != len(names):  # type: ignore[arg-type, call-overload]
        msg = f"{what} must be a list of names, none twice, not {quoted(names)}"
        raise ConfigError(msg)


def check_order(order: tuple[str, ...]) -> None:
    """Raise `ConfigError` unless this is a list of modalities, which may be there several times."""
    if not order or not all(isinstance(name, str) for name in order):
        msg = (
            "order must be 'cyclic', 'random', or a list that names every modality at least once, "
            f"not {quoted(order)}"
        )
        raise ConfigError(msg)


def plain_json(name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy of plain JSON values; anything else raises `ConfigError`."""
    if not isinstance(options, Mapping):
        msg = f"{name} must map names to values, not {quoted(options)}"
        raise ConfigError(msg)
    if not options:
        return {}
    check_plain(name, options)
    plain: dict[str, Any] = json.loads(json.dumps(dict(options)))
    return plain


def written(value: Any) -> str:
    """Return a text of a setting that only equal values of one kind have, as in a file.

    Examples
    --------
    >>> written(1) == written(1.0), written({"a": 1, "b": 2}) == written({"b": 2, "a": 1})
    (False, True)
    """
    inside = value and isinstance(value, Mapping | tuple)
    return json.dumps(value, sort_keys=True) if inside else repr(value)


def hash_of(values: Mapping[str, Any]) -> str:
    """Return twelve hexadecimal digits of the SHA-256 of `values` as canonical JSON.

    Examples
    --------
    >>> hash_of({"a": 1, "b": 2}) == hash_of({"b": 2, "a": 1})
    True
    """
    text = json.dumps(values, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _check_whole(name: str, value: object, least: int, most: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        bounds = f"of at least {least}" if most == MOST else f"from {least} to {most}"
        msg = f"{name} must be a whole number {bounds}, not {quoted(value)}"
        raise ConfigError(msg)


def _check_real(
    name: str,
    value: object,
    *,
    above: float = -math.inf,
    least: float = -math.inf,
    below: float = math.inf,
) -> None:
    number = isinstance(value, float) or (type(value) is int and abs(value) <= MOST)
    if not number or not (above < value < below and value >= least):  # type: ignore[operator]
        bounds = [
            f"above {above}" if above > -math.inf else "",
            f"at least {least}" if least > -math.inf else "",
            f"below {below}" if below < math.inf else "finite",
        ]
        msg = f"{name} must be a number {' and '.join(filter(None, bounds))}, not {quoted(value)}"
        raise ConfigError(msg)
