"""How do time and memory grow with modalities, features, samples and runs?"""

import asyncio
import shutil
import statistics
import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import psutil

import mla_core as mla
from benchmarks.timing import paired, seconds
from mla_core.results import collect
from mla_core.runs import read_runs
from widgets import RunBrowser
from widgets.export import export_run

MODALITIES = (2, 3, 4, 6, 8)
SIZES = (128, 256, 512, 1024)
SAMPLES = (1_000, 10_000, 100_000)  # a million with --million
RUNS = (10, 100, 1_000, 5_000)
PROBES = (100, 300, 1_000, 3_000)
PAIRS = 12
OPEN = 2.0  # seconds for 5,000 runs


def main() -> None:
    """Print every curve, as numbers and as bars of the ratio to proportional growth."""
    rounds()
    features()
    with tempfile.TemporaryDirectory() as home:
        samples(Path(home), (*SAMPLES, 1_000_000) if "--million" in sys.argv else SAMPLES)
    with tempfile.TemporaryDirectory() as home:
        folders(Path(home))
    pages()


def rounds() -> None:
    """Time a round of M modalities against M halves of a round of two."""

    def session(count: int) -> mla.TrainingSession:
        options = {"modalities": count, "sizes": [2000, 50, 50], "noise": [1.0] * count}
        config = mla.ExperimentConfig(
            "gaussian", dataset_options=options, epochs=10_000, evaluate_every=10**9
        )
        return mla.TrainingSession(config)

    two = session(2)
    for count in MODALITIES[1:]:
        many = session(count)
        # The same number of sub-steps in both.
        block = partial(many.advance, steps=8 * count), partial(two.advance, steps=8 * count)
        ratio = statistics.median(a / b for a, b in paired(*block, PAIRS))
        show(f"sub-step with M = {count} / with M = 2", ratio, "at most 1.1", ratio <= 1.1)


def features() -> None:
    """Time sub-steps with head gradient modification against those without."""
    data = mla.load_dataset("spoken_digits")

    def session(size: int, variant: str) -> mla.TrainingSession:
        config = mla.ExperimentConfig(
            feature_size=size, head_gradient=variant, epochs=10_000, evaluate_every=10**9
        )
        return mla.TrainingSession(config, data)

    for size in SIZES:
        on, off = (partial(session(size, v).advance, steps=12) for v in ("paper", "off"))
        ratio = statistics.median(a / b for a, b in paired(on, off, PAIRS))
        show(f"sub-step with P, s = {size} / without", ratio, "at most 1.05", ratio <= 1.05)


def samples(home: Path, counts: Sequence[int]) -> None:
    """Open a prepared set of N samples again, and see what memory that takes and the time."""
    found = []
    for count in counts:
        path = home / f"{count}.csv"
        _write_set(path, count)
        options = {"path": str(path), "cache": str(home / f"cache{count}")}
        mla.load_dataset("manifest", **options)
        before = psutil.Process().memory_info().rss
        took = seconds(lambda o=options: found.append(mla.load_dataset("manifest", **o)))
        memory = (psutil.Process().memory_info().rss - before) / count
        session = mla.TrainingSession(
            mla.ExperimentConfig(epochs=1, evaluate_every=10**9), found.pop()
        )
        step = statistics.median(seconds(partial(session.advance, steps=1)) for _ in range(20))
        print(
            f"  N = {count:,}: opened in {took:.2f} s ({1e6 * took / count:.0f} µs a sample), "
            f"{memory:.0f} bytes of memory a sample, a sub-step {1e3 * step:.2f} ms"
        )


def folders(home: Path) -> None:
    """Open folders of many runs: the list, the table, the browser."""
    run = mla.run_experiment(mla.ExperimentConfig("gaussian", epochs=1), home / "one")
    many = home / "many"
    many.mkdir()
    made = 0
    for count in RUNS:
        for number in range(made, count):
            shutil.copytree(run, many / f"{number:012x}")
        made = count
        listed, table = (seconds(partial(read, many)) for read in (read_runs, collect))
        opened = asyncio.run(_open(many))
        print(f"  {count:,} runs: list {listed:.2f} s, table {table:.2f} s, browser {opened:.2f} s")
    worst = max(listed, opened)
    show(f"{RUNS[-1]:,} runs opened, seconds", worst, f"at most {OPEN:.0f}", worst <= OPEN)


def pages() -> None:
    """Export a run whose probe set has N samples."""
    for count in PROBES:
        config = mla.ExperimentConfig(
            "gaussian",
            dataset_options={"sizes": [600, count, 100]},
            probe_size=count,
            epochs=2,
        )
        with tempfile.TemporaryDirectory() as folder:
            run = mla.run_experiment(config, folder)
            page = Path(folder) / "run.html"
            took = seconds(lambda r=run, p=page: export_run(r, p))
            size = page.stat().st_size
        print(f"  page of {count:,} samples: {size / 1e6:.2f} MB in {took:.1f} s")


def show(what: str, value: float, goal: str, met: bool) -> None:
    """Print a number with a bar of its size, and whether its goal is met."""
    bar = "█" * round(20 * min(value, 3.0))
    print(f"  {what}: {value:.2f} {bar} (goal {goal}: {'met' if met else 'MISSED'})")


def _write_set(path: Path, count: int) -> None:
    """Write a manifest of N rows over a thousand small files of vectors."""
    folder = path.parent / "vectors"
    if not folder.exists():
        folder.mkdir()
        rng = np.random.default_rng(0)
        for i in range(1000):
            np.save(folder / f"{i}.npy", rng.normal(size=16).astype(np.float32))
    rows = (
        f"{i},{i % 10},vectors/{i % 1000}.npy,vectors/{(7 * i) % 1000}.npy" for i in range(count)
    )
    path.write_text("\n".join(["id,label,a,b", *rows]))


async def _open(runs: Path) -> float:
    """Open the browser, which needs a running loop."""
    return seconds(lambda: RunBrowser(runs).close())
