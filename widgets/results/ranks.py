"""All methods in one picture: mean ranks with the difference that tells two of them apart."""

from __future__ import annotations

import plotly.graph_objects as go

from mla_core.language import tr
from mla_core.results import MeanRanks
from mla_core.words import sentences
from widgets.page import text
from widgets.results.parts import INK, error_bars, finish, panels_of, rows_axis, title_axes


def rank_plot(ranks: MeanRanks) -> go.Figure:
    """Return a critical-difference picture: the mean rank of every label, the best on top.

    A bar is as long as the critical difference, half of it on each side: two labels whose bars do
    not overlap differ. Open marks are those that the best cannot be told from.

    Parameters
    ----------
    ranks : MeanRanks
        From `mla_core.results.mean_ranks`.
    """
    rows = list(ranks.mean)[::-1]
    best = rows[-1]
    near = {best, *ranks.not_behind(best)}
    figure = panels_of([""], rows)
    for name, members, symbol in (
        (tr("not told from the best"), [row for row in rows if row in near], "circle-open"),
        (tr("behind the best"), [row for row in rows if row not in near], "circle"),
    ):
        said = [
            tr(
                "{label}: mean rank {rank:.1f} of {n}, {where}",
                label=text(row),
                rank=ranks.mean[row],
                n=len(rows),
                where=name,
            )
            for row in members
        ]
        trace = go.Scatter(
            x=[ranks.mean[row] for row in members],
            y=[rows.index(row) for row in members],
            error_x=error_bars([ranks.critical / 2] * len(members), 1.0, INK),
            mode="markers",
            marker={"color": INK, "symbol": symbol, "size": 9, "line": {"width": 2, "color": INK}},
            name=name,
            text=said,
            hovertemplate="%{text}<extra></extra>",
            showlegend=bool(members),
        )
        figure.add_trace(trace, row=1, col=1)
    rows_axis(figure, rows, 1)
    figure.update_xaxes(tickvals=[1, *range(5, len(rows), 5)])  # bars may begin before the first
    title = tr(
        "mean rank of {n} over {blocks} blocks (condition and seed), 1 is best",
        n=len(rows),
        blocks=ranks.blocks,
    )
    title_axes(figure, title)
    return finish(figure, describe_ranks(ranks))


def describe_ranks(ranks: MeanRanks) -> str:
    """Say in one sentence who is first, and who cannot be told from it."""
    best, *_ = ranks.mean
    near = ranks.not_behind(best)
    names = ", ".join(near[:6])
    if len(near) > 6:
        names = tr("{names} and {n} more", names=names, n=len(near) - 6)
    told = tr(
        "{best} has the best mean rank, {rank:.1f} of {n}; {rest} (two differ whose mean ranks are "
        "{critical:.1f} apart, Nemenyi's test at 0.05 over {blocks} blocks).",
        best=best,
        rank=ranks.mean[best],
        n=len(ranks.mean),
        rest=tr("{names} cannot be told from it", names=names)
        if near
        else tr("it is ahead of all others"),
        critical=ranks.critical,
        blocks=ranks.blocks,
    )
    left = tr("Left out, for a seed without a value: {names}.", names=", ".join(ranks.left_out))
    return sentences(told, left if ranks.left_out else "")
