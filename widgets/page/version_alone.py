"""An import that takes long, spared where nothing but a version is wanted of it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from importlib.util import find_spec
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
    >>> with version_alone("pip"):
    ...     import pip
    >>> bool(pip.__version__), hasattr(pip, "main"), "pip" in sys.modules
    (True, False, False)
    """
    if name in sys.modules or find_spec(name) is None:
        yield
        return
    stand_in = ModuleType(name)
    stand_in.__version__ = version(name)  # type: ignore[attr-defined]
    sys.modules[name] = stand_in
    try:
        yield
    finally:
        del sys.modules[name]
