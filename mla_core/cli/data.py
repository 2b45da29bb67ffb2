"""The part of the command `mla-lab` about your own data: `data init` and `data check`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mla_core.cli.values import named_values
from mla_core.errors import DataError, one_of
from mla_core.language import later, tr
from mla_core.words import counted

if TYPE_CHECKING:
    from mla_core.data.files import Manifest

EXAMPLES = later("""examples:
  mla-lab data init my_folder                    propose my_folder/manifest.csv from its folders
  mla-lab data check my_folder/manifest.csv      what it holds, and the faults by file and line
  mla-lab data check cremad /data/CREMA-D        the same for a published data set on this disk
  mla-lab data check cremad /data/CREMA-D -o split=random

Then: mla.load_dataset("manifest", path="my_folder/manifest.csv")
""")

DEALT = later("no folder names a split: it will be dealt; a column `group` keeps people apart")


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `data` to the command."""
    data = commands.add_parser(
        "data",
        help=tr("your own files: propose a manifest, check it"),
        description=tr("From files to a data set."),
        epilog=tr(EXAMPLES),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = data.add_subparsers(dest="data_command", required=True, metavar="ACTION")
    init = actions.add_parser("init", help=tr("propose a manifest from a folder tree"))
    init.add_argument("folder", type=Path)
    init.add_argument("--out", type=Path, help=tr("default: FOLDER/manifest.csv"))
    init.set_defaults(action=_init)

    check = actions.add_parser(
        "check",
        help=tr("count samples, name the faults, estimate the preparation; exit 1 at a fault"),
        epilog=tr(EXAMPLES),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    check.add_argument(
        "what", metavar="MANIFEST_OR_NAME", help=tr("a manifest, or a data set's name")
    )
    check.add_argument("root", nargs="?", default="", help=tr("where its files are"))
    check.add_argument(
        "-o",
        dest="options",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help=tr("an option of the data set, such as split=random or 'prepare={\"size\": 64}'"),
    )
    check.add_argument(
        "--deep", action="store_true", help=tr("read every file to its end, which takes longer")
    )
    check.add_argument(
        "--all", action="store_true", help=tr("name every fault, not only the first fifty")
    )
    check.add_argument(
        "--skip-bad",
        action="store_true",
        help=tr("exit 0 in spite of faults, which skip_bad=True will leave out"),
    )
    check.set_defaults(action=_check)


def _init(arguments: argparse.Namespace) -> int:
    from mla_core.data.files import propose, write_proposal

    out = arguments.out or arguments.folder / "manifest.csv"
    proposal = propose(arguments.folder)
    write_proposal(proposal, out)
    labels = {line["label"] for line in proposal.lines} - {""}
    samples = counted(len(proposal.lines), tr("sample"), tr("samples"))
    print(f"{out}: {samples}, {counted(len(labels), tr('label'), tr('labels'))}")
    for name in proposal.modalities:
        files = sum(bool(line[name]) for line in proposal.lines)
        print(f"  {name}: {counted(files, tr('file'), tr('files'))}")
    if proposal.unlabelled:
        without = counted(proposal.unlabelled, tr("sample has none"), tr("samples have none"))
        print(f"  {tr('fill in the column `label`: {without}', without=without)}")
    if not any(line["split"] for line in proposal.lines):
        print(f"  {tr(DEALT)}")
    for path in proposal.ignored[:5]:
        print(f"  {tr('ignored: {path}', path=path)}")
    if len(proposal.ignored) > 5:
        print(f"  {tr('and {number} more ignored', number=len(proposal.ignored) - 5)}")
    print(tr("look through it, then: mla-lab data check {out}", out=out))
    return 0


def _check(arguments: argparse.Namespace) -> int:
    from mla_core.data.adapters import ADAPTERS, preparation_of
    from mla_core.data.decoding import Preparation
    from mla_core.data.files import describe, survey

    options = named_values("-o", arguments.options)
    prepare, what = options.pop("prepare", None), arguments.what
    preparation = preparation_of(what, prepare) if what in ADAPTERS else Preparation.of(prepare)
    found = survey(_manifest(arguments, options), preparation, deep=arguments.deep)
    for line in describe(found, every=arguments.all):
        print(line)
    return 1 if found.unusable or (found.faults and not arguments.skip_bad) else 0


def _manifest(arguments: argparse.Namespace, options: dict[str, Any]) -> Manifest:
    from mla_core.data.adapters import ADAPTERS, reader
    from mla_core.data.files import read_manifest

    known = ["split"] if arguments.what in ADAPTERS else []
    for name in options:
        one_of(tr("option of data check"), name, [*known, "prepare"])
    if arguments.what in ADAPTERS:
        return reader(arguments.what)(arguments.root, **options)
    if not Path(arguments.what).suffix:
        msg = tr(
            "{what!r} is neither a manifest nor one of {names}",
            what=arguments.what,
            names=", ".join(ADAPTERS),
        )
        raise DataError(msg)
    return read_manifest(arguments.what, arguments.root)
