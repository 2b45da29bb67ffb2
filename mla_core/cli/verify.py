"""The part of the command `mla-lab` that repeats rows of a table of results: `verify`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from mla_core.cli.own_code import add_allow_import, allow
from mla_core.language import later, tr
from mla_core.words import counted

if TYPE_CHECKING:
    from mla_core.runs import Repetition

EPILOG = later("""The rows are drawn at random, by --seed. Each is trained anew, from the configuration that the
row holds and that the JSON beside the table says was run, and every number is compared as it stands in
the table. Exit status: 0 when all came out so, 1 when one did not, or could not be repeated here.

examples:
  mla-lab verify results/table1.csv --sample 1
  mla-lab verify results/table1.csv --sample 20 --seed 7
""")


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `verify` to the command."""
    verify = commands.add_parser(
        "verify",
        help=tr("repeat a random sample of a table's rows, and compare bit for bit"),
        description=tr("Repeat a random sample of the rows of a table of results."),
        epilog=tr(EPILOG),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verify.add_argument(
        "table", metavar="TABLE.csv", type=Path, help=tr("its JSON stands beside it")
    )
    verify.add_argument("--sample", type=int, default=5, help=tr("how many rows (default: 5)"))
    verify.add_argument("--seed", type=int, default=0, help=tr("which rows (default: 0)"))
    add_allow_import(verify)
    verify.set_defaults(action=_verify)


def _verify(arguments: argparse.Namespace) -> int:
    from mla_core.runs import read_committed, repetitions

    allow(arguments)
    table = read_committed(arguments.table)
    rows = table.sample(arguments.sample, arguments.seed)
    begun = tr(
        "# {some} of {rows} of {table}",
        some=len(rows),
        rows=counted(len(table.rows), tr("row"), tr("rows")),
        table=table.path,
    )
    print(begun, flush=True)
    found = []
    try:
        for one in repetitions(table, rows, progress=True):
            _tell(one)
            found.append(one)
    except KeyboardInterrupt:
        done = counted(len(found), tr("row"), tr("rows"))
        print(tr("mla-lab: stopped after {rows}", rows=done), file=sys.stderr)
    failed = sum(bool(one.reason) for one in found)
    held = sum(one.holds for one in found)
    told = tr(
        "{table}: {held} as written, {otherwise} otherwise, {failed} not repeated",
        table=table.path,
        held=held,
        otherwise=len(found) - held - failed,
        failed=failed,
    )
    print(told)
    if len(found) < len(rows):
        return 130
    if held == len(found):
        return 0
    if elsewhere := table.elsewhere():
        print(tr("possible reasons: {reasons}", reasons="; ".join(elsewhere)))
    else:
        print(tr("versions, commit, platform and threads are those that the JSON notes"))
    return 1


def _tell(one: Repetition) -> None:
    word = tr("not repeated") if one.reason else tr("otherwise")
    word = tr("as written") if one.holds else word
    which = "  ".join(f"{name}={one.settings.get(name)}" for name in ("dataset", "method", "seed"))
    print(f"{one.run}  {word:12}  {which}")
    for cell in one.differences:
        told = tr(
            "{column}: {old} in the table, {new} now",
            column=cell.column,
            old=cell.old or tr("nothing"),
            new=cell.new or tr("nothing"),
        )
        print(f"    {told}")
    if one.unknown:
        columns = ", ".join(one.unknown)
        print(f"    {tr('not written by this version: {columns}', columns=columns)}")
    if one.reason:
        print(f"    {one.reason}")
