"""The fusion explorer without a browser: numbers by an own computation, and what it leaves behind."""

import asyncio
import re
import threading

import numpy as np
import pytest
import torch
from ipywidgets import Widget
from ipywidgets.widgets.widget import _instances as live_widgets

import mla_core as mla
from mla_core.analysis.fusion_study import broken, fused_again, rescued
from mla_core.data import Modality, MultimodalDataset, Split
from mla_core.data.corruption.corruptor import Corruptor, Damage
from widgets import FusionReport, explore_fusion
from widgets.charts import map_state
from widgets.fusion.curves import FEW
from widgets.page import live_widget

HOSTILE = "<img src=x onerror=alert(1)>"


def on_explorer(session, script):
    """Run a script with an open explorer on an event loop."""

    async def main():
        explorer = explore_fusion(session)
        try:
            await until(lambda: explorer._shown is not None)
            await script(explorer)
        finally:
            explorer.close()

    asyncio.run(asyncio.wait_for(main(), 60))


async def until(condition):
    while not condition():  # noqa: ASYNC110 - watches from outside
        await asyncio.sleep(0.01)


async def shown(explorer, **wanted):
    """Wait until the explorer shows a choice with these values."""
    await until(lambda: all(getattr(explorer._shown, k) == v for k, v in wanted.items()))


def numbers(html, what):
    found = re.findall(rf'data-{what}="(\w+)"[^>]*>([−\d.]+)<', html)
    return {name: float(value.replace("−", "-")) for name, value in found}


def softmax(x):
    p = np.exp(x - x.max())
    return p / p.sum()


@pytest.fixture
def trained(session):
    session.advance(epochs=2)
    return session


def test_moving_a_slider_changes_the_numbers_by_equations_6_to_8(trained):
    async def script(explorer):
        part = explorer._controls.parts[1]
        part.level.index = 7
        level = part.level.value
        clean = [Damage(m, "noise", 0.0) for m in ("m0", "m2")]
        damages = (clean[0], Damage("m1", "noise", level), clean[1])
        await shown(explorer, damages=damages)
        sample = explorer._controls.sample.value
        one = trained.probe.subset(torch.tensor([trained.probe.ids.index(sample)]))
        spoilt = Corruptor(trained.data, trained.config.seed).corrupt(one, damages)
        logits = trained.evaluate(spoilt).logits[:, 0].double().numpy()
        entropies = np.array([-(p * np.log(p)).sum() for p in map(softmax, logits)])
        weights = softmax(-entropies)
        fused = weights @ logits
        formula = explorer._formula.value
        near = {"abs": 0.006}
        assert list(numbers(formula, "entropy").values()) == pytest.approx(entropies, **near)
        assert list(numbers(formula, "weight").values()) == pytest.approx(weights, **near)
        assert numbers(formula, "fused")["predicted"] == pytest.approx(fused.max(), abs=0.02)
        assert numbers(formula, "probability")["predicted"] == pytest.approx(
            softmax(fused).max(), **near
        )
        predicted = trained.data.classes[int(fused.argmax())]
        assert f'data-predicted="{predicted}"' in explorer._fused.value

    on_explorer(trained, script)


def test_a_dropped_part_weighs_nothing_and_clean_brings_it_back(trained):
    async def script(explorer):
        before = explorer._formula.value
        explorer._controls.parts[0].drop.value = True
        await until(lambda: "m0: absent, λ = 0" in explorer._formula.value)
        assert set(numbers(explorer._formula.value, "weight")) == {"m1", "m2"}
        assert explorer._controls.parts[0].level.disabled
        assert "absent" in explorer._controls.parts[0].media.value
        for part in explorer._controls.parts[1:]:
            part.drop.value = True
        await until(lambda: "there is no answer" in explorer._formula.value)
        await until(lambda: "there is no answer" in explorer._status.text)
        assert "fused prediction <b>none</b>" in explorer._heading.value
        assert "no part is present, so there is no answer" in explorer._fused.value
        said = explorer._formula.value + explorer._status.text + explorer._fused.value
        for answer in ("says", "right", "wrong", "probability", "data-predicted", "entropy e"):
            assert answer not in said, answer
        explorer._controls.reset.click()
        await until(lambda: explorer._formula.value == before)
        assert not any(part.drop.value for part in explorer._controls.parts)

    on_explorer(trained, script)


