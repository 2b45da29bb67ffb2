"""What do two processes of a sweep gain over one, their start included?"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from mla_core.threads import cores

RUNS = 8
PAIRS = 2
GOAL = 1.8
SPECIFICATION = f"""
description = "What do two processes gain?"
[common]
dataset = "spoken_digits"
epochs = 12
evaluate_every = 0
[[grid]]
seed = {list(range(RUNS))}
"""


def main() -> None:
    if cores() < 2:
        print("  one core: two processes can gain nothing")
        return
    one, two = zip(*((_seconds(1), _seconds(2)) for _ in range(PAIRS)), strict=True)
    ratios = [a / b for a, b in zip(one, two, strict=True)]
    ratio = statistics.median(ratios)
    print(
        f"  {RUNS} runs of {statistics.median(one) / RUNS:.1f} s, one process on one core / two: "
        f"{ratio:.2f} ({', '.join(f'{each:.2f}' for each in ratios)}; goal: at least {GOAL}"
        f"{'' if ratio >= GOAL else ', MISSED'})"
    )


def _seconds(jobs: int) -> float:
    """Time the command of a sweep, from its start to its end."""
    with tempfile.TemporaryDirectory() as home:
        (Path(home) / "workers.toml").write_text(SPECIFICATION, encoding="utf-8")
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
