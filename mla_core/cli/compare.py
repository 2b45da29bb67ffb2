"""The part of the command `mla-lab` that asks which differences of a table survive: `compare`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from mla_core.language import later, tr

EPILOG = later("""The learning rate is chosen on val first, unless a stage before has done so. The p-values of all
comparisons are corrected together by Holm's method: the more is asked, the more a difference must be.

examples:
  mla-lab compare results/table1.csv --against ensemble
  mla-lab compare results/table1.csv --against ensemble --against "mla (off)" --value test.nll
""")


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `compare` to the command."""
    compare = commands.add_parser(
        "compare",
        help=tr(
            "paired differences of a table's methods, corrected together, with what could be seen"
        ),
        description=tr(
            "Compare every method of a table of results with one or several others, seed by seed, "
            "on every data set."
        ),
        epilog=tr(EPILOG),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    compare.add_argument("table", metavar="TABLE.csv", type=Path)
    compare.add_argument(
        "--against",
        metavar="METHOD",
        action="append",
        required=True,
        help=tr(
            'once for each, such as ensemble or "mla (off)"; a wrong name is answered with the names'
        ),
    )
    compare.add_argument(
        "--value",
        default="test.accuracy",
        help=tr("the number to compare (default: test.accuracy)"),
    )
    compare.set_defaults(action=_compare)


def _compare(arguments: argparse.Namespace) -> int:
    from mla_core import results

    path = results.check_csv(arguments.table)
    runs = results.chosen_runs(results.load_results(path.parent, path.stem))
    verdicts, left_out = results.compare_with(runs, arguments.against, arguments.value)
    print(results.comparisons_markdown(verdicts))
    for sentence in left_out:
        print(tr("mla-lab: not compared: {sentence}", sentence=sentence), file=sys.stderr)
    return 0
