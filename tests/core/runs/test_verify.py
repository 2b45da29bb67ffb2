"""Rows of a table are computed anew and compared with what stands there."""

import csv
import json

import pytest

from mla_core import ConfigError, ExperimentConfig
from mla_core.cli import main
from mla_core.data.sets.example_folder import write_example_folder
from mla_core.results import settings_of
from mla_core.runs import read_committed, repetitions
from mla_core.runs.verify import Difference

GRIDS = """
seed = 3
[[grid]]
method = "mla"
order = ["cyclic", ["m2", "m0", "m1"]]
[[grid]]
method = "late_fusion"
method_options = {absent = "zeros"}
"""


@pytest.fixture(scope="module")
def written(tmp_path_factory, tiny_settings):
    """Return the texts of a table's two files, made by the command."""
    folder = tmp_path_factory.mktemp("table")
    (folder / "question.toml").write_text(tiny_settings + GRIDS)
    table = folder / "question.csv"
    out = str(folder / "runs")
    command = ["sweep", str(folder / "question.toml"), "--out", out, "--results", str(table)]
    assert main(command) == 0
    return table.read_text(), table.with_suffix(".json").read_text()


@pytest.fixture
def table(written, tmp_path):
    for path, text in zip((tmp_path / "t.csv", tmp_path / "t.json"), written, strict=True):
        path.write_text(text)
    return tmp_path / "t.csv"


def change(table, row, **cells):
    """Write other texts into a row of a table, and return the name of its run."""
    with table.open() as file:
        rows = list(csv.DictReader(file))
    rows[row] |= cells
    with table.open("w") as file:
        writer = csv.DictWriter(file, [*rows[0], *(c for c in cells if c not in rows[0])])
        writer.writeheader()
        writer.writerows(rows)
    return rows[row]["run"]


def note(table, **entries):
    path = table.with_suffix(".json")
    path.write_text(json.dumps(json.loads(path.read_text()) | entries))


def test_a_table_that_was_just_made_is_repeated_bit_for_bit(table, capsys):
    assert main(["verify", str(table), "--sample", "3"]) == 0
    printed = capsys.readouterr().out
    assert printed.count("as written  ") == 3
    assert printed.splitlines()[-1] == f"{table}: 3 as written, 0 otherwise, 0 not repeated"


def test_a_number_that_does_not_come_out_is_told_with_its_column(table, capsys):
    old = read_committed(table).rows[1]["test.nll"]
    run = change(table, 1, **{"test.nll": "0.123456"})
    found = read_committed(table)
    (one,) = repetitions(found, [found.rows[1]])
    assert one.differences == (Difference("test.nll", "0.123456", old),)
    assert not one.holds
    assert main(["verify", str(table), "--sample", "3"]) == 1
    printed = capsys.readouterr().out
    assert f"{run}  otherwise" in printed
    assert f"test.nll: 0.123456 in the table, {old} now" in printed
    assert "2 as written, 1 otherwise, 0 not repeated" in printed
    assert "are those that the JSON notes" in printed


def test_the_last_digit_counts(table):
    old = read_committed(table).rows[0]["val.nll"]
    last = str((int(old[-1]) + 1) % 10)
    change(table, 0, **{"val.nll": old[:-1] + last})
    found = read_committed(table)
    (one,) = repetitions(found, [found.rows[0]])
    assert [cell.column for cell in one.differences] == ["val.nll"]


def test_what_is_other_than_the_json_says_is_told_as_a_possible_reason(table, capsys):
    said = json.loads(table.with_suffix(".json").read_text())
    change(table, 0, **{"test.accuracy": "2"})
    note(table, versions=said["versions"] | {"torch": "1.0"}, platform="another", threads=1)
    assert main(["verify", str(table), "--sample", "3"]) == 1
    told = capsys.readouterr().out.splitlines()[-1]
    here = said["versions"]["torch"]
    assert told.startswith("possible reasons: ")
    assert f"torch 1.0 then, {here} now" in told
    assert f"platform another then, {said['platform']} now" in told
    assert "threads" not in told
    assert "numpy" not in told


