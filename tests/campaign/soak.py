"""Long hours: ten thousand live sub-steps, and benches opened and closed; nothing may pile up."""

from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import AsyncIterator
from pathlib import Path

import psutil

from tests.campaign.children import Child
from tests.campaign.tally import Budget, Tally

PATIENCE = 120  # seconds beyond its time, in which a child ends
# Between a fifth of the way and the end. The event loop's pool of threads fills up as it is used.
GROWTH = {"memory": 80e6, "threads": 6, "descriptors": 2, "processes": 0}
Measured = dict[str, float]
BENCHES = 200  # a bench for so many sub-steps


def campaigns(work: Path, budget: Budget) -> list[Tally]:
    """Train on an open bench, then open and close many."""
    found = []
    for name, action, tries in (
        ("sub-steps", train_long, budget.tries),
        ("benches", open_many, max(3, budget.tries // BENCHES)),
    ):
        tally, told = Tally(f"soak: {name}"), work / f"{name}.json"
        log = work / f"{name}.log"
        given = (tries, budget.seconds / 2, str(told))
        code = Child(action, *given, log=log).wait(budget.seconds + PATIENCE)
        if code != 0:
            tally.fault("hung" if code is None else "crashed", str(log))
        else:
            tally.tries, early, late = json.loads(told.read_text())
            _compare(early, late, tally)
        found.append(tally)
    return found


def _compare(early: dict[str, float], late: dict[str, float], tally: Tally) -> None:
    for what, before in early.items():
        if late[what] > before + GROWTH[what]:
            tally.fault("leaked", f"{what}: {before:.0f} early, {late[what]:.0f} at the end")


# ------------------------------------------------------------------ called in other processes


def train_long(steps: int, seconds: float, told: str) -> None:
    Path(told).write_text(json.dumps(asyncio.run(_watch(_sub_steps(steps, seconds)))))


def open_many(benches: int, seconds: float, told: str) -> None:
    Path(told).write_text(json.dumps(asyncio.run(_watch(_benches(benches, seconds)))))


async def _watch(progress: AsyncIterator[tuple[float, int]]) -> tuple[int, Measured, Measured]:
    """Return how much was done, and what was measured at a fifth of it and at the end."""
    early, late, done = None, None, 0
    async for share, number in progress:
        done = number
        if share >= 0.2 and early is None:
            early = _measure()
        late = _measure() if share >= 1 else late
    return done, early, late or _measure()


def _measure() -> Measured:
    gc.collect()
    own = psutil.Process()
    return {
        "memory": float(own.memory_info().rss),
        "threads": float(own.num_threads()),
        "descriptors": float(own.num_fds()),
        "processes": float(len(own.children(recursive=True))),
    }


async def _sub_steps(steps: int, seconds: float) -> AsyncIterator[tuple[float, int]]:
    import mla_core as mla
    from widgets import TrainingLab

    options = {"sizes": [2000, 100, 100]}
    config = mla.ExperimentConfig(dataset="gaussian", dataset_options=options, epochs=10**6)
    lab = TrainingLab(config)
    # Begins by itself only seconds later, and would look like a leak.
    await asyncio.to_thread(lab._maps.worker.warm_up.result)
    lab._player.steps_per_second = 0.0  # full speed
    lab._player.play()
    loop = asyncio.get_running_loop()
    began = loop.time()
    while lab.session.step < steps and loop.time() < began + seconds:
        await asyncio.sleep(0.1)
        share = max(lab.session.step / steps, (loop.time() - began) / seconds)
        yield share, lab.session.step
    lab._player.pause()
    yield 1.0, lab.session.step
    lab.close()


async def _benches(benches: int, seconds: float) -> AsyncIterator[tuple[float, int]]:
    from tests.widgets.bench.driving import press, settle, small
    from widgets import TrainingLab

    loop = asyncio.get_running_loop()
    began = loop.time()
    for number in range(benches):
        if loop.time() > began + seconds and number >= 3:
            break
        lab = TrainingLab(small())
        _ = lab._maps.worker  # a process of its own, to be ended with the bench
        await settle(lab)
        press(lab, "step")
        await settle(lab)
        lab.close()
        await asyncio.sleep(0.05)
        yield (number + 1) / benches, number + 1
