"""What the bench shows, in one or two sentences, each labelled with the moment that it tells of."""

from __future__ import annotations

from mla_core.evaluation import LIVE
from mla_core.language import later, tr
from mla_core.words import sentence, sentences
from widgets.bench.scene import Scene
from widgets.charts import Run

HINTS = {
    "ready": later("Press Play, or Step to train one modality once."),
    "finished": later("Go on with more epochs, or with another seed."),
    "stopped": later("Reset starts it afresh."),
}
STATES = {
    "ready": later("Ready"),
    "playing": later("Playing"),
    "paused": later("Paused"),
    "finished": later("Finished"),
    "stopped": later("Stopped"),
}
STANDS = later(
    "Looking back at sub-step {step}, {epoch}; the run stands at {done} of {total} sub-steps."
)
LOOKING_BACK = {
    "playing": later(
        "Looking back at sub-step {step}, {epoch}; the run goes on at {done} of {total} sub-steps."
    ),
    "finished": later(
        "Looking back at sub-step {step}, {epoch}; the run has finished all {done} of {total} "
        "sub-steps."
    ),
}
AT_RESET = {
    "dataset": later("Press Reset to start afresh with the new dataset."),
    "method": later("Press Reset to start afresh with the new method."),
    "noise": later("Press Reset to start afresh with the new noise."),
    "prediction": later("Press Reset to start afresh with the new prediction."),
}


def describe(scene: Scene) -> str:
    """Return what stands in the status line.

    Parameters
    ----------
    scene : Scene
    """
    run = scene.first
    said = [sentence(scene.message)] if scene.message else []
    if scene.travel is not None:
        said += [_looking_back(scene, scene.travel), probe_of(run)]
    elif scene.state == "failed":
        said.append(probe_of(run))
    else:
        said += [_where(scene), probe_of(run)] if run.step else [tr("Nothing trained yet.")]
        said.append(tr(HINTS[scene.state]) if scene.state in HINTS else "")
    return sentences(*said)


def epoch_of(run: Run) -> str:
    """Return the epoch of the last sub-step shown, counted from 1, such as ``epoch 3 of 10``."""
    steps = run.shown.steps
    return tr(
        "epoch {epoch} of {epochs}",
        epoch=steps[-1].epoch + 1 if steps else 1,
        epochs=run.config.epochs,
    )


def place_of(run: Run) -> str:
    """Return how far a run is that has begun: epoch, sub-step, and who was trained last."""
    last = run.history.steps[-1].modality
    return tr(
        "{epoch}, sub-step {step} of {total}, {who}",
        epoch=epoch_of(run),
        step=run.step,
        total=run.total,
        who=tr("last trained: {modality}", modality=last) if last else tr("all modalities at once"),
    )


def _where(scene: Scene) -> str:
    where = place_of(scene.first)
    return tr("{state}: {where}.", state=tr(STATES[scene.state]), where=where)


def _looking_back(scene: Scene, step: int) -> str:
    run = scene.first
    message = LOOKING_BACK.get(scene.state, STANDS)
    return tr(message, step=step, epoch=epoch_of(run), done=run.step, total=run.total)


def probe_of(run: Run) -> str:
    """Return how much is right, and at which look."""
    if run.summary is None:
        return ""
    share, live = run.summary.accuracy, run.summary.numbers.get(LIVE)
    right = (
        tr("fused {share:.0%}", share=share)
        if live is None
        else tr(
            "fused {share:.0%} by the averaged weights, {live:.0%} by the live ones",
            share=share,
            live=live,
        )
    )
    if run.then is None and run.summary.step == run.step:
        return tr("Right on the probe set: {right}.", right=right)
    return tr(
        "Right on the probe set at sub-step {step}: {right}.", step=run.summary.step, right=right
    )
