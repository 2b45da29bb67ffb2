"""How long does the first notebook take headless, with its defaults, maps and files included?"""

import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.timing import seconds

NOTEBOOK = Path(__file__).parents[1] / "notebooks" / "01_alternating_training.ipynb"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "mla_core.cli.main", "run", str(NOTEBOOK), "--out", folder]
        taken = seconds(lambda: subprocess.run(command, check=True, capture_output=True))  # noqa: S603
    print(f"  {taken:.0f} s (goal: at most 60 on two cores)")
