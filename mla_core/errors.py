"""The errors a user can meet, each with a message that names the bad value and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class ConfigError(ValueError):
    """A setting is unknown or out of range."""


class DataError(ValueError):
    """A data set is not what training needs: the message names the modality and the sample."""


class MissingPackageError(DataError):
    """Files can be read only with a package that is not installed; the message says how."""


class TrainingDivergedError(RuntimeError):
    """A loss, a gradient or a prediction is no longer finite. `TrainingSession.rewind` goes back."""


class StoppedError(RuntimeError):
    """A run was stopped on request, at a snapshot from which the same command goes on."""


class ProcessLostError(RuntimeError):
    """Another process that trains the same run is gone."""


class NotebookError(RuntimeError):
    """A cell of a notebook that ran headless raised; the message names the cell and the error."""


OURS = (
    ConfigError,
    DataError,
    TrainingDivergedError,
    StoppedError,
    ProcessLostError,
    NotebookError,
)


LONGEST = 300  # characters of a value that a sentence quotes


def quoted(value: object) -> str:
    """Return a value as a sentence quotes it: as Python writes it, but never longer than a few lines.

    Examples
    --------
    >>> quoted("fac"), quoted(10**5000), len(quoted("a" * 10_000))
    ("'fac'", 'an int too large to be shown', 301)
    """
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # thousands of digits, or of lists in one another
        kind = type(value).__name__
        return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind} too large to be shown"
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def nearest(name: object, known: Iterable[str]) -> str | None:
    """Return which known name may be meant by another one, None where none is near.

    Examples
    --------
    >>> nearest("imag", ["image", "audio"])
    'image'
    """
    close = difflib.get_close_matches(name, known, n=1) if isinstance(name, str) else []
    return close[0] if close else None


def one_of(what: str, value: object, allowed: Iterable[str]) -> None:
    """Raise `ConfigError` unless `value` is among `allowed`, quoting both.

    Examples
    --------
    >>> one_of("fusion", "entropy", ["entropy", "uniform"])
    >>> one_of("fusion", "entropie", ["entropy", "uniform"])
    Traceback (most recent call last):
    mla_core.errors.ConfigError: unknown fusion 'entropie': choose one of 'entropy', 'uniform' (did you mean 'entropy'?)
    """
    names = list(allowed)
    if not isinstance(value, str) or value not in names:
        close = nearest(value, names)
        hint = f" (did you mean {close!r}?)" if close else ""
        msg = f"unknown {what} {quoted(value)}: choose one of {', '.join(map(repr, names))}{hint}"
        raise ConfigError(msg)


def in_a_sentence(error: BaseException) -> str:
    """Return what went wrong: the message of our own errors, others with what kind they are.

    Examples
    --------
    >>> in_a_sentence(ConfigError("no such method")), in_a_sentence(KeyError("fac"))
    ('no such method', "KeyError: 'fac'")
    """
    return str(error) if isinstance(error, OURS) else f"{type(error).__name__}: {error}"
