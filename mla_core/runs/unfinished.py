"""Runs that are not finished: at work, cut off, or failed, and how one tells them apart.

A run that is not finished is a hidden folder beside a lock. Whoever is at work holds the lock, which
the system takes back when the process ends, however it ends.
"""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

from mla_core.files import remove, write_json

FAILED = "failed.json"  # in the hidden folder: why the last attempt failed
_STATES = {".partial", ".done"}


def is_unfinished(path: Path) -> bool:
    """Whether this is the hidden folder of a run that is not finished."""
    return path.name.startswith(".") and path.suffix in _STATES and path.is_dir()


def lock_of(hidden: Path) -> Path:
    """Return the lock of a run: ``.name.lock`` beside ``.name.partial``."""
    return hidden.with_suffix(".lock")


def leave(partial: Path, error: BaseException) -> None:
    """Leave a run whose attempt ended in an error, so that others can tell what became of it.

    Nothing stays where nothing was begun. Where there is a checkpoint, the reason is noted, unless
    a person or the system stopped it: then it was cut off and goes on.
    """
    if not any(partial.glob("checkpoint-*")):
        remove(partial)
        free(partial)
    elif isinstance(error, Exception):
        with suppress(Exception):  # the disk may be full: what failed is told anyway
            write_json(partial / FAILED, {"error": f"{type(error).__name__}: {error}"})


def free(hidden: Path) -> None:
    """Remove the lock of a run, as far as the system lets go of an open file."""
    with suppress(PermissionError):  # Windows; there it goes when it is released
        lock_of(hidden).unlink(missing_ok=True)


def describe(hidden: Path) -> str:
    """Say in a sentence what became of a run that is not finished.

    Examples
    --------
    >>> hidden = getfixture("tmp_path") / ".0123456789ab.partial"
    >>> hidden.mkdir()
    >>> describe(hidden)
    "the run '...0123456789ab' was cut off: the command that began it goes on from there"
    """
    run = f"the run {str(hidden.with_name(hidden.stem[1:]))!r}{_label(hidden)}"
    again = "the command that began it goes on from there"
    running = _is_held(lock_of(hidden))
    if running:
        return f"{run} is being computed by another process"
    if running is None:
        return f"{run} is being computed, or was cut off: its lock cannot be read here"
    with suppress(OSError, ValueError, KeyError, TypeError):
        error = json.loads((hidden / FAILED).read_text(encoding="utf-8"))["error"]
        return f"{run} failed: {error} (what was trained before is kept, and {again})"
    return f"{run} was cut off: {again}"


def _is_held(lock: Path) -> bool | None:
    """Whether somebody holds a lock; None where this process may not ask."""
    from filelock import FileLock, Timeout

    if not lock.is_file():
        return False
    own = FileLock(lock)
    try:
        own.acquire(timeout=0)
    except Timeout:
        return True
    except OSError:
        return None
    own.release()
    return False


def _label(hidden: Path) -> str:
    with suppress(OSError, ValueError, KeyError, TypeError):
        settings = json.loads((hidden / "config.json").read_text(encoding="utf-8"))
        return f" ({settings['method']} on {settings['dataset']}, seed {settings['seed']})"
    return ""
