"""The part of the command `mla-lab` about many runs: `sweep` and `table`."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mla_core.words import counted

if TYPE_CHECKING:
    from mla_core.runs import Specification, SweepReport

SWEEP = """a specification, rates.toml:
  description = "Which learning rate suits each method?"
  [common]                          # for all runs
  dataset = "gaussian"
  epochs = 5
  seed = [0, 1, 2, 3, 4]            # a list is an axis
  [[grid]]                          # all combinations; several [[grid]] are joined
  method = ["mla", "concat"]
  learning_rate = [0.01, 0.03, 0.1]
  dataset_options = [{noise = [0.5, 1.0, 2.0]}]     # a table is one value
  # order = [["m0", "m1", "m2"]]    a setting that is itself a list stands in a list
  # fusion = ["entropy", "my_lab:surest"]    of your own: in my_lab.py in the current folder

  With notebook = "notebooks/01_alternating_training.ipynb" at the top, the settings are that
  notebook's parameters.

examples:
  mla-lab sweep rates.toml --dry-run          what it would run, what is done already
  mla-lab sweep rates.toml --jobs 4           run it, go on after Ctrl-C, or try again
  mla-lab sweep rates.toml --results rates.csv
  mla-lab sweep rates.toml --shard 1/8        the first of eight parts, such as of a SLURM array
  mla-lab sweep rates.toml --cluster tcp://10.0.0.1:8786 --fetch
  mla-lab table runs/rates --rows method --choose learning_rate --show-choice
"""

TABLE = """examples:
  mla-lab table runs/rates --rows method --columns learning_rate
  mla-lab table rates.csv --rows method,learning_rate --columns dataset
  mla-lab table runs/rates --rows method --choose learning_rate --show-choice
      the learning rate with the best val.accuracy for each method
  mla-lab table runs/rates --rows method --choose learning_rate --value test.unimodal_accuracy.m1
