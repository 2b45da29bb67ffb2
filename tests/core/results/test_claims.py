"""What papers claim is asked of results, and the page says what the results say."""

from dataclasses import replace

import pandas as pd
import pytest

from mla_core.cli.main import main
from mla_core.errors import ConfigError
from mla_core.results.claim import Answer, Claim
from mla_core.results.claims import CLAIMS, answers, to_markdown
from mla_core.results.verdict import Verdict
from tests import ROOT


@pytest.fixture(scope="module")
def found():
    return answers(ROOT / "results")


def verdict(mean: float, adjusted: float, value: str = "test.accuracy") -> Verdict:
    return Verdict("a", "b", "emoji", value, mean, 0.01, adjusted, adjusted, 5)


UNCLEAR = replace(verdict(-0.1, 0.07), p_value=0.01)
BETTER, WORSE, EVEN = verdict(0.1, 0.01), verdict(-0.1, 0.02), verdict(0.1, 0.5)
WIDER, LESS_LOSS = (
    verdict(0.1, 0.01, "test.centroid_gap.a|b"),
    verdict(-0.1, 0.01, "forgetting.a"),
)


@pytest.mark.parametrize(
    ("verdicts", "word"),
    [
        ([BETTER, BETTER], "holds in 2 of 2 comparisons, none against"),
        ([BETTER, EVEN], "holds in 1 of 2 comparisons, none against"),
        ([BETTER, WORSE, EVEN], "mixed: 1 of 3 comparisons for it, 1 against"),
        ([WORSE, EVEN], "contradicted in 1 of 2 comparisons, holds in none"),
        ([EVEN, EVEN], "not seen: a difference is shown in none of 2 comparisons"),
        ([EVEN], "not seen: a difference is shown in none of 1 comparison"),
        ([WIDER, LESS_LOSS], "holds in 2 of 2 comparisons, none against"),
    ],
)
def test_the_comparisons_are_told_together(verdicts, word):
    claim = Claim("wins", "It wins.", "a paper", "", lambda results: iter(()))
    assert Answer(claim, verdicts).word == word


@pytest.mark.parametrize(
    ("verdicts", "word"),
    [
        ([EVEN, EVEN], "not contradicted: a difference is shown in none of 2 comparisons"),
        (
            [EVEN, UNCLEAR],
            "not contradicted: a difference is shown in none of 2 comparisons, 1 unclear",
        ),
        ([WORSE, EVEN], "contradicted in 1 of 2 comparisons, holds in none"),
    ],
)
def test_that_there_is_no_difference_can_only_be_contradicted(verdicts, word):
    claim = Claim("same", "It is the same.", "a paper", "", lambda results: iter(()), denies=True)
    assert Answer(claim, verdicts).word == word


def test_the_surest_come_first_and_a_page_shows_three_for_it_and_three_against():
    surest = verdict(0.2, 0.001)
    answer = Answer(CLAIMS[0], [WORSE, EVEN, BETTER, surest, BETTER, *[WORSE] * 3, BETTER])
    assert answer.support[0] is surest
    page = to_markdown([answer])
    assert (page.count("above b"), page.count("below b")) == (3, 3)
    assert "- and 2 others that the command prints" in page


def test_names_are_different():
    assert len({claim.name for claim in CLAIMS}) == len(CLAIMS)


def test_a_claim_is_about_the_runs_that_val_chose(found):
    """A comparison of the first claim, computed from the file by hand."""
    runs = pd.read_csv(ROOT / "results" / "table1.csv")
    runs = runs[(runs["dataset"] == "emoji") & (runs["modalities"] == "[]")]
    accuracy = {}
    for name, rows in {
        "mla (paper)": runs[(runs["method"] == "mla") & (runs["head_gradient"] == "paper")],
        "concat": runs[runs["method"] == "concat"],
    }.items():
        rate = rows.groupby("learning_rate")["val.accuracy"].mean().idxmax()
        accuracy[name] = rows[rows["learning_rate"] == rate].set_index("seed")["test.accuracy"]
    joint = next(answer for answer in found if answer.claim.name == "joint")
    (asked,) = (v for v in joint.verdicts if v.where == "emoji" and v.b == "concat")
    expected = (accuracy["mla (paper)"] - accuracy["concat"]).mean()
    assert asked.mean == pytest.approx(expected, abs=1e-9)
    assert asked.family == len(joint.verdicts)


def test_the_one_who_has_few_samples_is_asked_and_how_it_is_fed():
    rows = pd.read_csv(ROOT / "results" / "scarce.csv")
    assert not rows.duplicated(
        ["dataset", "missing", "method", "head_gradient", "pairing", "seed"]
    ).any()
    starved = {
        name: answers(ROOT / "results", name)[0].verdicts
        for name in ("starved", "starved_full", "fed", "fed_fused")
    }
    assert [len(verdicts) for verdicts in starved.values()] == [10, 10, 5, 5]
    rows = rows[(rows["missing"] == '{"train":{"text":0.97}}') & (rows["method"] == "ensemble")]
    text = rows.set_index(["pairing", "seed"])["test.unimodal_accuracy.text"]
    expected = (text["independent"] - text["paired"]).mean()
    (asked,) = (v for v in starved["fed"] if "of text missing" in v.where)
    assert asked.mean == pytest.approx(expected, abs=1e-9)
    assert asked.value == "test.unimodal_accuracy.text"
    assert "independent" not in asked.where
    assert {v.value for v in starved["fed_fused"]} == {"test.accuracy"}
    assert {v.b for name in ("starved", "starved_full") for v in starved[name]} == {"ensemble"}
    assert all("independent batches" in v.where for v in starved["starved_full"])
    assert not any("independent" in v.where for v in starved["starved"])


def test_the_page_says_what_the_results_say(found):
    page = (ROOT / "docs" / "claims.md").read_text(encoding="utf-8")
    assert to_markdown(found) in page


def test_the_command_prints_every_comparison_of_a_claim(capsys):
    assert main(["claims", str(ROOT / "results"), "--only", "ensemble"]) == 0
    printed = capsys.readouterr().out
    assert printed.count("\n- mla (paper) is") == 4
    assert "not seen: a difference is shown in none of 4" in printed


def test_an_unknown_claim_is_refused_by_name():
    with pytest.raises(ConfigError, match=r"joints.*joint"):
        answers(ROOT / "results", "joints")


def test_results_that_are_not_there_are_named_with_their_command(tmp_path):
    with pytest.raises(ConfigError, match=r"table1\.csv.*mla-lab sweep experiments/table1\.toml"):
        answers(tmp_path, "joint")
