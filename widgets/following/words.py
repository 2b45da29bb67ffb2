"""What has become of a run that trains elsewhere, in a sentence or two."""

from __future__ import annotations

from mla_core.language import later, tr
from mla_core.runs import Course
from mla_core.words import sentence, sentences
from widgets.bench.words import place_of, probe_of
from widgets.charts import Run

STATES = {  # of a course -> of the status line
    "training": "playing",
    "stopping": "playing",
    "stopped": "paused",
    "finished": "finished",
    "unknown": "paused",
}
TOLD = {
    "training": later("Being computed by another process: {where}."),
    "stopping": later("Asked to stop, which it does at its next snapshot: {where}."),
    "stopped": later(
        "Stopped on request: {where}; the command that began it goes on from its last snapshot."
    ),
    "cut off": later(
        "Stopped without an end, nobody is at work on it: {where}; the command that began it goes "
        "on from its last snapshot."
    ),
    "failed": later(
        "Failed ({error}): {where}; the command that began it goes on from its last snapshot."
    ),
    "unknown": later("Being computed or cut off, its lock cannot be read here: {where}."),
    "gone": later("Nothing is left of it: it failed before its first snapshot, or was removed."),
}
GONE_SINCE = later(
    "Nothing is left of it: it failed before its first snapshot, or was removed; this was read "
    "before."
)


def describe(course: Course, run: Run | None) -> str:
    """Return what stands in the status line.

    Parameters
    ----------
    course : Course
    run : Run or None
        The same as the charts draw it; None while nothing has been written.
    """
    told = _standing(course, run)
    problem = sentence(course.problem) if course.problem else ""
    return sentences(told, "" if run is None else probe_of(run), problem)


def _standing(course: Course, run: Run | None) -> str:
    if course.state == "gone" and run:
        return tr(GONE_SINCE)
    if course.state == "finished":
        done = tr("Finished: {where}.", where=_where(run)) if run else tr("Finished.")
        return sentences(done, tr("Its results are in {folder}.", folder=repr(str(course.folder))))
    return tr(TOLD[course.state], where=_where(run), error=course.error.rstrip("."))


def _where(run: Run | None) -> str:
    """Return how far it is, such as ``epoch 3 of 10, sub-step 120 of 450``."""
    if run is None or not run.step:
        return tr("no sub-step has been written down yet")
    return place_of(run)
