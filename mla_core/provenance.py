"""A hash of the source of what a run used that is not ours."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import inspect
import sysconfig
from collections.abc import Iterable, Iterator
from importlib.machinery import PathFinder
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

_PLAIN = (int, float, str, bool, tuple, frozenset, type(None))


def own_files(top: str, beside: Path | None = None) -> list[Path]:
    """Return the files that make up a top-level module, found without running any of them.

    Parameters
    ----------
    top : str
        ``"my_lab"``.
    beside : Path, optional
        A folder in which it is looked for first.

    Returns
    -------
    list of Path
        Of a package all its Python files; of a single file also those beside it that it imports,
        and so on, unless it is installed. Empty where there is no such module, or it is not made
        of files.
    """
    spec = PathFinder.find_spec(top, [str(beside)]) if beside else None
    try:
        spec = spec or importlib.util.find_spec(top)
    except (ImportError, ValueError):
        spec = None
    if spec is None:
        return []
    if spec.submodule_search_locations is not None:
        return _package(Path(place) for place in spec.submodule_search_locations)
    if not spec.origin or not spec.has_location:
        return []
    first = Path(spec.origin).resolve()
    installed = {sysconfig.get_path(kind) for kind in ("stdlib", "purelib", "platlib")}
    found, todo = {first}, [] if str(first.parent) in installed else [first]
    while todo:
        for name in _imported(todo.pop()):
            beside = first.with_name(f"{name}.py")
            folder = first.with_name(name)
            new = [beside] if beside.is_file() else _package([folder])
            todo += [file for file in new if file not in found]
            found.update(new)
    return sorted(found)


def digest_of_files(files: Iterable[Path]) -> str:
    """Return the SHA-256 of the names and contents of files, in hexadecimal digits."""
    found = hashlib.sha256()
    for file in files:
        content = file.read_bytes()
        found.update(f"{file.name}\0{len(content)}\0".encode() + content)
    return found.hexdigest()


def digest_of_live(thing: Any) -> str:
    """Return the SHA-256 of what a notebook or a script defined.

    Also of the functions, classes and plain values of the same module that its code names, and so
    on; the same text gives the same digest in another process.
    """
    module = getattr(thing, "__module__", None)
    found, todo, seen = hashlib.sha256(), [thing], set[int]()
    while todo:
        one = todo.pop(0)
        if id(one) in seen:
            continue
        seen.add(id(one))
        found.update(_text(one).encode())
        if isinstance(one, type):
            todo += [base for base in one.__bases__ if base.__module__ == module]
        for name, value in _named(one):
            if isinstance(value, _PLAIN):
                found.update(f"{name} = {value!r}".encode())
            elif getattr(value, "__module__", None) == module and hasattr(value, "__qualname__"):
                todo.append(value)
    return found.hexdigest()


def _package(folders: Iterable[Path]) -> list[Path]:
    return sorted(file.resolve() for folder in folders for file in folder.rglob("*.py"))


def _imported(file: Path) -> Iterator[str]:
    """Yield the top-level names that a file imports anywhere."""
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError):  # importing it will say so
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def _text(thing: Any) -> str:
    try:
        return inspect.getsource(thing)
    except (OSError, TypeError):  # typed at a prompt, or made by exec
        return "".join(repr((c.co_code, c.co_names, _constants(c))) for c in _codes(thing))


def _constants(code: CodeType) -> list[Any]:
    return [c for c in code.co_consts if not isinstance(c, CodeType)]


def _codes(thing: Any) -> Iterator[CodeType]:
    """Yield the code of a function, or of everything in a class, inner functions included."""
    if isinstance(thing, type):
        for member in vars(thing).values():
            inner = getattr(member, "__func__", None) or getattr(member, "fget", None) or member
            if isinstance(inner, FunctionType):
                yield from _codes(inner)
        return
    todo = [thing.__code__] if isinstance(thing, FunctionType) else []
    while todo:
        code = todo.pop(0)
        yield code
        todo += [c for c in code.co_consts if isinstance(c, CodeType)]


def _named(thing: Any) -> Iterator[tuple[str, Any]]:
    """Yield the module's own values that a thing's code names."""
    space = getattr(thing, "__globals__", None)
    if space is None:
        members = (
            [m for m in vars(thing).values() if isinstance(m, FunctionType)]
            if isinstance(thing, type)
            else []
        )
        space = members[0].__globals__ if members else {}
    names = sorted({name for code in _codes(thing) for name in code.co_names})
    yield from ((name, space[name]) for name in names if name in space)
