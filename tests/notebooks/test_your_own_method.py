"""Notebook 09 goes from three ideas in files to a table with a verdict, without a screen."""

import json

import nbformat
import papermill

from tests import ROOT

NOTEBOOK = ROOT / "notebooks" / "09_your_own_method.ipynb"
QUICK = {"headless": True, "dataset": "gaussian", "epochs": 1, "seeds": 2, "jobs": 1}


def test_from_three_ideas_to_a_verdict(tmp_path):
    out = tmp_path / "out.ipynb"
    own = {"run_folder": str(tmp_path / "run")}
    papermill.execute_notebook(
        str(NOTEBOOK), str(out), parameters=QUICK | own, cwd=str(tmp_path), progress_bar=False
    )
    told = json.dumps([cell.get("outputs", []) for cell in nbformat.read(out, as_version=4).cells])
    assert "of 7 comparisons" in told
    assert "mla (my_variant:Window)" in told
    assert "my_method:Louder" in told
    runs = [path for path in (tmp_path / "runs" / "09").iterdir() if path.is_dir()]
    assert len(runs) == 5 * 2
    modules = set()
    for folder in (*runs, tmp_path / "run"):
        metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
        modules |= {guest["module"] for guest in metrics["guests"]}
    assert modules == {"my_rule", "my_variant", "my_method"}
