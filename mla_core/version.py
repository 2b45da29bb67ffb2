"""The version of this package, and of what else decides a result."""

import subprocess
from functools import cache
from importlib.metadata import version
from pathlib import Path

__version__ = "0.4.0"


def commit() -> str:
    """Return the commit of the checkout that this package is run from; empty where there is none.

    A name that ends in ``-dirty`` says that tracked files were changed since; those in ``results``,
    which one sweep after the other writes, do not count.
    """
    here = Path(__file__).parent.parent
    if not (here / ".git").exists():
        return ""
    try:
        named = _git(here, "rev-parse", "--verify", "--quiet", "HEAD")
        changed = _git(here, "status", "--porcelain", "-uno", "--", ".", ":(exclude)results")
    except (OSError, subprocess.CalledProcessError):
        return ""
    return f"{named}-dirty" if changed else named


def _git(folder: Path, *words: str) -> str:
    """Return what git says, who keeps nobody else waiting; nothing of it comes from outside."""
    command = ["git", "--no-optional-locks", *words]
    told = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)  # noqa: S603
    return told.stdout.strip()


def versions(*others: str) -> dict[str, str]:
    """Return the versions that a result depends on.

    Parameters
    ----------
    *others : str
        Packages to name beside this one, torch and numpy.

    Examples
    --------
    >>> sorted(versions("pandas"))
    ['mla_core', 'numpy', 'pandas', 'torch']
    """
    return {"mla_core": __version__} | {name: version(name) for name in ("torch", "numpy", *others)}


@cache
def made_by() -> dict[str, str]:
    """Return what a run notes of its maker: the versions, and the checkout's commit if there is one.

    The commit is the one at the first call, for later ones do not change what was imported.
    """
    here = commit()
    return versions() | ({"commit": here} if here else {})
