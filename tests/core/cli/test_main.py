"""The command: what it prints, and how it says that something was wrong."""

import json
import math
import subprocess
import sys
from pathlib import Path

import nbformat
import pandas as pd
import pytest

from mla_core import run_experiment
from mla_core.catalogue import METHODS
from mla_core.cli import main, sweep
from mla_core.data.catalogue import DATASETS
from mla_core.fusion import RULES
from mla_core.head.gradient import VARIANTS
from mla_core.runs.places import FIRST_NOTEBOOK
from mla_core.version import __version__, made_by
from tests import ROOT


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
    for name in (*DATASETS, *METHODS, *VARIANTS, *RULES):
        assert f"  {name} " in printed


def test_the_version_is_told(capsys):
    with pytest.raises(SystemExit) as left:
        main(["--version"])
    assert left.value.code == 0
    assert capsys.readouterr().out == f"mla-lab {__version__}\n"


def test_away_from_any_lab_the_notebooks_are_listed_where_they_will_be(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    assert main(["list"]) == 0
    printed = capsys.readouterr().out
    assert "mla-lab lab lays them into mla-lab" in printed
    assert f"  {Path('mla-lab', FIRST_NOTEBOOK)}\n" in printed


def test_list_of_a_notebook_names_what_its_parameters_may_be(capsys):
    assert main(["list", str(ROOT / FIRST_NOTEBOOK)]) == 0
    assert f"one of {', '.join(RULES)}\n" in capsys.readouterr().out


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


def test_list_of_a_folder_tells_what_it_cannot_read_and_lists_the_rest(tiny, tmp_path, capsys):
    folder = run_experiment(tiny(), tmp_path / "sweep")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "config.json").write_text("{")
    assert main(["list", str(tmp_path)]) == 0
    printed = capsys.readouterr()
    assert printed.out.startswith(f"sweep/{folder.name}")
    assert "is damaged" in printed.err


@pytest.mark.parametrize(
    "command", ["", "lab", "run", "list", "sweep", "table", "export", "repeat"]
)
def test_help_helps(command, capsys):
    with pytest.raises(SystemExit) as left:
        main([*command.split(), "--help"])
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
        (["sweep", "nowhere.toml"], "cannot read the specification 'nowhere.toml'"),
        (["table", "nowhere.csv", "--rows", "method"], "cannot read the results 'nowhere.csv'"),
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


SWEEP = """
description = "Which rate?"
[common]
dataset = "gaussian"
dataset_options = {modalities = 3, classes = 4, dim = 5, sizes = [40, 24, 20]}
batch_size = 16
feature_size = 12
epochs = 1
seed = [0, 1]
[[grid]]
learning_rate = [0.01, 0.1]
"""
FAILS = "[[grid]]\nlearning_rate = 1e30\nseed = 0\n"


