"""What do two processes of a sweep gain over one, with their start and beyond it?"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from mla_core.threads import cores

FEW, MANY = 8, 16  # runs
PAIRS = 2
GOAL = 1.8
SPECIFICATION = """
description = "What do two processes gain?"
[common]
dataset = "spoken_digits"
epochs = 12
evaluate_every = 0
[[grid]]
seed = {seeds}
"""


def main() -> None:
    if cores() < 2:
        print("  one core: two processes can gain nothing")
        return
    whole, beyond, lasts = [], [], []
    for _ in range(PAIRS):
        few = [_seconds(FEW, jobs) for jobs in (1, 2)]
        more = [_seconds(MANY, jobs) - seconds for jobs, seconds in zip((1, 2), few, strict=True)]
        whole.append(few[0] / few[1])
        beyond.append(more[0] / more[1])
        lasts.append(more[0] / (MANY - FEW))
    length = statistics.median(lasts)
    print(f"  {FEW} runs of {length:.1f} s, one process on one core / two: {_told(whole)}")
    print(f"  {MANY - FEW} further runs, once all have started: {_told(beyond)}")


def _told(ratios: list[float]) -> str:
    ratio = statistics.median(ratios)
    each = ", ".join(f"{one:.2f}" for one in ratios)
    missed = "" if ratio >= GOAL else ", MISSED"
    return f"{ratio:.2f} ({each}; goal: at least {GOAL}{missed})"


def _seconds(runs: int, jobs: int) -> float:
    """Time the command of a sweep, from its start to its end."""
    with tempfile.TemporaryDirectory() as home:
        (Path(home) / "workers.toml").write_text(
            SPECIFICATION.format(seeds=list(range(runs))), encoding="utf-8"
        )
        command = [sys.executable, "-m", "mla_core.cli.main", "sweep", "workers.toml"]
        started = time.perf_counter()
        subprocess.run(  # noqa: S603 - our own command
            [*command, "--jobs", str(jobs), "--out", "runs"],
            cwd=home,
            env=os.environ | {"MLA_LAB_CORES": "1"},  # as each process of a sweep has it
            capture_output=True,
            check=True,
        )
        return time.perf_counter() - started
