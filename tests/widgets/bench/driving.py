"""A bench without a browser: opened, pressed, waited for."""

import asyncio
from concurrent.futures import Future

import mla_core as mla
from mla_core.evaluation import pca_map
from widgets import TrainingLab


def small(**changes) -> mla.ExperimentConfig:
    options = {"sizes": [160, 60, 60], "classes": 4}
    return mla.ExperimentConfig(
        dataset="gaussian", dataset_options=options, epochs=3, evaluate_every=5, batch_size=32
    ).replace(**changes)


def on_bench(script, config=None, data=None):
    """Run a script with an open bench on an event loop."""

    async def main():
        lab = TrainingLab(config or small(), data=data)
        await settle(lab)
        try:
            await script(lab)
        finally:
            lab.close()

    asyncio.run(asyncio.wait_for(main(), 100))


async def settle(lab):
    """Wait until all that was pressed so far has been done, and what came of it is seen."""
    for _ in range(2):  # what is put in now is done before what comes then
        done = asyncio.Event()
        lab._inbox.put(lambda done=done: done.set())
        await done.wait()


async def until(condition):
    while not condition():  # noqa: ASYNC110 - watches from outside
        await asyncio.sleep(0.01)


def press(lab, name):
    lab._controls.buttons[name].click()


async def train_an_epoch(lab):
    press(lab, "epoch")
    await until(lambda: lab.session.epoch == 1)
    await settle(lab)


def setting(lab, name):
    return lab._controls._settings[name]


def worker_process(lab):
    return next(iter(lab._maps.worker._pool._processes.values()))


class Worker:
    """Answers as `MapWorker` does, at once and with a PCA; see tests/core for the real one."""

    def __init__(self):
        self.asked = 0
        self.warm_up = Future()
        self.warm_up.set_result(None)

    def submit(self, points, previous, seed):
        self.asked += 1
        future = Future()
        future.set_result((pca_map(points, previous), 0.9))
        return future

    def close(self):
        pass
