"""A pile of handed-in notebooks becomes one table; what is broken or hostile is named and left out."""

import csv
import io
import json
import os

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mla_core import ConfigError
from mla_core.classroom import METADATA, MIME, Row, as_csv, collect_guesses, kept_guess
from mla_core.cli import main

CHOICES = ["image", "audio"]
MISSED = kept_guess("Which is lazy?", CHOICES, guess="image", answer="audio")
HIT = kept_guess("Which is lazy?", CHOICES, guess="audio", answer="audio")
OPEN = kept_guess("Which gains?", CHOICES, guess="image")
KEY = kept_guess("Which is lazy?", CHOICES, answer="audio")


def write(path, *cells, outputs=()):
    """Write a notebook as JupyterLab saves it: a text, then a cell for each list of guesses."""
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("Read.")])
    for guesses in cells:
        kept = {METADATA: {"guesses": guesses}}
        book.cells.append(nbformat.v4.new_code_cell("1 / 0  # nobody runs this", metadata=kept))
    for data in outputs:
        shown = nbformat.v4.new_output("display_data", {MIME: data, "text/plain": ""})
        book.cells.append(nbformat.v4.new_code_cell("ask()", outputs=[shown]))
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(book, path)
    return path


def test_a_pile_becomes_one_table(tmp_path):
    write(tmp_path / "Ada" / "notebooks" / "01.ipynb", [MISSED, OPEN])
    write(tmp_path / "Ada" / "02.ipynb", [], [HIT])
    write(tmp_path / "Grace.ipynb", [HIT])
    write(tmp_path / "key" / "01.ipynb", outputs=[KEY])
    write(tmp_path / "Ada" / ".ipynb_checkpoints" / "01-checkpoint.ipynb", [HIT])
    (tmp_path / "Ada" / "essay.txt").write_text("no notebook")
    found = collect_guesses(tmp_path)
    assert found.problems == []
    assert found.notebooks == 4
    assert {tuple(row) for row in found.rows} == {
        ("Ada", "Ada/notebooks/01.ipynb", 2, "Which is lazy?", "image", "audio", "wrong"),
        ("Ada", "Ada/notebooks/01.ipynb", 2, "Which gains?", "image", "", ""),
        ("Ada", "Ada/02.ipynb", 3, "Which is lazy?", "audio", "audio", "right"),
        ("Grace", "Grace.ipynb", 2, "Which is lazy?", "audio", "audio", "right"),
        ("key", "key/01.ipynb", 2, "Which is lazy?", "", "audio", ""),
    }


def broken(path, **entries):
    path.write_text(json.dumps(json.loads(path.read_text()) | entries))


HOSTILE = {
    "no JSON": (lambda path: path.write_text("{"), "is not a notebook"),
    "binary": (lambda path: path.write_bytes(bytes(range(256))), "is not a notebook"),
    "deep": (lambda path: path.write_text("[" * 20_000), "too many lists"),
    "format 3": (lambda path: broken(path, nbformat=3), "of the format 3"),
    "no cells": (lambda path: broken(path, cells=5), "a list of cells"),
    "a cell without metadata": (
        lambda path: broken(path, cells=[{"cell_type": "code", "source": ""}]),
        "a list of cells",
    ),
    "another guess": (lambda path: write(path, [{"guess": "image"}]), "cell 2: a guess must be"),
    "no such choice": (lambda path: write(path, [HIT | {"answer": "smell"}]), "among the choices"),
    "a long text": (lambda path: write(path, [HIT | {"question": "?" * 9999}]), "cell 2: a guess"),
    "a number": (lambda path: write(path, [HIT | {"guess": 1}]), "cell 2: a guess must be"),
    "no list": (lambda path: write(path, "HIT"), "a list of at most 100 guesses"),
    "many": (lambda path: write(path, [HIT] * 101), "a list of at most 100 guesses"),
    "an output": (lambda path: write(path, outputs=[["HIT"]]), "cell 2: a guess must be"),
    "a link": (lambda path: (path.unlink(), path.symlink_to("/etc/hostname")), "it is a link"),
    "a pipe": (lambda path: (path.unlink(), os.mkfifo(path)), "there is no notebook"),
    "too large": (lambda path: os.truncate(path, 65 * 2**20), "it has 68 MB, more than 67"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_what_is_broken_or_hostile_is_named_and_left_out(case, tmp_path, capsys):
    spoil, message = HOSTILE[case]
    write(tmp_path / "good.ipynb", [HIT])
    spoil(write(tmp_path / "bad" / "01.ipynb", [MISSED]))
    found = collect_guesses(tmp_path)
    assert [row.who for row in found.rows] == ["good"]
    (problem,) = found.problems
    assert problem.startswith("'bad/01.ipynb' is left out: ")
    assert message in problem
    assert main(["class", "collect", str(tmp_path)]) == 0
    said = capsys.readouterr()
    assert problem in said.err
    assert said.out.splitlines()[1:] == ["good,good.ipynb,2,Which is lazy?,audio,audio,right"]


def test_metadata_and_outputs_of_others_are_no_guesses(tmp_path):
    path = write(tmp_path / "a.ipynb", [HIT])
    book = json.loads(path.read_text())
    book["cells"][0]["metadata"] = {"tags": ["x"], "slideshow": {"slide_type": "slide"}}
    book["cells"][1]["outputs"] = ["text", {"data": None}, {"data": {"text/plain": "x"}}, {}]
    path.write_text(json.dumps(book))
    assert len(collect_guesses(tmp_path).rows) == 1


def test_a_notebook_without_a_guess_is_named(tmp_path):
    write(tmp_path / "Ada.ipynb")
    assert collect_guesses(tmp_path).rows == []
    assert "'Ada.ipynb' keeps no guess" in collect_guesses(tmp_path).problems[0]


@pytest.mark.parametrize("name", ["nowhere", "empty"])
def test_a_folder_without_notebooks_is_refused(name, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match=name):
        collect_guesses(tmp_path / name)
    assert main(["class", "collect", str(tmp_path / name)]) == 2
    assert name in capsys.readouterr().err


def test_the_table_goes_to_a_file_whose_cells_are_no_formulas(tmp_path, capsys):
    formula = '=HYPERLINK("http://x","y")'
    kept = kept_guess(formula, [formula, "-1 to 1"], guess="-1 to 1", answer=formula)
    write(tmp_path / "pile" / "@SUM(A1)" / "a\n\x1b[31m.ipynb", [kept])
    out = tmp_path / "guesses.csv"
    assert main(["class", "collect", str(tmp_path / "pile"), "--out", str(out)]) == 0
    assert "1 question in 1 notebook, 0 guessed right, 1 wrong" in capsys.readouterr().out
    header, row = csv.reader(io.StringIO(out.read_text()))
    assert header == list(Row._fields)
    assert row == [
        "'@SUM(A1)",
        "'@SUM(A1)/a\\n\\x1b[31m.ipynb",
        "2",
        f"'{formula}",
        "'-1 to 1",
        f"'{formula}",
        "wrong",
    ]


@given(st.lists(st.lists(st.text(), min_size=2, max_size=2), max_size=4))
def test_no_cell_of_a_table_begins_a_formula_or_breaks_it(rows):
    read = list(csv.reader(io.StringIO(as_csv(["a", "b"], rows))))
    assert len(read) == 1 + len(rows)
    for cell in (cell for row in read for cell in row):
        assert cell.isprintable()
        assert cell.lstrip("' \"")[:1] not in {"=", "+", "-", "@"} or cell[0] == "'"
