"""Answers about fusion for `widgets.predict`: the choice that holds, a sentence, a figure."""

from __future__ import annotations

from dataclasses import replace

import plotly.graph_objects as go
import torch

from mla_core.analysis import (
    Sweep,
    best_modality,
    broken,
    fitted_temperatures,
    fused_again,
    one_run,
    rescued,
    rules_for,
    sweep,
)
from mla_core.data.corruption import Corruption, Corruptor
from mla_core.evaluation import mean_surplus
from mla_core.language import later, tr
from mla_core.session import TrainingSession
from mla_core.words import sentences
from widgets.fusion.curves import curve_figure
from widgets.page import colour

RESCUES = (
    later("more rescued than broken"),
    later("more broken than rescued"),
    later("as many of both"),
)
HONESTY = (later("too sure"), later("about honest"), later("not sure enough"))
MISLED = (
    later("the answer fused by entropy"),
    later("another modality alone"),
    later("neither: equal, or no rules to compare"),
)
CLEAN, SPOILT = later("product, T of clean samples"), later("product, T of spoilt samples")
HONEST = 0.05  # surplus of confidence over accuracy that still counts as honest
COUNT = 6  # levels of a curve


def rescued_or_broken(session: TrainingSession) -> tuple[str, str]:
    """Return which of `RESCUES` holds on the probe set, under the method's own fusion."""
    evaluation = session.evaluate(session.probe)
    good, bad = len(rescued(evaluation)), len(broken(evaluation))
    choice = RESCUES[2] if good == bad else RESCUES[good < bad]
    told = tr(
        "Of {n} samples, {good} are rescued and {bad} are broken.",
        n=len(evaluation.ids),
        good=good,
        bad=bad,
    )
    return choice, sentences(told, one_run(session.config.seed))


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
    told = tr(
        "{modality}, with T = {temperature:.2f}: confidence less accuracy is {clean:+.2f} on "
        "clean samples and {spoilt:+.2f} with {corruption} of {level:g} ({unit}).",
        modality=found.modality,
        temperature=temperature,
        clean=clean,
        spoilt=spoilt,
        corruption=tr(kind.label),
        level=found.levels[-1],
        unit=tr(kind.unit),
    )
    return choice, sentences(told, one_run(session.config.seed))


def misled_when_spoilt(session: TrainingSession) -> tuple[str, str, go.Figure]:
    """Return which of `MISLED` is right more often where the best modality is spoilt most.

    The figure also shows the plain mean, and the product of experts, with temperatures that fit clean samples and with
    those that fit samples which are spoilt as these are. All of it is judged on every other sample;
    those between them fit the temperatures.
    """
    found, kind, rules = _best_sweep(session, COUNT)
    fitting, judged = (
        [e.subset(torch.arange(first, len(e.ids), 2)) for e in found.evaluations]
        for first in (0, 1)
    )
    found = replace(found, evaluations=tuple(judged))
    alone = judged[0].unimodal_accuracy
    other = max((name for name in alone if name != found.modality), key=alone.__getitem__)
    clean, spoilt = (fitted_temperatures(fitting[level]) for level in (0, -1))
    for_clean, for_spoilt = tr(CLEAN), tr(SPOILT)
    other_alone = tr("{modality} alone", modality=other)
    curves = {
        **{
            rule: [fused_again(e, rule).accuracy for e in judged] for rule in ("entropy", "uniform")
        },
        for_clean: [fused_again(e, "product", clean).accuracy for e in judged],
        for_spoilt: [fused_again(e, "product", spoilt).accuracy for e in judged],
        other_alone: [e.unimodal_accuracy[other] for e in judged],
    }
    figure = curve_figure(found, kind, curves, colour(_place(found)))
    if "entropy" not in rules:
        return MISLED[2], tr("The head itself fuses, so there are no rules to compare."), figure
    fused, single = curves["entropy"][-1], curves[other_alone][-1]
    choice = MISLED[2] if fused == single else MISLED[fused < single]
    rules_told = tr(
        "{modality} with {corruption} of {level:g}: right are {fused:.1%} fused by entropy, "
        "{uniform:.1%} by the plain mean and {single:.1%} by {other} alone, of {n} samples.",
        modality=found.modality,
        corruption=tr(kind.label),
        level=found.levels[-1],
        fused=fused,
        uniform=curves["uniform"][-1],
        single=single,
        other=other,
        n=len(judged[0].ids),
    )
    product_told = tr(
        "As a product of experts {clean:.1%} with temperatures that fit clean samples, and "
        "{spoilt:.1%} with those that fit samples spoilt like these: T of {modality} is "
        "{of_clean:.2f} and {of_spoilt:.2f}.",
        clean=curves[for_clean][-1],
        spoilt=curves[for_spoilt][-1],
        modality=found.modality,
        of_clean=clean[_place(found)],
        of_spoilt=spoilt[_place(found)],
    )
    told = sentences(rules_told, product_told, one_run(session.config.seed))
    return choice, told, figure


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
