"""What does watching the head cost, and how long does a person wait for the next stage?"""

import asyncio
import statistics
import time

import mla_core as mla
import widgets
from benchmarks.timing import paired, report
from mla_core.analysis import watch_step

STEPS = 60
STAGES = 40


def main() -> None:
    config = mla.ExperimentConfig(epochs=10_000)
    watched, plain = mla.TrainingSession(config), mla.TrainingSession(config)
    pairs = paired(
        lambda: [watch_step(watched) for _ in range(STEPS)], lambda: plain.advance(steps=STEPS), 12
    )
    assert watched.history.steps == plain.history.steps
    report("watched sub-steps / plain ones", pairs, "at most 1.5")
    stages, steps = asyncio.run(_presses(config))
    for what, times, goal in (("a stage", stages, 100), ("a new sub-step", steps, 300)):
        print(
            f"  Next stage, {what}: median {statistics.median(times):.0f} ms, worst "
            f"{max(times):.0f} ({len(times)} presses; goal: median at most {goal})"
        )


async def _presses(config: mla.ExperimentConfig) -> tuple[list[float], list[float]]:
    """Return how long it takes until a press is drawn (ms): within a sub-step, and for a new one."""
    explorer = widgets.explore_head_gradient(config)
    status = explorer._status  # noqa: SLF001 - it counts what has been drawn
    button = explorer._controls._buttons["next"]  # noqa: SLF001 - what a person presses
    times: list[float] = []
    for _ in range(STAGES + 1):
        await asyncio.sleep(0.02)
        start, before = time.perf_counter(), status.tick
        button.click()
        while status.tick == before:  # noqa: ASYNC110 - watches from outside
            await asyncio.sleep(0.001)
        times.append(1e3 * (time.perf_counter() - start))
    explorer.close()
    rest = list(enumerate(times))[1:]  # five presses a sub-step; the first of all warms up
    return [t for i, t in rest if i % 5], [t for i, t in rest if i % 5 == 0]
