"""An import that takes long, spared where nothing but a version is wanted of it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from types import ModuleType


@contextmanager
def version_alone(name: str) -> Iterator[None]:
    """While this lasts, whoever imports a module gets its version and nothing else of it.

    plotly's widget imports nbformat to compare its version, and with it come parsers that take
    longer than the whole first picture.

    Parameters
    ----------
    name : str
        Of a module and its package; nothing happens where it is loaded already, or not installed.

    Examples
    --------
    >>> with version_alone("nbstripout"):  # doctest: +SKIP
    ...     import nbstripout
    >>> hasattr(nbstripout, "main")  # doctest: +SKIP
    False
    """
    stand_in = ModuleType(name)
    try:
        stand_in.__version__ = version(name)  # type: ignore[attr-defined]
    except PackageNotFoundError:
        yield
        return
    if name in sys.modules:
        yield
        return
    sys.modules[name] = stand_in
    try:
        yield
    finally:
        del sys.modules[name]
