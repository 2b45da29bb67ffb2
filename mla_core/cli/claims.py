"""The part of the command `mla-lab` that asks papers' claims of the results: `claims`."""

from __future__ import annotations

import argparse
from pathlib import Path

from mla_core.language import later, tr

EPILOG = later("""examples:
  mla-lab claims                          every claim with its verdict, as docs/claims.md shows them
  mla-lab claims --only joint             every comparison behind one verdict
  mla-lab claims results --only hgm       whether the head gradient modification helps
""")


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `claims` to the command."""
    claims = commands.add_parser(
        "claims",
        help=tr("what the results say of the papers' claims"),
        description=tr(
            "Compare what each claim compares, seed by seed, the p-values adjusted by Holm over the "
            "comparisons of a claim, and say what comes out."
        ),
        epilog=tr(EPILOG),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    claims.add_argument(
        "results",
        metavar="FOLDER",
        nargs="?",
        type=Path,
        default=Path("results"),
        help=tr("with table1.csv and the others that make experiments writes (default: results)"),
    )
    claims.add_argument(
        "--only", metavar="NAME", default="", help=tr("one claim, every comparison")
    )
    claims.set_defaults(action=_claims)


def _claims(arguments: argparse.Namespace) -> int:
    from mla_core.results.claims import answers, to_markdown

    found = answers(arguments.results, arguments.only)
    print(found[0] if arguments.only else to_markdown(found))
    return 0
