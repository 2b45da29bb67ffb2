"""Every command line that stands in a text is true: it is read, its files exist, the cheap ones run."""

import ast
import json
import re
import shutil
import tomllib
from functools import cache
from itertools import pairwise
from pathlib import Path

import papermill.cli
import pytest
import yaml

import mla_core as mla
from mla_core.cli import main
from mla_core.cli.main import read_command
from mla_core.data.sets.example_folder import write_example_folder
from mla_core.results import claims, collect, write
from mla_core.runs import notebook_parameters, read_specification
from mla_core.runs.notebook import check_parameters
from tests import ROOT
from tests.commands import commands, texts

FOUND = commands()
OF_MLA_LAB = [(where, words) for where, words in FOUND if words[0] == "mla-lab"]
DIFFERENT = list({tuple(words): (where, words) for where, words in reversed(OF_MLA_LAB)}.values())

# Folders of the project: a path in one of them is a promise. Others are the reader's own.
OURS = ("benchmarks", "docs", "experiments", "mla_core", "notebooks", "results", "tests", "widgets")
# Written by the very command, or by the one beside it.
MADE = {"--results", "--out", "--csv", "--html"}
# Of the reader's own, in the texts under these names.
OWN = {
    "runs/ID",
    "FOLDER",
    "FOLDER/manifest.csv",
    "NOTEBOOK",
    "RUN",
    "ROOT",
    "MANIFEST",
    "config.json",
    "-",
}
SKIPPED = {
    "lab",
    "run",
    "stop",
    "verify",
}  # serve, train for long, or need somebody who does; tested elsewhere


def named(case):
    return f"{case[0]}: {' '.join(case[1])}" if isinstance(case, tuple) else str(case)


@pytest.fixture(scope="module", autouse=True)
def results_are_read_once():
    """Let all questions about the results of this project share what they read."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(claims, "Results", cache(claims.Results))
        yield


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder as the texts suppose it: what is shipped, own files, runs of the sweeps they name."""
    here = tmp_path_factory.mktemp("reader")
    for name in ("notebooks", "experiments", "results"):
        (here / name).symlink_to(ROOT / name)
    write_example_folder(here / "my_folder", samples=60)
    (here / "rates.toml").write_text(specification_of_the_help(), encoding="utf-8")
    shutil.copy(here / "rates.toml", here / "my.toml")
    config = mla.ExperimentConfig(dataset="gaussian", dataset_options={"sizes": [60, 30, 30]})
    made = mla.run_experiment(config.replace(epochs=1), here / "runs")
    made = made.rename(here / "runs" / "0123456789ab")
    for file in ("rates.toml", "experiments/quick.toml"):
        specification = read_specification(here / file)
        for name, settings in specification.runs.items():
            run = here / "runs" / specification.name / name
            run.mkdir(parents=True)
            shutil.copy(made / "metrics.json", run)
            (run / "config.json").write_text(json.dumps(settings), encoding="utf-8")
    write(collect(here / "runs" / "rates"), here / "rates.csv", {})
    (here / "names.txt").write_text("Ada\nBo\n", encoding="utf-8")
    for pile in ("handed_in", "key", "course"):
        (here / pile).mkdir()
        shutil.copy(ROOT / "notebooks" / "01_alternating_training.ipynb", here / pile)
    return here


def specification_of_the_help() -> str:
    """Return the TOML that `mla-lab sweep --help` shows."""
    told = next(text for where, text in texts() if where == "mla-lab sweep --help" and "[[" in text)
    lines = told.partition("```\n")[2].splitlines()
    begin = next(i for i, line in enumerate(lines) if "description =" in line)
    end = next(i for i, line in enumerate(lines) if line.lstrip().startswith("With "))
    return "\n".join(line.strip() for line in lines[begin:end])


def test_there_is_something_to_check():
    where = {place for place, _ in FOUND}
    assert {"README.md", "CONTRIBUTING.md", "results/README.md"} <= where
    assert {"07_your_own_data.ipynb", "mla-lab --help", "mla-lab sweep --help"} <= where
    assert {words[0] for _, words in FOUND} >= {"mla-lab", "make", "papermill", "pip", "conda"}
    assert {words[1] for _, words in OF_MLA_LAB} >= {
        *("lab", "list", "run", "sweep", "table", "export", "repeat", "data", "compare", "verify"),
    }


