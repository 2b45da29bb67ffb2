"""Two stages: settings are chosen on val with a few seeds, and what was chosen runs with new ones."""

import json
import math

import pandas as pd
import pytest

from mla_core import ConfigError
from mla_core.cli import main
from mla_core.runs import SweepReport, choices_in, read_specification, run_sweep
from mla_core.runs.stages import diverged_before

CHOOSE = """
description = "Does it run?"
[choose]
seed = [100, 101]
learning_rate = [0.01, 0.1]
[common]
dataset = "gaussian"
dataset_options = {modalities = 2, classes = 3, dim = 4, sizes = [24, 12, 12], seed = "run"}
batch_size = 12
feature_size = 8
probe_size = 12
epochs = 1
seed = [0, 1, 2]
"""
TWO = '[[grid]]\nmethod = ["concat", "ensemble"]\n'


@pytest.fixture
def read(tmp_path):
    """Give a function that writes a specification of two stages and reads it."""

    def make(text=TWO, common=CHOOSE):
        (tmp_path / "q.toml").write_text(common + text)
        return read_specification(tmp_path / "q.toml")

    return make


def pretend(out, config, accuracy, nll=1.0):
    """Leave what a finished run leaves that is read here; test would choose the other way."""
    folder = out / config.hash
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(config.to_dict()))
    metrics = {"val": {"accuracy": accuracy, "nll": nll}, "test": {"accuracy": 1 - accuracy}}
    (folder / "metrics.json").write_text(json.dumps(metrics))


def runs_of(specification, **settings):
    return [
        c
        for c in specification.configurations
        if all(getattr(c, name) == value for name, value in settings.items())
    ]


# ------------------------------------------------------------------------- reading


def test_each_stage_has_its_seeds_and_each_cell_its_candidates(read):
    found = read()
    assert len(found.protocol.cells) == 2
    assert {c.seed for c in found.configurations} == {100, 101}
    assert len(found.configurations) == 2 * 2 * 2
    assert found.protocol.size == 2 * 3
    chosen = found.protocol.second([1, 0])
    assert [(c.method, c.learning_rate, c.seed) for c in chosen] == [
        *[("concat", 0.1, seed) for seed in (0, 1, 2)],
        *[("ensemble", 0.01, seed) for seed in (0, 1, 2)],
    ]


def test_an_option_of_the_method_is_chosen_beside_what_is_given(read):
    text = '[[grid]]\nmethod = "ogm_ge"\nmethod_options = {window = 0.4}\n'
    text = text.replace("window = 0.4", "noise = false")
    found = read(text + "choose.method_options.strength = [0.1, 0.5]")
    (cell,) = found.protocol.cells
    assert [dict(one.point) for one in cell.candidates] == [
        {"learning_rate": rate, "method_options.strength": x} for rate in (0.01, 0.1) for x in (0.1, 0.5)
    ]  # fmt: skip
    options = [one.config.method_options for one in cell.candidates]
    assert options[:2] == [{"noise": False, "strength": 0.1}, {"noise": False, "strength": 0.5}]


def test_a_grid_may_choose_among_other_values(read):
    found = read(TWO + '[[grid]]\nmethod = "sum"\nchoose.learning_rate = 0.3')
    rates = {
        c.method: {d.learning_rate for d in runs_of(found, method=c.method)}
        for c in found.configurations
    }
    assert rates == {"concat": {0.01, 0.1}, "ensemble": {0.01, 0.1}, "sum": {0.3}}


