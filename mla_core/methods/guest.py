"""A method from outside: made to fit, and tried on a tiny batch when it is first used."""

from __future__ import annotations

from typing import Any


def as_method(thing: Any) -> Any:
    """Return the class as it is."""
    return thing


def check_method(name: str, cls: Any) -> None:
    """Check nothing yet."""
