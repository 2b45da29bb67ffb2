"""How long after a slider moves does the kernel have the new numbers, while curves are computed?"""

import asyncio
import statistics
import time

import mla_core as mla
from widgets import FusionExplorer

MOVES = 60


def main() -> None:
    session = mla.train(mla.ExperimentConfig(epochs=2))
    for busy in (False, True):
        times = sorted(asyncio.run(_moves(session, busy=busy)))
        late = times[int(0.95 * len(times))]
        print(
            f"  slider to new HTML, {'a curve being computed' if busy else 'else idle'}: median "
            f"{statistics.median(times):.0f} ms, 95 % within {late:.0f} ms ({MOVES} moves; goal: "
            "median at most 100)"
        )


async def _moves(session: mla.TrainingSession, *, busy: bool) -> list[float]:
    explorer = FusionExplorer(session)
    controls = explorer._controls  # noqa: SLF001 - what a person moves
    while explorer._figure is None:  # noqa: ASYNC110, SLF001 - watches from outside
        await asyncio.sleep(0.05)
    found = []
    for move in range(MOVES):
        if busy:  # forget the curve of the sound's noise, the slowest one, and ask for it again
            explorer._sweeps.pop(("audio", "noise"), None)  # noqa: SLF001
            explorer._measure(controls.choice())  # noqa: SLF001
        part = controls.parts[move % len(controls.parts)]
        start = time.perf_counter()
        part.level.index = (part.level.index + 7) % len(part.level.options)
        wanted = controls.choice().damages
        while explorer._shown.damages != wanted:  # noqa: ASYNC110, SLF001 - the same
            await asyncio.sleep(0.001)
        found.append(1e3 * (time.perf_counter() - start))
        await asyncio.sleep(0.05)
        if busy:
            controls.curve.value = ("audio", "noise")
    explorer.close()
    return found
