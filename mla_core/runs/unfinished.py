"""Runs that are not finished: at work, stopped, cut off, or failed, and how one tells them apart.

A run that is not finished is a hidden folder beside a lock. Whoever is at work holds the lock, which
the system takes back when the process ends, however it ends. Whoever wants the run to stop puts a file
``stop`` into the folder, which becomes ``stopped`` when it has.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from mla_core.errors import StoppedError
from mla_core.files import remove, write_json

FAILED = "failed.json"  # in the hidden folder: why the last attempt failed
STOP = "stop"
STOPPED = "stopped"
_STATES = {".partial", ".done"}
AGAIN = "the command that began it goes on from there"


@dataclass(frozen=True)
class Standing:
    """How a run stands that is not finished.

    Attributes
    ----------
    state : {"training", "stopping", "stopped", "failed", "cut off", "unknown"}
        Unknown is whether somebody is at work where the lock cannot be read.
    error : str
        Why it failed.
    """

    state: str
    error: str = ""


def standing_of(hidden: Path) -> Standing:
    """Return how a run stands that is not finished, from what is in its hidden folder.

    Examples
    --------
    >>> hidden = getfixture("tmp_path") / ".0123456789ab.partial"
    >>> hidden.mkdir()
    >>> standing_of(hidden).state
    'cut off'
    """
    running = _is_held(lock_of(hidden))
    if running:
        return Standing("stopping" if (hidden / STOP).exists() else "training")
    if running is None:
        return Standing("unknown")
    if (hidden / STOPPED).exists():
        return Standing("stopped")
    with suppress(OSError, ValueError, KeyError, TypeError):
        error = json.loads((hidden / FAILED).read_text(encoding="utf-8"))["error"]
        return Standing("failed", str(error))
    return Standing("cut off")


def is_unfinished(path: Path) -> bool:
    """Whether this is the hidden folder of a run that is not finished."""
    return path.name.startswith(".") and path.suffix in _STATES and path.is_dir()


def hidden_of(finished: Path) -> Path | None:
    """Return the hidden folder of a run that is not finished, None where there is none."""
    beside = (finished.with_name(f".{finished.name}{state}") for state in sorted(_STATES))
    return next(filter(Path.is_dir, beside), None)


def finished_of(hidden: Path) -> Path:
    """Return the folder that a run will have."""
    return hidden.with_name(hidden.stem[1:])


def lock_of(hidden: Path) -> Path:
    """Return the lock of a run: ``.name.lock`` beside ``.name.partial``."""
    return hidden.with_suffix(".lock")


def begin(partial: Path) -> None:
    """Make the hidden folder of a run, or forget what became of it before."""
    partial.mkdir(exist_ok=True)
    for name in (FAILED, STOP, STOPPED):
        (partial / name).unlink(missing_ok=True)


def ask_to_stop(hidden: Path) -> None:
    """Ask whoever trains a run to stop at its next snapshot.

    Raises
    ------
    FileNotFoundError
        When its hidden folder is gone: it has finished.
    """
    (hidden / STOP).touch()


def asked_to_stop(folder: Path) -> bool:
    """Whether somebody wants the run to stop."""
    return (folder / STOP).exists()


def stopped(folder: Path) -> StoppedError:
    """Note that a run has stopped on request, and return the error that tells it."""
    (folder / STOP).replace(folder / STOPPED)
    return StoppedError("stopped on request: the same command goes on from its last snapshot")


def leave(partial: Path, error: BaseException) -> None:
    """Leave a run whose attempt ended in an error, so that others can tell what became of it.

    Nothing stays where nothing was begun. Where there is a checkpoint, the reason is noted, unless
    a person or the system stopped it: then it goes on.
    """
    if not any(partial.glob("checkpoint-*")):
        remove(partial)
        free(partial)
    elif isinstance(error, Exception) and not isinstance(error, StoppedError):
        with suppress(Exception):  # the disk may be full: what failed is told anyway
            write_json(partial / FAILED, {"error": f"{type(error).__name__}: {error}"})


def free(hidden: Path) -> None:
    """Remove the lock of a run, as far as the system lets go of an open file."""
    with suppress(PermissionError):  # Windows; there it goes when it is released
        lock_of(hidden).unlink(missing_ok=True)


def describe(hidden: Path, standing: Standing | None = None) -> str:
    """Say in a sentence what became of a run that is not finished, as it stands now or stood then.

    Examples
    --------
    >>> hidden = getfixture("tmp_path") / ".0123456789ab.partial"
    >>> hidden.mkdir()
    >>> describe(hidden)
    "the run '...0123456789ab' was cut off: the command that began it goes on from there"
    """
    standing = standing or standing_of(hidden)
    told = {
        "training": "is being computed by another process",
        "stopping": "is being computed by another process, which was asked to stop",
        "unknown": "is being computed, or was cut off: its lock cannot be read here",
        "stopped": f"was stopped on request: {AGAIN}",
        "failed": f"failed: {standing.error} (what was trained before is kept, and {AGAIN})",
        "cut off": f"was cut off: {AGAIN}",
    }
    return f"the run {str(finished_of(hidden))!r}{_label(hidden)} {told[standing.state]}"


def _is_held(lock: Path) -> bool | None:
    """Whether somebody holds a lock; None where this process may not ask."""
    from filelock import FileLock, Timeout

    if not lock.is_file():
        return False
    own = FileLock(lock)
    try:
        own.acquire(timeout=0.02, poll_interval=0.01)  # another one who looks has it for an instant
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
