"""The explorer without a browser: its buttons against the session, its sentences, what it leaves."""

import asyncio
import re

import pytest
import torch
from ipywidgets.widgets.widget import _instances as live_widgets

import mla_core as mla
from mla_core.head.gradient import VARIANTS
from widgets import explore_head_gradient
from widgets.head_gradient import pictures
from widgets.page import live_widget

HOSTILE = "<img src=x onerror=alert(1)>"


def small(**changes) -> mla.ExperimentConfig:
    options = {"sizes": [96, 40, 40], "classes": 4, "dim": 6}
    return mla.ExperimentConfig(
        dataset="gaussian",
        dataset_options=options | changes.pop("dataset_options", {}),
        epochs=2,
        batch_size=32,
        feature_size=16,
    ).replace(**changes)


def on_explorer(script, start=None, **options):
    """Run a script with an open explorer on an event loop."""

    async def main():
        explorer = explore_head_gradient(start or small(), **options)
        await until(lambda: explorer._status.tick > 0)
        try:
            await script(explorer)
        finally:
            explorer.close()

    asyncio.run(asyncio.wait_for(main(), 60))


async def until(condition):
    while not condition():  # noqa: ASYNC110 - watches from outside
        await asyncio.sleep(0.01)


async def press(explorer, name):
    before = explorer._status.tick
    explorer._controls._buttons[name].click()
    await until(lambda: explorer._status.tick > before and not explorer._racing)
    await until(lambda: not explorer._training and not explorer._inbox)


def trace(explorer, meta):
    return next(trace for trace in explorer._figure.data if trace.meta == meta)


def test_stage_by_stage_the_session_moves_only_with_the_update():
    async def script(explorer):
        plain = mla.TrainingSession(small())
        for number, name in enumerate(("forward", "loss", "gradient", "projection", "update")):
            assert explorer.session.step == 0
            await press(explorer, "next")
            html = explorer._controls.stages.value
            assert html.count('data-state="now"') == 1
            assert re.search(rf'data-stage="{name}" data-state="now"', html)
            assert html.count('data-state="done"') == number
        plain.advance(steps=1)
        assert explorer.session.history.steps == plain.history.steps
        await press(explorer, "finish")
        plain.advance(steps=1)
        assert explorer.session.history.steps == plain.history.steps
        await press(explorer, "next")
        assert explorer._reached == 1
        await press(explorer, "finish")
        plain.advance(steps=1)
        assert explorer.session.history.steps == plain.history.steps
        assert "Sub-step 3, m2: update" in explorer._status.text

    on_explorer(script)


def test_the_charts_show_what_happened():
    async def script(explorer):
        for _ in range(3):
            await press(explorer, "finish")
        steps = explorer.session.history.steps
        assert list(trace(explorer, "plasticity").y) == [record.plasticity for record in steps]
        P = explorer.session.method.hgm.P
        eigenvalues = torch.linalg.eigvalsh(P).flip(0).tolist()
        assert trace(explorer, "spectrum.after").y.tolist() == pytest.approx(eigenvalues)
        # The first sub-step has nobody before it.
        assert list(trace(explorer, "angle.followed").x) == [2, 3]

    on_explorer(script)


def test_training_an_epoch_is_plain_training():
    async def script(explorer):
        plain = mla.TrainingSession(small())
        await press(explorer, "epoch")
        assert explorer.session.history.steps == plain.advance(epochs=1)
        await press(explorer, "epoch")
        await press(explorer, "next")
        assert "the training is over after 18 sub-steps" in explorer._status.text
        await press(explorer, "epoch")
        assert explorer._status.state == "failed"

    on_explorer(script)


def test_a_comparison_starts_where_the_session_stands():
    async def script(explorer):
        await press(explorer, "finish")
        await press(explorer, "compare")
        off, paper = sorted(explorer.courses, key=lambda course: course.variant)
        assert (off.variant, paper.variant) == ("off", "paper")
        assert [record.step for record in off.records] == [1, 2, 3, 4, 5]
        twin = explorer.session.fork(head_gradient="off")
        assert twin.advance(steps=5) == off.records
        summed = trace(explorer, "forgetting.off").y[-1]
        grown = sum(sum(record.forgetting.values()) for record in off.records)
        assert summed == pytest.approx(grown)
        table = explorer._controls.table.value
        assert 'data-variant="off"' in table
        assert f"{grown:+.3f}" in table
        assert explorer.session.step == 1
        assert explorer._controls.progress.value == 1

    on_explorer(script, variants=["off", "paper"], steps=5)


def test_without_a_variant_it_asks_for_one():
    async def script(explorer):
        await press(explorer, "compare")
        assert "choose at least one variant" in explorer._status.text

    on_explorer(script, variants=[])


@pytest.mark.parametrize("steps", [0, 100_000])
def test_a_number_of_steps_out_of_range_is_refused_in_words(steps):
    async def script(explorer):
        explorer._controls._steps.value = steps
        await press(explorer, "compare")
        told = f"sub-steps must be a whole number from 1 to 2000, not {steps}"
        assert explorer._status.text == told
        assert explorer._controls._steps.value == steps  # not another number in silence
        assert not explorer.courses

    on_explorer(script)


