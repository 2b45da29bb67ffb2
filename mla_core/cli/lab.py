"""The part of the command `mla-lab` that lays the notebooks out and opens them: `lab`."""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from mla_core.cli.server import serve
from mla_core.files import read_json, write_json, written_whole
from mla_core.language import later, tr
from mla_core.runs.places import FIRST_NOTEBOOK, lab_folder

NEW_FOLDER = Path("mla-lab")  # made here, where no lab is at hand
SHIPPED = ("notebooks/[0-9][0-9]_*.ipynb", "experiments/*.toml", "results/*.*")
NOTE = ".mla-lab.json"  # in a lab's folder: what was laid there -> its SHA-256

EXAMPLES = later("""examples:
  mla-lab lab                        the lab that this folder is in, or a new one in ./mla-lab
  mla-lab lab my_lab                 the same in my_lab, which is made when missing
  mla-lab lab --port 9000 --no-browser
  mla-lab lab --ServerApp.base_url=/mla/     whatever else JupyterLab takes, with an equals sign

  A lab is a folder with notebooks/, experiments/ and results/. Files that you changed there are
  kept; the others are those of the installed version.
""")


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `lab` to the command."""
    lab = commands.add_parser(
        "lab",
        help=tr("open the notebooks in JupyterLab on this machine"),
        description=tr(
            "Lay the notebooks out in a folder, and open them in JupyterLab. Only this machine "
            "reaches it, with a token. Further options go to JupyterLab."
        ),
        epilog=tr(EXAMPLES),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,  # a short form might be meant for JupyterLab
    )
    lab.add_argument("folder", metavar="FOLDER", nargs="?", type=Path)
    lab.add_argument(
        "--port", type=_port, default=8888, help=tr("default: 8888; the next one when it is busy")
    )
    lab.add_argument("--no-browser", action="store_true", help=tr("only print the address"))
    lab.set_defaults(action=_lab, passes_on=True)


def shipped() -> Path:
    """Return the folder of what is shipped: the checkout, or a part of the installed package."""
    package = Path(__file__).resolve().parents[1]
    checkout = package.parent
    return checkout if (checkout / FIRST_NOTEBOOK).is_file() else package / "shipped"


def shipped_files() -> list[str]:
    """Return the paths of what is shipped, from its folder, with forward slashes.

    Examples
    --------
    >>> FIRST_NOTEBOOK.as_posix() in shipped_files()
    True
    """
    root = shipped()
    found = (path for pattern in SHIPPED for path in root.glob(pattern))
    return sorted(path.relative_to(root).as_posix() for path in found)


def lay_out(folder: Path) -> list[str]:
    """Put what is shipped into a folder, but never over what a person changed; see `put`.

    Examples
    --------
    >>> folder = getfixture("tmp_path")
    >>> lay_out(folder)
    []
    >>> _ = (folder / FIRST_NOTEBOOK).write_text("mine")
    >>> lay_out(folder)
    ['notebooks/01_alternating_training.ipynb']
    """
    root = shipped()
    if folder.resolve() == root:
        return []
    return put(folder, {name: (root / name).read_bytes() for name in shipped_files()})


def put(folder: Path, files: Mapping[str, bytes]) -> list[str]:
    """Put files into a folder, but never over what a person changed.

    A file counts as changed when it is neither what is put there now nor what was put there before.

    Parameters
    ----------
    folder : Path
    files : mapping of str to bytes
        What they hold, by their paths from the folder, with forward slashes.

    Returns
    -------
    list of str
        Which files were kept because they were changed.

    Raises
    ------
    ConfigError
        When the folder cannot be written.
    """
    note = folder / NOTE
    before = read_json(note, tr("remove it")) if note.is_file() else {}
    laid, kept = dict(before), []
    for name, content in files.items():
        new, place = _digest(content), folder / name
        old = _digest(place.read_bytes()) if place.is_file() else None
        if old not in {None, new, before.get(name)}:
            kept.append(name)
            continue
        laid[name] = new
        if old != new:
            with written_whole(place) as beside:
                beside.write_bytes(content)
    if laid != before:
        write_json(note, laid)
    return kept


def tell_kept(kept: Sequence[str]) -> None:
    """Say which files were kept, and what to do about it."""
    if kept:
        print(
            tr(
                "Kept as you changed them: {files}. Rename one and start again to have it as "
                "shipped, too.",
                files=", ".join(kept),
            ),
            flush=True,
        )


def _lab(arguments: argparse.Namespace) -> int:
    folder: Path = arguments.folder or lab_folder() or NEW_FOLDER
    tell_kept(lay_out(folder))
    further = ["--no-browser"] if arguments.no_browser else []
    serve(folder.resolve(), arguments.port, [*further, *arguments.further])
    return 0


def _port(text: str) -> int:
    if not (text.isdecimal() and 0 < int(text) < 65536):
        msg = tr("the port must be a number from 1 to 65535, not {text!r}", text=text)
        raise argparse.ArgumentTypeError(msg)
    return int(text)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
