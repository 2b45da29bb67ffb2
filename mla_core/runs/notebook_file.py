"""A notebook's file, held against what can be run headless: its form, its cells, its kernel."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, TypedDict

from msgspec import Meta

from mla_core.errors import ConfigError
from mla_core.files import bytes_of_json
from mla_core.outside import check_kind, path_of, read_json_text

FORMAT = 4  # since 2014


class Cell(TypedDict):
    """What every cell has; a notebook may hold more."""

    cell_type: str
    metadata: dict[str, Any]
    source: str | list[str]


Cells = Annotated[list[Cell], Meta(description="a list of cells, each with a type and a source")]
Metadata = Annotated[dict[str, Any], Meta(description="an object")]


def read_notebook(path: str | Path, *, to_run: bool = True) -> dict[str, Any]:
    """Read a notebook's file.

    Parameters
    ----------
    path : str or Path
    to_run : bool
        It must name a kernel; one that is only looked at need not.

    Raises
    ------
    ConfigError
        When there is none, when it is no notebook or too large for one, when it is of another format
        than 4, or when it names no kernel.
    """
    path = path_of("the notebook", path)
    if not path.is_file():
        msg = f"there is no notebook {str(path)!r}"
        raise ConfigError(msg)
    try:
        found = read_json_text(bytes_of_json(path))
    except (OSError, ValueError) as error:
        msg = f"{str(path)!r} is not a notebook: {getattr(error, 'strerror', None) or error}"
        raise ConfigError(msg) from error
    if not isinstance(found, dict) or "nbformat" not in found:
        msg = f"{str(path)!r} is not a notebook: it does not say which nbformat it has"
        raise ConfigError(msg)
    if found["nbformat"] != FORMAT:
        msg = (
            f"{str(path)!r} is a notebook of the format {found['nbformat']!r}, not {FORMAT}: open "
            "it in JupyterLab and save it, or run `jupyter nbconvert --to notebook` on it"
        )
        raise ConfigError(msg)
    check_kind(f"`cells` of the notebook {str(path)!r}", found.get("cells"), Cells)
    check_kind(f"`metadata` of the notebook {str(path)!r}", found.get("metadata"), Metadata)
    kernel = found["metadata"].get("kernelspec")
    if not to_run:
        return found
    if not isinstance(kernel, dict) or not isinstance(kernel.get("name"), str):
        msg = f"{str(path)!r} names no kernel: open it in JupyterLab, choose one, and save it"
        raise ConfigError(msg)
    return found


def check_kernel(path: str | Path) -> None:
    """Raise `ConfigError` unless the kernel that a notebook names is installed here."""
    from jupyter_client.kernelspec import KernelSpecManager

    name, known = read_notebook(path)["metadata"]["kernelspec"]["name"], KernelSpecManager()
    if name not in known.find_kernel_specs():
        msg = (
            f"{str(path)!r} wants the kernel {name!r}, which is not installed here: choose one of "
            f"{', '.join(map(repr, sorted(known.find_kernel_specs())))} in JupyterLab, and save it"
        )
        raise ConfigError(msg)
