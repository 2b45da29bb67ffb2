"""The part of the command `mla-lab` that repeats rows of a table of results: `verify`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from mla_core.cli.own_code import add_allow_import, allow
from mla_core.words import counted

if TYPE_CHECKING:
    from mla_core.runs import Repetition

EPILOG = """The rows are drawn at random, by --seed. Each is trained anew, from the configuration that the
row holds and that the JSON beside the table says was run, and every number is compared as it stands in
the table. Exit status: 0 when all came out so, 1 when one did not, or could not be repeated here.

examples:
  mla-lab verify results/table1.csv --sample 1
  mla-lab verify results/table1.csv --sample 20 --seed 7
"""


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `verify` to the command."""
    verify = commands.add_parser(
        "verify",
        help="repeat a random sample of a table's rows, and compare bit for bit",
        description="Repeat a random sample of the rows of a table of results.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verify.add_argument("table", metavar="TABLE.csv", type=Path, help="its JSON stands beside it")
    verify.add_argument("--sample", type=int, default=5, help="how many rows (default: 5)")
    verify.add_argument("--seed", type=int, default=0, help="which rows (default: 0)")
    add_allow_import(verify)
    verify.set_defaults(action=_verify)


def _verify(arguments: argparse.Namespace) -> int:
    from mla_core.runs import read_committed, repetitions

    allow(arguments)
    table = read_committed(arguments.table)
    rows = table.sample(arguments.sample, arguments.seed)
    print(f"# {len(rows)} of {counted(len(table.rows), 'row')} of {table.path}", flush=True)
    found = []
    try:
        for one in repetitions(table, rows, progress=True):
            _tell(one)
            found.append(one)
    except KeyboardInterrupt:
        print(f"mla-lab: stopped after {counted(len(found), 'row')}", file=sys.stderr)
    failed = sum(bool(one.reason) for one in found)
    held = sum(one.holds for one in found)
    told = f"{held} as written, {len(found) - held - failed} otherwise, {failed} not repeated"
    print(f"{table.path}: {told}")
    if len(found) < len(rows):
        return 130
    if held == len(found):
        return 0
    if elsewhere := table.elsewhere():
        print(f"possible reasons: {'; '.join(elsewhere)}")
    else:
        print("versions, commit, platform and threads are those that the JSON notes")
    return 1


def _tell(one: Repetition) -> None:
    word = "as written" if one.holds else "not repeated" if one.reason else "otherwise"
    which = "  ".join(f"{name}={one.settings.get(name)}" for name in ("dataset", "method", "seed"))
    print(f"{one.run}  {word:12}  {which}")
    for cell in one.differences:
        print(
            f"    {cell.column}: {cell.old or 'nothing'} in the table, {cell.new or 'nothing'} now"
        )
    if one.unknown:
        print(f"    not written by this version: {', '.join(one.unknown)}")
    if one.reason:
        print(f"    {one.reason}")
