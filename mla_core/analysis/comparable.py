"""Whether two trained sessions may be set beside each other, and if not, why not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mla_core.config import config_differences
from mla_core.session import TrainingSession


def why_not_comparable(
    runs: Mapping[str, TrainingSession], but_for: Mapping[str, tuple[Any, Any]] | None = None
) -> str:
    """Return why the difference of two runs would say nothing; empty where it says something.

    Both must have the same data and settings, the one compared apart, hold them from start to end,
    and have finished.

    Parameters
    ----------
    runs : mapping of str to TrainingSession
        Two, each from what it is called.
    but_for : mapping of str to pair, optional
        The setting compared: what it must be in the first run, and what in the second.

    Returns
    -------
    str
        A sentence, or nothing.

    Examples
    --------
    >>> from mla_core import ExperimentConfig
    >>> config = ExperimentConfig(dataset="gaussian", epochs=1)
    >>> joint, mla = (TrainingSession(config.replace(method=name)) for name in ("concat", "mla"))
    >>> runs = {"concat": joint, "mla": mla}
    >>> why_not_comparable(runs)
    'The two differ: method is concat in concat, but mla in mla.'
    >>> why_not_comparable(runs, {"method": ("concat", "mla")})
    'concat has trained 0 of 1 epochs.'
    >>> for session in runs.values():
    ...     _ = session.advance(epochs=1)
    >>> why_not_comparable(runs, {"method": ("concat", "mla")})
    ''
    """
    (first, one), (second, other) = runs.items()
    but_for = but_for or {}
    for name, wanted in but_for.items():
        for label, session, value in zip(runs, runs.values(), wanted, strict=True):
            if (now := getattr(session.config, name)) != value:
                return f"The question is about {name} {value}, but {label} has {now} now."
    apart = config_differences([one.config, other.config])
    said = [
        f"{name} is {a} in {first}, but {b} in {second}"
        for name, (a, b) in apart.items()
        if name not in but_for
    ]
    if said:
        return f"The two differ: {'; '.join(said)}."
    for label, session in runs.items():
        if told := _changed_on_the_way(session):
            return f"{label} has not kept its settings: {told}."
    for label, session in runs.items():
        if not session.finished:
            return f"{label} has trained {session.epoch} of {session.config.epochs} epochs."
    if one.data is not other.data and one.data.fingerprint != other.data.fingerprint:
        return f"{first} and {second} have learnt from different data."
    return ""


def _changed_on_the_way(session: TrainingSession) -> str:
    """Say which setting once held, for a sub-step at least, that holds no more."""
    since: dict[str, int] = {}  # the sub-step from which the field's value holds
    for change in session.history.changes:
        began, now = since.get(change.field, 0), getattr(session.config, change.field)
        if change.step > began and change.before != now:
            return f"{change.field} was {change.before} until sub-step {change.step}, and is {now}"
        since[change.field] = change.step
    return ""
