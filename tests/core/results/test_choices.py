"""What stage one tried and chose is told beside a table, and a chosen setting names nobody."""

import json

import pandas as pd
import pytest

from mla_core import DataError
from mla_core.cli import main
from mla_core.results import (
    chosen_runs,
    compare,
    load_results,
    stage_one,
    stage_one_markdown,
    table,
    with_names,
)
from mla_core.results.choices import choices_beside


def candidate(score, *runs, diverged=(), **values):
    told = {"values": values, "score": score, "runs": [*runs]}
    return told | ({"diverged": [*diverged]} if diverged else {})


def cell(method, dataset, chosen, *tried):
    settings = {"method": method, "dataset": dataset, "epochs": 2}
    runs = [f"{method}-{dataset}-{seed}" for seed in (0, 1)]
    return {"settings": settings, "chosen": chosen, "runs": runs, "tried": [*tried]}


CHOICES = {
    "by": "val.accuracy",
    "seeds": [100, 101],
    "cells": [
        cell(
            "ogm_ge",
            "emoji",
            {"learning_rate": 0.1, "method_options.strength": 0.2},
            candidate(0.25, "a", "b", learning_rate=0.1, **{"method_options.strength": 0.2}),
            candidate(None, "c", "d", diverged=["d"], learning_rate=9.0),
        ),
        cell(
            "ogm_ge",
            "watch",
            {"learning_rate": 0.01, "method_options.strength": 0.7},
            candidate(0.5, "e", "f", learning_rate=0.01, **{"method_options.strength": 0.7}),
        ),
        cell("concat", "emoji", None, candidate(None, "g", "h", learning_rate=0.1)),
    ],
}


CELL = CHOICES["cells"][0]


@pytest.fixture
def folder(tmp_path):
    """A table of two data sets and two methods, of which one was tuned for each."""
    rows = []
    for method, dataset, rate, options in [
        ("ogm_ge", "emoji", 0.1, {"noise": False, "strength": 0.2}),
        ("ogm_ge", "watch", 0.01, {"noise": False, "strength": 0.7}),
        ("concat", "emoji", 0.1, {}),
        ("concat", "watch", 0.1, {}),
    ]:
        rows += [
            {
                "run": f"{method}-{dataset}-{seed}",
                "dataset": dataset,
                "method": method,
                "method_options": json.dumps(options),
                "seed": seed,
                "learning_rate": rate,
                "val.accuracy": 0.5,
                "test.accuracy": 0.5 + seed / 10 + (method == "ogm_ge") / 4,
            }
            for seed in (0, 1)
        ]
    pd.DataFrame(rows).to_csv(tmp_path / "t.csv", index=False)
    (tmp_path / "t.json").write_text(json.dumps({"choices": CHOICES}))
    return tmp_path


def test_each_candidate_is_a_row_with_its_score_and_whether_it_was_chosen():
    found = stage_one(CHOICES)
    told = ["tried", "score", "afterwards", "seeds", "diverged", "chosen"]
    assert [*found] == ["method", "dataset", *told]
    assert found["afterwards"].isna().all()
    assert found["method"].tolist() == ["ogm_ge"] * 3 + ["concat"]
    assert found["tried"][0] == "learning_rate=0.1, method_options.strength=0.2"
    assert found["chosen"].tolist() == [True, False, True, False]
    assert found["diverged"].tolist() == [0, 1, 0, 0]
    assert found["score"].isna().tolist() == [False, True, False, True]


def test_as_markdown_each_cell_is_a_line_and_the_choice_is_bold():
    title, empty, head, rule, *lines = stage_one_markdown(CHOICES).splitlines()
    assert title.startswith("stage one: mean val.accuracy over the seeds 100, 101;")
    assert (empty, head, rule) == ("", "| method | dataset | tried |", "|---|---|---|")
    assert lines == [
        "| ogm_ge | emoji | **learning_rate=0.1, method_options.strength=0.2: 0.250**; "
        "learning_rate=9.0: diverged |",
        "| ogm_ge | watch | **learning_rate=0.01, method_options.strength=0.7: 0.500** |",
        "| concat | emoji | learning_rate=0.1: – |",
    ]