def test_values_that_a_method_does_not_obey_are_one_candidate(read):
    found = read('[[grid]]\nmethod = ["mla", "concat"]\nchoose.alpha = [0.1, 1.0]')
    assert [len(cell.candidates) for cell in found.protocol.cells] == [4, 2]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[grid]]\nlearning_rate = 0.1", "learning_rate is given, and to be chosen, too: leave one"),
        ("[[grid]]\nseed = [5, 101]", "stage two must run new seeds, but 101 is one of stage one"),
        ("[[grid]]\nchoose.seed = 3", "[[grid]] number 1: choose: 'seed'"),
        ("[[grid]]\nchoose.dataset = 'emoji'", "choose: 'dataset'"),
        ("[[grid]]\nchoose.alpha = []", "choose: alpha is an empty list"),
        ("[[grid]]\nchoose.alpha = [1, 2, 3, 4]", "alpha has 4 values to choose from, but at most 3"),
        ("[[grid]]\nchoose.alpha = -1.0", "alpha = -1.0, seed = 100: alpha must be"),
        ("[[grid]]\nchoose = 3", "choose must be a table of settings, not 3"),
        ("[[grid]]\nchoose.method_options = 3", "method_options must be a table of settings, not 3"),
        ("[[grid]]\nmethod = 'concat'\nchoose.method_options.x = 3", "no option 'x'"),
        (
            "[[grid]]\nchoose = {alpha = 1, momentum = 0.5, batch_size = 5}",
            "beside the learning rate at most 2 settings are chosen, not 3 (alpha, momentum, batch_size)",
        ),
        ("[[grid]]\nseed = [0.5]", "with learning_rate = 0.01, seed = 0.5"),
    ],
)  # fmt: skip
def test_a_bad_choice_is_named_before_anything_runs(text, message, read):
    with pytest.raises(ConfigError) as caught:
        read(text)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("seed = [100, 101]\n", "", "[choose] needs the seeds of stage one, such as seed ="),
        ("learning_rate = [0.01, 0.1]", "", "[choose] names nothing to choose, such as"),
        ("seed = [100, 101]", 'seed = 1\nby = "test.accuracy"', "[choose] by 'test.accuracy'"),
        ("seed = [100, 101]", f"seed = {[*range(9, 9_009)]}", "36,000 points, but at most 10,000"),
        ('description = "D', 'notebook = "no.ipynb"\ndescription = "D', "no notebook"),
    ],
)
def test_a_bad_stage_one_is_named(old, new, message, read):
    with pytest.raises(ConfigError) as caught:
        read(TWO, CHOOSE.replace(old, new, 1))
    assert message in str(caught.value)


# ------------------------------------------------------------------------- choosing


@pytest.mark.parametrize(
    ("by", "numbers", "chosen"),
    [  # of each rate: accuracy and NLL of both seeds; worked out by hand
        ("val.accuracy", [(0.5, 1, 0.7, 1), (0.9, 9, 0.2, 9)], 0.01),  # .6 and .55
        ("val.accuracy", [(0.5, 1, 0.5, 1), (0.9, 9, 0.2, 9)], 0.1),  # .5 and .55
        ("val.accuracy", [(0.5, 9, 0.7, 9), (0.7, 1, 0.5, 1)], 0.01),  # equal: the first
        ("val.nll", [(0.9, 2, 0.9, 4), (0.1, 1, 0.1, 4)], 0.1),  # 3 and 2.5: less is better
        ("val.nll", [(0.1, None, 0.1, 1), (0.1, 8, 0.1, 8)], 0.1),  # no number, no competitor
    ],
)
def test_the_best_mean_on_val_is_chosen(by, numbers, chosen, read, tmp_path):
    common = CHOOSE.replace("[choose]", f'[choose]\nby = "{by}"')
    found = read('[[grid]]\nmethod = "concat"', common)
    for rate, (a, a_nll, b, b_nll) in zip((0.01, 0.1), numbers, strict=True):
        first, second = runs_of(found, learning_rate=rate)
        pretend(tmp_path, first, a, a_nll)
        pretend(tmp_path, second, b, b_nll)
    (choice,) = choices_in(found, tmp_path)
    assert choice.trials[choice.chosen].point == {"learning_rate": chosen}


def test_what_diverged_is_out_of_the_race_and_what_is_missing_is_waited_for(read, tmp_path):
    found = read()
    (low, _), (high, other) = (
        runs_of(found, method="concat", learning_rate=rate) for rate in (0.01, 0.1)
    )
    for config in found.configurations:
        if config not in (low, high) and config.method == "concat":
            pretend(tmp_path, config, 0.5)
    first, second = choices_in(found, tmp_path, {low.hash: "diverged"})
    assert first.chosen is None
    assert first.waiting == (high.hash,)
    assert len(second.waiting) == 4
    pretend(tmp_path, high, 0.1)
    first, _ = choices_in(found, tmp_path, {low.hash: "diverged"})
    assert first.trials[first.chosen].point == {"learning_rate": 0.1}
    assert math.isnan(first.trials[0].score)
    assert first.trials[0].diverged == (low.hash,)
    assert first.trials[1].score == (0.1 + 0.5) / 2
    assert other.hash in first.trials[1].runs


