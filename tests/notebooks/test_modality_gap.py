"""Notebook 04 runs headless: two questions, and the explorer on paper."""

from pathlib import Path

import nbformat
import papermill

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "04_modality_gap.ipynb"
PLOTLY = "application/vnd.plotly.v1+json"


def test_it_runs_headless_and_tells_every_figure_in_words(tmp_path):
    parameters = {"dataset": "gaussian", "epochs": 1, "probe_size": 40, "headless": True}
    papermill.execute_notebook(
        str(NOTEBOOK), str(tmp_path / "out.ipynb"), parameters=parameters, progress_bar=False
    )
    notebook = nbformat.read(tmp_path / "out.ipynb", as_version=4)
    shown = [
        output["data"]
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if "data" in output
    ]
    figures = [data[PLOTLY] for data in shown if PLOTLY in data]
    assert len(figures) == 2 + 3, "an answer to each question, and the explorer"
    told = " ".join(data.get("text/html", "") for data in shown)
    assert "Gap between centroids: m0, m1 from" in told
    assert "Separability of modalities" in told
    assert "m0 is moved along the gap to m1" in told
