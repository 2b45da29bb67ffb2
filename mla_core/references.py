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
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from mla_core.errors import ConfigError
from mla_core.provenance import digest_of_files, own_files

_REFERENCE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
_ALLOWED: set[str] = set()  # the modules that the user has named, top level
_READING: ContextVar[str] = ContextVar("reading", default="")  # or "to use", "to look"
_LOADED: dict[str, _Loaded] = {}  # by top-level module
LOCK = threading.RLock()


@dataclass(frozen=True)
class _Loaded:
    """The files of a module as they were when it was imported; stamps tell a change cheaply."""

    files: list[Path]
    stamps: list[tuple[int, int]]
    digest: str

    @classmethod
    def now(cls, top: str) -> _Loaded:
        files = own_files(top)
        return cls(files, _stamps(files), digest_of_files(files))


def _stamps(files: list[Path]) -> list[tuple[int, int]]:
    """Return when each file was written, and its size; (0, 0) for one that is gone."""
    found = [file.stat() if file.exists() else None for file in files]
    return [(one.st_mtime_ns, one.st_size) if one else (0, 0) for one in found]


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
    return top_of(name) in _ALLOWED


def allow_import(*modules: str) -> None:
    """Say that these modules may be imported when a configuration names them.

    Parameters
    ----------
    *modules : str
        ``"my_lab"``, or a name in it: ``"my_lab:Mine"``.
    """
    _ALLOWED.update(map(top_of, modules))


def allowed() -> frozenset[str]:
    """Return the modules that may be imported, for another process of the same user."""
    return frozenset(_ALLOWED)


def user_named(*names: object) -> None:
    """Take note that the user has written these names: what they stand for may be imported.

    A module whose file was changed since it was imported is imported anew, so that a notebook's
    ``%%writefile`` takes effect. Names that stand in a file from elsewhere change nothing.
    """
    if _READING.get():
        return
    for name in filter(is_reference, names):
        allow_import(str(name))
        _refresh(top_of(str(name)))


@contextlib.contextmanager
def from_elsewhere(*, to_look: bool = False) -> Iterator[None]:
    """Read names inside without trusting them, since a file holds them that may be anybody's.

    Parameters
    ----------
    to_look : bool
        Names that nothing here bears are no fault either: what they stand for is not needed.
    """
    token = _READING.set("to look" if to_look else "to use")
    try:
        yield
    finally:
        _READING.reset(token)


def only_looking() -> bool:
    """Whether names are read that nobody is going to use."""
    return _READING.get() == "to look"


def refusal(what: str, name: str) -> str:
    """Return the sentence that says why a name is not imported, and how to allow it."""
    top = top_of(name)
    return (
        f"{what} {name!r} is named by a file, and using it runs the code of the module {top!r}. If "
        f"you know that code and trust it, allow it: --allow-import {top} on the command line, "
        f"mla_core.allow_import({top!r}) in Python"
    )


def top_of(name: str) -> str:
    """Return the top-level module of a name: ``"my_lab"`` of ``"my_lab.rules:sharpest"``."""
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
        if (top := top_of(name)) not in {*_LOADED, "mla_core", "__main__"}:
            importlib.invalidate_caches()
            _LOADED[top] = _Loaded.now(top)
        return importlib.import_module(name)


def source_of_module(module: str) -> str:
    """Return the digest of a module's files as they were when they were imported."""
    with LOCK:
        if (top := top_of(module)) not in _LOADED:
            _LOADED[top] = _Loaded.now(top)
        return _LOADED[top].digest


def _refresh(top: str) -> None:
    """Forget an imported module whose files have changed since."""
    with LOCK:
        loaded = _LOADED.get(top)
        if loaded is None or _stamps(loaded.files) == loaded.stamps:
            return
        now, files = _Loaded.now(top), loaded.files
        if now.digest == loaded.digest:  # touched, not changed
            _LOADED[top] = now
            return
        del _LOADED[top]
        for name, module in list(sys.modules.items()):
            file = getattr(module, "__file__", None)
            if name.partition(".")[0] == top or (file and Path(file).resolve() in files):
                del sys.modules[name]
        for file in {*files, *now.files}:  # Python tells changes by whole seconds
            Path(importlib.util.cache_from_source(str(file))).unlink(missing_ok=True)
