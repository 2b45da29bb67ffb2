"""The notebooks about results run headless on the committed files, and say what is missing."""

import json
import re
from pathlib import Path

import nbformat
import papermill
import pytest

ROOT = Path(__file__).parents[2]
FIGURES = {
    "05_missing_modalities": 8,
    "06_comparing_methods": 14,
    "08_what_the_code_really_does": 7,
}
QUICK = {
    "05_missing_modalities": {"epochs": 1},
    "06_comparing_methods": {"anecdote_epochs": 1},
    "08_what_the_code_really_does": {"epochs": 1},
}
PLOTLY = "application/vnd.plotly.v1+json"


def run(name, out, **parameters):
    papermill.execute_notebook(
        str(ROOT / "notebooks" / f"{name}.ipynb"),
        str(out),
        parameters={"headless": True} | QUICK[name] | parameters,
        cwd=str(ROOT / "notebooks"),
        progress_bar=False,
    )
    return nbformat.read(out, as_version=4)


def data_of(cell):
    return [output["data"] for output in cell.get("outputs", []) if "data" in output]


@pytest.mark.parametrize("name", FIGURES)
def test_it_runs_on_the_committed_results(name, tmp_path):
    notebook = run(name, tmp_path / "out.ipynb")
    shown = [data for cell in notebook.cells for data in data_of(cell)]
    figures = [data[PLOTLY] for data in shown if PLOTLY in data]
    assert len(figures) == FIGURES[name]
    captions = [data["text/html"] for data in shown if "<p>" in data.get("text/html", "")]
    assert len(captions) >= len(figures) - 2, "all but those of the live part are told in words"
    last = json.dumps(data_of(notebook.cells[-1]))
    assert re.search(r"comparisons? with", last), "what to take home is computed"
    streams = [o.text for c in notebook.cells for o in c.get("outputs", []) if "text" in o]
    assert not [text for text in streams if "Warning" in text]


@pytest.mark.parametrize("name", FIGURES)
def test_no_number_of_a_result_is_typed_in(name):
    cells = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4).cells
    told = " ".join(cell.source for cell in cells if cell.cell_type == "markdown")
    assert not re.findall(r"\d+\.\d+", told), "decimals would be results"
    assert cells[-2].source.startswith("## What to take home")


@pytest.mark.long
def test_without_results_it_says_which_command_makes_them(tmp_path):
    command = r"mla-lab sweep experiments/\w+\.toml --jobs 2 --results results/\w+\.csv"
    with pytest.raises(papermill.PapermillExecutionError, match=command):
        run("06_comparing_methods", tmp_path / "out.ipynb", results=str(tmp_path))
