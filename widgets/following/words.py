"""What has become of a run that trains elsewhere, in a sentence or two."""

from __future__ import annotations

from mla_core.runs import Course
from widgets.bench.words import epoch_of, probe_of
from widgets.charts import Run

GOES_ON = "the command that began it goes on from its last snapshot"
STATES = {  # of a course -> of the status line
    "training": "playing",
    "stopping": "playing",
    "stopped": "paused",
    "finished": "finished",
    "unknown": "paused",
}


def describe(course: Course, run: Run | None) -> str:
    """Return what stands in the status line.

    Parameters
    ----------
    course : Course
    run : Run or None
        The same as the charts draw it; None while nothing has been written.
    """
    where = _where(run)
    told = {
        "training": f"Being computed by another process: {where}.",
        "stopping": f"Asked to stop, which it does at its next snapshot: {where}.",
        "stopped": f"Stopped on request: {where}; {GOES_ON}.",
        "cut off": f"Stopped without an end, nobody is at work on it: {where}; {GOES_ON}.",
        "failed": f"Failed ({course.error.rstrip('.')}): {where}; {GOES_ON}.",
        "unknown": f"Being computed or cut off, its lock cannot be read here: {where}.",
        "gone": "Nothing is left of it: it failed before its first snapshot, or was removed"
        f"{'; this was read before' if run else ''}.",
        "finished": f"Finished{f': {where}' if run else ''}. Its results are in {str(course.folder)!r}.",
    }
    said = [told[course.state], "" if run is None else probe_of(run)]
    said.append(f"{course.problem.rstrip('.')}." if course.problem else "")
    return " ".join(filter(None, said))


def _where(run: Run | None) -> str:
    """Return how far it is, such as ``epoch 3 of 10, sub-step 120 of 450``."""
    if run is None or not run.step:
        return "no sub-step has been written down yet"
    last = run.history.steps[-1].modality
    who = f"last trained: {last}" if last else "all modalities at once"
    return f"{epoch_of(run)}, sub-step {run.step} of {run.total}, {who}"
