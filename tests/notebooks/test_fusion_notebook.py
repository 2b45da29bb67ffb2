"""Notebook 03 runs headless for methods that weigh and for those whose head fuses."""

from pathlib import Path

import nbformat
import papermill
import pytest

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "03_test_time_fusion.ipynb"
QUICK = {"dataset": "gaussian", "epochs": 1, "headless": True}


@pytest.mark.parametrize("method", ["mla", pytest.param("concat", marks=pytest.mark.long)])
def test_it_runs_headless(method, tmp_path):
    out, folder = tmp_path / "out.ipynb", tmp_path / "run"
    parameters = QUICK | {"method": method, "run_folder": str(folder)}
    papermill.execute_notebook(str(NOTEBOOK), str(out), parameters=parameters, progress_bar=False)
    notebook = nbformat.read(out, as_version=4)
    shown = [o["data"] for cell in notebook.cells for o in cell.get("outputs", []) if "data" in o]
    html = "".join(data.get("text/html", "") for data in shown)
    figures = [data for data in shown if "application/vnd.plotly.v1+json" in data]
    assert len(figures) == 4, "one for each modality, and the last answer's curves"
    assert html.count("<details data-curves=") == 3
    assert ("The head itself fuses" in html) == (method == "concat")
    assert ("(eq. 8)" in html) == (method == "mla")
    assert html.count("<p><b>") >= 6, "three questions with their answers"
    assert (folder / "metrics.json").exists()
