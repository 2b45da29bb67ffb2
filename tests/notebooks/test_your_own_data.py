"""Notebook 07 goes from a folder to the bench, without a screen."""

import json
from pathlib import Path

import nbformat
import papermill

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "07_your_own_data.ipynb"
QUICK = {"headless": True, "samples": 60, "size": 8, "mels": 16, "epochs": 2}


def run(out, **parameters):
    papermill.execute_notebook(
        str(NOTEBOOK), str(out), parameters=QUICK | parameters, progress_bar=False
    )
    return nbformat.read(out, as_version=4)


def test_it_makes_a_folder_and_trains_on_it(tmp_path, monkeypatch):
    monkeypatch.setenv("MLA_LAB_CACHE", str(tmp_path / "cache"))
    notebook = run(tmp_path / "out.ipynb", run_folder=str(tmp_path / "run"))
    told = json.dumps([cell.get("outputs", []) for cell in notebook.cells])
    assert "no faults" in told
    assert "data:audio/wav" in told or "data:image/png" in told, "the samples themselves"
    assert (tmp_path / "run" / "metrics.json").is_file()
