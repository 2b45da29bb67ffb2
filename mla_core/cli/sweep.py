"""The part of the command `mla-lab` about many runs: `sweep` and `table`."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mla_core.language import later, tr
from mla_core.version import made_by
from mla_core.words import counted

if TYPE_CHECKING:
    from mla_core.runs import Specification, SweepReport

SWEEP = later("""a specification, rates.toml:
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

  With [choose] there are two stages. Stage one tries every value on its own seeds, for each method
  and data set; the best mean on val is then run with the seeds of the grid, which must be new:
  [choose]
  seed = [100, 101, 102]
  by = "val.accuracy"               # or "val.nll"
  learning_rate = [0.01, 0.03, 0.1]
  # choose.method_options.alpha = [0.5, 1.0]   in a [[grid]]: at most two more settings, three values each

examples:
  mla-lab sweep rates.toml --dry-run          what it would run, what is done already
  mla-lab sweep rates.toml --jobs 4           run it, go on after Ctrl-C, or try again
  mla-lab sweep rates.toml --results rates.csv
  mla-lab sweep rates.toml --shard 1/8        the first of eight parts, such as of a SLURM array
  mla-lab sweep rates.toml --cluster tcp://10.0.0.1:8786 --fetch
  mla-lab table runs/rates --rows method --choose learning_rate --show-choice
""")

TABLE = later("""examples:
  mla-lab table runs/rates --rows method --columns learning_rate
  mla-lab table rates.csv --rows method,learning_rate --columns dataset
  mla-lab table runs/rates --rows method --choose learning_rate --show-choice
      the learning rate with the best val.accuracy for each method
  mla-lab table runs/rates --rows method --choose learning_rate --value test.unimodal_accuracy.m1