@pytest.mark.parametrize("rule", ["uniform", "released_batch"])
def test_another_rule_and_temperature_take_effect(trained, rule):
    async def script(explorer):
        explorer._controls.rule.value = rule
        explorer._controls.temperature.value = 2.0
        await shown(explorer, rule=rule, temperatures=(2.0, 2.0, 2.0))
        whole = trained.evaluate(trained.probe)
        index = whole.ids.index(explorer._controls.sample.value)
        expected = fused_again(whole, rule, [2.0] * 3).weights[:, index].tolist()
        found = list(numbers(explorer._formula.value, "weight").values())
        assert found == pytest.approx(expected, abs=0.006)
        assert "temperature T: m0 2.00" in explorer._formula.value
        explorer._controls.fitted.value = True
        await until(lambda: explorer._shown.temperatures != (2.0, 2.0, 2.0))
        assert explorer._controls.temperature.disabled
        fitted = mla.fusion.fit_temperature(whole.logits[0], whole.labels)
        assert explorer._shown.temperatures[0] == fitted

    on_explorer(trained, script)


def test_selections_list_their_samples_and_a_click_finds_any(trained):
    whole = trained.evaluate(trained.probe)

    async def script(explorer):
        controls = explorer._controls
        for key, choose in (("rescued", rescued), ("broken", broken)):
            controls.selection.value = "all"
            await until(lambda: len(controls.sample.options) == len(whole.ids))
            ids = [whole.ids[i] for i in choose(whole)]
            controls.selection.value = key
            if ids:
                await until(lambda ids=ids: list(controls.sample.options) == ids)
                await shown(explorer, sample=ids[0])
            else:
                await until(lambda: "No sample of the probe set" in explorer._status.text)
        await until(lambda: explorer._figure is not None)
        trace = next(t for t in explorer._figure.data if t.meta == "map.m1")
        points = type("Points", (), {"point_inds": [11]})
        explorer._on_point(trace, points, None)
        clicked = whole.ids[int(trace.customdata[11])]
        await shown(explorer, sample=clicked)
        assert f"<b>{clicked}</b>" in explorer._heading.value
        await until(lambda: len(controls.sample.options) == len(whole.ids))
        assert controls.sample.value == clicked

    on_explorer(trained, script)


def test_curves_come_in_the_background_and_are_kept(trained):
    async def script(explorer):
        curve = ("m2", "drop")
        await until(lambda: explorer._figure is not None)
        explorer._controls.curve.value = curve
        await until(lambda: 'data-curves="m2.drop"' in explorer._table.value)
        traces = {trace.meta: trace for trace in explorer._figure.data}
        found = explorer._sweeps[curve]
        for rule, values in found.accuracies(("entropy", "uniform", "released_batch")).items():
            assert list(traces[f"curve.{rule}"].y) == values
        assert list(traces["curve.alone"].y) == found.alone()
        fused = traces["reliability.fused"]
        assert fused.x.max() <= 1
        hollow = [symbol.endswith("-open") for symbol in fused.marker.symbol]
        assert hollow == [int(count) < FEW for count in fused.text]
        assert all(
            trace.mode == "markers" for key, trace in traces.items() if key.startswith("reliab")
        )
        explorer._controls.parts[2].drop.value = True
        await until(lambda: list(traces["level"].x or ()) == [1.0, 1.0])
        assert explorer._sweeps[curve] is found

    on_explorer(trained, script)


@pytest.mark.parametrize("method", ["ensemble", "late_fusion", "qmf", "concat", "film"])
def test_methods_of_every_way_to_fuse_can_be_explored(method, session):
    other = mla.TrainingSession(session.config.replace(method=method), session.data)
    other.advance(steps=6)

    async def script(explorer):
        weighs = other.method.weighs
        assert ("The head itself fuses" in explorer._formula.value) != weighs
        assert ("weight λ" in explorer._controls.parts[0].says.value) == weighs
        fused = numbers(explorer._formula.value, "fused")
        if (
            weighs
        ):  # the sum that is written is the method's own, also for weights that do not sum to 1
            index = other.probe.ids.index(explorer._shown.sample)
            assert fused["predicted"] == pytest.approx(
                float(other.evaluate(other.probe).fused[index].max()), abs=0.006
            )
        assert explorer._controls.rule.disabled == (not weighs)

    on_explorer(other, script)


@pytest.mark.parametrize("modalities", [1, 2, 6])
def test_any_number_of_modalities(modalities):
    options = {"modalities": max(2, modalities), "sizes": [60, 30, 30], "classes": 4}
    alone = {"method": "unimodal", "modalities": ["m1"]} if modalities == 1 else {}
    config = mla.ExperimentConfig(dataset="gaussian", dataset_options=options, **alone)

    async def script(explorer):
        assert len(explorer._controls.parts) == modalities
        assert len(numbers(explorer._formula.value, "weight")) == modalities
        await until(lambda: explorer._figure is not None)

    on_explorer(mla.TrainingSession(config), script)


