"""Names of the form `module:object`: what they stand for, and whether it may be imported.

Such a name imports code. It may do so where the user has written it; a name that merely stands in a
file from elsewhere is refused until `allow_import` is called for its module.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import re
import sys
import threading
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path
from types import ModuleType
from typing import Any

from mla_core.errors import ConfigError
from mla_core.provenance import digest_of_files, own_files

_REFERENCE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
_ALLOWED: set[str] = set()  # the modules that the user has named, top level
_FROM_ELSEWHERE: ContextVar[bool] = ContextVar("from_elsewhere", default=False)
_LOOKING: ContextVar[bool] = ContextVar("looking", default=False)
_LOADED: dict[str, str] = {}  # top-level module -> digest of its files when they were imported
LOCK = threading.RLock()


class ImportNotAllowedError(ConfigError):
    """A file from elsewhere names code that nobody here has allowed to run."""


def is_reference(name: object) -> bool:
    """Whether a name is of the form ``module:object``.

    Examples
    --------
    >>> is_reference("my_lab.rules:sharpest"), is_reference("google/vit"), is_reference("C:/model")
    (True, False, False)
    """
    return isinstance(name, str) and _REFERENCE.fullmatch(name) is not None


def is_allowed(name: str) -> bool:
    """Whether the module of a name may be imported."""
    return _top(name) in _ALLOWED


def allow_import(*modules: str) -> None:
    """Say that these modules may be imported when a configuration names them.

    Parameters
    ----------
    *modules : str
        ``"my_lab"``, or a name in it: ``"my_lab:Mine"``.
    """
    _ALLOWED.update(map(_top, modules))


def allowed() -> frozenset[str]:
    """Return the modules that may be imported, for another process of the same user."""
    return frozenset(_ALLOWED)


def user_named(*names: object) -> None:
    """Take note that the user has written these names: what they stand for may be imported.

    A module whose file was changed since it was imported is imported anew, so that a notebook's
    ``%%writefile`` takes effect. Names that stand in a file from elsewhere change nothing.
    """
    if _FROM_ELSEWHERE.get():
        return
    for name in filter(is_reference, names):
        allow_import(str(name))
        _refresh(_top(str(name)))


@contextlib.contextmanager
def from_elsewhere(*, to_look: bool = False) -> Iterator[None]:
    """Read names inside without trusting them, since a file holds them that may be anybody's.

    Parameters
    ----------
    to_look : bool
        Names that nothing here bears are no fault either: what they stand for is not needed.
    """
    tokens = _FROM_ELSEWHERE.set(True), _LOOKING.set(to_look)
    try:
        yield
    finally:
        _FROM_ELSEWHERE.reset(tokens[0])
        _LOOKING.reset(tokens[1])


def only_looking() -> bool:
    """Whether names are read that nobody is going to use."""
    return _LOOKING.get()


def refusal(what: str, name: str) -> str:
    """Return the sentence that says why a name is not imported, and how to allow it."""
    top = _top(name)
    return (
        f"{what} {name!r} is named by a file, and using it runs the code of the module {top!r}. If "
        f"you know that code and trust it, allow it: --allow-import {top} on the command line, "
        f"mla_core.allow_import({top!r}) in Python"
    )


def _top(name: str) -> str:
    return name.partition(":")[0].partition(".")[0]


def resolve(reference: str) -> Any:
    """Import what ``module:object`` names; whether that is allowed is not asked here."""
    module, _, path = reference.partition(":")
    thing: Any = _module(module)
    for attribute in path.split("."):
        thing = getattr(thing, attribute)
    return thing


def _module(name: str) -> ModuleType:
    with LOCK:
        top = _top(name)
        if top not in _LOADED:
            importlib.invalidate_caches()
            _LOADED[top] = (
                "" if top in {"mla_core", "__main__"} else digest_of_files(own_files(top))
            )
        return importlib.import_module(name)


def source_of_module(module: str) -> str:
    """Return the digest of a module's files as they were when they were imported."""
    top = _top(module)
    if not _LOADED.get(top):
        _LOADED[top] = digest_of_files(own_files(top))
    return _LOADED[top]


def _refresh(top: str) -> None:
    """Forget an imported module whose files have changed since."""
    with LOCK:
        if not _LOADED.get(top):
            return
        files = own_files(top)
        if digest_of_files(files) == _LOADED[top]:
            return
        del _LOADED[top]
        for name, module in list(sys.modules.items()):
            file = getattr(module, "__file__", None)
            if name.partition(".")[0] == top or (file and Path(file).resolve() in files):
                del sys.modules[name]
        for file in files:  # Python tells changes by whole seconds
            Path(importlib.util.cache_from_source(str(file))).unlink(missing_ok=True)
