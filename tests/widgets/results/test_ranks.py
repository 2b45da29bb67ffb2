"""The critical-difference picture says what the numbers say."""

from mla_core.results import MeanRanks
from widgets.results.ranks import describe_ranks, rank_plot

EVIL = "<img src=x onerror=alert(1)>"
RANKS = MeanRanks({"a": 1.2, "b": 2.5, EVIL: 3.1, "d": 3.3}, 12, 0.001, 1.95, ("e",))


def test_marks_stand_at_the_mean_ranks_and_tell_who_is_behind_the_best():
    figure = rank_plot(RANKS)
    near, behind = figure.data
    assert [near.name, behind.name] == ["not told from the best", "behind the best"]
    rows = dict(zip(figure.layout.yaxis.tickvals, figure.layout.yaxis.ticktext, strict=True))
    drawn = {rows[y]: x for trace in figure.data for x, y in zip(trace.x, trace.y, strict=True)}
    assert drawn == {
        "a": 1.2, "b": 2.5, "&lt;img src=x onerror=alert(1)&gt;": 3.1, "d": 3.3,
    }  # fmt: skip
    assert {rows[y] for y in behind.y} == {"d"}
    assert rows[3] == "a"  # the best on top
    assert all(set(trace.error_x.array) == {1.95 / 2} for trace in figure.data)
    assert not any(EVIL in str(trace) for trace in figure.data)


def test_the_sentence_names_the_best_and_who_is_level_with_it():
    said = describe_ranks(RANKS)
    assert said.startswith("a has the best mean rank, 1.2 of 4; b, <img")
    assert "apart, Nemenyi" in said
    assert "12 blocks" in said
    assert said.endswith("Left out, for a seed without a value: e.")
    alone = MeanRanks({"a": 1.0, "b": 2.9, "c": 2.9}, 40, 0.0, 0.5, ())
    assert "; it is ahead of all others (" in describe_ranks(alone)
    assert not rank_plot(alone).data[1].name.startswith("not")
