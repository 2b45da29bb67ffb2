"""The language that widgets and commands speak: English, or another where its catalogue has the message.

English stands in the code, each message in `tr(...)`; the catalogues, `locale/LANGUAGE.po`, are gettext's.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

from mla_core.errors import ConfigError, quoted

VARIABLE = "MLA_LAB_LANGUAGE"
ENGLISH = "en"
LANGUAGES = {ENGLISH: "English", "zh_CN": "简体中文"}
CATALOGUES = Path(__file__).parent / "locale"

_chosen: list[str] = []  # by `choose`, in this process


def tr(message: str, /, **values: object) -> str:
    """Return a message in the present language, with these values in its placeholders.

    Parameters
    ----------
    message : str
        In English, with placeholders as `str.format` has them. Without values it is left as it is.
    **values : object

    Examples
    --------
    >>> tr("{right:.0%} of {total} are right", right=0.25, total=8)
    '25% of 8 are right'
    """
    said = messages(language()).get(message, message)
    return said.format(**values) if values else said


def later(message: str) -> str:
    """Return a message as it is, and mark it for translation by a `tr(...)` elsewhere.

    For tables that are made when a module is imported, before anybody chose a language.

    Examples
    --------
    >>> NAMES = {"play": later("Play")}
    >>> tr(NAMES["play"])
    'Play'
    """
    return message


def language() -> str:
    """Return the present language: the one chosen in this process, else what `MLA_LAB_LANGUAGE` says.

    Raises
    ------
    ConfigError
        When that is a language without a catalogue.
    """
    return _chosen[0] if _chosen else _known(os.environ.get(VARIABLE) or ENGLISH)


def choose(name: str) -> None:
    """Speak another language from now on, in this process.

    Raises
    ------
    ConfigError
        For a language without a catalogue.
    """
    _chosen[:] = [_known(name)]


@cache
def _known(name: str) -> str:
    plain = name.partition(".")[0].replace("-", "_").casefold()  # as locales are written elsewhere
    for known in LANGUAGES:
        if plain in {known.casefold(), known.partition("_")[0]}:
            return known
    msg = f"{VARIABLE} must be one of {', '.join(LANGUAGES)}, not {quoted(name)}"
    raise ConfigError(msg)


@cache
def messages(name: str, source: str = "") -> Mapping[str, str]:
    """Return what a language's catalogue has: English messages and what stands for them.

    Parameters
    ----------
    name : str
        One of `LANGUAGES`.
    source : str
        The ending of files whose messages are wanted, such as ``".js"``; all when empty.
    """
    if name == ENGLISH:
        return MappingProxyType({})
    from babel.messages.pofile import read_po  # who reads English needs none

    with (CATALOGUES / f"{name}.po").open(encoding="utf-8") as file:
        catalogue = read_po(file, locale=name)
    return MappingProxyType(
        {
            str(one.id): str(one.string)
            for one in catalogue
            if one.id
            and one.string
            and not one.fuzzy
            and any(path.endswith(source) for path, _ in one.locations)
        }
    )
