"""All methods of a table against those that it is asked about."""

import pandas as pd
import pytest

from mla_core.cli import main
from mla_core.errors import ConfigError
from mla_core.results import (
    ahead_of_all,
    compare_variants,
    compare_with,
    comparisons_markdown,
    load_results,
)
from mla_core.results.verdict import compare
from tests import ROOT
from tests.core.results.made_up import BASE, CLEAR, NOISY, runs, shifted


def test_variants_are_compared_with_the_plain_one_of_their_own_method():
    labels = {
        "b (paper)": BASE,
        "a": NOISY,
        "c (paper)": BASE,
        "b (code)": CLEAR,
        "c (code)": NOISY,
    }
    frame = runs(where=("emoji", "digits"), **labels)
    frame["method"] = frame["label"].str[0]
    frame = frame[(frame["label"] != "c (paper)") | (frame["condition"] == "emoji")]
    found = compare_variants(frame, ["b (paper)", "c (paper)"])
    assert [(v.where, v.a, v.b) for v in found] == [
        ("emoji", "b (code)", "b (paper)"),
        ("emoji", "c (code)", "c (paper)"),
        ("digits", "b (code)", "b (paper)"),
    ]
    assert {v.family for v in found} == {3}
    assert [v.kind for v in found] == ["better", "no difference", "better"]
    with pytest.raises(ConfigError, match="unknown label 'd'"):
        compare_variants(frame, ["d"])


def test_everything_asked_in_a_table_is_corrected_together():
    frame = runs(a=CLEAR, b=BASE, c=NOISY, where=("emoji", "digits"))
    frame = frame[(frame["label"] != "b") | (frame["condition"] == "emoji")]
    verdicts, left_out = compare_with(frame, ["b", "c"])
    asked = [(v.where, v.a, v.b) for v in verdicts]
    assert asked == [
        ("emoji", "a", "b"), ("emoji", "c", "b"), ("emoji", "a", "c"), ("digits", "a", "c"),
    ]  # fmt: skip
    assert {v.family for v in verdicts} == {4}
    assert left_out == ["there is no b on digits"]
    with pytest.raises(ConfigError, match="unknown label 'd': choose one of 'a', 'b', 'c'"):
        compare_with(frame, ["d"])
    title, _, head, _, first, *rest = comparisons_markdown(verdicts).splitlines()
    assert "p adjusted by Holm for 4 comparisons" in title
    assert head.startswith("| condition | method | minus | difference (points) | 95 % interval |")
    told = compare(frame, "a", "b", where="emoji")
    low, high = (100 * (told.mean + side * told.half) for side in (-1, 1))
    assert first.startswith(f"| emoji | a | b | {100 * told.mean:.1f} | {low:.1f} to {high:.1f} |")
    assert first.endswith(" | 5 | better |")
    assert f"| {100 * verdicts[1].detectable:.1f} | 5 | no difference |" in rest[0]


def test_no_p_value_is_told_to_be_0_and_no_difference_minus_0():
    clear, level = shifted(0.5, 0.501, 0.5, 0.502, 0.501), shifted(-2e-4, 1e-4, -2e-4, 0, 0)
    better, level = compare_with(runs(a=clear, b=BASE, c=level), ["b"])[0]
    assert better.adjusted < 0.0005
    told = comparisons_markdown([better, level]).splitlines()
    assert " | < 0.001 | " in told[4]
    assert "| -0.0 |" not in told[5]
    assert "| 0.0 |" in told[5]


def test_the_command_compares_all_with_the_methods_named(capsys):
    table = str(ROOT / "results" / "averaged.csv")
    assert main(["compare", table, "--against", "nobody"]) == 2
    said = capsys.readouterr().err
    assert "unknown label 'nobody'" in said
    labels = load_results(ROOT / "results", "averaged")["label"].unique()
    assert main(["compare", table, "--against", labels[0], "--against", labels[1]]) == 0
    printed = capsys.readouterr().out
    family = int(printed.partition("p adjusted by Holm for ")[2].partition(" ")[0])
    assert printed.count("\n| ") == family + 1  # with the names of the columns
    assert printed.count("| emoji |") == len({*labels[2:]}) * 2 + 1


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (CLEAR, "Ahead of b and c: 1 of 1 pair of method and data set: a on emoji."),
        (NOISY, "Ahead of b and c: none of 1 pair of method and data set."),
        (shifted(0.04, 0.05, 0.06, 0.04, 0.05), "none of"),  # ahead of one of them alone
    ],
)
def test_ahead_of_all_means_of_every_one(values, said):
    told, better = ahead_of_all(runs(a=values, b=BASE, c=shifted(*[0.05] * 5)), ["b", "c"])
    assert said in told
    assert {v.a for v in better} <= {"a"}


def test_a_method_that_is_missing_under_one_condition_is_asked_where_it_is():
    both = runs(b=BASE, c=NOISY, where=("emoji", "digits"))
    frame = pd.concat([both, runs(a=CLEAR)])
    told, _ = ahead_of_all(frame, ["b", "c"])
    assert told.endswith("1 of 1 pair of method and data set: a on emoji.")


def test_who_is_ahead_in_the_same_place_is_told_together():
    told, _ = ahead_of_all(runs(b=BASE, c=NOISY, a=CLEAR, d=CLEAR), ["b", "c"])
    assert told.endswith("2 of 2 pairs of method and data set: a and d on emoji.")
