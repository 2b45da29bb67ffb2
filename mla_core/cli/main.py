"""The command `mla-lab`."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mla_core.cli import data, export, sweep
from mla_core.errors import ConfigError, DataError, NotebookError
from mla_core.plugins import Registry

EPILOG = """examples:
  mla-lab list                                        what there is to choose from
  mla-lab list notebooks/01_alternating_training.ipynb   a notebook's parameters
  mla-lab run notebooks/01_alternating_training.ipynb -p seed=1 -p epochs=5 --out runs
  mla-lab list runs                                   what has been run, with its accuracy
  mla-lab sweep experiments/quick.toml --jobs 2            many runs at once (see mla-lab sweep --help)
  mla-lab table runs/quick --rows method              their means over seeds
  mla-lab export runs/0123456789ab --html run.html    one page to send, without a kernel
  mla-lab data check my_folder/manifest.csv           your own files (see mla-lab data --help)
"""


OWN = """your own: a file my_lab.py in this folder, named as "my_lab:Mine" wherever a name stands above;
or an installed package with entry points (notebooks/09_your_own_method.ipynb shows both)"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return 0, or 2 when the input was bad, or 1 when something run failed."""
    parser = argparse.ArgumentParser(
        prog="mla-lab",
        description="MLA Lab: multimodal learning by alternating unimodal adaptation.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    run = commands.add_parser(
        "run",
        help="run a notebook headless and leave one run folder",
        description="Run a notebook headless with the given parameters. A finished run is not "
        "repeated, one that was cut off goes on.",
    )
    run.add_argument(
        "notebook", type=Path, help="for example notebooks/01_alternating_training.ipynb"
    )
    run.add_argument(
        "-p",
        dest="parameters",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="a parameter of the notebook, once for each; lists as JSON: -p 'noise=[0, 10, 0.5]'",
    )
    run.add_argument(
        "--out", type=Path, default=Path("runs"), help="where run folders are kept (default: runs)"
    )
    run.set_defaults(action=_run)

    listing = commands.add_parser(
        "list",
        help="say what there is: data sets, methods, variants; a notebook's parameters; runs",
        description="Without an argument: data sets, methods and variants. With a notebook: its "
        "parameters. With a folder: the runs in it.",
    )
    listing.add_argument("what", nargs="?", type=Path, help="a notebook or a folder of runs")
    listing.set_defaults(action=_list)

    sweep.add_commands(commands)
    export.add_commands(commands)
    data.add_commands(commands)

    given = sys.argv[1:] if argv is None else argv
    arguments = parser.parse_args(given)
    arguments.command_line = shlex.join(["mla-lab", *given])
    try:
        code = int(arguments.action(arguments))
        sys.stdout.flush()
    except (ConfigError, DataError) as error:
        print(f"mla-lab: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return code


def _run(arguments: argparse.Namespace) -> int:
    from mla_core.cli.own_code import find_modules_here
    from mla_core.runs import run_notebook

    find_modules_here()
    parameters = dict(map(_parameter, arguments.parameters))
    try:
        folder, fresh = run_notebook(arguments.notebook, parameters, arguments.out)
    except NotebookError as error:
        print(f"mla-lab: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("mla-lab: stopped; the same command goes on from here", file=sys.stderr)
        return 130
    print(folder if fresh else f"{folder} (finished before, not repeated)")
    return 0


def _parameter(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        msg = f"-p needs NAME=VALUE, not {text!r}"
        raise ConfigError(msg)
    try:
        return name, json.loads(value, parse_constant=_no_number)
    except json.JSONDecodeError:
        return name, {"True": True, "False": False}.get(value, value)


def _no_number(text: str) -> Any:
    msg = f"a parameter cannot be {text}"
    raise ConfigError(msg)


def _list(arguments: argparse.Namespace) -> int:
    what: Path | None = arguments.what
    if what is None:
        _list_choices()
    elif what.suffix == ".ipynb":
        _list_parameters(what)
    elif what.is_dir():
        _list_runs(what)
    else:
        msg = f"{str(what)!r} is neither a notebook nor a folder"
        raise ConfigError(msg)
    return 0


def _list_choices() -> None:
    import mla_core as mla

    tables: dict[str, Registry[Any]] = {
        "data sets (dataset=)": mla.datasets,
        "methods (method=)": mla.methods.METHODS,
        "head gradient variants (head_gradient=)": mla.head_gradients,
        "fusion rules (fusion=)": mla.fusion.RULES,
        'encoders (encoders={"image": ...}, or a pretrained model by name or folder)': (
            mla.encoders.ENCODERS
        ),
        "numbers (metrics=, beside those that are always there)": mla.metrics,
        "corruptions": mla.corruptions,
    }
    for title, registry in tables.items():
        print(title)
        for name in registry:
            print(f"  {name:18} {registry.describe(name)}".rstrip())
        for clash in registry.clashes():
            print(f"  {clash}")
    print("notebooks (mla-lab list NOTEBOOK shows the parameters)")
    for path in sorted(Path("notebooks").glob("*.ipynb")):
        print(f"  {path}")
    print(OWN)


def _list_parameters(notebook: Path) -> None:
    from mla_core.runs import notebook_parameters

    for name, (kind, default, text) in notebook_parameters(notebook).items():
        print(f"  {name:18} {kind:6} {json.dumps(default):18} {text}".rstrip())


def _list_runs(folder: Path) -> None:
    from mla_core.runs import config_differences, read_runs

    runs, problems = read_runs(folder)
    if not runs:
        print(f"no finished run in {folder}")
    shown = {"method", "dataset", "seed", "epochs"}
    differing = config_differences([run.config for run in runs])
    varying = {name: values for name, values in differing.items() if name not in shown}
    for i, run in enumerate(runs):
        config, alone = run.config, run.metrics["test"]["unimodal_accuracy"].items()
        parts = ", ".join(f"{m} {'-' if a is None else f'{a:.3f}'}" for m, a in alone)
        rest = "".join(f"  {name}={json.dumps(values[i])}" for name, values in varying.items())
        fused = run.accuracy("test")
        print(
            f"{run.name}  {config.method:11} {config.dataset:17} "
            f"seed {config.seed:<3} epochs {config.epochs:<4} "
            f"test {'-' if fused is None else f'{fused:.3f}'} ({parts}){rest}"
        )
    for problem in problems:
        print(f"mla-lab: {problem}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
