"""From run folders to one long table and back, and from there to means with intervals."""

import itertools
import json
import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from mla_core import ConfigError, DataError, ExperimentConfig, run_experiment
from mla_core.results import collect, read, table, to_markdown, write, write_cells

METHODS, RATES = ("mla", "concat"), (0.01, 0.03, 0.1)


def write_run(folder, config, metrics):
    run = folder / config.hash
    run.mkdir(parents=True)
    (run / "config.json").write_text(json.dumps(config.to_dict()))
    (run / "metrics.json").write_text(json.dumps(metrics))
    return run


def made_up(value, **changes):
    config = ExperimentConfig(dataset="gaussian", **changes)
    report = {"val": {"accuracy": value, "samples": 9}, "test": {"accuracy": value / 2}}
    return config, report | {"versions": {"torch": "2.10"}}


@pytest.fixture
def frame():
    """Two methods, three rates, six seeds, and numbers without a pattern."""
    source = np.random.default_rng(5)
    rows = [
        {
            "run": f"{i:012x}",
            "method": method,
            "learning_rate": rate,
            "seed": seed,
            "epochs": 20,
            "val.accuracy": source.random(),
            "test.accuracy": source.random(),
        }
        for i, (method, rate, seed) in enumerate(itertools.product(METHODS, RATES, range(6)))
    ]
    return pd.DataFrame(rows)


# ------------------------------------------------------------------------- collecting


def test_a_run_becomes_a_row_with_all_its_settings_and_numbers(tiny, tmp_path):
    config = tiny(order=["m1", "m0", "m2"], seed=3)
    run = run_experiment(config, tmp_path)
    (row,) = collect(tmp_path).to_dict("records")
    metrics = json.loads((run / "metrics.json").read_text())
    assert row["run"] == config.hash
    assert row["seed"] == 3
    assert row["order"] == '["m1","m0","m2"]'
    assert json.loads(row["dataset_options"]) == config.dataset_options
    assert row["test.accuracy"] == metrics["test"]["accuracy"]
    assert row["val.unimodal_accuracy.m2"] == metrics["val"]["unimodal_accuracy"]["m2"]
    assert row["val.centroid_gap.m0|m1"] == metrics["val"]["centroid_gap"]["m0|m1"]
    assert row["versions.torch"] == metrics["versions"]["torch"]
    assert set(config.to_dict()) < set(row)


def test_whatever_stands_in_the_report_is_kept(tmp_path):
    config, _ = made_up(0.5)
    report = {"a": {"b": {"c": 1}, "none": None}, "list": [1, {"y": 2, "x": 1}], "name": "n"}
    write_run(tmp_path, config, report)
    (row,) = collect(tmp_path).to_dict("records")
    assert row["a.b.c"] == 1
    assert math.isnan(row["a.none"])
    assert row["list"] == '[1,{"x":1,"y":2}]'
    assert row["name"] == "n"


def test_rows_stand_in_the_order_of_their_settings(tmp_path):
    for seed, method in [(10, "mla"), (2, "concat"), (2, "mla"), (0, "mla"), (10, "concat")]:
        write_run(tmp_path, *made_up(0.5, seed=seed, method=method))
    found = collect(tmp_path)
    order = [("concat", 2), ("concat", 10), ("mla", 0), ("mla", 2), ("mla", 10)]
    assert list(zip(found["method"], found["seed"], strict=True)) == order


def test_only_the_runs_asked_for_are_collected(tmp_path):
    runs = [write_run(tmp_path, *made_up(0.5, seed=seed)).name for seed in range(4)]
    assert set(collect(tmp_path, runs[1:3])["run"]) == set(runs[1:3])


def test_what_is_no_run_is_left_alone(tmp_path):
    write_run(tmp_path, *made_up(0.5))
    (tmp_path / ".abcdefabcdef.partial").mkdir()  # being worked at
    (tmp_path / ".abcdefabcdef.partial" / "config.json").write_text("{}")
    (tmp_path / "rates").mkdir()  # another sweep's folder
    (tmp_path / "table.csv").write_text("")
    (tmp_path / "0123456789ab").mkdir()  # a notebook that trains nothing
    (tmp_path / "0123456789ab" / "notebook.json").write_text("{}")
    assert len(collect(tmp_path)) == 1


def test_a_folder_that_bears_the_name_of_a_run_and_is_none_is_named(tmp_path):
    write_run(tmp_path, *made_up(0.5))
    (tmp_path / "0123456789ab").mkdir()
    with pytest.raises(DataError, match=r"no .*0123456789ab.* the run was not finished"):
        collect(tmp_path)


