"""The bench without a browser: what its controls do to the session, and what it leaves behind."""

import asyncio
import os
import signal
import threading

import pytest
from ipywidgets import Widget
from ipywidgets.widgets.widget import _instances as live_widgets

import mla_core as mla
from mla_core.evaluation import unit_features
from tests.widgets.bench.driving import (
    on_bench,
    press,
    setting,
    settle,
    small,
    train_an_epoch,
    until,
    worker_process,
)
from widgets import TrainingLab
from widgets.bench.stage import Stage
from widgets.charts import map_state
from widgets.charts import training as charts
from widgets.page import live_widget, pace


def test_a_live_setting_takes_effect_and_is_noted():
    async def script(lab):
        press(lab, "step")
        await until(lambda: lab.session.step == 1)
        setting(lab, "head_gradient").value = "off"
        await settle(lab)
        assert lab.session.config.head_gradient == "off"
        assert [(c.step, c.field) for c in lab.session.history.changes] == [(1, "head_gradient")]
        assert "head_gradient is off from sub-step 1 on." in lab._status.text

    on_bench(script)


def test_another_fusion_rule_shows_at_once():
    async def script(lab):
        await train_an_epoch(lab)
        before = lab._scene.first.look.weights.clone()
        setting(lab, "fusion").value = "uniform"
        await settle(lab)
        assert (lab._scene.first.look.weights == 1 / 3).all()
        assert not (before == 1 / 3).all()

    on_bench(script)


def test_averaged_and_calibrated_predictions_are_the_second_choice():
    async def script(lab):
        choice = lab._controls._predicts
        ways = ("live weights", "averaged, calibrated")
        assert choice.options == tuple(zip(ways, ways, strict=True))
        choice.value = "averaged, calibrated"
        await settle(lab)
        assert "Press Reset to start afresh with the new prediction." in lab._status.text
        press(lab, "reset")
        await until(lambda: lab.session.config.averaging == 3.0)
        assert lab.session.config.fusion == "product"
        await train_an_epoch(lab)
        live = lab.session.history.summaries[-1].numbers[mla.evaluation.LIVE]
        assert f"by the averaged weights, {live:.0%} by the live ones." in lab._status.text
        assert choice.value == "averaged, calibrated"

    on_bench(script)


def test_another_fusion_rule_asks_no_encoder_about_it(monkeypatch):
    """On the event loop a large one would hold up every click for seconds."""

    async def script(lab):
        monkeypatch.setattr(lab.session.method.model, "features", None)
        setting(lab, "fusion").value = "uniform"
        await until(lambda: "fusion is uniform" in lab._status.text)
        assert (lab._scene.first.look.weights == 1 / 3).all()

    on_bench(script)


def test_a_map_is_computed_off_the_event_loop_and_belongs_to_the_look_beside_it(monkeypatch):
    threads, drawn = set(), []

    def first_features(points, previous=None):
        threads.add(threading.current_thread())
        return points[:, :2]

    def show(stage, run, sample, radius):
        drawn.append((run.look, run.view.coords))

    monkeypatch.setattr(map_state, "pca_map", first_features)
    monkeypatch.setattr(Stage, "show", show)

    async def script(lab):
        await train_an_epoch(lab)
        lab._timeline.slider.asked = [5, 1]
        await until(lambda: lab._scene.first.look.step == 5)
        lab._timeline.branch.click()
        await until(lambda: len(lab._scene.runs) == 2)
        press(lab, "play")
        await until(lambda: lab._status.state == "finished")

    on_bench(script)
    assert threading.main_thread() not in threads
    assert {look.step for look, _ in drawn} >= {0, 5, 15, 45}
    for look, shown in drawn:
        corner = unit_features(look)[:, :2]
        expected = corner - (corner.max(0) + corner.min(0)) / 2
        assert shown == pytest.approx(expected)


def test_a_page_that_cannot_follow_is_not_flooded(monkeypatch):
    monkeypatch.setattr(pace, "PATIENCE_SECONDS", 1e9)
    drawn = []
    monkeypatch.setattr(charts, "refresh", lambda _, run, *_rest: drawn.append(run.step))

    async def script(lab):
        lab._controls.speed.value = 0.0
        press(lab, "play")
        await until(lambda: lab._status.state == "finished")

    on_bench(script)  # without a page, which never answers
    assert drawn == [0, 0, 45], "the figure as it opens, the first picture and the last"


def test_a_setting_that_needs_a_reset_waits_for_it():
    async def script(lab):
        session = lab.session
        setting(lab, "method").value = "concat"
        await settle(lab)
        assert "Press Reset" in lab._status.text
        assert lab._controls.buttons["reset"].button_style == "warning"
        assert lab.session is session
        press(lab, "reset")
        await until(lambda: lab.session is not session)
        await settle(lab)
        assert lab.session.config.method == "concat"
        assert lab._controls.buttons["reset"].button_style == ""
        press(lab, "step")
        await until(lambda: lab.session.step == 1)
        assert "fused by the head" in lab._diagram.value

    on_bench(script)


