"""A run in the background gives the numbers of any other, lets others go first, and can be ended."""

import asyncio
from types import SimpleNamespace

import pytest
from ipywidgets.widgets.widget import _instances as live_widgets

import mla_core as mla
from mla_core.threads import compute_threads
from widgets.page import per_cell
from widgets.questions import training
from widgets.questions.training import BackgroundTraining, train_in_background

SIZES = {"sizes": [96, 40, 40], "classes": 3}
CONFIG = mla.ExperimentConfig(dataset="gaussian", dataset_options=SIZES, epochs=2, batch_size=32)


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    monkeypatch.setattr(training, "CHUNK_SECONDS", 0.001)


async def until(run, state):
    for _ in range(1000):
        if run.view.state == state:
            return
        await asyncio.sleep(0.01)
    pytest.fail(f"{run.view.state}: {run.view.text}")


def test_several_take_turns_and_give_the_numbers_of_any_other_run():
    said = []

    async def main():
        runs = [BackgroundTraining(CONFIG.replace(method=name)) for name in ("concat", "sum")]
        assert [run.view.text for run in runs] == [
            "concat waits for its turn to train.",
            "sum waits for its turn to train.",
        ]
        runs[0].view.observe(lambda change: said.append(change["new"]), "text")
        await until(runs[0], "finished")
        assert runs[1].session.step == 0
        await until(runs[1], "finished")
        assert runs[1].view.text == "sum is trained: 2 epochs."
        assert runs[1].view.progress == 1
        for run in runs:
            run.close()
        return runs

    for run in asyncio.run(main()):
        alone = mla.train(run.session.config)
        assert run.session.history.steps == alone.history.steps
    assert said[0] == "Training concat in the background: epoch 1 of 2."


def test_who_computes_goes_first(monkeypatch):
    monkeypatch.setattr(training, "PATIENCE_SECONDS", 1e9)

    async def main():
        leave = asyncio.Event()
        inside = asyncio.Event()
        loop = asyncio.get_running_loop()

        def bench():
            with compute_threads():
                loop.call_soon_threadsafe(inside.set)
                asyncio.run_coroutine_threadsafe(leave.wait(), loop).result()

        busy = asyncio.create_task(asyncio.to_thread(bench))
        await inside.wait()
        run = BackgroundTraining(CONFIG)
        await asyncio.sleep(0.1)
        assert run.session.step == 0
        leave.set()
        await busy
        await until(run, "finished")
        run.close()

    asyncio.run(main())


def test_a_divergence_is_a_sentence_and_the_next_one_has_its_turn():
    async def main():
        lost, other = (
            BackgroundTraining(CONFIG.replace(learning_rate=1e20)),
            BackgroundTraining(CONFIG),
        )
        await until(lost, "failed")
        assert "mla could not be trained to its end: training diverged" in lost.view.text
        assert lost.failure.rstrip(".") in lost.view.text
        await until(other, "finished")
        lost.close()
        other.close()

    asyncio.run(main())


def test_its_cell_run_again_ends_it_and_leaves_no_widget(monkeypatch):
    kernel = SimpleNamespace(execution_count=1, get_parent=lambda: parent)
    monkeypatch.setattr(per_cell, "get_ipython", lambda: SimpleNamespace(kernel=kernel))
    monkeypatch.setattr(per_cell, "_open", {})
    parent = {"header": {"msg_id": "1"}, "metadata": {"cellId": "a"}}
    before = set(live_widgets)

    async def main():
        nonlocal parent
        first, waiting = BackgroundTraining(CONFIG), BackgroundTraining(CONFIG)
        await until(first, "training")
        parent = {"header": {"msg_id": "2"}, "metadata": {"cellId": "a"}}
        with pytest.raises(mla.ConfigError):
            BackgroundTraining(CONFIG.replace(missing={"train": {"smell": 0.5}}))
        assert not first._task.cancelling(), "what fails closes nothing"
        again = BackgroundTraining(CONFIG)
        assert first._task.cancelling()
        assert waiting._task.cancelling()
        await until(again, "finished")
        again.close()

    asyncio.run(main())
    assert [w for key, w in live_widgets.items() if key not in before] == []


def test_an_interrupted_cell_leaves_nothing(monkeypatch):
    before = set(live_widgets)

    def interrupted(config):
        raise KeyboardInterrupt

    monkeypatch.setattr(training, "TrainingSession", interrupted)

    async def main():
        with pytest.raises(KeyboardInterrupt):
            BackgroundTraining(CONFIG)
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(main())
    assert set(live_widgets) == before


def test_headless_it_trains_at_once():
    run = train_in_background(CONFIG.replace(head_gradient="off"), headless=True)
    assert run.session.finished
    assert run.name == "mla (off)"


def test_live_it_needs_a_notebook():
    with pytest.raises(mla.ConfigError, match="headless=True"):
        train_in_background(CONFIG)
