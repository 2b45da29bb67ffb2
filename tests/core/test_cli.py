"""The command: what it prints, and how it says that something was wrong."""

import json

import nbformat
import pytest

from mla_core import run_experiment
from mla_core.cli import main
from mla_core.data.registry import DATASETS
from mla_core.head_gradient import VARIANTS
from mla_core.methods.registry import METHODS


@pytest.fixture
def notebook(tmp_path):
    """A notebook that would fail if it ran, so that a bad parameter must be found before."""
    book = nbformat.v4.new_notebook()
    book.metadata["kernelspec"] = {
        "name": "python3",
        "display_name": "Python 3",
        "language": "python",
    }
    cell = nbformat.v4.new_code_cell(
        'epochs: int = 10  # how long\nalpha: float = 0.1\nnoise: list = []\nname: str = "a"\n'
        "headless: bool = False\nrun_folder: str = ''",
        metadata={"tags": ["parameters"]},
    )
    book.cells = [cell, nbformat.v4.new_code_cell("raise AssertionError('this was run')")]
    path = tmp_path / "book.ipynb"
    nbformat.write(book, path)
    return path


def test_list_names_everything_there_is_to_choose_from(capsys):
    assert main(["list"]) == 0
    printed = capsys.readouterr().out
    for name in (*DATASETS, *METHODS, *VARIANTS):
        assert f"  {name} " in printed


def test_list_of_a_notebook_names_its_parameters(notebook, capsys):
    assert main(["list", str(notebook)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["epochs", "int", "10", "how", "long"]
    assert [line.split()[0] for line in lines[1:4]] == ["alpha", "noise", "name"]


def test_list_of_a_folder_names_its_runs(tiny, tmp_path, capsys):
    assert main(["list", str(tmp_path)]) == 0
    assert "no finished run" in capsys.readouterr().out
    folder = run_experiment(tiny(seed=4), tmp_path)
    test = json.loads((folder / "metrics.json").read_text())["test"]
    assert main(["list", str(tmp_path)]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith(folder.name)
    for part in ("mla ", "gaussian ", "seed 4 ", "epochs 2 ", f"test {test['accuracy']:.3f}", "m2"):
        assert part in line


def test_list_of_a_folder_shows_runs_without_a_modality_too(tiny, tmp_path, make_data, capsys):
    data = make_data()
    data.split("test").present[1] = False
    folder = run_experiment(tiny(), tmp_path, data=data)
    assert main(["list", str(tmp_path)]) == 0
    assert capsys.readouterr().out.startswith(folder.name)


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["list", "--help"]])
def test_help_helps(arguments, capsys):
    with pytest.raises(SystemExit) as left:
        main(arguments)
    assert left.value.code == 0
    assert "usage: mla-lab" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [([], "COMMAND"), (["train"], "'train'"), (["run"], "notebook"), (["list", "--all"], "--all")],
)
def test_a_command_that_does_not_exist_exits_with_2(arguments, message, capsys):
    with pytest.raises(SystemExit) as left:
        main(arguments)
    assert left.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "messages"),
    [
        ("epoch=5", ["'epoch'", "'epochs'"]),
        ("headless=true", ["'headless'"]),
        ("epochs=many", ["'epochs'", "int", "'many'"]),
        ("epochs=2.5", ["'epochs'", "int", "2.5"]),
        ("epochs=true", ["'epochs'", "int", "True"]),
        ("alpha=True", ["'alpha'", "float", "True"]),
        ("alpha=NaN", ["NaN"]),
        ("alpha=-Infinity", ["-Infinity"]),
        ("noise=[1, NaN]", ["NaN"]),
        ("noise=3", ["'noise'", "list", "3"]),
        ("name=5", ["'name'", "str", "5"]),
        ("epochs", ["NAME=VALUE", "'epochs'"]),
        ("=5", ["NAME=VALUE", "'=5'"]),
    ],
)
def test_a_bad_parameter_exits_with_2_and_is_named(given, messages, notebook, tmp_path, capsys):
    out = tmp_path / "runs"
    assert main(["run", str(notebook), "-p", given, "--out", str(out)]) == 2
    printed = capsys.readouterr()
    assert printed.err.startswith("mla-lab: ")
    assert printed.out == ""
    for message in messages:
        assert message in printed.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "nowhere.ipynb"], "no notebook 'nowhere.ipynb'"),
        (["list", "nowhere.ipynb"], "no notebook 'nowhere.ipynb'"),
        (["list", "nowhere"], "'nowhere' is neither a notebook nor a folder"),
    ],
)
def test_a_file_that_is_not_there_exits_with_2_and_is_named(arguments, message, capsys):
    assert main(arguments) == 2
    assert message in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_exits_with_2(notebook, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert main(["run", str(notebook), "--out", str(tmp_path / "file")]) == 2
    assert "cannot write" in capsys.readouterr().err


def test_a_file_that_is_no_notebook_exits_with_2(tmp_path, capsys):
    (tmp_path / "text.ipynb").write_text("not JSON")
    assert main(["list", str(tmp_path / "text.ipynb")]) == 2
    assert "text.ipynb" in capsys.readouterr().err