""")


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `sweep` and `table` to the command."""
    sweep = commands.add_parser(
        "sweep",
        help=tr("run all configurations of a small TOML file, several at a time"),
        description=tr(
            "Run all configurations of a specification. Finished runs are skipped, what was cut off "
            "goes on, a failing run does not stop the others."
        ),
        epilog=tr(SWEEP),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    sweep.add_argument("specification", metavar="SPEC.toml", type=Path)
    sweep.add_argument("--jobs", type=int, default=1, help=tr("processes (default: 1)"))
    sweep.add_argument(
        "--shard",
        type=_shard,
        metavar="I/N",
        help=tr("only part I of N; N calls with the same folder run all, wherever each runs"),
    )
    sweep.add_argument(
        "--cluster",
        default="",
        metavar="ADDRESS",
        help=tr("run on the workers of a Dask scheduler"),
    )
    sweep.add_argument(
        "--fetch", action="store_true", help=tr("of a cluster that does not share the folder")
    )
    sweep.add_argument(
        "--out", type=Path, help=tr("where run folders are kept (default: runs/SPEC)")
    )
    sweep.add_argument(
        "--results",
        type=Path,
        metavar="FILE.csv",
        help=tr(
            "write all numbers of these runs, one row each, and FILE.json about where they come from"
        ),
    )
    sweep.add_argument("--dry-run", action="store_true", help=tr("only list the runs"))
    sweep.set_defaults(action=_sweep)

    table = commands.add_parser(
        "table",
        help=tr("means over seeds with 95 %% intervals, as Markdown and CSV"),
        description=tr("Average a number over seeds: mean ± 95 % Student t-interval in each cell."),
        epilog=tr(TABLE),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    table.add_argument(
        "source",
        metavar="RUNS_OR_CSV",
        type=Path,
        help=tr("a folder of runs, or a file of results"),
    )
    table.add_argument("--rows", required=True, help=tr("settings, such as method,head_gradient"))
    table.add_argument("--columns", default="", help=tr("settings, such as dataset"))
    table.add_argument(
        "--value", default="test.accuracy", help=tr("the number to show (default: test.accuracy)")
    )
    table.add_argument(
        "--choose",
        default="",
        help=tr("settings that each cell fixes to their best combination, such as learning_rate"),
    )
    table.add_argument(
        "--by", default="val.accuracy", help=tr("what --choose goes by (default: val.accuracy)")
    )
    table.add_argument(
        "--show-choice",
        action="store_true",
        help=tr(
            "say in each cell what was chosen, and below what stage one tried, if there was one"
        ),
    )
    table.add_argument(
        "--csv",
        type=Path,
        help=tr("also write the cells here (default for a folder: RUNS/table.csv)"),
    )
    table.set_defaults(action=_table)


def _sweep(arguments: argparse.Namespace) -> int:
    from mla_core.cli.own_code import find_modules_here
    from mla_core.files import check_writable
    from mla_core.results import check_csv
    from mla_core.runs import read_specification, run_sweep

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
    print(_plan(specification, out, _stages(specification, out)), file=sys.stderr)
    made_by()  # it keeps the commit of now, whatever is committed while runs are computed
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
        print(tr("mla-lab: stopped; the same command goes on from here"), file=sys.stderr)
        return 130
    seconds = time.monotonic() - start
    if arguments.results is not None and report.folders:
        _write_results(arguments, specification, report, out, seconds)
    return _conclude(specification, report, out)


def _conclude(specification: Specification, report: SweepReport, out: Path) -> int:
    """Say how it went, and return the exit status."""
    from mla_core.runs import failures_of

    one = report.stage_one
    lists = {"": specification}
    if one is not None:
        two = specification.stage_two(one.choices)
        lists = {later("stage one"): specification.stage_one({}), later("stage two"): two}
    for stage, part in report.stages.items():
        counts = {"finished": len(part.finished), "skipped": len(part.skipped)}
        counts["failed"] = len(part.failures)
        told = (
            tr(
                "{finished} finished, {skipped} skipped, {diverged} diverged, {failed} failed",
                diverged=len(one.diverged),
                **counts,
            )
            if one and part is one.report
            else tr("{finished} finished, {skipped} skipped, {failed} failed", **counts)
        )
        print(f"{out}: {tr(stage)}: {told}" if stage else f"{out}: {told}")
        if part.stopped:
            stopped = tr(
                "mla-lab: stopped on request: {runs}; the same command goes on",
                runs=", ".join(part.stopped),
            )
            print(stopped, file=sys.stderr)
        if part.failures:
            listed = failures_of(lists[stage], out)
            told = (
                tr("mla-lab: {file} holds their settings and traces", file=listed)
                if listed.is_file()
                else tr("mla-lab: {file} could not be written", file=listed)
            )
            print(told, file=sys.stderr)
    if one is not None and one.waiting and not one.report.stopped:
        runs = counted(one.waiting, tr("run of stage one"), tr("runs of stage one"))
        waits = (
            tr(
                "mla-lab: what is not chosen yet waits for {runs}: other parts compute them, or "
                "they failed; the same command goes on",
                runs=runs,
            )
            if specification.part
            else tr(
                "mla-lab: what is not chosen yet waits for {runs}: they failed; the same command "
                "goes on",
                runs=runs,
            )
        )
        print(waits, file=sys.stderr)
    hopeless = one.hopeless if one else []
    for choice in hopeless:
        place = ", ".join(
            f"{k}={v}" for k, v in choice.settings.items() if k in ("dataset", "method")
        )
        lost = tr("mla-lab: no candidate of {place} came through stage one", place=place)
        print(lost, file=sys.stderr)
    if hopeless or any(part.failures for part in report.stages.values()):
        return 1
    return 130 if any(part.stopped for part in report.stages.values()) else 0


def _shard(text: str) -> tuple[int, int]:
    index, slash, count = text.partition("/")
    if not (slash and index.isdecimal() and count.isdecimal()):
        msg = tr("the part must be like 1/8, the first of eight, not {text!r}", text=text)
        raise argparse.ArgumentTypeError(msg)
    return int(index), int(count)


def _part(specification: Specification, arguments: argparse.Namespace) -> Specification:
    from mla_core.errors import ConfigError

    if arguments.results is not None:
        msg = tr(
            "one part has no results of the whole: when all parts are done, the same command with "
            "--results and without --shard writes them, and runs nothing"
        )
        raise ConfigError(msg)
    return specification.shard(*arguments.shard)


def _list(specification: Specification, out: Path) -> None:
    stages = _stages(specification, out)
    print(f"# {specification.description}\n# {_plan(specification, out, stages)}")
    for stage, done in stages:
        for run in stage.runs:
            print(f"{run}  {tr('done') if run in done else '-':4}  {stage.label(run)}".rstrip())


Done = list[str]  # names of finished runs


def _stages(specification: Specification, out: Path) -> list[tuple[Specification, Done]]:
    """Return what is to be run and is done, as far as it is known: stage two when it is chosen."""
    from mla_core.runs import choices_in

    found = [specification]
    if specification.protocol is not None:
        two = specification.stage_two(choices_in(specification, out))
        found = [specification.stage_one({}), two]
    return [(stage, stage.done(out)) for stage in found]


def _plan(specification: Specification, out: Path, stages: list[tuple[Specification, Done]]) -> str:
    (first, done), *more = stages
    runs = counted(len(first.runs), tr("run in {out}", out=out), tr("runs in {out}", out=out))
    plan = tr("{runs}, {done} done before", runs=runs, done=len(done))
    protocol = specification.protocol
    if protocol is None:
        return plan
    ((_, ready),) = more
    two = protocol.size_of_part
    return tr(
        "stage one: {plan}, to choose in {cells} by {by}; stage two: {runs}, {done} done before",
        plan=plan,
        cells=counted(len(protocol.cells), tr("cell"), tr("cells")),
        by=protocol.by,
        runs=counted(two, tr("run with new seeds"), tr("runs with new seeds")),
        done=len(ready),
    )


def _write_results(
    arguments: argparse.Namespace,
    specification: Specification,
    report: SweepReport,
    out: Path,
    seconds: float,
) -> None:
    from mla_core import results

    there = {folder.name for folder in report.folders}
    choices, failures = _chosen(specification, report), list(report.failures)
    if (one := report.stage_one) is not None:
        failures = [*one.report.failures, *failures]
    names = [name for name in specification.collected(choices) if name in there]
    frame = results.collect(out, names)
    provenance: dict[str, Any] = {
        "description": specification.description,
        "specification": specification.text,
        "command": arguments.command_line,
        "finished": len(there),
        "failed": len(failures),
        "failures": [{"run": f.run, "settings": f.settings, "error": f.error} for f in failures],
        "wall_seconds": round(seconds, 1),
        "computed_now": len(report.finished),  # in those seconds; the others were there before
        "jobs": arguments.jobs,
        **({"choices": choices} if choices is not None else {}),
    }
    results.write(frame, arguments.results, provenance)
    told = later("{file}: {number} run") if len(frame) == 1 else later("{file}: {number} runs")
    print(tr(told, file=arguments.results, number=len(frame)), file=sys.stderr)
    by = results.commits_of(frame)
    here = made_by().get("commit", "")
    if others := sum(number for commit, number in by.items() if commit != here):
        runs = counted(others, tr("run was"), tr("runs were"))
        told = tr(
            "mla-lab: {runs} not computed by the commit that is checked out now: {file} counts them by commit",
            runs=runs,
            file=arguments.results.with_suffix(".json"),
        )
        print(told, file=sys.stderr)


def _chosen(specification: Specification, report: SweepReport) -> dict[str, Any] | None:
    """Return what the results say about stage one; None where there was none."""
    protocol, one = specification.protocol, report.stage_one
    if protocol is None or one is None:
        return None
    return protocol.record(one.choices) | {"computed_now": len(one.report.finished)}


def _table(arguments: argparse.Namespace) -> int:
    from mla_core import results

    source, csv, choices = arguments.source, arguments.csv, None
    if source.is_dir():
        frame = results.collect(source)
        csv = csv or source / "table.csv"
    else:
        frame = results.read(source)
        choices = results.choices_beside(source)
    made = results.table(
        frame,
        arguments.rows,
        arguments.columns,
        value=arguments.value,
        choose=arguments.choose,
        by=arguments.by,
    )
    print(results.to_markdown(made, show_choice=arguments.show_choice))
    if choices is not None and arguments.show_choice:
        print(f"\n{results.stage_one_markdown(choices, frame)}")
    elif choices is not None:
        told = tr("settings were chosen in a stage before, on val: --show-choice shows it")
        print(f"\n{told}")
    if csv is not None:
        results.write_cells(made, csv)
        print(tr("written: {file}", file=csv), file=sys.stderr)
    return 0
