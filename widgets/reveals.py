"""Answers about networks just trained, for `widgets.predict`: the choice, a sentence, a figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from mla_core.gap_shift import AMOUNTS, shifted
from mla_core.guesses import highest, in_range, lowest
from mla_core.history import Evaluation
from mla_core.replay import Replay
from mla_core.session import TrainingSession
from widgets.charts import comparison_figure
from widgets.gap_report import gap_figure, shift_figure

Told = tuple[str, str, go.Figure]


def weakest_modality(evaluations: Mapping[str, Evaluation]) -> Told:
    """Return the modality with the lowest accuracy by itself, in the first evaluation."""
    first = next(iter(evaluations.values()))
    return *lowest(first.unimodal_accuracy), comparison_figure(evaluations)


def most_gained(evaluations: Mapping[str, Evaluation]) -> Told:
    """Return the modality whose accuracy by itself rises most from the first to the last.

    Parameters
    ----------
    evaluations : mapping of str to Evaluation
        Of the same samples, from a label such as ``"MLA"``.
    """
    first, *_, last = evaluations.values()
    gains = {
        name: 100 * (after - first.unimodal_accuracy[name])
        for name, after in last.unimodal_accuracy.items()
    }
    choice, sentence = highest(gains, "{:+.1f} points")
    return choice, sentence, comparison_figure(evaluations)


def fused_change(evaluations: Mapping[str, Evaluation], edges: Sequence[float]) -> Told:
    """Return which range the change of fused accuracy from the first to the last lies in.

    Parameters
    ----------
    evaluations : mapping of str to Evaluation
        Of the same samples, from a label such as ``"MLA"``.
    edges : sequence of float
        In points, as for `mla_core.guesses.ranges`.
    """
    first, *_, last = evaluations.values()
    change = 100 * (last.accuracy - first.accuracy)
    return *in_range(change, edges, "points"), comparison_figure(evaluations)


def gap_change(session: TrainingSession, edges: Sequence[float]) -> Told:
    """Return which range the mean centroid gap's change over training lies in.

    Parameters
    ----------
    session : TrainingSession
    edges : sequence of float
        In percent of the gap before training, as for `mla_core.guesses.ranges`.
    """
    replay = Replay.of(session.recording.evaluations, session.data.classes)
    gap = replay.centroid_gap.mean(1)
    change = 100 * (gap[-1] / gap[0] - 1)
    return *in_range(float(change), edges, "percent"), gap_figure({"": replay})


def shift_change(
    session: TrainingSession, moved: str, towards: str, edges: Sequence[float]
) -> Told:
    """Return which range the fused accuracy's change lies in when the gap is closed by moving.

    Parameters
    ----------
    session : TrainingSession
    moved, towards : str
        Two modalities, see `mla_core.gap_shift.shifted`.
    edges : sequence of float
        In points, as for `mla_core.guesses.ranges`.
    """
    replay = Replay.of(shifted(session, moved, towards), session.data.classes)
    before, after = (replay.accuracy[AMOUNTS.index(amount)] for amount in (0, 1))
    figure = shift_figure(f"{moved} → {towards}", replay)
    return *in_range(100 * float(after - before), edges, "points"), figure