@pytest.mark.parametrize(
    ("cells", "entries", "message"),
    [
        ({"learning_rate": "0.5"}, {}, "its settings are those of the run"),
        ({"run": "0123456789ab"}, {}, "has no run '0123456789ab': the two are not of one sweep"),
        ({"method": "nobody"}, {}, "unknown method 'nobody'"),
        ({"epochs": "many"}, {}, "epochs must be a whole number"),
        ({"learning_rate": "0.5"}, {"threads": 7}, "with 7 threads, here are 1: set MLA_LAB_THRE"),
    ],
)
def test_a_row_that_cannot_be_repeated_is_named(cells, entries, message, table, capsys):
    run = change(table, 2, **cells)
    note(table, **entries)
    assert main(["verify", str(table), "--sample", "3"]) == 1
    printed = capsys.readouterr().out
    assert f"{run}  not repeated" in printed
    assert message in printed
    assert "2 as written, 0 otherwise, 1 not repeated" in printed


def test_a_column_of_another_version_is_named(table, capsys):
    change(table, 1, **{"test.oldest": "0.5"})
    assert main(["verify", str(table), "--sample", "3"]) == 1
    printed = capsys.readouterr().out
    assert printed.count("not written by this version: test.oldest") == 1
    assert "2 as written, 1 otherwise" in printed


def test_a_file_that_is_gone_or_changed_is_no_crash(tmp_path, capsys):
    """Data of files are read only where they are those that the row notes."""
    write_example_folder(tmp_path / "mine", samples=30)
    assert main(["data", "init", str(tmp_path / "mine")]) == 0
    config = {"dataset": "manifest", "epochs": 1, "batch_size": 8, "feature_size": 8}
    lines = [f"{k} = {json.dumps(v)}" for k, v in config.items()]
    where = json.dumps(str(tmp_path / "mine" / "manifest.csv"))
    cache = json.dumps(str(tmp_path / "cache"))
    text = 'description = "Why?"\n[grid]\n' + "\n".join(lines)
    (tmp_path / "q.toml").write_text(
        f"{text}\ndataset_options = {{path = {where}, cache = {cache}}}"
    )
    table = str(tmp_path / "q.csv")
    out = str(tmp_path / "runs")
    assert main(["sweep", str(tmp_path / "q.toml"), "--out", out, "--results", table]) == 0
    assert main(["verify", table]) == 0
    change(tmp_path / "q.csv", 0, data="0123456789ab")
    assert main(["verify", table]) == 1
    assert "trained on other data than its configuration names here" in capsys.readouterr().out
    (tmp_path / "mine" / "manifest.csv").unlink()
    assert main(["verify", table]) == 1
    assert "manifest.csv" in capsys.readouterr().out


def test_the_sample_is_drawn_by_the_seed_in_the_order_of_the_table(table):
    found = read_committed(table)
    runs = [row["run"] for row in found.rows]
    drawn = {seed: [row["run"] for row in found.sample(2, seed)] for seed in range(9)}
    assert drawn[0] == [row["run"] for row in found.sample(2, 0)]
    assert len({tuple(names) for names in drawn.values()}) > 1
    for names in drawn.values():
        assert len(set(names)) == 2
        assert sorted(names, key=runs.index) == names
    assert [row["run"] for row in found.sample(100)] == runs


@pytest.mark.parametrize(
    ("arguments", "json_text", "message"),
    [
        (["--sample", "0"], None, "the sample must be at least 1 row, not 0"),
        ([], "{}", "must be the text of a TOML file, not None"),
        ([], '{"specification": "x ="}', "cannot be read here"),
        ([], '{"specification": "grid = 1"}', "cannot be read here: description must be"),
        ([], "[", "is damaged"),
    ],
)
def test_a_table_without_its_story_is_refused(arguments, json_text, message, table, capsys):
    if json_text is not None:
        table.with_suffix(".json").write_text(json_text)
    assert main(["verify", str(table), *arguments]) == 2
    assert message in capsys.readouterr().err


def test_code_that_only_the_files_name_is_not_imported(written, tmp_path, monkeypatch, capsys):
    table, told = written
    monkeypatch.chdir(tmp_path)
    (tmp_path / "trap.py").write_text("raise SystemExit('it was run')")
    (tmp_path / "t.csv").write_text(table)
    text = json.loads(told)["specification"].replace('"late_fusion"', '"trap:Mine"')
    (tmp_path / "t.json").write_text(json.dumps(json.loads(told) | {"specification": text}))
    with pytest.raises(ConfigError, match="allow it: --allow-import trap"):
        read_committed(tmp_path / "t.csv")


def test_settings_come_back_from_a_row_as_they_were(table):
    for row in read_committed(table).rows:
        assert ExperimentConfig.from_dict(settings_of(row)).hash == row["run"]
