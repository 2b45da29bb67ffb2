"""Packages that read media: asked for when the first file of the kind is."""

from __future__ import annotations

import importlib
from types import ModuleType

from mla_core.errors import MissingPackageError


def need(package: str, what: str) -> ModuleType:
    """Import a package, or raise `MissingPackageError` with the command that installs it.

    Examples
    --------
    >>> need("no_such_package", "smells")
    Traceback (most recent call last):
    mla_core.errors.MissingPackageError: reading smells needs the package no_such_package: pip install ...
    """
    try:
        return importlib.import_module(package)
    except ImportError as error:
        msg = f"reading {what} needs the package {package}: pip install -e '.[media]'"
        raise MissingPackageError(msg) from error