def hostile_session() -> mla.TrainingSession:
    """Give one class among the samples, hostile names, and absent parts."""

    def split(side: str) -> Split:
        labels = torch.zeros(24, dtype=torch.int64)
        x = torch.randn(24, 3, generator=torch.Generator().manual_seed(0))
        ids = [f"{HOSTILE}{side}{i}" for i in range(24)]
        made = Split.complete(side, {"a": x, "b": x + 1}, labels, ids)
        made.present[1, :6] = False
        made.present[:, 6] = False
        return made

    modalities = [Modality(name, "vector", (3,), note=HOSTILE) for name in "ab"]
    splits = {side: split(side) for side in ("train", "val", "test")}
    data = MultimodalDataset("mine", modalities, [HOSTILE, "ok"], splits)
    return mla.TrainingSession(mla.ExperimentConfig(), data)


def test_names_from_outside_are_shown_literally_everywhere():
    session = hostile_session()

    async def script(explorer):
        await until(lambda: explorer._figure is not None)
        explorer._controls.parts[0].level.index = 5
        await asyncio.sleep(0.3)
        places = [explorer._heading, explorer._fused, explorer._formula, explorer._table]
        places += [w for part in explorer._controls.parts for w in (part.media, part.says)]
        html = "".join(place.value for place in places)
        assert "<img" not in html
        assert "&lt;img src=x onerror=alert(1)&gt;" in html
        assert "<img" not in str(explorer._figure.to_dict())
        explorer._controls.choose(session.probe.ids[6])
        await until(lambda: "there is no answer" in explorer._formula.value)

    on_explorer(session, script)
    report = FusionReport(session)
    assert "<img" not in "".join(report.html)
    assert "<img" not in str([figure.to_dict() for figure in report.figures])


def test_a_fault_becomes_a_sentence(trained, monkeypatch):
    def fail(*_, **__):
        raise mla.DataError("the sample's file is gone")

    async def script(explorer):
        monkeypatch.setattr(explorer._corruptor, "corrupt", fail)
        explorer._controls.parts[0].level.index = 3
        await until(lambda: explorer._status.state == "failed")
        assert "the sample's file is gone" in explorer._status.text
        monkeypatch.undo()
        explorer._controls.parts[0].level.index = 4
        await until(lambda: explorer._status.state == "ready")

    on_explorer(trained, script)


def test_the_explored_session_may_train_on(trained):
    async def script(explorer):
        before = explorer._formula.value
        trained.advance(steps=20)
        explorer._controls.parts[0].level.index = 3
        await until(lambda: explorer._formula.value != before)
        explorer._controls.reset.click()
        await until(lambda: explorer._formula.value == before)

    on_explorer(trained, script)


def test_its_map_is_computed_off_the_event_loop(trained, monkeypatch):
    threads = []

    def noting(points, previous=None):
        threads.append(threading.current_thread())
        return points[:, :2]

    monkeypatch.setattr(map_state, "pca_map", noting)

    async def script(explorer):
        await until(lambda: explorer._figure is not None)

    on_explorer(trained, script)
    assert len(threads) == 1
    assert threads[0] is not threading.main_thread()


def test_closing_leaves_no_widget(trained, monkeypatch):
    monkeypatch.setattr(live_widget, "ANSWER_SECONDS", 0.05)
    before = set(live_widgets)

    async def script(explorer):
        await until(lambda: explorer._figure is not None)
        explorer.close()
        explorer.close()
        await asyncio.sleep(0.3)

    on_explorer(trained, script)
    left = [w for key, w in live_widgets.items() if key not in before and isinstance(w, Widget)]
    assert left == []


def test_outside_a_notebook_it_says_what_to_do(session):
    with pytest.raises(mla.ConfigError, match="explore_fusion\\(headless=True\\)"):
        explore_fusion(session)


def test_headless_it_shows_the_same_on_paper(trained):
    report = explore_fusion(trained, headless=True)
    assert len(report.figures) == 3
    whole = trained.evaluate(trained.probe)
    index = whole.ids.index(report.sample)
    assert not rescued(whole) or index == rescued(whole)[0]
    expected = whole.weights[:, index].tolist()
    found = list(numbers(report.html[0], "weight").values())
    assert found == pytest.approx(expected, abs=0.006)
    assert numbers(report.html[1], "weight") != numbers(report.html[0], "weight")
    assert len(report.html) == 5
