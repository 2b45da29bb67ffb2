"""The part of the command `mla-lab` that says what there is: `list`."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from mla_core.cli.lab import NEW_FOLDER, shipped_files
from mla_core.errors import ConfigError
from mla_core.language import later, tr
from mla_core.plugins import Registry

OWN = later("""your own: a file my_lab.py in this folder, named as "my_lab:Mine" wherever a name stands above;
or an installed package with entry points (notebooks/09_your_own_method.ipynb shows both)""")


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `list` to the command."""
    listing = commands.add_parser(
        "list",
        help=tr(
            "say what there is: data sets, methods, fusion rules; a notebook's parameters; runs"
        ),
        description=tr(
            "Without an argument: everything that has a name, from data sets to fusion rules, and "
            "the notebooks. With a notebook: its parameters. With a folder: the runs in it."
        ),
    )
    listing.add_argument("what", nargs="?", type=Path, help=tr("a notebook or a folder of runs"))
    listing.set_defaults(action=_list)


def _list(arguments: argparse.Namespace) -> int:
    what: Path | None = arguments.what
    if what is None:
        _list_choices()
    elif what.suffix == ".ipynb":
        _list_parameters(what)
    elif what.is_dir():
        _list_runs(what)
    else:
        msg = tr("{what!r} is neither a notebook nor a folder", what=str(what))
        raise ConfigError(msg)
    return 0


def _list_choices() -> None:
    import mla_core as mla

    tables: dict[str, Registry[Any]] = {
        tr("data sets (dataset=)"): mla.datasets,
        tr("methods (method=)"): mla.methods.METHODS,
        tr("head gradient variants (head_gradient=)"): mla.head_gradients,
        tr("fusion rules (fusion=)"): mla.fusion.RULES,
        tr('encoders (encoders={"image": ...}, or a pretrained model by name or folder)'): (
            mla.encoders.ENCODERS
        ),
        tr("numbers (metrics=, beside those that are always there)"): mla.metrics,
        tr("corruptions"): mla.corruptions,
    }
    for title, registry in tables.items():
        print(title)
        for name in registry:
            print(f"  {name:18} {tr(registry.describe(name))}".rstrip())
        for clash in registry.clashes():
            print(f"  {clash}")
    _list_notebooks()
    print(tr(OWN))


def _list_notebooks() -> None:
    here = sorted(Path("notebooks").glob("*.ipynb"))
    if here:
        print(tr("notebooks (mla-lab list NOTEBOOK shows the parameters)"))
    else:
        print(
            tr("notebooks (mla-lab lab lays them into {folder} and opens them)", folder=NEW_FOLDER)
        )
        names = [name for name in shipped_files() if name.endswith(".ipynb")]
        here = [NEW_FOLDER / name for name in names]
    for path in here:
        print(f"  {path}")


def _list_parameters(notebook: Path) -> None:
    import mla_core as mla
    from mla_core.runs import notebook_parameters

    named: dict[str, Registry[Any]] = {
        "dataset": mla.datasets,
        "method": mla.methods.METHODS,
        "head_gradient": mla.head_gradients,
        "fusion": mla.fusion.RULES,
    }
    for name, (kind, default, text) in notebook_parameters(notebook).items():
        print(f"  {name:18} {kind:6} {json.dumps(default):18} {text}".rstrip())
        if name in named:
            print(f"  {'':18} {tr('one of {names}', names=', '.join(named[name]))}")


def _list_runs(folder: Path) -> None:
    from mla_core.config import config_differences
    from mla_core.runs import read_runs

    runs, problems = read_runs(folder)
    if not runs:
        print(tr("no finished run in {folder}", folder=folder))
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
