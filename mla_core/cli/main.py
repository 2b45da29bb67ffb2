"""The command `mla-lab`."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from mla_core.cli import (
    claims,
    classroom,
    compare,
    data,
    export,
    lab,
    listing,
    stop,
    sweep,
    verify,
    words,
)
from mla_core.cli.options import add_out
from mla_core.cli.values import named_values
from mla_core.errors import ConfigError, DataError, NotebookError, StoppedError
from mla_core.language import later, tr
from mla_core.version import __version__

EPILOG = later("""examples:
  mla-lab lab                                         open the notebooks in JupyterLab
  mla-lab list                                        what there is to choose from
  mla-lab list notebooks/01_alternating_training.ipynb   a notebook's parameters
  mla-lab run notebooks/01_alternating_training.ipynb -p seed=1 -p epochs=5 --out runs
  mla-lab list runs                                   what has been run, with its accuracy
  mla-lab stop 0123456789ab                           let a run that is being computed stop, to go on later
  mla-lab sweep experiments/quick.toml --jobs 2            many runs at once (see mla-lab sweep --help)
  mla-lab table runs/quick --rows method,head_gradient --choose learning_rate
                                                      their means over seeds
  mla-lab claims results                              what the results say of the papers' claims
  mla-lab compare results/table1.csv --against ensemble
                                                      which differences survive the correction
  mla-lab verify results/table1.csv --sample 1        repeat a row of a table, compare bit for bit
  mla-lab export runs/0123456789ab --html run.html    one page to send, without a kernel
  mla-lab class course --students names.txt           notebooks for a course (see mla-lab class --help)
  mla-lab data check my_folder/manifest.csv           your own files (see mla-lab data --help)
""")


def command_parser() -> argparse.ArgumentParser:
    """Return what reads the command line."""
    words.speak()
    parser = argparse.ArgumentParser(
        prog="mla-lab",
        description=tr("MLA Lab: multimodal learning by alternating unimodal adaptation."),
        epilog=tr(EPILOG),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"mla-lab {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    run = commands.add_parser(
        "run",
        help=tr("run a notebook headless and leave one run folder"),
        description=tr(
            "Run a notebook headless with the given parameters. A finished run is not repeated, "
            "one that was cut off goes on."
        ),
    )
    run.add_argument(
        "notebook", type=Path, help=tr("for example notebooks/01_alternating_training.ipynb")
    )
    run.add_argument(
        "-p",
        dest="parameters",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help=tr(
            "a parameter of the notebook, once for each; lists as JSON: -p 'noise=[0, 10, 0.5]'"
        ),
    )
    add_out(run)
    run.set_defaults(action=_run)

    lab.add_commands(commands)
    classroom.add_commands(commands)
    listing.add_commands(commands)
    stop.add_commands(commands)
    sweep.add_commands(commands)
    claims.add_commands(commands)
    compare.add_commands(commands)
    verify.add_commands(commands)
    export.add_commands(commands)
    data.add_commands(commands)

    return parser


def read_command(given: Sequence[str]) -> argparse.Namespace:
    """Read a command line; one that cannot be read ends the process with 2, as argparse does."""
    parser = command_parser()
    arguments, further = parser.parse_known_args(given)
    if further and not getattr(arguments, "passes_on", False):
        parser.error(tr("unrecognized arguments: {arguments}", arguments=" ".join(further)))
    arguments.further = further
    arguments.command_line = shlex.join(["mla-lab", *given])
    return arguments


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return 0, or 2 when the input was bad, or 1 when something run failed."""
    try:
        arguments = read_command(sys.argv[1:] if argv is None else argv)
        code = int(arguments.action(arguments))
        sys.stdout.flush()
    except (ConfigError, DataError) as error:
        print(f"mla-lab: {error}", file=sys.stderr)
        return 2
    except StoppedError as error:
        print(f"mla-lab: {error}", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:  # a disk that is full, a file that nobody may read
        where = f"{str(error.filename)!r}: " if error.filename else ""
        print(f"mla-lab: {where}{error.strerror or error}", file=sys.stderr)
        return 2
    return code


def _run(arguments: argparse.Namespace) -> int:
    from mla_core.cli.own_code import find_modules_here
    from mla_core.runs import run_notebook

    find_modules_here()
    parameters = named_values("-p", arguments.parameters)
    try:
        folder, fresh = run_notebook(arguments.notebook, parameters, arguments.out, progress=True)
    except NotebookError as error:
        print(f"mla-lab: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(tr("mla-lab: stopped; the same command goes on from here"), file=sys.stderr)
        return 130
    before = tr("{folder} (finished before, not repeated)", folder=folder)
    print(folder if fresh else before)
    return 0


if __name__ == "__main__":
    sys.exit(main())