def test_runs_of_other_numbers_share_a_table_with_gaps(tmp_path):
    config, report = made_up(0.5, seed=0)
    write_run(tmp_path, config, report)
    write_run(tmp_path, config.replace(seed=1), report | {"extra": 4})
    found = collect(tmp_path)
    assert found["extra"].isna().tolist() == [True, False]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("metrics.json", None, r"there is no .*{run}/metrics\.json': the run was not finished"),
        ("config.json", None, r"there is no .*{run}/config\.json': the run was not finished"),
        ("metrics.json", '{"val": ', r"{run}/metrics\.json' is damaged"),
        ("config.json", "[]", r"{run}/config.json' is damaged \(it holds no object\)"),
        ("config.json", '{"sede": 1}', "{run}/config.json' has the setting 'sede', unknown"),
        (
            "metrics.json",
            '{"seed": 1}',
            "{run}/metrics.json' has the number 'seed', which is a sett",
        ),
    ],
)
def test_a_broken_folder_is_named(name, text, message, tmp_path):
    write_run(tmp_path, *made_up(0.5, seed=1))
    broken = write_run(tmp_path, *made_up(0.5, seed=0))
    (broken / name).unlink() if text is None else (broken / name).write_text(text)
    with pytest.raises((ConfigError, DataError), match=message.format(run=broken.name)):
        collect(tmp_path)


def test_a_folder_without_runs_is_named(tmp_path):
    with pytest.raises(ConfigError, match=f"no finished run in '{tmp_path}'"):
        collect(tmp_path)
    with pytest.raises(ConfigError, match="there is no folder 'nowhere'"):
        collect("nowhere")


# ---------------------------------------------------------------- writing and reading


def test_what_is_written_is_read_again_with_six_digits(tmp_path):
    for seed in range(3):
        config, report = made_up(1 / (seed + 3), seed=seed, learning_rate=0.012345678)
        report["steps"] = 1234567
        if seed:  # beside a missing value a count is no longer whole to pandas
            report["count"] = 7654321
        write_run(tmp_path, config, report)
    frame = collect(tmp_path)
    write(frame, tmp_path / "out" / "long.csv", {})
    again = read(tmp_path / "out" / "long.csv")
    assert list(again) == list(frame)
    for name in frame:
        exact = name in ExperimentConfig().to_dict() or frame[name].dtype.kind != "f"
        for one, two in zip(frame[name], again[name], strict=True):
            if isinstance(one, float) and math.isnan(one):
                assert math.isnan(two)
            elif exact:
                assert one == two
            else:
                assert two == pytest.approx(one, rel=5e-6)
    assert again["count"].tolist()[1:] == [7654321, 7654321]
    assert again["val.accuracy"].tolist() == [0.333333, 0.25, 0.2]


def test_texts_made_of_digits_stay_texts(frame, tmp_path):
    frame["run"] = [f"{i:06d}e00000" for i in range(len(frame))]
    frame["versions.torch"] = "2.10"
    frame["order"] = "NA"
    write(frame, tmp_path / "long.csv", {})
    again = read(tmp_path / "long.csv")
    assert sorted(again["run"]) == sorted(frame["run"])
    assert set(again["versions.torch"]) == {"2.10"}
    assert set(again["order"]) == {"NA"}


def test_the_same_runs_give_the_same_file_in_whatever_order_they_come(frame, tmp_path):
    write(frame, tmp_path / "one.csv", {})
    write(frame.sample(frac=1, random_state=0), tmp_path / "two.csv", {})
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()


def test_the_provenance_says_where_the_numbers_come_from(frame, tmp_path):
    write(frame, tmp_path / "long.csv", {"description": "Why?", "command": "mla-lab sweep x"})
    said = json.loads((tmp_path / "long.json").read_text())
    assert said["description"] == "Why?"
    assert said["seeds"] == [0, 1, 2, 3, 4, 5]
    assert said["runs"] == 36
    assert set(said["versions"]) == {"mla_core", "torch", "numpy", "scikit-learn", "python"}
    assert said["cores"] >= 1
    assert said["date"].endswith("+00:00")
    assert said["platform"]


def test_a_file_that_is_not_of_results_is_named(frame, tmp_path):
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ConfigError, match=r"other\.csv.* has no column 'run'"):
        read(tmp_path / "other.csv")
    with pytest.raises(ConfigError, match=r"cannot read .*nowhere\.csv"):
        read(tmp_path / "nowhere.csv")
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(ConfigError, match=r"cannot read .*empty\.csv"):
        read(tmp_path / "empty.csv")
    with pytest.raises(ConfigError, match=r"ends in \.csv, not 'long\.json'"):
        write(frame, "long.json", {})
    with pytest.raises(ConfigError, match="cannot write"):
        write(frame, tmp_path / "other.csv" / "long.csv", {})


# ----------------------------------------------------------------------------- tables


