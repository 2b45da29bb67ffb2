"""Answers about fusion for `widgets.predict`: the choice that holds, a sentence, a figure."""

from __future__ import annotations

import plotly.graph_objects as go

from mla_core.analysis import (
    Sweep,
    best_modality,
    broken,
    fitted_temperatures,
    one_run,
    rescued,
    rules_for,
    sweep,
)
from mla_core.data.corruption import Corruption, Corruptor
from mla_core.evaluation import mean_surplus
from mla_core.session import TrainingSession
from widgets.fusion.curves import curve_figure
from widgets.page import colour

RESCUES = ("more rescued than broken", "more broken than rescued", "as many of both")
HONESTY = ("too sure", "about honest", "not sure enough")
WEIGHING = (
    "weighing by entropy is ahead",
    "the plain mean is ahead",
    "neither: equal, or no rules to compare",
)
HONEST = 0.05  # surplus of confidence over accuracy that still counts as honest
COUNT = 6  # levels of a curve


def rescued_or_broken(session: TrainingSession) -> tuple[str, str]:
    """Return which of `RESCUES` holds on the probe set, under the method's own fusion."""
    evaluation = session.evaluate(session.probe)
    good, bad = len(rescued(evaluation)), len(broken(evaluation))
    choice = RESCUES[2] if good == bad else RESCUES[good < bad]
    told = f"Of {len(evaluation.ids)} samples, {good} are rescued and {bad} are broken."
    return choice, f"{told} {one_run(session.config.seed)}"


def honest_when_spoilt(session: TrainingSession) -> tuple[str, str]:
    """Return which of `HONESTY` holds for the best modality, spoilt as badly as can be.

    Its temperature is fitted on the clean samples, so there it is honest.
    """
    found, kind, _ = _best_sweep(session, 2)
    m = _place(found)
    temperature = fitted_temperatures(found.evaluations[0])[m]
    clean, spoilt = (
        mean_surplus(e.logits[m][e.present[m]] / temperature, e.labels[e.present[m]])
        for e in found.evaluations
    )
    choice = HONESTY[0] if spoilt > HONEST else HONESTY[1 if spoilt > -HONEST else 2]
    return choice, (
        f"{found.modality}, with T = {temperature:.2f}: confidence less accuracy is {clean:+.2f} on "
        f"clean samples and {spoilt:+.2f} with {kind.label} of {found.levels[-1]:g} ({kind.unit}). "
        f"{one_run(session.config.seed)}"
    )


def weighing_when_spoilt(session: TrainingSession) -> tuple[str, str, go.Figure]:
    """Return which of `WEIGHING` holds where the best modality is spoilt most, and the curves."""
    found, kind, rules = _best_sweep(session, COUNT)
    curves = found.accuracies(rules)
    figure = curve_figure(found, kind, curves, colour(_place(found)))
    if not {"entropy", "uniform"} <= set(rules):
        return WEIGHING[2], "The head itself fuses, so there are no rules to compare.", figure
    weighed, plain = curves["entropy"][-1], curves["uniform"][-1]
    choice = WEIGHING[2] if weighed == plain else WEIGHING[weighed < plain]
    n = len(found.evaluations[0].ids)
    return (
        choice,
        f"{found.modality} with {kind.label} of {found.levels[-1]:g}: right are {weighed:.1%} by "
        f"entropy and {plain:.1%} by the plain mean, of {n} samples. "
        f"{one_run(session.config.seed)}",
        figure,
    )


def _best_sweep(session: TrainingSession, count: int) -> tuple[Sweep, Corruption, tuple[str, ...]]:
    """Return the sweep over the first corruption of the best single modality."""
    corruptor = Corruptor(session.data, session.config.seed)
    clean = session.evaluate(session.probe)
    best = clean.modalities[best_modality(clean)]
    kind = next(iter(corruptor.corruptions(best).values()))
    found = sweep(session, corruptor, best, kind.name, count=count)
    return found, kind, rules_for(session.method)


def _place(found: Sweep) -> int:
    return found.evaluations[0].modalities.index(found.modality)
