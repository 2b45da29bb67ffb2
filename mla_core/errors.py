"""The errors a user can meet, each with a message that names the bad value and what to do."""

from __future__ import annotations

from collections.abc import Iterable


class ConfigError(ValueError):
    """A setting is unknown or out of range."""


class DataError(ValueError):
    """A data set is not what training needs: the message names the modality and the sample."""


class MissingPackageError(DataError):
    """Files can be read only with a package that is not installed; the message says how."""


class TrainingDivergedError(RuntimeError):
    """A loss, a gradient or a prediction is no longer finite. `TrainingSession.rewind` goes back."""


class NotebookError(RuntimeError):
    """A cell of a notebook that ran headless raised; the message names the cell and the error."""


OURS = (ConfigError, DataError, TrainingDivergedError, NotebookError)


def one_of(what: str, value: object, allowed: Iterable[str]) -> None:
    """Raise `ConfigError` unless `value` is among `allowed`, quoting both.

    Examples
    --------
    >>> one_of("fusion", "entropy", ["entropy", "uniform"])
    """
    names = list(allowed)
    if value not in names:
        msg = f"unknown {what} {value!r}: choose one of {', '.join(map(repr, names))}"
        raise ConfigError(msg)


def in_a_sentence(error: BaseException) -> str:
    """Return what went wrong: the message of our own errors, others with what kind they are.

    Examples
    --------
    >>> in_a_sentence(ConfigError("no such method")), in_a_sentence(KeyError("fac"))
    ('no such method', "KeyError: 'fac'")
    """
    return str(error) if isinstance(error, OURS) else f"{type(error).__name__}: {error}"
