"""Runs beside each other: curves over each other, maps side by side, differences in words."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from mla_core.config import config_differences
from mla_core.errors import DataError
from mla_core.evaluation import Replay, align
from mla_core.language import later, tr
from mla_core.records import History, Summary
from mla_core.runs import Run
from mla_core.words import sentence, sentences
from widgets.charts import BLANK
from widgets.page import (
    GRID,
    MODALITY_DASHES,
    MODALITY_MARKERS,
    apply_theme,
    asset,
    colour,
    pick,
    run_colour,
    text,
    wrapped,
)
from widgets.runs.table import ACCURACIES, LETTERS, share, told

MAPS_IN_A_ROW = 3
COLUMNS = 4  # panels of curves in a row, as many as a narrow notebook holds
ROW = 190  # pixels
GAP = later("modality gap")
TITLES = {
    "accuracy": later("accuracy, {name}"),
    GAP: GAP,
    "weight": later("weight, {name}"),
}
TITLE = 20  # characters of one above its panel
LEGEND = {  # above the titles
    "orientation": "h",
    "yref": "container",
    "y": 1,
    "yanchor": "top",
    "x": 1,
    "xanchor": "right",
}


def read_all(runs: Sequence[Run]) -> tuple[dict[str, History], dict[str, Replay], list[str]]:
    """Read what there is of some runs.

    Returns
    -------
    histories, replays : dict
        By the letter of the run, without those that cannot be read.
    problems : list of str
        A sentence for each of these.
    """
    histories: dict[str, History] = {}
    replays: dict[str, Replay] = {}
    problems: list[str] = []
    for letter, run in zip(LETTERS, runs, strict=False):
        try:
            histories[letter] = run.history()
        except DataError as error:
            problems.append(sentence(f"{letter}: {error}"))
        try:
            replays[letter] = run.replay()
        except DataError as error:
            problems.append(sentence(f"{letter}: {error}"))
    return histories, replays, problems


def curves_figure(histories: Mapping[str, History]) -> go.Figure:
    """Return curves of runs over each other: a panel for each question, a colour and dash per run.

    Parameters
    ----------
    histories : mapping
        Letter -> history. Above, the accuracy, fused and of each modality; below, the modality gap
        as the mean over pairs, and each modality's mean weight. Along the epochs, since a sub-step
        is a different amount of work for different methods.
    """
    looks = {letter: list(history.summaries) for letter, history in histories.items()}
    names = list(dict.fromkeys(m for those in looks.values() for m in _modalities(those)))
    places = _places(names)
    rows = max(row for row, _ in places.values())
    titles = {place: _title(key) for key, place in places.items()}
    grid = itertools.product(range(1, rows + 1), range(1, 1 + min(COLUMNS, 1 + len(names))))
    figure = make_subplots(
        rows=rows,
        cols=min(COLUMNS, 1 + len(names)),
        subplot_titles=[wrapped(titles.get(place, ""), TITLE) for place in grid],
        horizontal_spacing=0.07,
        vertical_spacing=60 / (ROW * rows),
    )
    for letter, summaries in looks.items():
        i = LETTERS.index(letter)
        style = {"color": run_colour(i), "dash": pick(MODALITY_DASHES, i), "width": 2}
        for key, values in _measured(summaries, names).items():
            row, column = places[key]
            trace = go.Scatter(
                x=_epochs(summaries),
                y=np.array(values, float),
                mode="lines",
                name=letter,
                legendgroup=letter,
                showlegend=(row, column) == (1, 1),
                line=style,
                meta=f"{letter}.{key}",
            )
            figure.add_trace(trace, row=row, col=column)
    figure.update_yaxes(range=[0, 1.02], dtick=0.5, tickfont_size=10)
    row, column = places[GAP]
    figure.update_yaxes(range=None, dtick=None, rangemode="tozero", row=row, col=column)
    figure.update_xaxes(tickfont_size=10)
    figure.update_xaxes(title_text=tr("epoch"), title_font_size=11, title_standoff=2, row=rows)
    figure.update_annotations(font_size=12)
    figure.update_layout(
        height=110 + ROW * rows,
        modebar={"orientation": "v"},  # in the right margin
        margin={"l": 40, "r": 36, "t": 66, "b": 44},
        legend=LEGEND,
        meta=_curves_in_words(looks),
    )
    apply_theme(figure, dark=False)
    faint = {"gridcolor": GRID, "zerolinecolor": GRID, "linecolor": GRID}
    figure.update_xaxes(**faint)
    figure.update_yaxes(**faint)
    return figure


def _places(names: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Return row and column of each panel: accuracies first, the gap and the weights below them."""
    above = ["accuracy.fused", *(f"accuracy.{name}" for name in names)]
    below = [GAP, *(f"weight.{name}" for name in names)]
    places, first = {}, 1
    for block in (above, below):
        for i, key in enumerate(block):
            places[key] = (first + i // COLUMNS, 1 + i % COLUMNS)
        first += -(-len(block) // COLUMNS)
    return places


def _title(key: str) -> str:
    """Return what stands above a panel."""
    what, _, name = key.partition(".")
    return tr(TITLES[what], name=tr("fused") if name == "fused" else name)


def _measured(summaries: Sequence[Summary], names: Sequence[str]) -> dict[str, list[float]]:
    here = [name for name in names if name in _modalities(summaries)]
    return {
        "accuracy.fused": [one.accuracy for one in summaries],
        GAP: [_mean(one.centroid_gap) for one in summaries],
        **{f"accuracy.{name}": [one.unimodal_accuracy[name] for one in summaries] for name in here},
        **{f"weight.{name}": [one.mean_weight[name] for one in summaries] for name in here},
    }


def maps_figure(replays: Mapping[str, Replay]) -> go.Figure:
    """Return the last look of each run's PCA, side by side and turned to match the first.

    Parameters
    ----------
    replays : mapping
        Letter -> replay, at least one. Only maps of the same parts of the same samples can be
        matched; the summary below names the others.
    """
    columns = min(MAPS_IN_A_ROW, len(replays))
    rows = math.ceil(len(replays) / columns)
    figure = make_subplots(
        rows=rows,
        cols=columns,
        subplot_titles=[tr("{letter}, end of the run", letter=letter) for letter in replays],
        horizontal_spacing=0.02,
        vertical_spacing=0.08,
    )
    first_letter, first = next(iter(replays.items()))
    reference = first.maps["pca"].coords[-1]
    matched: list[str] = []
    alone: list[str] = []
    named: list[str] = []
    frames: list[np.ndarray] = []  # of each map, its lower and its upper corner
    for i, (letter, replay) in enumerate(replays.items()):
        coords = replay.maps["pca"].coords[-1]
        if letter != first_letter:
            same = _same_points(replay, first)
            (matched if same else alone).append(letter)
            coords = align(coords, reference) if same else coords
        frames.append(np.stack([coords.min(0), coords.max(0)]))
        for trace in _points(replay, coords, named):
            figure.add_trace(trace, row=1 + i // columns, col=1 + i % columns)
    shared = np.vstack([f for k, f in zip(replays, frames, strict=True) if k not in alone])
    said = [tr("PCA of the features, a plane of each run's own.")]
    if matched:
        others = tr(", ").join(matched)
        said.append(
            tr("Turned and scaled to match {first}: {others}.", first=first_letter, others=others)
        )
    if alone:
        others = tr(", ").join(alone)
        said.append(
            tr("Of other samples, so not comparable point by point: {others}.", others=others)
        )
    gaps = (f"{k} {_nan_mean(r.centroid_gap[-1]):.2f}" for k, r in replays.items() if r.pairs)
    if told_gaps := tr("; ").join(gaps):
        said.append(tr("Mean gap between centroids: {gaps}.", gaps=told_gaps))
    figure.update_xaxes(**BLANK)
    figure.update_yaxes(**BLANK)
    for i, corners in enumerate(frames):
        # Those that lie on each other share their ends, or a wide gap would look like a narrow one.
        low, high = _square(shared if list(replays)[i] not in alone else corners)
        place = {"row": 1 + i // columns, "col": 1 + i % columns}
        figure.update_xaxes(range=[low[0], high[0]], **place)
        figure.update_yaxes(range=[low[1], high[1]], **place)
    figure.update_annotations(font_size=12)
    figure.update_layout(
        height=70 + 330 * rows,
        modebar={"orientation": "v"},  # in the right margin
        margin={"l": 10, "r": 36, "t": 84, "b": 10},
        legend=LEGEND,
        meta=sentences(*said),
    )
    apply_theme(figure, dark=False)
    return figure


def differences_html(runs: Sequence[Run]) -> str:
    """Return the settings in which runs differ as a table, and below it in words.

    Examples
    --------
    >>> differences_html([])
    ''
    """
    if len(runs) < 2:
        return ""
    letters = LETTERS[: len(runs)]
    head = "".join(
        f'<th scope="col">{k} {text(r.name)}</th>' for k, r in zip(letters, runs, strict=True)
    )
    rows = [*config_differences([run.config for run in runs]).items()]
    for side, title in ACCURACIES.items():
        rows.append((tr(title), [share(run.accuracy(side)) for run in runs]))
    body = "".join(
        f'<tr><th scope="row">{text(name)}</th>'
        + "".join(f"<td>{text(told(value))}</td>" for value in values)
        + "</tr>"
        for name, values in rows
    )
    words = "".join(f"<p>{text(sentence)}</p>" for sentence in describe_differences(runs))
    return (
        f"{_STYLE}<table class='mla-differences'><caption>{tr('Where they differ')}</caption>"
        f"<thead><tr><td></td>{head}</tr></thead><tbody>{body}</tbody></table>{words}"
    )


def describe_differences(runs: Sequence[Run]) -> list[str]:
    """Return one sentence for each run but the first: what is different, and what came of it."""
    sentences = []
    for letter, run in list(zip(LETTERS, runs, strict=False))[1:]:
        found = config_differences([runs[0].config, run.config])
        changed = tr(", ").join(
            tr("{name} {now} instead of {before}", name=name, now=told(b), before=told(a))
            for name, (a, b) in found.items()
        )
        gains = []
        for side in ACCURACIES:
            before, after = runs[0].accuracy(side), run.accuracy(side)
            if before is not None and after is not None:
                gains.append(f"{side} {100 * (after - before):+.1f}")
        values = {"run": letter, "changed": changed or tr("the same settings")}
        sentences.append(
            tr(
                "{run} has {changed} against A; accuracy in percentage points: {gains}.",
                **values,
                gains=tr(", ").join(gains),
            )
            if gains
            else tr("{run} has {changed} against A.", **values)
        )
    return sentences


_STYLE = f"<style>{asset('runs/differences.css')}</style>"


def _points(replay: Replay, coords: np.ndarray, named: list[str]) -> list[go.Scatter]:
    owners, samples = replay.points
    traces = []
    for m, name in enumerate(replay.modalities):
        here = np.flatnonzero(owners == m)
        first = name not in named
        named.extend([name] if first else [])
        index = named.index(name)
        hover = [
            tr(
                "{sample}<br>{modality}, true class {label}",
                sample=text(replay.ids[n]),
                modality=text(name),
                label=text(replay.classes[replay.labels[n]]),
            )
            for n in samples[here].tolist()
        ]
        traces.append(
            go.Scatter(
                x=coords[here, 0],
                y=coords[here, 1],
                mode="markers",
                name=text(name),
                legendgroup=name,
                showlegend=first,
                marker={
                    "color": colour(index),
                    "symbol": pick(MODALITY_MARKERS, index),
                    "size": 6,
                    "opacity": 0.75,
                },
                hovertext=hover,
                hoverinfo="text",
            )
        )
    return traces


def _square(corners: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the lower and upper corner of a square around some points (K, 2), with a margin."""
    # Maps are float32, whose rounding would make the square a rectangle.
    low, high = corners.min(0).astype(np.float64), corners.max(0).astype(np.float64)
    half = max((high - low).max() / 2, 1e-6) * 1.08
    return (low + high) / 2 - half, (low + high) / 2 + half


def _same_points(one: Replay, other: Replay) -> bool:
    same_names = one.ids == other.ids and one.modalities == other.modalities
    return same_names and np.array_equal(one.present, other.present)


def _modalities(summaries: Sequence[Summary]) -> list[str]:
    return list(summaries[-1].unimodal_accuracy) if summaries else []


def _epochs(summaries: Sequence[Summary]) -> np.ndarray:
    """Return how many epochs were done at each look, parts of one among them."""
    steps = np.array([summary.step for summary in summaries], float)
    return steps * (summaries[-1].epoch / max(summaries[-1].step, 1)) if summaries else steps


def _mean(gaps: Mapping[str, float]) -> float:
    return _nan_mean(np.array(list(gaps.values()), float))


def _nan_mean(values: np.ndarray) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else math.nan


def _curves_in_words(looks: Mapping[str, Sequence[Summary]]) -> str:
    ends = [
        tr(
            "{run} {first:.0%} to {last:.0%}",
            run=letter,
            first=those[0].accuracy,
            last=those[-1].accuracy,
        )
        for letter, those in looks.items()
        if those
    ]
    if not ends:
        return ""
    runs = tr("; ").join(ends)
    return tr("Fused accuracy on the probe set, first to last look: {runs}.", runs=runs)