def test_what_became_of_a_choice_with_other_seeds_stands_behind_it(folder):
    """Three seeds liked a rate with which half of ten others did not learn."""
    runs = load_results(folder, "t")
    runs.loc[runs["run"] == "ogm_ge-emoji-1", "val.accuracy"] = 0.1
    assert stage_one(CHOICES, runs)["afterwards"].round(6).tolist()[:3:2] == [0.3, 0.5]
    title, *_, emoji, watch, none = stage_one_markdown(CHOICES, runs).splitlines()
    assert title.endswith("whose mean is behind it: 0.375 on average, then 0.400")
    assert "strength=0.2: 0.250, then 0.300**; learning_rate=9.0: diverged |" in emoji
    assert "strength=0.7: 0.500, then 0.500**" in watch
    assert "then" not in none
    # Of a part of a table, what is there is told.
    assert stage_one(CHOICES, runs.drop(columns="val.accuracy"))["afterwards"].isna().all()
    few = runs[runs["run"] != "ogm_ge-emoji-1"]
    assert stage_one(CHOICES, few)["afterwards"][0] == pytest.approx(0.5)


def test_what_was_chosen_for_a_data_set_makes_no_other_method(folder):
    frame = load_results(folder, "t")
    assert frame["label"].unique().tolist() == ["ogm_ge (noise False)", "concat"]
    assert chosen_runs(frame).shape[0] == 8
    found = compare(frame, "ogm_ge (noise False)", "concat", where="emoji")
    assert found.mean == pytest.approx(0.25)
    plain = with_names(frame.drop(columns=["label", "condition"]))
    assert "ogm_ge (noise False, strength 0.2)" in set(plain["label"])


@pytest.mark.parametrize("show", [True, False])
def test_the_command_shows_stage_one_when_asked(show, folder, capsys):
    command = ["table", str(folder / "t.csv"), "--rows", "method,method_options"]
    command += ["--columns", "dataset", *(["--show-choice"] if show else [])]
    assert main(command) == 0
    printed = capsys.readouterr().out
    assert ("stage one: mean val.accuracy" in printed) == show
    assert ("--show-choice shows it" in printed) != show


@pytest.mark.parametrize(
    "choices",
    [
        *(3, {}, {"cells": 3}, {"cells": [3]}),
        *(CHOICES | part for part in ({"seeds": 3}, {"by": 3}, {"cells": [{**CELL, "chosen": 3}]})),
        CHOICES | {"cells": [{**CELL, "tried": [{**CELL["tried"][0], "score": "x"}]}]},
    ],
)
def test_damaged_choices_are_a_sentence(choices, folder):
    (folder / "t.json").write_text(json.dumps({"choices": choices}))
    with pytest.raises(DataError, match=r"the choices in .*t\.json' are damaged: write the table"):
        choices_beside(folder / "t.csv")


def test_a_table_without_a_stage_before_has_no_choices(folder):
    for text in ("{}", None):
        (folder / "t.json").write_text(text) if text else (folder / "t.json").unlink()
        assert choices_beside(folder / "t.csv") is None
        assert "strength 0.2" in load_results(folder, "t")["label"][0]


@pytest.mark.parametrize(("by", "chosen"), [("val.accuracy", 0.1), ("val.nll", 0.01)])
def test_where_less_is_better_the_lowest_is_chosen(by, chosen):
    runs = {"run": list("abcd"), "method": ["mla"] * 4, "seed": [0, 1] * 2}
    runs |= {"learning_rate": [0.1, 0.1, 0.01, 0.01], "val.accuracy": [0.8, 0.6, 0.5, 0.4]}
    runs |= {"val.nll": [3.0, 2.0, 1.0, 1.5], "test.accuracy": [0.0] * 4}
    made = table(pd.DataFrame(runs), "method", choose="learning_rate", by=by)
    assert made.cells["learning_rate"].tolist() == [chosen]
    assert set(chosen_runs(pd.DataFrame(runs), by=by)["learning_rate"]) == {chosen}