def test_another_data_set_and_back_again_changes_nothing():
    async def script(lab):
        setting(lab, "dataset").value = "spoken_digits"
        await settle(lab)
        assert lab._controls._noise_box.children == ()
        setting(lab, "dataset").value = "gaussian"
        await settle(lab)
        assert lab._wanted == lab.session.config
        assert len(lab._controls._noise_box.children) == 3
        assert lab._controls.buttons["reset"].button_style == ""

    on_bench(script)


def test_resetting_into_another_data_set_shows_its_samples():
    async def script(lab):
        setting(lab, "dataset").value = "spoken_digits"
        await settle(lab)
        press(lab, "reset")
        await until(lambda: lab.session.data.name == "spoken_digits")
        await settle(lab)
        lab._chooser.value = lab._scene.first.look.ids[0]
        await settle(lab)
        assert "<audio" in lab._stages[0].sample.value
        assert [s.description for s in lab._controls._noise] == [
            "image noise",
            "audio noise",
            "text noise",
        ]

    on_bench(script)


def test_one_noise_slider_moves_one_level_whatever_the_others_are():
    async def script(lab):
        levels = [m.noise for m in lab.session.data.modalities.values()]
        assert levels[5] > 4.0, "beyond the range that is offered"
        lab._controls._noise[0].value = 0.7
        await settle(lab)
        assert lab._wanted.dataset_options["noise"] == pytest.approx([0.7, *levels[1:]])

    options = {"modalities": 6, "sizes": [60, 30, 30]}
    on_bench(script, small(dataset_options=options))


def test_choosing_a_sample_while_another_data_set_loads_does_no_harm():
    async def script(lab):
        setting(lab, "dataset").value = "spoken_digits"
        await settle(lab)
        press(lab, "reset")
        lab._chooser.value = lab._chooser.options[3][1]
        await until(lambda: lab.session.data.name == "spoken_digits")
        await settle(lab)
        press(lab, "step")
        await until(lambda: lab.session.step == 1)

    on_bench(script)


def test_a_bad_first_try_does_not_spoil_the_second():
    async def first():
        with pytest.raises(mla.DataError, match="noise must hold 3"):
            TrainingLab(small(dataset_options={"noise": [1.0]}))

    asyncio.run(first())

    async def script(lab):
        assert lab.session.step == 0

    on_bench(script)


def test_closing_leaves_no_widget_and_no_process(monkeypatch):
    monkeypatch.setattr(live_widget, "ANSWER_SECONDS", 0.05)
    before = set(live_widgets)
    found = []

    async def script(lab):
        found.append(worker_process(lab))
        session = lab.session
        press(lab, "reset")
        await until(lambda: lab.session is not session)
        await settle(lab)
        lab.close()
        await asyncio.sleep(0.3)

    on_bench(script)
    left = [w for key, w in live_widgets.items() if key not in before and isinstance(w, Widget)]
    assert left == []
    found[0].join(10)
    assert not found[0].is_alive()


def test_a_map_process_that_dies_is_replaced_and_an_interrupt_of_the_kernel_spares_it():
    async def script(lab):
        dead = worker_process(lab)
        os.kill(dead.pid, signal.SIGKILL)
        await asyncio.to_thread(dead.join, 10)
        await settle(lab)
        lab._controls.map.value = "umap"
        await train_an_epoch(lab)
        press(lab, "epoch")
        await until(lambda: lab.session.epoch == 2)
        await until(lambda: "umap" in lab._followers[0]._maps.views)
        assert "trustworthiness" in lab._followers[0]._maps.views["umap"].caption
        os.kill(worker_process(lab).pid, signal.SIGINT)
        await asyncio.sleep(0.3)
        assert worker_process(lab).is_alive()

    on_bench(script)


def test_export_writes_a_page_beside_the_notebook_or_says_why_not(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    async def script(lab):
        press(lab, "step")
        await until(lambda: lab.session.step == 1)
        await settle(lab)
        press(lab, "page")
        (tmp_path / "gaussian-mla-seed0-step2.html").mkdir()  # where the second page would go
        await until(lambda: "The run so far is in" in lab._status.text)
        page = tmp_path / "gaussian-mla-seed0-step1.html"
        assert page.read_text().startswith("<!doctype html>")
        assert lab._player.state == "paused"
        press(lab, "step")
        await until(lambda: lab.session.step == 2)
        await settle(lab)
        press(lab, "page")
        await until(lambda: "Could not write" in lab._status.text)
        assert "Nothing is lost" in lab._status.text
        press(lab, "step")
        await until(lambda: lab.session.step == 3)

    on_bench(script)


def test_a_finished_run_goes_on_with_more_epochs_or_starts_with_another_seed():
    async def script(lab):
        lab._controls.speed.value = 0.0
        press(lab, "play")
        await until(lambda: lab._status.state == "finished")
        assert lab.session.epoch == 3
        assert "more epochs" in lab._status.text
        assert lab._controls.further.layout.display == "flex"
        assert lab._controls.buttons["play"].disabled
        press(lab, "more")
        await until(lambda: lab._status.state == "finished" and lab.session.epoch == 13)
        assert "epochs 3 → 13" in lab._happened.value

        first = lab.session
        press(lab, "seed")
        await until(lambda: lab.session is not first)
        await settle(lab)
        assert (lab.session.step, lab.session.config.seed) == (0, first.config.seed + 1)
        assert lab._controls.further.layout.display == "none"

    on_bench(script)
