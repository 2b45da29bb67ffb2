"""Notebooks without a browser: their parameters, their folder, and what happens when they fail."""

import json
import re

import nbformat
import pytest

from mla_core import ConfigError
from mla_core.cli import main
from mla_core.errors import NotebookError
from mla_core.runs.finished import read_runs
from mla_core.runs.notebook import (
    check_parameters,
    notebook_parameters,
    reject_unknown_parameters,
    run_notebook,
)
from mla_core.runs.specification import specify

PARAMETERS = """\
seed: int = 0  # decides everything
alpha: float = 0.1
noise: list = []
name: str = "a"
fast: bool = False
headless: bool = False
run_folder: str = ""
"""

# Trains in the run folder, notes how far it had to go, and fails while `ready` is missing.
TRAIN = """\
from pathlib import Path
import mla_core as mla
from mla_core.methods.alternating import Alternating
steps, plain = [], Alternating.step
def counted(self, batch, split, position):
    steps.append(position.step)
    return plain(self, batch, split, position)
Alternating.step = counted
config = mla.ExperimentConfig(
    dataset="gaussian", dataset_options={"sizes": [32, 9, 9]}, seed=seed, epochs=2, feature_size=8
)
mla.train(config, Path(run_folder), progress=True)
with Path("steps.txt").open("a") as file:
    print(len(steps), headless, name, file=file)
"""
FAIL = "assert Path('ready').exists(), 'not ready yet'"


def write_notebook(path, *sources: str):
    book = nbformat.v4.new_notebook()
    book.metadata["kernelspec"] = {
        "name": "python3",
        "display_name": "Python 3",
        "language": "python",
    }
    book.cells = [nbformat.v4.new_code_cell(source) for source in (PARAMETERS, *sources)]
    book.cells[0].metadata["tags"] = ["parameters"]
    nbformat.write(book, path)
    return path


@pytest.fixture
def notebook(tmp_path):
    return write_notebook(tmp_path / "book.ipynb", TRAIN, FAIL)


def test_parameters_have_a_type_a_default_and_a_help(notebook):
    assert notebook_parameters(notebook) == {
        "seed": ("int", 0, "decides everything"),
        "alpha": ("float", 0.1, ""),
        "noise": ("list", [], ""),
        "name": ("str", "a", ""),
        "fast": ("bool", False, ""),
        "headless": ("bool", False, ""),
        "run_folder": ("str", "", ""),
    }


def changed(notebook, **entries):
    """Give a notebook other entries; None takes one away."""
    book = json.loads(notebook.read_text()) | entries
    return json.dumps({name: value for name, value in book.items() if value is not None})


NOT_NOTEBOOKS = {
    "empty": ("", "is not a notebook: Expecting value"),
    "text": ("hello", "is not a notebook: Expecting value"),
    "array": ("[1]", "is not a notebook: it does not say which nbformat"),
    "object": ("{}", "is not a notebook: it does not say which nbformat"),
    "binary": (bytes(range(256)), "is not a notebook: 'utf-8' codec"),
    "latin-1": ('{"cells": "\xe9"}'.encode("latin-1"), "is not a notebook: 'utf-8' codec"),
    "deep": ("[" * 20_000 + "]" * 20_000, "is not a notebook: it has too many lists"),
    "twice": ('{"nbformat": 4, "nbformat": 3}', "is not a notebook: it names 'nbformat' twice"),
    "format 3": ({"nbformat": 3, "worksheets": []}, "is a notebook of the format 3, not 4"),
    "format 5": ({"nbformat": 5}, "is a notebook of the format 5, not 4"),
    "format text": ({"nbformat": "4"}, "is a notebook of the format '4', not 4"),
    "no cells": ({"cells": None}, "must be a list of cells, each with a type and a source, not None"),
    "cells of numbers": ({"cells": [5]}, "must be a list of cells"),
    "a number for a source": (
        {"cells": [{"cell_type": "code", "metadata": {}, "source": 5}]},
        "must be a list of cells",
    ),
    "no metadata": ({"metadata": None}, "`metadata` of the notebook .* must be an object"),
    "no kernel": ({"metadata": {}}, "names no kernel: open it in JupyterLab, choose one"),
    "a number for a kernel": ({"metadata": {"kernelspec": 5}}, "names no kernel"),
}  # fmt: skip