def test_what_was_recorded_leads_to_the_same_runs(read, tmp_path):
    found = read()
    for i, config in enumerate(found.configurations):
        pretend(tmp_path, config, i / 10)
    choices = choices_in(found, tmp_path)
    record = json.loads(json.dumps(found.protocol.record(choices)))
    assert record["seeds"] == [100, 101]
    assert [cell["chosen"] for cell in record["cells"]] == [{"learning_rate": 0.1}] * 2
    assert [one["score"] for one in record["cells"][0]["tried"]] == [0.05, 0.25]
    wanted = [*found.stage_two(choices).runs]
    assert found.collected(record) == wanted
    assert [run for cell in record["cells"] for run in cell["runs"]] == wanted
    other = record | {"cells": [record["cells"][0] | {"chosen": {"learning_rate": 3.0}}] * 2}
    with pytest.raises(ConfigError, match="no candidate of the specification"):
        found.collected(other)
    with pytest.raises(ConfigError, match="noted for 0 cells, but the specification has 2"):
        found.collected({})


@pytest.mark.parametrize("count", [2, 4, 6])
def test_parts_share_nothing_and_make_up_both_stages(count, read):
    found = read()
    parts = [found.shard(i, count) for i in range(1, count + 1)]
    first = [c.hash for part in parts for c in part.configurations]
    assert sorted(first) == sorted(found.runs)
    second = [c.hash for part in parts for c in part.protocol.second([0, 0])]
    whole = [c.hash for c in found.protocol.second([0, 0])]
    assert sorted(second) == sorted(whole)
    assert sum(part.protocol.size_of_part for part in parts) == 6
    # What another cell chooses moves no run into another part.
    for part in parts:
        early = {c.hash for c in part.protocol.second([0, None])}
        assert early <= {c.hash for c in part.protocol.second([0, 1])}
    with pytest.raises(ConfigError, match="7 parts of 6 runs"):
        found.shard(1, 7)


# ------------------------------------------------------------------------- running


