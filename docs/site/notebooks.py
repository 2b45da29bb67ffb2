"""The notebooks of the site, executed once for each state of the code."""
# ruff: noqa: INP001 - a script, not a package

from __future__ import annotations

import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nbformat
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

from mla_core.cli.lab import lay_out
from mla_core.runs.jupyter import encrypted_kernels
from widgets.page import safe_json

ROOT = Path(__file__).parents[2]
SECONDS = 1800  # of one cell
PLOTLY = "application/vnd.plotly.v1+json"
FOR_PAGES = {"MLA_LAB_PAGE": "1", "PYTHONPATH": str(ROOT), "TQDM_DISABLE": "1"}


def executed(notebook: Path, parameters: Mapping[str, Any], place: Path) -> Path:
    """Return the path of the executed notebook; one that was executed with the same code is taken.

    Parameters
    ----------
    notebook : Path
    parameters : mapping
        Beside ``headless``, as `mla-lab run -p` would set them.
    place : Path
        Where executed notebooks are kept, each in a folder named by all that decides it.
    """
    done = place / _digest(notebook, parameters) / notebook.name
    if not done.is_file():
        print(f"Executing {notebook.name} ...", flush=True)  # noqa: T201 - it may take minutes
        result = _execute(nbformat.read(notebook, as_version=4), parameters)
        done.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(result, done)
    return done


def _execute(
    notebook: nbformat.NotebookNode, parameters: Mapping[str, Any]
) -> nbformat.NotebookNode:
    """Execute a notebook in a folder as `mla-lab lab` lays one out, so that it writes nowhere else."""
    settings = {"headless": True, **parameters}
    source = "\n".join(f"{name} = {value!r}" for name, value in settings.items())
    cell = nbformat.v4.new_code_cell(source, metadata={"tags": ["remove-cell"]})
    place = next(
        i for i, c in enumerate(notebook.cells) if "parameters" in c.metadata.get("tags", ())
    )
    notebook.cells.insert(place + 1, cell)
    with tempfile.TemporaryDirectory() as folder:
        lay_out(Path(folder))
        resources = {"metadata": {"path": str(Path(folder) / "notebooks")}}
        manager = AsyncKernelManager(**encrypted_kernels())
        client = NotebookClient(notebook, km=manager, timeout=SECONDS, resources=resources)
        client.execute(env={**os.environ, **FOR_PAGES})
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)  # when it ran
        if cell.cell_type == "code":
            cell.outputs = [_for_page(output) for output in cell.outputs if _is_seen(output)]
        cell.metadata.setdefault("tags", []).extend(_tags_of_slide(cell))
    return notebook


def _tags_of_slide(cell: nbformat.NotebookNode) -> list[str]:
    """Return what a cell of slides is to the page: `site.css` gives every slide a screen of its own."""
    kind = cell.metadata.get("slideshow", {}).get("slide_type", "")
    if kind in {"skip", "notes"}:
        return ["remove-cell"]
    return ["hide-input", "mla-slide"] if kind and cell.cell_type == "code" else []


def _is_seen(output: Mapping[str, Any]) -> bool:
    return output.get("name") != "stderr"  # progress bars


def _for_page(output: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Return an output with a figure's data as HTML that `figures.js` draws from."""
    data = output.get("data", {})
    if PLOTLY in data:
        told = safe_json(data[PLOTLY])
        height = int(data[PLOTLY].get("layout", {}).get("height") or 400)
        output["data"] = {
            "text/html": f'<div class="mla-plot" style="min-height:{height}px">'
            f'<script type="application/json">{told}</script></div>',
            "text/plain": str(data.get("text/plain", "")),
        }
    return output


def _digest(notebook: Path, parameters: Mapping[str, Any]) -> str:
    """Return a name for all that decides what comes out: notebook, parameters, code, results, pins."""
    found = hashlib.sha256(json.dumps([sys.version, dict(parameters)], sort_keys=True).encode())
    rooms = ("mla_core/**/*", "widgets/**/*", "results/*")
    files = (path for room in rooms for path in sorted(ROOT.glob(room)))
    for path in (notebook, Path(__file__), ROOT / "constraints.txt", *files):
        if path.is_file() and path.suffix != ".pyc":
            found.update(path.name.encode() + path.read_bytes())
    return found.hexdigest()[:12]
