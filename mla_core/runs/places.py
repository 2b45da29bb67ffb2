"""Where a lab is: the folder that holds the notebooks, and the runs beside them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from mla_core.errors import ConfigError
from mla_core.outside import path_of

FIRST_NOTEBOOK = Path("notebooks", "01_alternating_training.ipynb")


def lab_folder(start: str | Path = ".") -> Path | None:
    """Return the nearest folder, `start` or one above it, that holds the notebooks.

    Such is a checkout, and what ``mla-lab lab`` made. None where there is no such folder.

    Examples
    --------
    >>> folder = getfixture("tmp_path")
    >>> (folder / "notebooks").mkdir()
    >>> (folder / FIRST_NOTEBOOK).touch()
    >>> lab_folder(folder / "notebooks") == folder
    True
    """
    here = Path(os.path.abspath(start))  # noqa: PTH100 - `resolve` would leave by a link
    return next((one for one in (here, *here.parents) if (one / FIRST_NOTEBOOK).is_file()), None)


def find_runs(folder: str | Path) -> Path:
    """Return a folder of runs: here, or else in a folder above, up to the lab's own.

    Commands write to the lab's folder, and notebooks run in ``notebooks/``, one below it.

    Parameters
    ----------
    folder : str or Path

    Returns
    -------
    Path
        As it was given, or from here, such as ``../runs``.

    Raises
    ------
    ConfigError
        Naming every place that was looked at, when it is in none of them.

    Examples
    --------
    >>> find_runs(getfixture("tmp_path")) == getfixture("tmp_path")
    True
    """
    places = list(_places(path_of("the folder of runs", folder)))
    for place in places:
        if place.is_dir():
            return place
    looked = " or ".join(repr(os.path.abspath(place)) for place in places)  # noqa: PTH100 - as above
    msg = f"there is no folder {looked}: give one that holds runs, such as 'runs'"
    raise ConfigError(msg)


def _places(folder: Path) -> Iterator[Path]:
    yield folder
    lab = lab_folder()
    if folder.is_absolute() or lab is None:
        return
    above = Path()
    for one in Path.cwd().parents:
        if not one.is_relative_to(lab):
            return
        above /= ".."
        yield above / folder