@pytest.mark.parametrize("case", NOT_NOTEBOOKS)
def test_what_is_no_notebook_is_refused_by_every_door(case, notebook, tmp_path, capsys):
    content, message = NOT_NOTEBOOKS[case]
    if isinstance(content, dict):
        content = changed(notebook, **content)
    notebook.write_bytes(content if isinstance(content, bytes) else content.encode())
    specification = {"description": "d", "notebook": str(notebook), "grid": [{}]}
    for door in (
        lambda: notebook_parameters(notebook),
        lambda: run_notebook(notebook, {}, tmp_path / "runs"),
        lambda: specify("book", specification),
    ):
        with pytest.raises(ConfigError, match=message):
            door()
    assert main(["list", str(notebook)]) == 2
    assert re.search(message, capsys.readouterr().err)
    assert not (tmp_path / "runs").exists()


def test_a_kernel_that_is_not_here_is_refused_before_anything_runs(notebook, tmp_path):
    kernel = {"name": "julia-9", "display_name": "Julia", "language": "python"}
    notebook.write_text(changed(notebook, metadata={"kernelspec": kernel}))
    specification = {"description": "d", "notebook": str(notebook), "grid": [{}]}
    for door in (
        lambda: run_notebook(notebook, {}, tmp_path / "runs"),
        lambda: specify("book", specification),
    ):
        with pytest.raises(ConfigError, match="wants the kernel 'julia-9', which is not installed"):
            door()
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    "line",
    [
        "seed: int = 1 + 2 * 3",
        "name: str = 'x'.upper()",
        "n: int = (",
        "a: set = {1}",
        "b: int = x",
    ],
)
def test_a_default_that_is_an_expression_is_refused(line, tmp_path):
    book = nbformat.v4.new_notebook()
    book.metadata["kernelspec"] = {"name": "python3", "display_name": "", "language": "python"}
    book.cells = [nbformat.v4.new_code_cell(line, metadata={"tags": ["parameters"]})]
    path = tmp_path / "book.ipynb"
    nbformat.write(book, path)
    name = line.partition(":")[0]
    for door in (lambda: notebook_parameters(path), lambda: run_notebook(path, {}, tmp_path)):
        with pytest.raises(
            ConfigError, match=f"parameter '{name}' of book.ipynb must begin as a plain"
        ):
            door()


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({1: 2}, "parameter 'seed' must have texts for names, not 1"),
        (float("nan"), "parameter 'seed' must hold plain JSON values, not nan"),
        (10**400, "parameter 'seed' must hold plain JSON values, not 1000.*, beyond"),
        ("1", "parameter 'seed' must be of the type int, not '1'"),
    ],
)
def test_a_value_that_json_cannot_hold_is_no_parameter(value, message, notebook):
    with pytest.raises(ConfigError, match=message):
        check_parameters(notebook, {"seed": value})


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("headless = 'no'", "'headless' must be of the type bool, not 'no'"),
        ("headless = 1", "'headless' must be of the type bool, not 1"),
        ("seed = 1.5", "'seed' must be of the type int, not 1.5"),
        ("seed = True", "'seed' must be of the type int, not True"),
        ("noise = '[1]'", "'noise' must be of the type list, not"),
        ("name = 5", "'name' must be of the type str, not 5"),
        ("sead = 5", "no parameter 'sead'"),
    ],
)
def test_plain_papermill_gives_a_parameter_of_its_type_or_fails(given, message):
    with pytest.raises(ConfigError, match=message):
        reject_unknown_parameters(["import numpy", PARAMETERS, f"# Parameters\n{given}\n", "x = 1"])


@pytest.mark.parametrize(
    "given", ["headless = True", "alpha = 1", "noise = [0.5]", "alpha = float('nan')", "name = 'b'"]
)
def test_plain_papermill_gives_a_parameter_of_its_type(given):
    reject_unknown_parameters([PARAMETERS, f"# Parameters\n{given}\n"])


def test_a_name_with_braces_is_a_name(tmp_path):
    path = write_notebook(tmp_path / "a {seed} {.ipynb", "print(seed)")
    assert notebook_parameters(path)["seed"] == ("int", 0, "decides everything")
    folder, _ = run_notebook(path, {"seed": 3}, tmp_path / "runs")
    assert (folder / path.name).is_file()


def test_given_parameters_go_over_the_defaults(notebook):
    full = check_parameters(notebook, {"seed": 3, "alpha": 1, "noise": [0.5]})
    assert full == {"seed": 3, "alpha": 1, "noise": [0.5], "name": "a", "fast": False}


