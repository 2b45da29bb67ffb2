"""The version of this package, and of what else decides a result."""

import subprocess
from importlib.metadata import version
from pathlib import Path

__version__ = "0.4.0"


def commit() -> str:
    """Return the commit of the checkout that this package is run from; empty where there is none.

    A name that ends in ``-dirty`` says that tracked files were changed since.
    """
    here = Path(__file__).parent.parent
    if not (here / ".git").exists():
        return ""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        told = subprocess.run(  # noqa: S603 - nothing in it comes from outside
            command, cwd=here, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
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
