"""The notebooks run headless, with papermill alone and through `mla-lab run`."""

import json
from pathlib import Path

import nbformat
import papermill
import pytest

import mla_core as mla
from mla_core.classroom import collect_guesses
from mla_core.cli import main

NOTEBOOKS = sorted(Path(__file__).parents[2].joinpath("notebooks").glob("*.ipynb"))
FIRST = NOTEBOOKS[0]
QUICK = {"dataset": "gaussian", "epochs": 1}


def outputs(notebook, mime):
    return [
        output["data"][mime]
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if mime in output.get("data", {})
    ]


def test_the_command_leaves_one_run_folder_and_does_not_repeat_it(tmp_path, capsys):
    command = ["run", str(FIRST), "-p", "epochs=1", "-p", "seed=1", "--out", str(tmp_path)]
    assert main(command) == 0
    (folder,) = tmp_path.iterdir()
    assert capsys.readouterr().out.strip() == str(folder)
    assert {path.name for path in folder.iterdir()} == {
        FIRST.name,
        "notebook.json",
        "config.json",
        "metrics.json",
        "history.npz",
        "model.safetensors",
        "replay.npz",
        "SHA256SUMS",
    }
    config = mla.ExperimentConfig.from_dict(json.loads((folder / "config.json").read_text()))
    assert (config.seed, config.epochs, config.dataset) == (1, 1, "spoken_digits")
    again = mla.train(config)
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["test"]["accuracy"] == again.evaluate("test").accuracy
    assert mla.History.load(folder / "history.npz").steps == again.history.steps

    executed = nbformat.read(folder / FIRST.name, as_version=4)
    figures = outputs(executed, "application/vnd.plotly.v1+json")
    assert len(figures) == 6, "three comparisons, the curves, the PCA, the UMAP"
    assert any("trustworthiness" in json.dumps(figure["layout"]) for figure in figures)
    assert "widgets" not in executed.metadata
    assert (folder / FIRST.name).stat().st_size < 1_000_000

    answers = collect_guesses(tmp_path).rows
    assert [(row.cell, row.guess) for row in answers] == [(6, ""), (10, ""), (12, "")]
    concat = mla.train(config.replace(method="concat"), data=again.data)
    alone = concat.evaluate("val").unimodal_accuracy
    assert answers[0].answer == min(alone, key=alone.get), "a key of answers"

    assert main(command) == 0
    assert "not repeated" in capsys.readouterr().out
    assert main(["list", str(tmp_path)]) == 0
    assert f"{folder.name}  mla" in capsys.readouterr().out


@pytest.mark.long
def test_papermill_alone_runs_it_too(tmp_path):
    out = tmp_path / "out.ipynb"
    papermill.execute_notebook(
        str(FIRST), str(out), parameters=QUICK | {"headless": True}, progress_bar=False
    )
    assert len(outputs(nbformat.read(out, as_version=4), "application/vnd.plotly.v1+json")) == 6


def test_a_parameter_the_notebook_does_not_have_fails_with_papermill_alone(tmp_path):
    parameters = QUICK | {"headless": True, "epoch": 3}
    with pytest.raises(papermill.PapermillExecutionError, match="no parameter 'epoch'"):
        papermill.execute_notebook(
            str(FIRST), str(tmp_path / "out.ipynb"), parameters=parameters, progress_bar=False
        )


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_are_short_lessons(notebook):
    cells = nbformat.read(notebook, as_version=4).cells
    assert len(cells) <= 15
    assert "parameters" in cells[1].metadata.tags
    assert cells[0].cell_type == "markdown"
    code = [cell.source for cell in cells if cell.cell_type == "code"]
    files = [source for source in code if source.startswith("%%writefile ")]  # to be changed
    assert not any("def " in source for source in code if source not in files)
    told = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    assert "**Time:**" in cells[0].source
    assert "## What to take home" in told
    assert 1 <= "".join(code).count("widgets.predict(") <= 3
    assert "**Predict" not in told, "a question takes a guess"