@pytest.mark.parametrize("name", ["sede", "headless", "run_folder", "config"])
def test_an_unknown_parameter_is_named_beside_the_known_ones(name, notebook, tmp_path):
    known = r"\['seed', 'alpha', 'noise', 'name', 'fast'\]"
    with pytest.raises(ConfigError, match=f"book.ipynb has no parameter '{name}'.*{known}"):
        run_notebook(notebook, {name: 1}, tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("seed", 1.0),
        ("seed", "1"),
        ("seed", True),
        ("seed", None),
        ("alpha", "0.1"),
        ("alpha", False),
        ("noise", 0.1),
        ("noise", "0.1"),
        ("name", 3),
        ("fast", 1),
        ("fast", "True"),
    ],
)
def test_a_value_of_another_type_is_refused(name, value, notebook, tmp_path):
    with pytest.raises(ConfigError, match=f"'{name}' must be of the type .*, not {value!r}"):
        run_notebook(notebook, {name: value}, tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_a_missing_notebook_is_named():
    with pytest.raises(ConfigError, match=r"no notebook 'nowhere\.ipynb'"):
        run_notebook("nowhere.ipynb", {})


def test_a_notebook_fails_leaves_what_it_trained_and_ends_in_one_folder(notebook, tmp_path, capfd):
    """One story, since every start of a kernel takes seconds."""
    out, noted = tmp_path / "runs", tmp_path / "steps.txt"

    with pytest.raises(NotebookError, match="not ready yet") as caught:
        run_notebook(notebook, {"seed": 3}, out)
    assert noted.read_text() == "6 True a\n"
    (partial,) = (path for path in out.iterdir() if path.is_dir())
    assert partial.name.startswith(".")  # no folder of the final name
    (told,) = read_runs(out)[1]
    assert "book-" in told
    assert re.search("failed: NotebookError: cell . raised AssertionError: not ready yet", told)

    (tmp_path / "ready").touch()
    folder, fresh = run_notebook(notebook, {"seed": 3}, out, progress=True)
    assert fresh
    assert noted.read_text().count("\n") == 2
    assert partial.name == f".{folder.name}.partial"
    assert [path.name for path in out.iterdir()] == [folder.name]
    assert re.fullmatch(r"book-[0-9a-f]{12}", folder.name)
    results = {"config.json", "history.npz", "metrics.json", "model.safetensors", "replay.npz"}
    own = {"book.ipynb", "notebook.json", "SHA256SUMS"}
    assert {path.name for path in folder.iterdir()} == results | own
    described = json.loads((folder / "notebook.json").read_text())
    assert described["notebook"] == "book.ipynb"
    assert described["parameters"]["seed"] == 3
    executed = nbformat.read(folder / "book.ipynb", 4)
    assert all(cell.execution_count for cell in executed.cells if cell.cell_type == "code")
    assert "seed = 3" in executed.cells[1].source
    streams = [o for cell in executed.cells for o in cell.get("outputs", []) if "text" in o]
    assert [o.name for o in streams] == ["stdout"]  # a page shows the other one as an error
    assert streams[0].text.startswith("mla on gaussian: 100%")
    assert streams[0].text.count("\n") == 1
    said = capfd.readouterr().err
    assert "mla on gaussian: 100%" in said
    assert said.endswith("\n")
    assert "encryption" not in said

    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    # The default, spelled out, is the same run.
    assert run_notebook(notebook, {"seed": 3, "name": "a"}, out) == (folder, False)
    assert before == {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert noted.read_text().count("\n") == 2
    assert caught.tb is not None  # an error that somebody keeps does not keep the lock


@pytest.mark.parametrize(
    ("cells", "unknown"),
    [
        ([], None),
        (["epochs = 5"], None),
        (["epochs: int = 5", "# Parameters\nepochs = 2\n"], None),
        (["a = 1\nb = 2", "# Parameters\nb = 3\na = 4\n"], None),
        (["import x", "epochs = 5", "# Parameters\nepochs = 2", "new = 1"], None),
        (["%magic\nepochs = 5", "other = 1", "# Parameters\nother = 2"], None),
        (["epochs = 5", "# Parameters\nepoch = 2"], "epoch"),
        (["a = 1", "# Parameters\na = 2\nb = 3\n"], "b"),
        (["# Parameters\na = 2", "a = 1"], "a"),  # assigned before it is declared
    ],
)
def test_plain_papermills_unknown_parameters_are_found_in_the_notebook(cells, unknown):
    if unknown is None:
        reject_unknown_parameters(cells)
        return
    with pytest.raises(ConfigError, match=f"no parameter '{unknown}'"):
        reject_unknown_parameters(cells)