def test_cells_are_means_with_scipys_intervals(frame):
    cells = table(frame, "method", "learning_rate").cells
    assert len(cells) == 6
    for cell in cells.to_dict("records"):
        here = (frame["method"] == cell["method"]) & (
            frame["learning_rate"] == cell["learning_rate"]
        )
        values = frame.loc[here, "test.accuracy"]
        low, high = stats.t.interval(0.95, 5, loc=values.mean(), scale=stats.sem(values))
        assert cell["mean"] == pytest.approx(values.mean())
        assert cell["half"] == pytest.approx((high - low) / 2)
        assert cell["n"] == 6


def test_several_fields_may_name_rows_and_columns(frame):
    one = table(frame, "method,learning_rate").cells
    two = table(frame, ["method", "learning_rate"], ()).cells
    pd.testing.assert_frame_equal(one, two)
    both = table(frame, "method", "learning_rate,epochs")
    assert "| method | learning_rate 0.01, epochs 20 |" in to_markdown(both)
    assert np.allclose(sorted(both.cells["mean"]), sorted(one["mean"]))


def test_a_choice_is_made_by_val_and_reported_on_test(frame):
    made = table(frame, "method", choose="learning_rate")
    means = frame.groupby(["method", "learning_rate"])[["val.accuracy", "test.accuracy"]].mean()
    for cell in made.cells.to_dict("records"):
        here = means.loc[cell["method"]]
        best = here["val.accuracy"].idxmax()
        assert cell["learning_rate"] == best
        assert cell["mean"] == pytest.approx(here.loc[best, "test.accuracy"])
    assert "learning_rate=" in to_markdown(made, show_choice=True)
    assert "learning_rate=" not in to_markdown(made)


def test_a_choice_never_looks_at_the_test_split(frame):
    before = table(frame, "method", choose="learning_rate").cells["learning_rate"]
    frame["test.accuracy"] = frame["test.accuracy"].to_numpy()[::-1]
    after = table(frame, "method", choose="learning_rate").cells["learning_rate"]
    assert before.tolist() == after.tolist()


def test_only_combinations_with_all_seeds_compete(frame):
    frame.loc[frame["learning_rate"] == 0.1, "val.accuracy"] = 1.0
    assert set(table(frame, "method", choose="learning_rate").cells["learning_rate"]) == {0.1}
    diverged = (frame["learning_rate"] == 0.1) & (frame["method"] == "mla") & (frame["seed"] == 4)
    cells = table(frame[~diverged], "method", choose="learning_rate").cells.set_index("method")
    assert cells.loc["concat", "learning_rate"] == 0.1
    assert cells.loc["mla", "learning_rate"] != 0.1
    assert cells["n"].tolist() == [6, 6]


def test_a_missing_number_to_choose_by_does_not_compete(frame):
    frame.loc[(frame["learning_rate"] == 0.1), "val.accuracy"] = 1.0
    frame.loc[(frame["learning_rate"] == 0.1) & (frame["seed"] == 0), "val.accuracy"] = math.nan
    assert 0.1 not in set(table(frame, "method", choose="learning_rate").cells["learning_rate"])


def test_of_equals_the_first_is_chosen(frame):
    frame["val.accuracy"] = [0.1, 0.2, 0.3, 0.3, 0.2, 0.1] * 6
    frame.loc[frame["learning_rate"] == 0.03, "val.accuracy"] = [0.3, 0.1, 0.2, 0.1, 0.2, 0.3] * 2
    cells = table(frame, "method", choose="learning_rate").cells
    assert cells["learning_rate"].tolist() == [0.01, 0.01]


