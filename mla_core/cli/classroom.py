"""The part of the command `mla-lab` for a course: `class`."""

from __future__ import annotations

import argparse
import fnmatch
import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from mla_core.cli.lab import put, shipped, shipped_files, tell_kept
from mla_core.errors import ConfigError
from mla_core.files import written_whole
from mla_core.language import later, tr
from mla_core.words import counted

DATASETS = ("spoken_digits", "gaussian")  # which every installation has
# The others read results that are everybody's, or name a modality of the data that they are for.
VARIED = "notebooks/0[1-4]_*.ipynb"
VARIANTS = "variants.csv"

EXAMPLES = later("""examples:
  mla-lab class course                            clean notebooks, experiments and results in course/
  mla-lab class course --students names.txt       notebooks 01 to 04 for each of them, in course/NAME/
  mla-lab class course --students names.txt --datasets spoken_digits,emoji
  mla-lab class collect handed_in                 who guessed what, as CSV
  mla-lab class collect handed_in --out guesses.csv

  names.txt has one name a line. A student's seed and data set follow from the name alone and stand in
  course/variants.csv. The answers of a variant are those of its notebook, run headless:
    mla-lab run course/Ada/notebooks/01_alternating_training.ipynb --out key/Ada
    mla-lab class collect key
  Files that somebody changed are never replaced. Collecting reads notebooks, and executes nothing. A
  cell of the table that a spreadsheet would take for a formula begins with an apostrophe.
""")


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `class` to the command."""
    course = commands.add_parser(
        "class",
        help=tr("lay out notebooks for a course, and collect what students guessed"),
        description=tr(
            "Lay clean copies of the notebooks out for a course; or collect the guesses of a pile "
            "of notebooks that were handed in, in one table."
        ),
        usage=tr(
            "mla-lab class FOLDER [--students FILE] [--datasets NAMES]\n"
            "       mla-lab class collect FOLDER [--out FILE.csv]"
        ),
        epilog=tr(EXAMPLES),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    course.add_argument(
        "words", metavar="[collect] FOLDER", nargs="+", help=tr("where the course lies")
    )
    course.add_argument(
        "--students", type=Path, metavar="FILE", help=tr("names, one a line: a variant for each")
    )
    course.add_argument(
        "--datasets",
        metavar="NAMES",
        help=tr("that variants draw from (default: {names})", names=",".join(DATASETS)),
    )
    course.add_argument("--out", type=Path, metavar="FILE.csv", help=tr("where the table goes"))
    course.set_defaults(action=_class)


def _class(arguments: argparse.Namespace) -> int:
    match arguments.words:
        case ["collect"]:
            msg = tr(
                "collect from which folder? mla-lab class collect FOLDER (a course: ./collect)"
            )
            raise ConfigError(msg)
        case ["collect", folder]:
            _refuse(
                arguments,
                later("--{name} means nothing collect: leave it out (see mla-lab class --help)"),
                "students",
                "datasets",
            )
            return _collect(Path(folder), arguments.out)
        case [folder]:
            _refuse(
                arguments,
                later(
                    "--{name} means nothing without `collect`: leave it out (see mla-lab class --help)"
                ),
                "out",
            )
            return _lay_out(Path(folder), arguments)
    msg = tr(
        "give one folder, not {number}: {folders}",
        number=len(arguments.words),
        folders=" ".join(arguments.words),
    )
    raise ConfigError(msg)


def _refuse(arguments: argparse.Namespace, why: str, *options: str) -> None:
    for name in options:
        if getattr(arguments, name) is not None:
            raise ConfigError(tr(why, name=name))


def _lay_out(folder: Path, arguments: argparse.Namespace) -> int:
    from mla_core.classroom import as_csv, read_names, variant_of

    root = shipped()
    if folder.resolve() in {root, *(root / name for name in ("notebooks", "results"))}:
        msg = tr(
            "{folder!r} is where the notebooks come from: give another folder, such as 'course'",
            folder=str(folder),
        )
        raise ConfigError(msg)
    if arguments.students is None:
        _refuse(
            arguments,
            later(
                "--{name} means nothing without --students: leave it out (see mla-lab class --help)"
            ),
            "datasets",
        )
        files, students = _shipped(root, "*"), 0
    else:
        variants = [
            variant_of(name, _datasets(arguments.datasets))
            for name in read_names(arguments.students)
        ]
        students = len(variants)
        files = {VARIANTS: as_csv(("name", "seed", "dataset"), variants).encode()}
        for variant in variants:
            values: dict[str, int | str] = {"seed": variant.seed, "dataset": variant.dataset}
            own = _shipped(root, VARIED, values)
            files |= {f"{variant.name}/{name}": content for name, content in own.items()}
    kept = put(folder, files)
    tell_kept(kept)
    laid = counted(len(files) - len(kept), tr("file"), tr("files"))
    if students:
        whom = counted(students, tr("student"), tr("students"))
        laid = tr("{files} for {students}", files=laid, students=whom)
    print(f"{folder}: {laid}")
    return 0


def _shipped(
    root: Path, pattern: str, values: Mapping[str, int | str] | None = None
) -> dict[str, bytes]:
    """Return files that are shipped; of a notebook a clean copy, with other parameters."""
    from mla_core.classroom import clean, with_parameters
    from mla_core.runs.notebook_file import read_notebook

    files = {}
    for name in fnmatch.filter(shipped_files(), pattern):
        if name.endswith(".ipynb"):
            book = with_parameters(clean(read_notebook(root / name)), values or {})
            files[name] = (json.dumps(book, indent=1, ensure_ascii=False) + "\n").encode()
        else:
            files[name] = (root / name).read_bytes()
    return files


def _datasets(given: str | None) -> Sequence[str]:
    from mla_core.data import DATASETS as KNOWN
    from mla_core.data import NEED_FILES
    from mla_core.errors import one_of

    chosen = list(DATASETS) if given is None else given.split(",")
    for name in chosen:
        one_of("dataset", name, [one for one in KNOWN if one not in NEED_FILES])
    return chosen


def _collect(folder: Path, out: Path | None) -> int:
    from mla_core.classroom import Row, as_csv, collect_guesses
    from mla_core.results import check_csv

    if out is not None:
        check_csv(out)
    found = collect_guesses(folder)
    for problem in found.problems:
        print(f"mla-lab: {problem}", file=sys.stderr)
    table = as_csv(Row._fields, found.rows)
    if out is None:
        print(table, end="")
        return 0
    with written_whole(out) as beside:
        beside.write_text(table, encoding="utf-8")
    verdicts = Counter(row.verdict for row in found.rows)
    print(
        tr(
            "{out}: {questions} in {notebooks}, {right} guessed right, {wrong} wrong",
            out=out,
            questions=counted(len(found.rows), tr("question"), tr("questions")),
            notebooks=counted(found.notebooks, tr("notebook"), tr("notebooks")),
            right=verdicts["right"],
            wrong=verdicts["wrong"],
        )
    )
    return 0
