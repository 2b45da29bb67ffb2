"""The part of the command `mla-lab` that lets a run stop: `stop`."""

from __future__ import annotations

import argparse
from pathlib import Path

from mla_core.language import later, tr

EPILOG = later("""The run writes a snapshot and ends, wherever it is being computed: in another terminal, in a
notebook that runs headless, in a sweep, whose other runs go on, or on a machine that shares the folder.
The command that began it goes on from the snapshot, later, and ends with the same numbers.

examples:
  mla-lab list runs                       which runs are being computed
  mla-lab stop 0123456789ab               of those in the folder runs
  mla-lab stop rates/0123456789ab         a run of a sweep
  mla-lab stop 0123456789ab --runs /shared/table1

Without this command, a file named stop in the run's hidden folder does the same:
  touch runs/.0123456789ab.partial/stop
""")


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `stop` to the command."""
    stop = commands.add_parser(
        "stop",
        help=tr("let a run that is being computed stop at its next snapshot, to go on later"),
        description=tr("Let a run that is being computed stop at its next snapshot."),
        epilog=tr(EPILOG),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    stop.add_argument("run", metavar="ID", help=tr("the run's name, as the command list tells it"))
    stop.add_argument(
        "--runs",
        metavar="FOLDER",
        type=Path,
        default=Path("runs"),
        help=tr("where the run folders are (default: runs)"),
    )
    stop.set_defaults(action=_stop)


def _stop(arguments: argparse.Namespace) -> int:
    from mla_core.runs import find_runs, named_run, stop_run

    folder = named_run(find_runs(arguments.runs), arguments.run)
    stop_run(folder)
    print(
        tr(
            "{folder} stops at its next snapshot; the command that began it goes on from there",
            folder=folder,
        )
    )
    return 0
