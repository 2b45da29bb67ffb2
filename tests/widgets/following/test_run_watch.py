"""The watch: what it says and shows of a run that another process trains."""

import asyncio
import json
import signal

import pytest
from ipywidgets import Widget
from ipywidgets.widgets.widget import _instances as live_widgets

import mla_core as mla
import widgets
from mla_core.errors import ConfigError
from mla_core.records import About, History, Journal, StepRecord
from mla_core.runs.following import Course
from tests.core.runs.elsewhere import elsewhere
from widgets.following import run_watch
from widgets.following.words import describe
from widgets.page import live_widget

OPTIONS = {"modalities": 3, "classes": 4, "dim": 5, "sizes": [40, 24, 20]}


def small(**changes):
    plain = {"batch_size": 16, "feature_size": 12, "evaluate_every": 4, "probe_size": 20}
    return mla.ExperimentConfig(
        dataset="gaussian", dataset_options=OPTIONS, epochs=2, **plain | changes
    )


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(run_watch, "POLL_SECONDS", 0.02)


def on_watch(script, run):
    async def main():
        watch = widgets.watch(run)
        try:
            await until(lambda: watch.course is not None)
            await script(watch)
        finally:
            watch.close()

    asyncio.run(asyncio.wait_for(main(), 100))


async def until(condition):
    while not condition():  # noqa: ASYNC110 - watches from outside
        await asyncio.sleep(0.01)


def curve(watch, name):
    return next(trace for trace in watch._figure.data if trace.meta == name)


def test_a_run_of_another_process_is_seen_until_it_is_killed(tmp_path):
    config = small()
    with elsewhere(config, tmp_path) as (child, take):

        async def script(watch):
            assert "no sub-step has been written down yet" in watch._status.text
            await asyncio.to_thread(take, 6)
            await until(lambda: watch.course.step == 6)
            told = "Being computed by another process: epoch 1 of 2, sub-step 6 of 18, last trained"
            assert told in watch._status.text
            assert "Right on the probe set at sub-step 4: fused" in watch._status.text
            assert watch._status.state == "playing"
            assert list(curve(watch, "loss.m0").x) == [1, 4]
            assert list(curve(watch, "accuracy.fused").x) == [0, 4]
            assert watch._place.map.maps["pca"]["caption"].endswith("at sub-step 4")
            assert 'data-weight="m0"' in watch._diagram.value
            assert "Training loss in nats" in watch._in_words.told.value

            child.send_signal(signal.SIGKILL)
            await until(lambda: "Stopped without an end" in watch._status.text)
            assert watch._status.state == "failed"
            assert watch._stop.disabled
            assert "journal" not in watch._status.text  # nothing half written

            folder = await asyncio.to_thread(mla.run_experiment, config, tmp_path)
            await until(lambda: watch.course.state == "finished")
            await until(lambda: "Finished" in watch._status.text)
            assert f"Its results are in '{folder}'" in watch._status.text
            assert len(curve(watch, "accuracy.fused").x) == 6
            assert watch._place.map.maps["pca"]["caption"].endswith("at sub-step 18")

        on_watch(script, tmp_path / config.hash)


@pytest.fixture
def begun(tmp_path):
    """The folder that a run will have which this process has begun, held by its lock."""
    from filelock import FileLock

    hidden, past = tmp_path / ".0123456789ab.partial", History()
    hidden.mkdir()
    past.add(StepRecord(0, 0, "m0", 8, 0.5, 0.1, 1.0, 0.5))
    (hidden / "config.json").write_text(json.dumps(small().to_dict()))
    Journal(hidden, About(("m0", "m1", "m2"), tuple("abcd"), 18), past)
    with FileLock(tmp_path / ".0123456789ab.lock"):
        yield tmp_path / "0123456789ab"


def test_the_button_asks_it_to_stop(begun):
    async def script(watch):
        assert not watch._stop.disabled
        watch._stop.click()
        await until(lambda: "Asked to stop" in watch._status.text)
        assert (begun.parent / f".{begun.name}.partial" / "stop").exists()
        assert watch._stop.disabled

    on_watch(script, begun)


def test_a_method_of_somebody_elses_is_shown_and_not_imported(begun):
    settings = small().to_dict() | {
        "method": "nowhere_at_all:Mine",
        "fusion": "nowhere_at_all:mine",
    }
    hidden = begun.parent / f".{begun.name}.partial"
    (hidden / "config.json").write_text(json.dumps(settings))

    async def script(watch):
        assert "nowhere_at_all:Mine on gaussian" in watch._title.value
        assert "epoch 1 of 2, sub-step 1 of 18" in watch._status.text
        assert "<svg" in watch._diagram.value

    on_watch(script, begun)


def test_what_cannot_be_read_is_told_and_may_come_back(begun, monkeypatch):
    async def script(watch):
        read = watch._follower.read
        monkeypatch.setattr(watch._follower, "read", lambda: 1 / 0)
        await until(lambda: "cannot be shown now: ZeroDivisionError" in watch._status.text)
        monkeypatch.setattr(watch._follower, "read", read)
        await until(lambda: "Being computed by another process" in watch._status.text)

    on_watch(script, begun)


def test_words_are_shown_when_asked_for_and_nothing_stays(begun, monkeypatch):
    monkeypatch.setattr(live_widget, "ANSWER_SECONDS", 0.0)
    before = set(live_widgets)

    async def script(watch):
        assert watch._in_words.told.layout.display == "none"
        watch._in_words.button.value = True
        await until(lambda: watch._in_words.told.layout.display == "block")
        task = watch._task
        watch.close()
        await asyncio.wait([task])
        assert task.cancelled()
        await asyncio.sleep(0.05)

    on_watch(script, begun)
    left = [live_widgets[key] for key in set(live_widgets) - before]
    assert [one for one in left if isinstance(one, Widget) and one.comm is not None] == []


def test_what_there_is_not_is_told_before_anything_is_shown(tmp_path):
    async def main():
        with pytest.raises(ConfigError, match="there is no run"):
            widgets.watch(tmp_path / "fac")

    asyncio.run(main())
    with pytest.raises(ConfigError, match="needs a notebook"):
        widgets.watch(tmp_path / "fac")


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ("training", "Being computed by another process: no sub-step"),
        ("stopping", "Asked to stop, which it does at its next snapshot"),
        ("stopped", "Stopped on request: .* the command that began it goes on from its last"),
        ("cut off", "Stopped without an end, nobody is at work on it"),
        ("failed", r"Failed \(TrainingDivergedError: no\): "),
        ("unknown", "its lock cannot be read here"),
        ("gone", "Nothing is left of it: .* or was removed.$"),
        ("finished", "Finished. Its results are in 'runs/a'."),
    ],
)
def test_every_state_has_its_sentence(state, told, tmp_path):
    from pathlib import Path

    course = Course(Path("runs/a"), state, "TrainingDivergedError: no.")
    with pytest.raises(AssertionError, match=told):
        raise AssertionError(describe(course, None))
