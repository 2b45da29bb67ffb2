"""Accuracies of several methods on the same samples, as bars."""

from __future__ import annotations

from collections.abc import Mapping

import plotly.graph_objects as go

from mla_core.language import tr
from mla_core.records import Evaluation
from widgets.page import GRID, apply_theme, listed, pick, run_colour, text


def comparison_figure(evaluations: Mapping[str, Evaluation]) -> go.Figure:
    """Return bars of accuracy, per modality and fused, for several methods on the same samples.

    Parameters
    ----------
    evaluations : mapping of str to Evaluation
        From a label such as ``"MLA"``.
    """
    figure = go.Figure()
    said = []
    for i, (label, evaluation) in enumerate(evaluations.items()):
        values = {**evaluation.unimodal_accuracy, tr("fused"): evaluation.accuracy}
        said.append(tr("{name}: {values}", name=label, values=listed(values, ".0%")))
        figure.add_bar(
            name=text(label),
            x=[text(name) for name in values],
            y=list(values.values()),
            text=[f"{value:.2f}" for value in values.values()],
            textposition="outside",  # on a pattern it is hard to read
            marker={"color": run_colour(i), "pattern": {"shape": pick(("", "/", ".", "x"), i)}},
        )
    figure.update_layout(
        meta=tr("Accuracy. {told}.", told=tr("; ").join(said)),
        barmode="group",
        height=340,
        margin={"l": 45, "r": 10, "t": 30, "b": 40},
        xaxis={"gridcolor": GRID},
        yaxis={
            "range": [0, 1.12],
            "title": {"text": tr("accuracy")},
            "gridcolor": GRID,
            "zerolinecolor": GRID,
        },
        legend={"orientation": "h", "y": 1.1},
    )
    apply_theme(figure, dark=False)
    return figure
