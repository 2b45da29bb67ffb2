"""What do `import mla_core` and the first update of a process cost beside what comes before?"""

import subprocess
import sys

from benchmarks.timing import paired, report

SESSION = "import mla_core as mla; s = mla.TrainingSession(mla.ExperimentConfig('gaussian'))"


def main() -> None:
    def run(code: str) -> None:
        subprocess.run([sys.executable, "-c", code], check=True)  # noqa: S603

    report(
        "import mla_core / import torch",
        paired(lambda: run("import mla_core"), lambda: run("import torch"), runs=7),
        "at most 1.2",
    )
    report(
        "a process that makes a session and takes a sub-step / one that only makes it",
        paired(lambda: run(f"{SESSION}; s.advance(steps=1)"), lambda: run(SESSION), runs=7),
        "at most 1.1",
    )
