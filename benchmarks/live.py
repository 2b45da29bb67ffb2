"""How much training is left when somebody watches? The bench without a browser, against none."""

import asyncio
import statistics
import time

import mla_core as mla
from widgets import TrainingLab

SECONDS = 6.0
RUNS = 3


def main() -> None:
    config = mla.ExperimentConfig(epochs=10_000)
    ratios = []
    for _ in range(RUNS):
        bare = mla.TrainingSession(config)
        bare.advance(steps=30)
        start, before = time.perf_counter(), bare.step
        bare.advance(seconds=SECONDS)
        alone = (bare.step - before) / (time.perf_counter() - start)
        watched = asyncio.run(_watched(config))
        ratios.append(watched / alone)
        print(f"  {watched:.0f} sub-steps a second watched, {alone:.0f} alone")
    print(f"  watched / alone: {statistics.median(ratios):.3f} (goal: at least 0.9)")


async def _watched(config: mla.ExperimentConfig) -> float:
    lab = TrainingLab(config)
    await asyncio.to_thread(lab._maps.worker.warm_up.result)  # noqa: SLF001 - compare without its start
    lab._player.steps_per_second = 0.0  # noqa: SLF001 - full speed
    lab._player.play()  # noqa: SLF001 - what the button does
    await asyncio.sleep(1)
    start, before = time.perf_counter(), lab.session.step
    await asyncio.sleep(SECONDS)
    rate = (lab.session.step - before) / (time.perf_counter() - start)
    lab.close()
    return rate
