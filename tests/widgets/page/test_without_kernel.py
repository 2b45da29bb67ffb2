"""On a page that runs the widgets' scripts, what computes in the browser is alive."""

import json
from importlib import import_module

import pytest
import torch

import mla_core as mla
import widgets
from mla_core.errors import ConfigError
from mla_core.fusion import fuse, importance_weights
from widgets.fusion.grid import FusionGrid, can_be_a_grid
from widgets.gap.explorer import explore_gap
from widgets.page import on_page, tell_what_needs_a_kernel
from widgets.questions import question

QUICK = {"dataset": "gaussian", "epochs": 1, "probe_size": 40}


@pytest.fixture
def page(monkeypatch):
    monkeypatch.setenv("MLA_LAB_PAGE", "1")


@pytest.fixture
def shown(monkeypatch):
    """What is displayed, in order."""
    seen = []
    rooms = ("questions.question", "head_gradient.projection_toy", "page.without_kernel")
    for room in rooms:
        monkeypatch.setattr(import_module(f"widgets.{room}"), "display", seen.append)
    return seen


def trained():
    return mla.train(mla.ExperimentConfig(**QUICK))


@pytest.mark.parametrize(("value", "expected"), [("0", False), ("1", True)])
def test_the_setting_decides(monkeypatch, value, expected):
    monkeypatch.setenv("MLA_LAB_PAGE", value)
    assert on_page() is expected


def test_a_setting_that_is_neither_is_refused(monkeypatch):
    monkeypatch.setenv("MLA_LAB_PAGE", "yes")
    with pytest.raises(ConfigError, match="MLA_LAB_PAGE must be 0 or 1, not 'yes'"):
        on_page()


def test_a_question_knows_its_answer_and_takes_the_guess_first(page, shown):
    widgets.predict("Which?", ["a", "b"], lambda: ("b", "So it is."), headless=True)
    form, _ = shown  # and where the answer ends
    assert isinstance(form, question.QuestionForm)
    assert (form.state, form.guess, form.holds) == ("open", -1, -1)
    assert form.known == {
        "holds": 1,
        "verdicts": [
            "You guessed “a”, but it is “b”. So it is.",
            "Your guess holds: “b”. So it is.",
        ],
    }


def test_the_toy_is_the_toy_itself(page, shown):
    widgets.projection_toy(headless=True)
    assert [type(one).__name__ for one in shown] == ["ProjectionToy"], shown


def test_what_needs_a_kernel_is_said_on_a_page_alone(shown, monkeypatch):
    tell_what_needs_a_kernel("To <b>play")
    assert shown == []
    monkeypatch.setenv("MLA_LAB_PAGE", "1")
    tell_what_needs_a_kernel("To <b>play")
    assert "To &lt;b&gt;play, open this notebook in JupyterLab" in shown[0].data


def test_the_map_of_a_run_has_its_media_with_it(page):
    report = explore_gap(trained(), headless=True)
    assert len(report.figures) == 2, "the gap over time, and shifted; the map is alive"
    assert not report.view.meta["live"]
    assert set(report.view.media) <= set(report.view.meta["ids"])
    json.dumps(report.view.media)  # base64, as a page holds it


def test_a_grid_holds_what_the_network_says_of_the_clean_samples():
    session = trained()
    meta = FusionGrid(session).meta
    clean = session.evaluate(session.probe)
    for sample in meta["samples"]:
        index = clean.ids.index(sample["id"])
        first = torch.tensor([levels[0] for levels in sample["logits"]])[:, None]  # (M, 1, C)
        torch.testing.assert_close(first[:, 0], clean.logits[:, index], atol=1e-4, rtol=1e-4)
        fused = fuse(first, importance_weights(first))
        torch.testing.assert_close(fused[0], clean.fused[index], atol=1e-3, rtol=1e-3)
    assert all(len(part["levels"]) == 6 for part in meta["modalities"])


@pytest.mark.parametrize(("method", "expected"), [("mla", True), ("concat", False)])
def test_only_logits_of_their_own_make_a_grid(method, expected):
    session = mla.TrainingSession(mla.ExperimentConfig(**QUICK, method=method))
    assert can_be_a_grid(session) is expected
