"""What the adapters share: their loader, a root that is there, files by name, texts as they come."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mla_core.data.dataset import MultimodalDataset
from mla_core.data.decoding import Preparation
from mla_core.data.files import Manifest, load_rows
from mla_core.errors import DataError, one_of

# Name -> the function that reads its layout; its module also has the loader.
ADAPTERS = {
    "cremad": "read_cremad",
    "kinetics_sounds": "read_kinetics_sounds",
    "food101": "read_food101",
    "mvsa": "read_mvsa",
    "iemocap": "read_iemocap",
    "fsdd_mnist": "read_fsdd_mnist",
}


def reader(name: str) -> Callable[..., Manifest]:
    """Return the function from a root (and a split's name) to a manifest."""
    one_of("data set", name, ADAPTERS)
    module = importlib.import_module(f"mla_core.data.adapters.{name}")
    found: Callable[..., Manifest] = getattr(module, ADAPTERS[name])
    return found


def preparation_of(name: str, given: Mapping[str, Any] | None) -> Preparation:
    """Return how a data set is prepared: by default as the paper's, some have their own."""
    module = importlib.import_module(f"mla_core.data.adapters.{name}")
    return Preparation.of({**getattr(module, "PREPARE", {}), **(given or {})})


def loader_of(
    read: Callable[..., Manifest], *, note: str = "", **defaults: Any
) -> Callable[..., MultimodalDataset]:
    """Return the loader of a layout, which takes what the loaders of all layouts take.

    Parameters
    ----------
    read : callable
        ``(root, split)`` to a manifest; its default split and its docstring become the loader's.
    note : str
        What a person must know about the whole.
    **defaults
        Of `Preparation`, where they are not the paper's.
    """
    usual = inspect.signature(read).parameters["split"].default

    def load(
        root: str = "",
        *,
        split: str = usual,
        prepare: Mapping[str, Any] | None = None,
        skip_bad: bool = False,
        cache: str = "",
    ) -> MultimodalDataset:
        preparation = Preparation.of({**defaults, **(prepare or {})})
        manifest = read(root, split)
        return MultimodalDataset.of(
            load_rows(manifest, preparation, skip_bad=skip_bad, cache=cache, note=note)
        )

    load.__doc__ = read.__doc__
    return load


def root_of(name: str, root: str, *needed: str) -> Path:
    """Return the folder `root`, in which at least one of the `needed` must be.

    Raises
    ------
    DataError
        When it is not there, with what it should hold.
    """
    folder = Path(root)
    holds = " or ".join(needed)
    if not root or not folder.is_dir():
        msg = f"data set {name!r}: there is no folder {root!r}: set `root` to the one with {holds}"
        raise DataError(msg)
    if not any(any(folder.glob(pattern)) for pattern in needed):
        there = ", ".join(sorted(path.name for path in folder.iterdir())[:5]) or "nothing"
        msg = f"data set {name!r}: {root!r} holds {there}, but not {holds}: is it the right folder?"
        raise DataError(msg)
    return folder


def by_stem(folder: Path, *suffixes: str) -> dict[str, Path]:
    """Return the files below a folder by their stem; hidden ones, such as ``._x``, are no files."""
    found = dict[str, Path]()
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in suffixes and not path.name.startswith("."):
            found.setdefault(path.stem, path)
    return found


def read_lines(path: Path) -> list[str]:
    """Return a text file's lines: UTF-8, or else Latin-1, in which nothing is unreadable."""
    raw = path.read_bytes()
    try:
        return raw.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        return raw.decode("latin-1").splitlines()


def missing(found: int, wanted: int, what: str) -> tuple[str, ...]:
    """Return a note when something was not found."""
    return (f"{wanted - found} of {wanted} {what} are not on this disk",) if found < wanted else ()