def test_without_a_combination_that_has_all_seeds_nothing_is_chosen(frame):
    ragged = frame[(frame["seed"] + 100 * frame["learning_rate"]).round() % 3 != 0]
    with pytest.raises(ConfigError, match=r"method=mla: no learning_rate has val\.accuracy for"):
        table(ragged, "method", choose="learning_rate")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rows": "method"}, r"method=mla differ in learning_rate \(0.01, 0.03, 0.1\): put it in"),
        ({"rows": "methods"}, "setting in --rows: 'methods': choose one of 'method'"),
        ({"rows": "method", "columns": "alpha"}, "setting in --columns: 'alpha'"),
        ({"rows": "method", "choose": "test.accuracy"}, "setting in --choose: 'test.accuracy'"),
        ({"rows": "method", "columns": "method"}, "'method' is named twice"),
        ({"rows": "method", "value": "test.acc"}, "number in --value: 'test.acc'.*'test.accuracy'"),
        ({"rows": "method", "value": "epochs"}, "number in --value: 'epochs'"),
        (
            {"rows": "method", "choose": "learning_rate", "by": "val.acc"},
            "number in --by: 'val.acc'",
        ),
        ({"rows": ""}, "rows must name at least one setting"),
    ],
)
def test_a_table_that_makes_no_sense_is_refused(arguments, message, frame):
    with pytest.raises(ConfigError, match=message):
        table(frame, **arguments)


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ({"test.accuracy": "high"}, "'test.accuracy' in --value is not a number in every run: one has 'high'"),
        ({"test.accuracy": "[0.5]"}, r"one has '\[0.5\]'"),
        ({"seed": "first"}, "a seed is not a whole number"),
        ({"seed": "1.5"}, "a seed is not a whole number"),
        ({"seed": ""}, "a seed is not a whole number"),
    ],
)  # fmt: skip
def test_a_file_of_results_that_a_hand_has_changed_is_said(cells, message, tmp_path):
    line = {"run": "a", "seed": "0", "method": "mla", "test.accuracy": "0.5"}
    path = tmp_path / "results.csv"
    rows = [line, line | {"run": "b", "seed": "1"} | cells]
    path.write_text("\n".join(",".join(row) for row in (line, *(r.values() for r in rows))))
    with pytest.raises(ConfigError, match=message):
        table(read(path), "method")


def test_another_difference_than_the_seed_is_never_averaged_away(frame):
    frame.loc[frame["learning_rate"] == 0.03, "epochs"] = 40
    with pytest.raises(ConfigError, match=r"differ in epochs \(20, 40\): put it in --rows"):
        table(frame, "method", choose="learning_rate")
    assert len(table(frame, "method", choose="learning_rate,epochs").cells) == 2


def test_one_seed_never_counts_twice(frame):
    doubled = pd.concat([frame, frame.iloc[[4]].assign(run="other")], ignore_index=True)
    with pytest.raises(ConfigError, match="the seed 4: 000000000004 and other"):
        table(doubled, "method", "learning_rate")


def test_markdown_is_a_grid_that_says_when_seeds_are_few(frame):
    few = frame[(frame["seed"] < 3) | (frame["method"] == "concat")]
    few = few[(few["learning_rate"] < 0.05) | (few["method"] == "mla")]
    few = few[(few["learning_rate"] < 0.05) | (few["seed"] == 0)]
    title, blank, *lines = to_markdown(table(few, "method", "learning_rate")).splitlines()
    assert title.startswith("test.accuracy: mean ± 95 % interval")
    assert blank == ""
    assert lines[0] == "| method | learning_rate 0.01 | learning_rate 0.03 | learning_rate 0.1 |"
    assert lines[1] == "|---|---|---|---|"
    (mla,), (concat,) = ([x for x in lines if x.startswith(f"| {m} ")] for m in METHODS)
    assert mla.count("(n=3)") == 2
    assert mla.count("(n=1)") == 1
    assert mla.count("±") == 2  # one value has no interval
    assert "n=" not in concat
    assert concat.endswith(" – |")  # never run
    assert "nan" not in mla + concat


def test_markdown_survives_a_bar_in_a_value(frame):
    frame["order"] = "a|b"
    assert r"| a\|b |" in to_markdown(table(frame[frame["learning_rate"] == 0.01], "order,method"))


def test_a_value_that_is_missing_is_shown_as_missing(frame):
    frame.loc[(frame["method"] == "mla") & (frame["seed"] == 0), "test.accuracy"] = math.nan
    assert "| mla | – | – | – |" in to_markdown(table(frame, "method", "learning_rate"))


def test_cells_are_written_with_six_digits_and_settings_exactly(frame, tmp_path):
    frame["learning_rate"] = frame["learning_rate"].replace(0.03, 0.0312345678)
    made = table(frame, "method", "learning_rate")
    write_cells(made, tmp_path / "cells.csv")
    again = pd.read_csv(tmp_path / "cells.csv")
    assert again["learning_rate"].tolist() == made.cells["learning_rate"].tolist()
    assert again["mean"].tolist() == pytest.approx(made.cells["mean"].tolist(), rel=5e-6)
    assert again["half"].tolist() == pytest.approx(made.cells["half"].tolist(), rel=5e-6)


def test_nothing_is_chosen_on_test(frame):
    with pytest.raises(ConfigError, match="test is not for choices"):
        table(frame, "method", choose="learning_rate", by="test.accuracy")


def test_a_setting_that_the_method_does_not_obey_is_not_shown_as_its_own():
    rows = [
        {"run": f"{m}{s}", "method": m, "head_gradient": "paper", "seed": s, "test.accuracy": 0.5}
        for m in ("mla", "concat")
        for s in range(5)
    ]
    said = to_markdown(table(pd.DataFrame(rows), "method,head_gradient"))
    assert "| mla | paper |" in said
    assert "| concat | – |" in said
