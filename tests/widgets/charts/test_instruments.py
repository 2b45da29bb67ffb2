"""Instruments as curves: each in a panel of its own, with words where there is no value yet."""

import re

import pytest

import mla_core as mla
from mla_core.methods import Instrument
from mla_core.methods.concat import Concat
from mla_core.records import History, StepRecord
from widgets.charts import legend_html, run_of
from widgets.charts import training as charts
from widgets.charts.panels import emptiness, places, watched
from widgets.export.page import Page
from widgets.page import FUSED_COLOUR, describe_training

NAMES = ["ratio", "factor", "conflict"]


@pytest.fixture(scope="module")
def run():
    config = mla.ExperimentConfig(
        dataset="gaussian",
        dataset_options={"sizes": [60, 30, 30], "classes": 4},
        method="ogm_ge",
        batch_size=16,
        epochs=2,
        evaluate_every=2,
        instruments=NAMES,
    )
    session = mla.TrainingSession(config)
    session.advance(steps=2)
    return run_of(session)


def traces(figure):
    return {trace.meta: trace for trace in figure.data}


def test_two_panels_stand_in_a_row_below_the_others():
    where = places(branch=True, numbers=True, method="ogm_ge", instruments=NAMES)
    assert [where[f"instrument.{name}"][:2] for name in NAMES] == [(4, 1), (4, 2), (5, 1)]
    assert where["difference"][:2] == (6, 1)
    assert where["number"][:2] == (7, 1)


def test_a_curve_holds_what_the_records_tell(run):
    figure = charts.figure_of(["m0", "m1", "m2"], run)
    shown = traces(figure)
    for name in ("ratio", "factor"):
        drawn = shown[f"instrument.{name}.m1"]
        assert list(drawn.y) == [r.instruments[f"{name}.m1"] for r in run.history.steps]
        assert list(drawn.x) == [1, 2]
    looks = [look.instruments["conflict.m2"] for look in run.history.summaries]
    assert list(shown["instrument.conflict.m2"].y) == looks
    assert list(shown["instrument.conflict.m2"].x) == [0, 2]
    heights = [axis.domain for axis in figure.select_yaxes()]
    assert len(heights) == 6 + 3  # no empty axes beside the third


def test_a_panel_without_a_value_says_what_it_means():
    config = mla.ExperimentConfig(dataset="gaussian", method="ogm_ge", instruments=["ratio"])
    figure = charts.figure_of(["m0", "m1", "m2"], run_of(mla.TrainingSession(config)))
    (note,) = [a.text for a in figure.layout.annotations if a.name == "instrument.ratio"]
    assert note.replace("<br>", " ").endswith("above 1 it leads. Nothing yet.")
    assert emptiness("instrument.mine", "no:method", "", 2).startswith("Its method is not known")


def test_lines_beside_the_modalities_stand_in_the_legend():
    config = mla.ExperimentConfig(dataset="gaussian", method="udi", instruments=["weight"])
    told = legend_html(["m0"], instruments=watched(config))
    assert "consistency" in told
    assert "complementarity" in told


def test_lines_beside_the_modalities_look_different_on_a_page(monkeypatch):
    lines = ("fused", "a", "b", "c")
    mine = {"mine": Instrument("Mine", "They differ.", each=False, lines=lines)}
    monkeypatch.setattr(Concat, "instruments", mine)
    config = mla.ExperimentConfig(dataset="gaussian", method="concat", instruments=["mine"])
    history = History()
    read = {f"mine.{name}": 1.0 for name in lines}
    history.add(StepRecord(0, 0, None, 8, 1.0, 0.1, 1.0, 1.0, instruments=read))
    _, _, chart = Page("t", config, ("m0",), history, {}).html().partition(">Mine<")
    drawn = re.findall(r'<path d="M1 4H29" ([^>]*)/>', chart)[: len(lines)]
    assert FUSED_COLOUR in drawn[0]
    assert len(set(drawn)) == len(lines)


def test_words_and_exported_pages_tell_of_them_too(run):
    value = run.history.steps[-1].instruments["factor.m0"]
    assert f"factor.m0 {value:.3g}" in describe_training(run.history)
    page = Page("t", run.config, ("m0", "m1", "m2"), run.history, {}).html()
    for title in ("Discrepancy ratio", "Factor of encoders&#x27; gradients", "Gradient conflict"):
        assert title in page
