"""Does memory grow while the bench is open for 10,000 sub-steps?"""

import asyncio

import psutil

import mla_core as mla
from widgets import TrainingLab

AFTER, STEPS = 2_000, 10_000


def main() -> None:
    early, late, kept = asyncio.run(_watched())
    print(
        f"  {early:.0f} MB after {AFTER} sub-steps, {late:.0f} MB after {STEPS}: {late / early:.3f}"
    )
    print(f"  kept: {kept} (goal: at most 1.1 times the memory)")


async def _watched() -> tuple[float, float, str]:
    options = {"sizes": [2000, 100, 100]}
    lab = TrainingLab(
        mla.ExperimentConfig(dataset="gaussian", dataset_options=options, epochs=10_000)
    )
    lab._player.steps_per_second = 0.0  # noqa: SLF001 - full speed
    lab._player.play()  # noqa: SLF001 - what the button does
    memory = {}
    for steps in (AFTER, STEPS):
        while lab.session.step < steps:  # noqa: ASYNC110 - watches from outside
            await asyncio.sleep(0.2)
        memory[steps] = psutil.Process().memory_info().rss / 1e6
    history, recording = lab.session.history, lab.session.recording
    kept = (
        f"{len(history.steps)} records, {len(history.summaries)} summaries, "
        f"{len(recording)} moments, for {lab.session.step} sub-steps"
    )
    lab.close()
    return memory[AFTER], memory[STEPS], kept