"""


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `sweep` and `table` to the command."""
    sweep = commands.add_parser(
        "sweep",
        help="run all configurations of a small TOML file, several at a time",
        description="Run all configurations of a specification. Finished runs are skipped, what "
        "was cut off goes on, a failing run does not stop the others.",
        epilog=SWEEP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    sweep.add_argument("specification", metavar="SPEC.toml", type=Path)
    sweep.add_argument("--jobs", type=int, default=1, help="processes (default: 1)")
    sweep.add_argument(
        "--shard",
        type=_shard,
        metavar="I/N",
        help="only part I of N; N calls with the same folder run all, wherever each runs",
    )
    sweep.add_argument(
        "--cluster", default="", metavar="ADDRESS", help="run on the workers of a Dask scheduler"
    )
    sweep.add_argument(
        "--fetch", action="store_true", help="of a cluster that does not share the folder"
    )
    sweep.add_argument("--out", type=Path, help="where run folders are kept (default: runs/SPEC)")
    sweep.add_argument(
        "--results",
        type=Path,
        metavar="FILE.csv",
        help="write all numbers of these runs, one row each, and FILE.json about where they "
        "come from",
    )
    sweep.add_argument("--dry-run", action="store_true", help="only list the runs")
    sweep.set_defaults(action=_sweep)

    table = commands.add_parser(
        "table",
        help="means over seeds with 95 %% intervals, as Markdown and CSV",
        description="Average a number over seeds: mean ± 95 % Student t-interval in each cell.",
        epilog=TABLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    table.add_argument(
        "source", metavar="RUNS_OR_CSV", type=Path, help="a folder of runs, or a file of results"
    )
    table.add_argument("--rows", required=True, help="settings, such as method,head_gradient")
    table.add_argument("--columns", default="", help="settings, such as dataset")
    table.add_argument(
        "--value", default="test.accuracy", help="the number to show (default: test.accuracy)"
    )
    table.add_argument(
        "--choose",
        default="",
        help="settings that each cell fixes to their best combination, such as learning_rate",
    )
    table.add_argument(
        "--by", default="val.accuracy", help="what --choose goes by (default: val.accuracy)"
    )
    table.add_argument(
        "--show-choice", action="store_true", help="say in each cell what was chosen"
    )
    table.add_argument(
        "--csv", type=Path, help="also write the cells here (default for a folder: RUNS/table.csv)"
    )
    table.set_defaults(action=_table)


def _sweep(arguments: argparse.Namespace) -> int:
    from mla_core.cli.own_code import find_modules_here
    from mla_core.files import check_writable
    from mla_core.results import check_csv
    from mla_core.runs import failures_of, read_specification, run_sweep

    find_modules_here()
    specification = read_specification(arguments.specification)
    if arguments.shard is not None:
        specification = _part(specification, arguments)
    out = arguments.out or Path("runs") / specification.name
    if arguments.dry_run:
        _list(specification, out)
        return 0
    if arguments.results is not None:  # now, not after hours of training
        check_writable(check_csv(arguments.results).parent)
    print(_plan(specification, out), file=sys.stderr)
    start = time.monotonic()
    try:
        report = run_sweep(
            specification,
            out,
            arguments.jobs,
            cluster=arguments.cluster,
            fetch=arguments.fetch,
            progress=True,
        )
    except KeyboardInterrupt:
        print("mla-lab: stopped; the same command goes on from here", file=sys.stderr)
        return 130
    seconds = time.monotonic() - start
    if arguments.results is not None and report.folders:
        _write_results(arguments, specification, report, out, seconds)
    counts = f"{len(report.finished)} finished, {len(report.skipped)} skipped"
    print(f"{out}: {counts}, {len(report.failures)} failed")
    if report.stopped:
        told = ", ".join(report.stopped)
        print(f"mla-lab: stopped on request: {told}; the same command goes on", file=sys.stderr)
    if report.failures:
        listed = failures_of(specification, out)
        what = "holds their settings and traces" if listed.is_file() else "could not be written"
        print(f"mla-lab: {listed} {what}", file=sys.stderr)
    return 1 if report.failures else 130 if report.stopped else 0


def _shard(text: str) -> tuple[int, int]:
    index, slash, count = text.partition("/")
    if not (slash and index.isdecimal() and count.isdecimal()):
        msg = f"the part must be like 1/8, the first of eight, not {text!r}"
        raise argparse.ArgumentTypeError(msg)
    return int(index), int(count)


def _part(specification: Specification, arguments: argparse.Namespace) -> Specification:
    from mla_core.errors import ConfigError

    if arguments.results is not None:
        msg = (
            "one part has no results of the whole: when all parts are done, the same command with "
            "--results and without --shard writes them, and runs nothing"
        )
        raise ConfigError(msg)
    return specification.shard(*arguments.shard)


def _list(specification: Specification, out: Path) -> None:
    done = specification.done(out)
    print(f"# {specification.description}\n# {_plan(specification, out)}")
    for run in specification.runs:
        print(f"{run}  {'done' if run in done else '-':4}  {specification.label(run)}".rstrip())


def _plan(specification: Specification, out: Path) -> str:
    done, every = len(specification.done(out)), len(specification.runs)
    return f"{counted(every, 'run')} in {out}, {done} done before"


def _write_results(
    arguments: argparse.Namespace,
    specification: Specification,
    report: SweepReport,
    out: Path,
    seconds: float,
) -> None:
    from mla_core import results

    there = {folder.name for folder in report.folders}
    frame = results.collect(out, [name for name in specification.runs if name in there])
    provenance: dict[str, Any] = {
        "description": specification.description,
        "specification": specification.text,
        "command": arguments.command_line,
        "finished": len(there),
        "failed": len(report.failures),
        "failures": [
            {"run": f.run, "settings": f.settings, "error": f.error} for f in report.failures
        ],
        "wall_seconds": round(seconds, 1),
        "computed_now": len(report.finished),  # in those seconds; the others were there before
        "jobs": arguments.jobs,
    }
    results.write(frame, arguments.results, provenance)
    print(f"{arguments.results}: {counted(len(frame), 'run')}", file=sys.stderr)


def _table(arguments: argparse.Namespace) -> int:
    from mla_core import results

    source, csv = arguments.source, arguments.csv
    if source.is_dir():
        frame = results.collect(source)
        csv = csv or source / "table.csv"
    else:
        frame = results.read(source)
    made = results.table(
        frame,
        arguments.rows,
        arguments.columns,
        value=arguments.value,
        choose=arguments.choose,
        by=arguments.by,
    )
    print(results.to_markdown(made, show_choice=arguments.show_choice))
    if csv is not None:
        results.write_cells(made, csv)
        print(f"written: {csv}", file=sys.stderr)
    return 0
