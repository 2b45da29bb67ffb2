"""Letting a run stop that another process trains."""

from __future__ import annotations

from pathlib import Path

from mla_core.errors import ConfigError, nearest, quoted
from mla_core.results import is_finished
from mla_core.runs.finished import candidates
from mla_core.runs.unfinished import (
    ask_to_stop,
    describe,
    finished_of,
    hidden_of,
    is_unfinished,
    standing_of,
)

AT_WORK = ("training", "stopping", "unknown")


def named_run(runs: Path, name: str) -> Path:
    """Return where the results of a run are, or will be.

    Parameters
    ----------
    runs : Path
        The folder of runs.
    name : str
        Of the run, ``0123456789ab``; one of a sweep may have that before it, ``rates/0123456789ab``.

    Raises
    ------
    ConfigError
        When there is no such run, or several.

    Examples
    --------
    >>> named_run(getfixture("tmp_path"), "0123456789ab")
    Traceback (most recent call last):
    mla_core.errors.ConfigError: there is no run '0123456789ab' in '...': nothing is being computed there
    """
    known = {finished_of(path) if is_unfinished(path) else path for _, path in candidates(runs)}
    names = {path.relative_to(runs).as_posix(): path for path in sorted(known)}
    found = [one for one in names if name in {one, one.rpartition("/")[2]}]
    if len(found) > 1:
        msg = f"there are several runs {name!r}: choose one of {', '.join(found)}"
        raise ConfigError(msg)
    if not found:
        raise ConfigError(_unknown(runs, name, names))
    return names[found[0]]


def stop_run(folder: Path) -> None:
    """Ask a run that is being computed to stop at its next snapshot.

    Parameters
    ----------
    folder : Path
        Where its results will be.

    Raises
    ------
    ConfigError
        When it is finished, or nobody is at work on it.
    """
    hidden = hidden_of(folder)
    if hidden is None or is_finished(folder):
        msg = f"the run {str(folder)!r} is finished: there is nothing to stop"
        raise ConfigError(msg)
    if standing_of(hidden).state not in AT_WORK:
        msg = f"nobody is at work on it: {describe(hidden)}"
        raise ConfigError(msg)
    try:
        ask_to_stop(hidden)
    except FileNotFoundError as error:
        msg = f"the run {str(folder)!r} has ended just now: there is nothing to stop"
        raise ConfigError(msg) from error


def _unknown(runs: Path, name: str, names: dict[str, Path]) -> str:
    hidden = {one: hidden_of(path) for one, path in names.items()}
    busy = [one for one, path in hidden.items() if path and standing_of(path).state in AT_WORK]
    there = (
        f"{', '.join(busy)} is being computed there" if busy else "nothing is being computed there"
    )
    close = nearest(name, busy)
    hint = f" (did you mean {close!r}?)" if close else ""
    return f"there is no run {quoted(name)} in {str(runs)!r}: {there}{hint}"