def test_one_command_runs_both_stages_and_goes_on(read, tmp_path, monkeypatch, capsys):
    """One story: dry run, all of it, again, and the table."""
    monkeypatch.chdir(tmp_path)
    read(TWO + '[[grid]]\nmethod = "sum"\nchoose.learning_rate = [0.1, 1e30]')
    assert main(["sweep", "q.toml", "--dry-run"]) == 0
    plan = capsys.readouterr().out.splitlines()
    assert plan[1] == (
        "# stage one: 12 runs in runs/q, 0 done before, to choose in 3 cells by val.accuracy; "
        "stage two: 9 runs with new seeds, 0 done before"
    )
    assert len(plan) == 2 + 12
    assert main(["sweep", "q.toml", "--results", "q.csv"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told == [
        "runs/q: stage one: 10 finished, 0 skipped, 2 diverged, 0 failed",
        "runs/q: stage two: 9 finished, 0 skipped, 0 failed",
    ]
    table = pd.read_csv("q.csv")
    assert sorted(zip(table["method"], table["seed"], strict=True)) == [
        (method, seed) for method in ("concat", "ensemble", "sum") for seed in (0, 1, 2)
    ]
    assert table["data"].nunique() == 3  # drawn anew with the seed
    said = json.loads((tmp_path / "q.json").read_text())
    assert said["seeds"] == [0, 1, 2]
    assert (said["computed_now"], said["choices"]["computed_now"]) == (9, 10)
    *_, last = said["choices"]["cells"]
    assert last["chosen"] == {"learning_rate": 0.1}
    assert last["tried"][1]["score"] is None
    assert len(last["tried"][1]["diverged"]) == 2
    for cell in said["choices"]["cells"]:
        own = table[table["run"].isin(cell["runs"])]
        assert set(own["learning_rate"]) == {cell["chosen"]["learning_rate"]}
        scores = [one["score"] for one in cell["tried"] if one["score"] is not None]
        assert max(scores) == next(
            one["score"] for one in cell["tried"] if one["values"] == cell["chosen"]
        )
    before = (tmp_path / "q.csv").read_bytes()
    assert main(["sweep", "q.toml", "--results", "q.csv", "--jobs", "2"]) == 0
    assert "0 finished, 10 skipped, 2 diverged, 0 failed" in capsys.readouterr().out
    assert (tmp_path / "q.csv").read_bytes() == before
    assert main(["sweep", "q.toml", "--dry-run"]) == 0
    plan = capsys.readouterr().out
    assert "12 runs in runs/q, 10 done before" in plan
    assert "9 runs with new seeds, 9 done before" in plan
    assert plan.count("  done  ") == 19
    assert main(["verify", "q.csv", "--sample", "1"]) == 0


def test_parts_choose_when_all_of_stage_one_is_there(read, tmp_path, capsys):
    """Each part runs what it can; the second to come ends stage one, and the first goes on."""
    read('[[grid]]\nmethod = "concat"\nchoose.learning_rate = [0.1, 1e30]')
    path, out = str(tmp_path / "q.toml"), str(tmp_path / "runs")
    command = ["sweep", path, "--out", out, "--shard"]
    assert main([*command, "1/2"]) == 0
    printed = capsys.readouterr()
    assert "stage two: 0 finished" in printed.out
    assert "waits for 2 runs of stage one: other parts compute them" in printed.err
    assert main([*command, "2/2"]) == 0
    assert "stage two: 1 finished" in capsys.readouterr().out
    assert len(diverged_before(tmp_path / "runs")) == 2
    assert main([*command, "1/2"]) == 0
    assert "stage two: 2 finished" in capsys.readouterr().out
    assert main(["sweep", path, "--out", out, "--results", str(tmp_path / "q.csv")]) == 0
    assert "stage two: 0 finished, 3 skipped" in capsys.readouterr().out
    assert len(pd.read_csv(tmp_path / "q.csv")) == 3


def test_a_cell_without_a_candidate_left_is_told(read, tmp_path, capsys):
    read('[[grid]]\nmethod = ["concat", "sum"]\nchoose.learning_rate = [1e30]\nepochs = 2')
    report = run_sweep(read_specification(tmp_path / "q.toml"), tmp_path / "runs")
    assert [one.settings["method"] for one in report.stage_one.hopeless] == ["concat", "sum"]
    assert report.folders == ()
    command = ["sweep", str(tmp_path / "q.toml"), "--out", str(tmp_path / "runs")]
    assert main(command) == 1
    assert "no candidate of dataset=gaussian, method=concat came through" in capsys.readouterr().err


def test_a_run_that_fails_otherwise_holds_its_cell_up_and_no_other(
    read, tmp_path, monkeypatch, capsys
):
    from mla_core.runs import attempts

    found = read()
    bad = found.configurations[0]
    run = attempts.run_experiment

    def broken(config, out):
        if config == bad:
            raise OSError(28, "no space")
        return run(config, out)

    command = ["sweep", str(tmp_path / "q.toml"), "--out", str(tmp_path / "runs")]
    with monkeypatch.context() as patch:
        patch.setattr(attempts, "run_experiment", broken)
        assert main(command) == 1
    printed = capsys.readouterr()
    assert "stage one: 7 finished, 0 skipped, 0 diverged, 1 failed" in printed.out
    assert "stage two: 3 finished" in printed.out
    assert "waits for 1 run of stage one" in printed.err
    assert "failures-q-stage-one.json holds" in printed.err
    assert main(command) == 0
    assert "stage two: 3 finished, 3 skipped" in capsys.readouterr().out
    assert not list((tmp_path / "runs").glob("failures-*"))


def test_a_stop_in_stage_one_ends_in_a_sentence(read, tmp_path, monkeypatch, capsys):
    found, out = read(), tmp_path / "runs"
    report = SweepReport(stopped=(found.configurations[0].hash,))
    monkeypatch.setattr("mla_core.runs.sweep._run_all", lambda *_, **__: report)
    assert main(["sweep", str(tmp_path / "q.toml"), "--out", str(out)]) == 130
    told = capsys.readouterr()
    assert "stage one: 0 finished" in told.out
    assert "stopped on request" in told.err
    assert "they failed" not in told.err
