"""A class's folder: clean copies, a variant for each student, and nothing over what was changed."""

import csv
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mla_core import ConfigError, DataError
from mla_core.classroom import (
    METADATA,
    Variant,
    clean,
    kept_guess,
    read_names,
    variant_of,
    with_parameters,
)
from mla_core.cli import lab, main
from mla_core.runs import notebook_parameters
from mla_core.runs.places import FIRST_NOTEBOOK
from tests import ROOT

FIRST = FIRST_NOTEBOOK.as_posix()


@pytest.fixture
def names(tmp_path):
    path = tmp_path / "names.txt"
    path.write_text("Ada Lovelace\n\n  李明  \n")
    return path


def variants(folder):
    return [
        Variant(name, int(seed), dataset)
        for name, seed, dataset in list(
            csv.reader((folder / "variants.csv").read_text().splitlines())
        )[1:]
    ]


def test_copies_for_a_course_are_clean(tmp_path, monkeypatch, capsys):
    root = tmp_path / "shipped"
    lab.lay_out(root)
    book = json.loads((root / FIRST).read_text())
    book["cells"][4]["metadata"][METADATA] = {"guesses": [kept_guess("?", ["a", "b"])]}
    book["cells"][4] |= {"outputs": [{"output_type": "stream"}], "execution_count": 3}
    (root / FIRST).write_text(json.dumps(book))
    monkeypatch.setattr("mla_core.cli.classroom.shipped", lambda: root)
    monkeypatch.setattr(lab, "shipped", lambda: root)
    assert main(["class", str(tmp_path / "course")]) == 0
    assert (tmp_path / "course" / FIRST).read_bytes() == (ROOT / FIRST).read_bytes()
    assert (tmp_path / "course/results/table1.csv").is_file()

    (tmp_path / "course" / FIRST).write_text("mine")
    capsys.readouterr()
    assert main(["class", str(tmp_path / "course")]) == 0
    assert f"Kept as you changed them: {FIRST}." in capsys.readouterr().out
    assert (tmp_path / "course" / FIRST).read_text() == "mine"


@pytest.mark.parametrize("place", [".", "notebooks", "results"])
def test_where_the_notebooks_come_from_is_no_course(place, capsys):
    assert main(["class", str(ROOT / place)]) == 2
    assert "give another folder, such as 'course'" in capsys.readouterr().err


def test_every_student_has_a_variant_that_the_name_decides(tmp_path, names, capsys):
    course = tmp_path / "course"
    assert main(["class", str(course), "--students", str(names)]) == 0
    assert "9 files for 2 students" in capsys.readouterr().out
    found = variants(course)
    assert [one.name for one in found] == ["Ada Lovelace", "李明"]
    assert found[0].seed != found[1].seed
    for one in found:
        for notebook in sorted((course / one.name / "notebooks").iterdir()):
            own = notebook_parameters(notebook)
            usual = notebook_parameters(ROOT / "notebooks" / notebook.name)
            assert own["seed"] == ("int", one.seed, usual["seed"][2])
            assert own["dataset"] == ("str", one.dataset, usual["dataset"][2])
            others = own.keys() - {"seed", "dataset"}
            assert {name: own[name] for name in others} == {name: usual[name] for name in others}
    # Whoever comes later changes nobody else's.
    names.write_text("Zoe\n李明\n")
    assert main(["class", str(course), "--students", str(names)]) == 0
    assert variants(course)[1] == found[1]


def test_a_lab_in_a_students_folder_keeps_the_variant(tmp_path, names):
    main(["class", str(tmp_path / "course"), "--students", str(names)])
    own = tmp_path / "course" / "Ada Lovelace"
    before = (own / FIRST).read_bytes()
    assert FIRST in lab.lay_out(own)
    assert (own / FIRST).read_bytes() == before


@given(st.text(min_size=1), st.lists(st.sampled_from("abcd"), min_size=1, unique=True))
def test_a_variant_is_drawn_from_what_there_is(name, datasets):
    one = variant_of(name, datasets)
    assert one == variant_of(name, datasets)
    assert 0 <= one.seed < 10_000
    assert one.dataset in datasets


def test_both_data_sets_are_drawn_about_equally_often():
    drawn = [variant_of(f"student {n}", ["a", "b"]).dataset for n in range(400)]
    assert 150 < drawn.count("a") < 250


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("Ada\nada\n", "line 2 of .* names 'ada', as line 1 does"),
        ("\u00e9\ne\u0301\n", "line 2 of .* names '\u00e9', as line 1 does"),
        ("../up", "line 1 of .* cannot name a folder: '../up'"),
        ("a/b", "cannot name a folder"),
        ("Ada\n.hidden", "line 2 of .* cannot name a folder"),
        ("..", "cannot name a folder"),
        ("-rf", "cannot name a folder"),
        ("a\0b", "cannot name a folder"),
        ("x" * 81, "cannot name a folder"),
        ("\n \n", "holds no name"),
        (b"\xff\xfe", "save it as text in UTF-8"),
    ],
)
def test_a_list_of_names_that_makes_no_folders_is_refused(content, message, tmp_path, capsys):
    path = tmp_path / "names.txt"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises((ConfigError, DataError), match=message):
        read_names(path)
    assert main(["class", str(tmp_path / "course"), "--students", str(path)]) == 2
    assert not (tmp_path / "course").exists()
    assert capsys.readouterr().err.startswith("mla-lab: ")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["collect"], "collect from which folder?"),
        (["a", "b"], "give one folder, not 2: a b"),
        (["collect", "a", "--students", "n"], "--students means nothing collect"),
        (["a", "--out", "t.csv"], "--out means nothing without `collect`"),
        (["a", "--datasets", "gaussian"], "--datasets means nothing without --students"),
        (["collect", "a", "--out", "t.txt"], "a file that ends in .csv"),
        (["a", "--students", "nowhere.txt"], "there is no 'nowhere.txt'"),
        (["a", "--students", "{names}", "--datasets", "smell"], "unknown dataset 'smell'"),
        (["a", "--students", "{names}", "--datasets", "cremad"], "unknown dataset 'cremad'"),
    ],
)
def test_what_means_nothing_is_refused(words, message, names, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["class", *(word.format(names=names) for word in words)]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "a").exists()


def test_a_parameter_changes_where_it_stands_and_nothing_else():
    source = 'a: str = "é"; seed: int = 0  # é\nseeds: list = [0]\nb: int = 1\n'
    cell = {"cell_type": "code", "metadata": {"tags": ["parameters"]}, "source": source}
    other = {"cell_type": "code", "metadata": {}, "source": "seed: int = 0"}
    book = {"cells": [cell, other]}
    new = with_parameters(clean(book), {"seed": 12, "a": 'say "ü"'})
    assert new["cells"][0]["source"] == (
        'a: str = "say \\"ü\\""; seed: int = 12  # é\nseeds: list = [0]\nb: int = 1\n'
    )
    assert new["cells"][1]["source"] == "seed: int = 0"
    assert book["cells"][0]["source"] == source
