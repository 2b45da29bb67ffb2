"""Answers about runs that may still be training, or be changed by hand: they wait, and look again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from mla_core.analysis import one_run, why_not_comparable
from mla_core.language import tr
from mla_core.records import Evaluation
from mla_core.session import TrainingSession
from mla_core.words import sentences
from widgets.questions.answers import Later, NotYet, Told


class Run(Protocol):
    """What trains a session: the bench, or `train_in_background`."""

    @property
    def session(self) -> TrainingSession:
        """The session, finished or not."""


def once_trained(
    answer: Callable[[Mapping[str, Evaluation]], Told], *runs: Run, **but_for: tuple[Any, Any]
) -> Later:
    """Return an answer about one run, or two that may be compared, on ``val``.

    Parameters
    ----------
    answer : callable
        From what the runs are called -> evaluation to the choice, a sentence and, perhaps, a
        picture.
    *runs : Run
        One or two.
    **but_for : pair
        The one setting in which two runs differ: what it must be in the first, and in the second.

    Raises
    ------
    NotYet
        Until the runs have finished, with the same data and settings but for the one compared.

    Examples
    --------
    As the `reveal` of a question::

        once_trained(least_gained, lazy, lab, method=("concat", "mla"))
    """
    sessions = [run.session for run in runs]
    names = [str(getattr(run, "name", tr("the bench"))) for run in runs]
    names[1:] = [
        tr("{name} (the second)", name=name) if name == names[0] else name for name in names[1:]
    ]
    if reason := _why_not(dict(zip(names, sessions, strict=True)), but_for):
        failure = next(filter(None, (getattr(run, "failure", "") for run in runs)), "")
        raise NotYet(failure or reason)
    configs = [session.config for session in sessions]
    shared = configs[0]
    labels = [_label(session, but_for, k) for k, session in enumerate(sessions)]
    about = tr(
        "{runs}: {dataset}, seed {seed}, epochs {epochs}",
        runs=tr(" and ").join(labels),
        dataset=shared.dataset,
        seed=shared.seed,
        epochs=shared.epochs,
    )

    def told() -> Told:
        looks = [session.evaluate("val") for session in sessions]
        choice, sentence, *picture = answer(dict(zip(labels, looks, strict=True)))
        return choice, sentences(sentence, one_run(shared.seed)), *picture

    return Later(about, configs, told)


def _why_not(sessions: dict[str, TrainingSession], but_for: dict[str, tuple[Any, Any]]) -> str:
    if len(sessions) > 1:
        return why_not_comparable(sessions, but_for)
    ((name, session),) = sessions.items()
    if session.finished:
        return ""
    return tr(
        "{name} has trained {done} of {epochs} epochs",
        name=name,
        done=session.epoch,
        epochs=session.config.epochs,
    )


def _label(session: TrainingSession, but_for: Mapping[str, Any], place: int) -> str:
    """Return what a run is called in the picture: its value of the setting compared."""
    told = [
        value[place] if field == "method" else f"{field.replace('_', ' ')} {value[place]}"
        for field, value in but_for.items()
    ]
    if all(first == second for first, second in but_for.values()) and place:
        told.append(tr("again"))
    return tr(", ").join(told) or session.config.method