def test_empty_panels_say_what_they_wait_for():
    async def script(explorer):
        said = {note.name: note.text for note in explorer._figure.layout.annotations if note.name}
        assert said["forgetting"] == said["angles"] == "press Compare"
        assert not explorer._figure.layout.xaxis4.visible
        await press(explorer, "compare")
        said = {note.name: note.text for note in explorer._figure.layout.annotations if note.name}
        assert said["forgetting"] == said["courses"] == ""
        assert explorer._figure.layout.xaxis4.visible

    on_explorer(script, steps=4)


def test_a_comparison_can_be_stopped():
    async def script(explorer):
        explorer._controls._buttons["compare"].click()
        await until(lambda: explorer._racing)
        await press(explorer, "stop")
        assert explorer._status.state == "stopped"
        assert not explorer._controls._buttons["next"].disabled

    on_explorer(script, small(epochs=10_000), variants=list(VARIANTS), steps=100_000)


def test_a_changed_setting_begins_the_sub_step_anew():
    async def script(explorer):
        await press(explorer, "next")
        await press(explorer, "next")
        before = explorer._status.tick
        explorer._controls._variant.value = "off"
        await until(lambda: explorer._status.tick > before)
        assert explorer._slow is None
        await press(explorer, "finish")
        assert "leaves" not in explorer._controls.stages.value
        assert "The variant off uses" in explorer._controls.seen.value
        assert explorer.session.config.head_gradient == "off"

    on_explorer(script)


@pytest.mark.parametrize("method", ["unimodal", "ensemble", "sum", "concat", "reconboost", "qmf"])
def test_a_method_without_a_projection_says_so_and_is_walked_through(method):
    config = small(method=method, modalities=["m0"] if method == "unimodal" else [])

    async def script(explorer):
        assert f"The method {method}" in explorer._status.text
        await press(explorer, "finish")
        assert 'data-stage="projection"' not in explorer._controls.stages.value
        assert f"The method {method}" in explorer._controls.seen.value
        assert explorer.session.step == 1

    on_explorer(script, config)


@pytest.mark.parametrize("modalities", [2, 6])
def test_two_or_six_modalities_with_absent_parts(modalities):
    config = small(dataset_options={"modalities": modalities}, missing={"train": 0.3})
    report = explore_head_gradient(config, headless=True, steps=3)
    seen = pictures.seen_html(report.slow, 5)
    assert all(f"m{m}" in seen for m in range(modalities))
    assert [len(course.records) for course in report.courses] == [3, 3]


def test_a_session_itself_is_not_moved_and_a_finished_one_goes_on():
    session = mla.TrainingSession(small(epochs=1))
    session.advance(epochs=1)
    report = explore_head_gradient(session, headless=True, steps=2)
    assert session.step == 9
    assert report.slow.head.record.step == 9 + 3


def test_names_from_outside_are_text():
    def split(side):
        labels = torch.arange(40) % 2
        x = torch.randn(40, 4, generator=torch.Generator().manual_seed(0))
        ids = [f"{HOSTILE}{side}{i}" for i in range(40)]
        return mla.Split.complete(side, {"a": x, "b": x + 1}, labels, ids)

    data = mla.MultimodalDataset(
        "mine",
        [mla.Modality(name, "vector", (4,)) for name in "ab"],
        [HOSTILE, "ok"],
        {side: split(side) for side in ("train", "val", "test")},
    )
    session = mla.TrainingSession(mla.ExperimentConfig(batch_size=8), data)
    report = explore_head_gradient(session, headless=True, steps=2)
    html = pictures.stages_html(report.slow, 5)
    assert HOSTILE not in html
    assert "&lt;img src=x" in html


@pytest.mark.parametrize("method", ["mla", "concat"])
def test_closing_leaves_nothing_behind(method, monkeypatch):
    monkeypatch.setattr(live_widget, "ANSWER_SECONDS", 0.05)
    before = set(live_widgets)

    async def main():
        explorer = explore_head_gradient(small(method=method))
        await until(lambda: explorer._status.tick > 0)
        explorer.close()
        explorer.close()
        await asyncio.sleep(0.2)  # the figure waits for the page's last answer

    asyncio.run(main())
    left = [live_widgets[key] for key in set(live_widgets) - before]
    assert [type(widget).__name__ for widget in left] == []


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"variants": ["papre"]}, "unknown head_gradient 'papre'"),
        ({"steps": 0}, "steps must be a whole number from 1, not 0"),
        ({"steps": True}, "steps must be a whole number"),
    ],
)
def test_bad_choices_are_named(options, named):
    with pytest.raises(mla.ConfigError, match=named):
        explore_head_gradient(small(), headless=True, **options)


def test_outside_a_notebook_a_sentence():
    with pytest.raises(mla.ConfigError, match="needs a notebook"):
        explore_head_gradient(small())
