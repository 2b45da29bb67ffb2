"""What is given as NAME=VALUE on the command line."""

from __future__ import annotations

from collections.abc import Iterable
from json import JSONDecodeError
from typing import Any

from mla_core.errors import ConfigError, quoted
from mla_core.language import tr
from mla_core.outside import read_json_text

_TRUTH = {"True": True, "False": False}


def named_values(option: str, given: Iterable[str]) -> dict[str, Any]:
    """Return names and values; what is no JSON is text.

    Parameters
    ----------
    option : str
        That it was given with, for messages: ``"-p"``.
    given : iterable of str

    Raises
    ------
    ConfigError
        For what is no NAME=VALUE, for a name that is given twice, and for JSON that says nothing
        certain.

    Examples
    --------
    >>> named_values("-p", ["seed=1", "noise=[0.5, 2]", "name=owl"])
    {'seed': 1, 'noise': [0.5, 2], 'name': 'owl'}
    >>> named_values("-p", ["seed=1", "seed=2"])
    Traceback (most recent call last):
    mla_core.errors.ConfigError: -p names 'seed' twice: leave one out
    """
    found: dict[str, Any] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name:
            msg = tr("{option} needs NAME=VALUE, not {given}", option=option, given=quoted(text))
            raise ConfigError(msg)
        if name in found:
            msg = tr("{option} names {name!r} twice: leave one out", option=option, name=name)
            raise ConfigError(msg)
        found[name] = _value(option, name, value)
    return found


def _value(option: str, name: str, text: str) -> Any:
    try:
        return read_json_text(text)
    except JSONDecodeError:
        return _TRUTH.get(text, text)
    except ValueError as error:
        msg = f"{option} {name}={quoted(text)}: {error}"
        raise ConfigError(msg) from error