@pytest.fixture
def rates(tmp_path, monkeypatch):
    """Stand in an empty folder that holds a specification."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rates.toml").write_text(SWEEP)
    return tmp_path


def test_a_dry_run_lists_what_varies_and_runs_nothing(rates, capsys):
    assert main(["sweep", "rates.toml", "--dry-run"]) == 0
    first, second, *lines = capsys.readouterr().out.splitlines()
    assert first == "# Which rate?"
    assert second == "# 4 runs in runs/rates, 0 done before"
    wanted = [f"-  seed={s}  learning_rate={r}" for s in (0, 1) for r in (0.01, 0.1)]
    assert [" ".join(line.split()[1:]) for line in lines] == [" ".join(w.split()) for w in wanted]
    assert not (rates / "runs").exists()


def test_a_sweep_ends_in_results_and_a_table(rates, capsys):
    """One story: run, run again, collect, tabulate."""
    assert main(["sweep", "rates.toml"]) == 0
    printed = capsys.readouterr()
    assert printed.out == "runs/rates: 4 finished, 0 skipped, 0 failed\n"
    assert "4 runs in runs/rates, 0 done before" in printed.err

    # Other runs in the same folder are not part of this sweep's results.
    (rates / "more.toml").write_text(SWEEP.replace("[0, 1]", "[2]"))
    assert main(["sweep", "more.toml", "--out", "runs/rates"]) == 0
    assert main(["sweep", "rates.toml", "--results", "out/rates.csv"]) == 0
    assert "0 finished, 4 skipped, 0 failed" in capsys.readouterr().out
    written = pd.read_csv("out/rates.csv")
    assert sorted(zip(written["learning_rate"], written["seed"], strict=True)) == [
        (0.01, 0), (0.01, 1), (0.1, 0), (0.1, 1),
    ]  # fmt: skip
    said = json.loads((rates / "out" / "rates.json").read_text())
    assert said["description"] == "Which rate?"
    assert said["specification"] == SWEEP
    assert said["command"] == "mla-lab sweep rates.toml --results out/rates.csv"
    assert (said["finished"], said["failed"], said["seeds"]) == (4, 0, [0, 1])

    arguments = ["--rows", "method", "--columns", "learning_rate"]
    assert main(["table", "out/rates.csv", *arguments, "--csv", "short.csv"]) == 0
    from_csv = capsys.readouterr().out
    assert "| method | learning_rate 0.01 | learning_rate 0.1 |" in from_csv
    means = written.groupby("learning_rate")["test.accuracy"].mean()
    for mean in means:
        assert f" {mean:.3f} " in from_csv
    assert pd.read_csv("short.csv")["mean"].tolist() == pytest.approx(means.tolist(), rel=1e-5)

    # A folder is collected as a whole, so there are three seeds.
    arguments = ["--rows", "method", "--choose", "learning_rate", "--show-choice"]
    assert main(["table", "runs/rates", *arguments, "--value", "test.ece"]) == 0
    text = capsys.readouterr().out
    assert "test.ece: mean" in text
    assert "learning_rate chosen by val.accuracy" in text
    assert "(n=3), learning_rate=0." in text
    (cell,) = pd.read_csv("runs/rates/table.csv").to_dict("records")
    assert cell["n"] == 3
    assert math.isfinite(cell["half"])


def test_a_sweep_with_failures_writes_what_there_is_and_exits_with_1(rates, capsys):
    (rates / "rates.toml").write_text(SWEEP + FAILS)
    assert main(["sweep", "rates.toml", "--results", "rates.csv"]) == 1
    printed = capsys.readouterr()
    assert printed.out == "runs/rates: 4 finished, 0 skipped, 1 failed\n"
    assert "runs/rates/failures-rates.json holds" in printed.err
    said = json.loads((rates / "rates.json").read_text())
    assert (said["finished"], said["failed"]) == (4, 1)
    assert said["failures"][0]["settings"]["learning_rate"] == 1e30
    assert "diverged" in said["failures"][0]["error"]
    assert len(pd.read_csv("rates.csv")) == 4


def test_runs_of_an_earlier_commit_are_counted_and_told(rates, capsys, monkeypatch):
    """A table must not pass for the work of the commit that only gathered it."""
    arguments = ["sweep", "rates.toml", "--results", "rates.csv"]
    assert main(arguments) == 0
    assert "not computed by" not in capsys.readouterr().err
    by = json.loads(Path("rates.json").read_text())["commits"]
    assert by == {made_by().get("commit", ""): 4}
    monkeypatch.setattr(sweep, "made_by", lambda: {"commit": "b" * 40})  # of a later day
    assert main(arguments) == 0
    assert "4 runs were not computed by the commit that is checked out" in capsys.readouterr().err
    said = json.loads(Path("rates.json").read_text())
    assert (said["computed_now"], said["commits"]) == (0, by)


def test_a_sweep_where_all_fails_writes_no_results(rates):
    (rates / "rates.toml").write_text(SWEEP.replace("[0.01, 0.1]", "1e30"))
    assert main(["sweep", "rates.toml", "--results", "rates.csv"]) == 1
    assert not (rates / "rates.csv").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--jobs", "0"], "jobs must be a whole number of at least 1, not 0"),
        (["--results", "rates.json"], "ends in .csv, not 'rates.json'"),
        (["--results", "rates.toml/x.csv"], "cannot write"),
        (["--out", "rates.toml"], "cannot write to the folder 'rates.toml'"),
    ],
)
def test_a_sweep_that_could_not_end_well_does_not_start(arguments, message, rates, capsys):
    assert main(["sweep", "rates.toml", *arguments]) == 2
    assert message in capsys.readouterr().err
    assert not list((rates / "runs").glob("rates/*"))


def test_a_table_of_unlike_runs_exits_with_2_and_says_what_to_do(rates, capsys):
    assert main(["sweep", "rates.toml"]) == 0
    assert main(["table", "runs/rates", "--rows", "method"]) == 2
    assert "differ in learning_rate (0.01, 0.1): put it in --rows" in capsys.readouterr().err
    assert not (rates / "runs" / "rates" / "table.csv").exists()


def test_a_reader_that_has_seen_enough_is_no_error():
    command = f"{sys.executable} -c 'from mla_core.cli import main; main([\"list\"])' | true"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=True)
    assert done.stderr == ""