@pytest.mark.parametrize("case", FOUND, ids=named)
def test_files_of_the_project_exist(case):
    _, words = case
    for before, word in pairwise(words):
        path = word.partition("=")[2] if word.startswith("--") else word
        if path.partition("/")[0] in OURS and "/" in path and before not in MADE:
            assert (ROOT / path).exists(), f"there is no {path}"


@pytest.mark.parametrize("case", OF_MLA_LAB, ids=named)
def test_the_command_reads_it(case, capsys):
    _, words = case
    if words[-1] in {"--help", "--version"}:
        with pytest.raises(SystemExit) as left:
            main(words[1:])
        assert left.value.code == 0
        return
    try:
        arguments = read_command(words[1:])
    except SystemExit:
        said = capsys.readouterr().err
        # "`mla-lab run`" in a sentence names a command; it need not be whole.
        assert len(words) <= 3, said
        assert "required" in said
        return
    if arguments.command == "run":
        given = dict(text.split("=", 1) for text in arguments.parameters)
        notebook = ROOT / "notebooks" / arguments.notebook.name  # or a course's copy of it
        assert set(given) <= set(notebook_parameters(notebook))
        check_parameters(notebook, {k: json.loads(v) for k, v in given.items()})


@pytest.mark.parametrize("case", DIFFERENT, ids=named)
def test_a_cheap_one_runs(case, place, monkeypatch, tmp_path, capsys):
    _, words = case
    if words[1] in SKIPPED or words[-1] in {"--help", "--version"} or OWN & set(words):
        pytest.skip("long, tested elsewhere, or of somebody's own")
    try:
        arguments = read_command(words[1:])
    except SystemExit:
        pytest.skip("the name of a command, in a sentence")
    if {"cremad", "ROOT"} & set(words):
        pytest.skip("a published data set, which is not here")
    monkeypatch.chdir(place)
    if arguments.command == "sweep":
        words = [*words, *([] if "--dry-run" in words else ["--dry-run"])]
    for page in place.glob("*.html"):  # of another text
        page.unlink()
    if words[1:3] == ["data", "init"]:
        (place / "my_folder" / "manifest.csv").unlink(missing_ok=True)
    elif words[1] == "data" and not (place / "my_folder" / "manifest.csv").exists():
        assert main(["data", "init", "my_folder"]) == 0
    if arguments.command == "table" and not arguments.csv:
        words = [*words, "--csv", str(tmp_path / "cells.csv")]
    assert main(words[1:]) == 0, capsys.readouterr().err


@pytest.mark.parametrize("case", [c for c in FOUND if c[1][0] == "make"], ids=named)
def test_make_knows_the_target_and_the_variables(case):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for word in case[1][1:]:
        name, equals, _ = word.partition("=")
        pattern = rf"^{name} \?=" if equals else rf"^{name}:.*##"
        assert word == "TARGET" or re.search(pattern, makefile, re.MULTILINE), word


@pytest.mark.parametrize("case", [c for c in FOUND if c[1][0] == "papermill"], ids=named)
def test_papermill_reads_it(case):
    context = papermill.cli.papermill.make_context("papermill", list(case[1][1:]))
    notebook = ROOT / context.params["notebook_path"]
    given = {name: ast.literal_eval(value) for name, value in context.params["parameters"]}
    known = notebook_parameters(notebook)
    assert set(given) <= set(known)
    check_parameters(notebook, {k: v for k, v in given.items() if k != "headless"})


@pytest.mark.parametrize("case", [c for c in FOUND if c[1][0] in {"pip", "conda"}], ids=named)
def test_what_is_installed_exists(case):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    conda = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    words = case[1]
    for extra in re.findall(r"\[(.+?)\]", " ".join(words)):
        assert set(extra.split(",")) <= set(project["optional-dependencies"])
    if words[0] == "conda" and words[1] == "activate":
        assert words[2] == conda["name"]
    if "-f" in words:
        assert (ROOT / words[words.index("-f") + 1]).is_file()


CODE = re.compile(rf"""["']((?:{"|".join(OURS)})/[^"'*{{}}<>\s]*)["']""")


def test_paths_in_code_snippets_exist():
    for where, text in texts():
        for path in CODE.findall(text):
            assert (ROOT / path).exists() or Path(path).name.isupper(), f"{where}: {path}"
