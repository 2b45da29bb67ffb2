"""What the bench shows, in one or two sentences, each labelled with the moment that it tells of."""

from __future__ import annotations

from mla_core.evaluation import LIVE
from widgets.bench.scene import Scene
from widgets.charts import Run

HINTS = {
    "ready": "Press Play, or Step to train one modality once.",
    "finished": "Go on with more epochs, or with another seed.",
    "stopped": "Reset starts it afresh.",
}


def describe(scene: Scene) -> str:
    """Return what stands in the status line.

    Parameters
    ----------
    scene : Scene
    """
    run = scene.first
    said = [f"{scene.message.rstrip('.')}."] if scene.message else []
    if scene.travel is not None:
        said.append(
            f"Looking back at sub-step {scene.travel}, {epoch_of(run)}; the run {_standing(scene)}."
        )
        said.append(probe_of(run))
    elif scene.state == "failed":
        said.append(probe_of(run))
    elif run.step == 0:
        said.append("Nothing trained yet.")
        said.append(HINTS.get(scene.state, ""))
    else:
        last = run.history.steps[-1].modality
        who = f"last trained: {last}" if last else "all modalities at once"
        where = f"{epoch_of(run)}, sub-step {run.step} of {run.total}"
        said.append(f"{scene.state.capitalize()}: {where}, {who}.")
        said.append(probe_of(run))
        said.append(HINTS.get(scene.state, ""))
    return " ".join(filter(None, said))


def epoch_of(run: Run) -> str:
    """Return the epoch of the last sub-step shown, counted from 1, such as ``epoch 3 of 10``."""
    steps = run.shown.steps
    return f"epoch {steps[-1].epoch + 1 if steps else 1} of {run.config.epochs}"


def _standing(scene: Scene) -> str:
    done = f"{scene.first.step} of {scene.first.total} sub-steps"
    return {"playing": f"goes on at {done}", "finished": f"has finished all {done}"}.get(
        scene.state, f"stands at {done}"
    )


def probe_of(run: Run) -> str:
    """Return how much is right, and at which look."""
    if run.summary is None:
        return ""
    now = run.then is None and run.summary.step == run.step
    when = "" if now else f" at sub-step {run.summary.step}"
    live = run.summary.numbers.get(LIVE)
    by = "" if live is None else f" by the averaged weights, {live:.0%} by the live ones"
    return f"Right on the probe set{when}: fused {run.summary.accuracy:.0%}{by}."
