"""What does `import mla_core` cost beside `import torch`?"""

import subprocess
import sys

from benchmarks.timing import paired, report


def main() -> None:
    def start(module: str) -> None:
        subprocess.run([sys.executable, "-c", f"import {module}"], check=True)  # noqa: S603

    report(
        "import mla_core / import torch",
        paired(lambda: start("mla_core"), lambda: start("torch"), runs=7),
        "at most 1.2",
    )
