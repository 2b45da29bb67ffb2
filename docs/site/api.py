"""The pages of the reference: one for each room, with every public name that it has."""
# ruff: noqa: INP001 - a script, not a package

from __future__ import annotations

import importlib
import inspect
import pkgutil
from types import ModuleType
from typing import Any

import mla_core
import widgets
from mla_core.plugins import Registry

# Files that are rooms by themselves: those that hand names to whoever works with the lab.
FILES = (
    "mla_core.config",
    "mla_core.errors",
    "mla_core.fusion",
    "mla_core.plugins",
    "mla_core.presets",
    "mla_core.references",
    "mla_core.session",
    "mla_core.tandem",
    "mla_core.evaluation.modality_gap",
)
LONGEST = 70  # characters of a value that is shown
INTRODUCTION = """\
# The code

What stands here is written in the code itself. `import mla_core as mla` gives the names of the first
table, `import widgets` those of the second; the pages below are the rooms that they lie in.
"""


def pages() -> dict[str, str]:
    """Return file name -> text."""
    rooms = [*_rooms(mla_core), *FILES, *_rooms(widgets)]
    known: dict[int, str] = {}  # what is explained already, and where
    made = {f"{room}.rst": _room(importlib.import_module(room), known) for room in rooms}
    made["methods.rst"] = _methods()
    tables = [_table(package, rooms) for package in (mla_core, widgets)]
    tree = "\n".join(["methods", *rooms])
    made["index.md"] = (
        f"{INTRODUCTION}\n{''.join(tables)}```{{toctree}}\n:hidden:\n:titlesonly:\n\n{tree}\n```\n"
    )
    return made


def _rooms(package: ModuleType) -> list[str]:
    names = [one.name for one in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")]
    modules = (name for name in names if importlib.util.find_spec(name).submodule_search_locations)
    return [name for name in modules if getattr(importlib.import_module(name), "__all__", ())]


def _room(module: ModuleType, known: dict[int, str]) -> str:
    """Return a room's page: its docstring, then each name, explained where it stands first."""
    room = module.__name__
    lines = [*_title(room), f".. automodule:: {room}", ""]
    for name in _names(module):
        thing = getattr(module, name)
        first = known.setdefault(id(thing), f"{room}.{name}") if inspect.isclass(thing) else room
        again = first not in {room, f"{room}.{name}"}
        lines += [f"``{name}``: see `{first}`.", ""] if again else _entry(name, thing)
    return "\n".join(lines)


def _entry(name: str, thing: object) -> list[str]:
    if inspect.isclass(thing):
        return [f".. autoclass:: {name}", "   :members:", "   :show-inheritance:", ""]
    if inspect.isroutine(thing):
        return [f".. autofunction:: {name}", ""]
    entry = [f".. py:data:: {name}", ""]
    if isinstance(thing, Registry):
        return [*entry, f"   {_catalogue(thing)}", ""]
    told = repr(thing)
    return [
        *entry,
        f"   ``{told}``" if len(told) <= LONGEST else f"   A {type(thing).__name__}.",
        "",
    ]


def _catalogue(names: Registry[Any]) -> str:
    return f"A catalogue of names: {', '.join(f'``{name}``' for name in names)}."


def _names(module: ModuleType) -> list[str]:
    """Return the names that a room hands on, or those that a file defines itself."""
    if hasattr(module, "__all__"):
        return [name for name in module.__all__ if not name.startswith("_")]
    return [
        name
        for name, thing in vars(module).items()
        if not name.startswith("_") and getattr(thing, "__module__", "") == module.__name__
    ]


def _methods() -> str:
    lines = [*_title("Methods by name"), "What ``method`` of a configuration may be.", ""]
    for name in mla_core.methods.METHODS:
        cls = mla_core.methods.method_class(name)
        lines += [name, "-" * len(name), "", f".. autoclass:: {cls.__module__}.{cls.__qualname__}"]
        lines += ["   :no-index:", ""]
    return "\n".join(lines)


def _title(name: str) -> list[str]:
    return [name, "=" * len(name), ""]


def _table(package: ModuleType, rooms: list[str]) -> str:
    rows = [f"| `{package.__name__}` | |", "|---|---|"]
    for name in _names(package):
        thing = getattr(package, name)
        said = _catalogue(thing) if isinstance(thing, Registry) else inspect.getdoc(thing) or ""
        first = said.split("\n\n")[0].replace("\n", " ").replace("|", r"\|")
        rows.append(f"| {_link(name, thing, rooms)} | {first} |")
    return "\n".join(rows) + "\n\n"


def _link(name: str, thing: object, rooms: list[str]) -> str:
    """Return a link to the room where a name is explained."""
    if isinstance(thing, Registry):
        return name
    if inspect.ismodule(thing):
        return f"[{name}]({thing.__name__}.rst)"
    for room in rooms:
        module = importlib.import_module(room)
        for public in _names(module):
            if getattr(module, public) is thing:
                return f"{{py:obj}}`{name} <{room}.{public}>`"
    raise LookupError(f"{name} of the public names stands on no page: add its file to FILES")
