"""Notebook 02 runs headless, for MLA and for a method without a projection."""

import json
from pathlib import Path

import nbformat
import papermill
import pytest

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "02_head_gradient_modification.ipynb"
PLOTLY = "application/vnd.plotly.v1+json"


@pytest.mark.parametrize(
    ("method", "figures", "told"),
    [
        ("mla", 5, "with paper; below zero"),
        pytest.param("ensemble", 4, "a head of its own", marks=pytest.mark.long),
    ],
)
def test_it_runs_headless(tmp_path, method, figures, told):
    out = tmp_path / "out.ipynb"
    small = {
        "dataset": "gaussian",
        "epochs": 2,
        "steps": 6,
        "starts": 2,
        "method": method,
        "headless": True,
    }
    papermill.execute_notebook(str(NOTEBOOK), str(out), parameters=small, progress_bar=False)
    cells = nbformat.read(out, as_version=4).cells
    shown = [o["data"] for cell in cells for o in cell.get("outputs", []) if "data" in o]
    assert sum(PLOTLY in data for data in shown) == figures
    html = " ".join(data["text/html"] for data in shown if "text/html" in data)
    assert told in html
    assert ('data-stage="projection"' in html) == (method == "mla")
    assert "FigureWidget" not in json.dumps(shown)
