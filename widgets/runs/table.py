"""The table of runs (`table.js`): filter, sort by any column, tick what is compared."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import anywidget
import traitlets

from mla_core.config import config_differences
from mla_core.language import later, tr
from mla_core.runs import Begun, Run
from widgets.page import run_colour, script, stylesheet, text
from widgets.page.spoken import Spoken

LETTERS = "ABCDEF"  # what ticked runs are called in the pictures
ALWAYS = ("method", "dataset", "seed")  # shown when runs differ in nothing
STATE = later("state, as last read")
ACCURACIES = {"val": later("val accuracy"), "test": later("test accuracy")}
STATES = (  # of runs that are not finished, as `Begun` has them
    *(later("training"), later("stopping"), later("stopped")),
    *(later("failed"), later("cut off"), later("unknown")),
)


class RunTable(Spoken, anywidget.AnyWidget):
    """A table of runs; only the settings in which they differ have a column.

    Parameters
    ----------
    runs : sequence of Run
    begun : sequence of Begun
        Those that are not finished.

    Attributes
    ----------
    columns : list of str
        Titles.
    rows : list of dict
        ``name``; ``texts``, one per column; ``keys``, what the column is sorted by, None at the end;
        ``finished``, whether it can be compared.
    order : list of int
        Column, and 1 or -1 for its direction.
    filter : str
        Words that a row must have, all of them.
    ticked : list of str
        Names, at most `most`, in the order in which they were ticked.
    """

    _esm = script("page/dom", "runs/table")
    _css = stylesheet("runs/table")
    columns = traitlets.List(traitlets.Unicode()).tag(sync=True)
    rows = traitlets.List(traitlets.Dict()).tag(sync=True)
    order = traitlets.List(traitlets.Int(), default_value=[0, 1]).tag(sync=True)
    filter = traitlets.Unicode().tag(sync=True)
    ticked = traitlets.List(traitlets.Unicode(), maxlen=len(LETTERS)).tag(sync=True)
    most = traitlets.Int(len(LETTERS)).tag(sync=True)
    letters = traitlets.Unicode(LETTERS).tag(sync=True)
    colours = traitlets.List(default_value=[run_colour(i) for i in range(len(LETTERS))]).tag(
        sync=True
    )

    def __init__(self, runs: Sequence[Run], begun: Sequence[Begun] = ()) -> None:
        super().__init__()
        self.show(runs, begun)

    def show(self, runs: Sequence[Run], begun: Sequence[Begun] = ()) -> None:
        """Show these runs instead; filter, order and ticks stay as far as they fit."""
        columns, rows = table_of(runs, begun)
        names = {row["name"] for row in rows}
        with self.hold_sync():
            if columns != self.columns:
                self.order = [0, 1]
            self.columns, self.rows = columns, rows
            self.ticked = [name for name in self.ticked if name in names]


def table_of(
    runs: Sequence[Run], begun: Sequence[Begun] = ()
) -> tuple[list[str], list[dict[str, Any]]]:
    """Return titles and rows, as `RunTable` holds them; runs that are not finished come last.

    Examples
    --------
    >>> table_of([])
    (['run', 'method', 'dataset', 'seed', 'val accuracy', 'test accuracy'], [])
    """
    every: list[Run | Begun] = [*runs, *begun]
    configs = [one.config for one in every if one.config is not None]
    shown = config_differences(configs) or {
        name: [getattr(config, name) for config in configs] for name in ALWAYS
    }
    known = zip(*shown.values(), strict=True)  # of one configuration after the other
    rows = []
    for run in every:
        settings = None if run.config is None else next(known)
        finished = isinstance(run, Run)
        measured = [run.accuracy(side) if isinstance(run, Run) else None for side in ACCURACIES]
        texts = ["–"] * len(shown) if settings is None else [told(one) for one in settings]
        keys = [None] * len(shown) if settings is None else [_key(one) for one in settings]
        state = [tr(run.state) if isinstance(run, Begun) else tr("finished")] if begun else []
        rows.append(
            {
                "name": run.name,
                "texts": [run.name, *texts, *map(share, measured), *state],
                "keys": [run.name, *keys, *measured, *state],
                "finished": finished,
            }
        )
    measures = map(tr, [*ACCURACIES.values(), *([STATE] if begun else [])])
    return [tr("run"), *shown, *measures], rows


def table_html(runs: Sequence[Run]) -> str:
    """Return the table for a page that cannot be asked anything.

    Examples
    --------
    >>> table_html([]).count("<th ")
    6
    """
    columns, rows = table_of(runs)
    head = "".join(f'<th scope="col">{text(title)}</th>' for title in columns)
    body = "".join(
        f"<tr>{''.join(f'<td>{text(cell)}</td>' for cell in row['texts'])}</tr>" for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def told(value: Any) -> str:
    """Return a setting as a reader would write it.

    Examples
    --------
    >>> told("mla"), told(0.1), told({"train": 0.3})
    ('mla', '0.1', '{"train": 0.3}')
    """
    return value if isinstance(value, str) else json.dumps(value)


def share(value: float | None) -> str:
    """Return an accuracy as text; a run may lack it."""
    return "–" if value is None else f"{value:.3f}"


def _key(value: Any) -> float | str:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return value if number else told(value)
