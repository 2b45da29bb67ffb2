"""How large is the page of one run, and how long does writing it take?"""

import statistics
import tempfile
from functools import partial
from pathlib import Path

import mla_core as mla
from benchmarks.timing import seconds
from widgets.export import LIMIT, export_run

SOURCES = ("spoken_digits", "handwritten_views", "gaussian")  # with sound, six modalities, vectors


def main() -> None:
    for source in SOURCES:
        config = mla.ExperimentConfig(dataset=source, epochs=2)
        with tempfile.TemporaryDirectory() as folder:
            run = mla.run_experiment(config, folder)
            page = Path(folder) / "run.html"
            size = export_run(run, page).stat().st_size
            bare = export_run(run, page, media=False).stat().st_size
            taken = statistics.median(seconds(partial(export_run, run, page)) for _ in range(3))
        assert size <= LIMIT
        print(
            f"  {source}: {size / 1e6:.2f} MB, {bare / 1e6:.2f} without media "
            f"(goal: at most {LIMIT / 1e6:.0f}); written in {taken:.1f} s"
        )
