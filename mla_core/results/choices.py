"""What stage one of a sweep tried and chose, as the JSON beside a table of results tells it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

from mla_core.errors import ConfigError, DataError
from mla_core.files import read_json
from mla_core.outside import check_kind
from mla_core.results.tables import markdown_table

if TYPE_CHECKING:
    import pandas as pd

_CURE = "write the table anew with `mla-lab sweep ... --results`"


class Tried(TypedDict):
    """A candidate: no score where it did not come through all its runs."""

    values: dict[str, Any]
    score: float | None
    runs: list[str]
    diverged: NotRequired[list[str]]


class Cell(TypedDict):
    """What the runs of a cell share, and what was tried and chosen for them."""

    settings: dict[str, Any]
    chosen: dict[str, Any] | None
    runs: list[str]
    tried: list[Tried]


class Choices(TypedDict):
    """What stage one tried, and on which seeds."""

    by: str
    seeds: list[int]
    cells: list[Cell]


def choices_beside(table: str | Path) -> Choices | None:
    """Return what was chosen before the runs of a table; None where nothing was.

    Parameters
    ----------
    table : str or Path
        A CSV of results.

    Raises
    ------
    DataError
        When the JSON beside the table is damaged.
    """
    beside = Path(table).with_suffix(".json")
    if not beside.is_file():
        return None
    choices: Choices | None = read_json(beside, _CURE).get("choices")
    if choices is None:
        return None
    try:
        check_kind("choices", choices, Choices)
    except ConfigError as error:
        msg = f"the choices in {str(beside)!r} are damaged: {_CURE}"
        raise DataError(msg) from error
    return choices


def chosen_for(choices: Choices | None) -> dict[str, list[str]]:
    """Return for each run of a table which of its settings were chosen for it.

    Examples
    --------
    >>> cell = {"runs": ["a", "b"], "chosen": {"learning_rate": 0.1}}
    >>> chosen_for({"cells": [cell]})
    {'a': ['learning_rate'], 'b': ['learning_rate']}
    """
    cells = choices["cells"] if choices else ()
    return {run: [*(cell["chosen"] or ())] for cell in cells for run in cell["runs"]}


def stage_one(choices: Choices, runs: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return the table of stage one: one row for each candidate of each cell.

    Parameters
    ----------
    choices : Choices
        What was tried, from `choices_beside` a table.
    runs : DataFrame, optional
        The table itself, to say what became of each choice with seeds that did not choose.

    Returns
    -------
    DataFrame
        The settings in which the cells differ, what was ``tried`` as text, ``score`` (the mean of
        what was chosen by), ``afterwards`` (that mean over the `runs` made with it, NaN where there
        are none), ``seeds`` (how many), ``diverged`` (how many of them), and whether it was
        ``chosen``.

    Examples
    --------
    >>> tried = [
    ...     {"values": {"learning_rate": r}, "score": s, "runs": ["a", "b"]}
    ...     for r, s in [(0.01, 0.5), (0.1, 0.7)]
    ... ]
    >>> chosen = {"learning_rate": 0.1}
    >>> cell = {"settings": {"method": "mla"}, "chosen": chosen, "runs": ["c"], "tried": tried}
    >>> stage_one({"cells": [cell]})[["tried", "score", "chosen"]].values.tolist()
    [['learning_rate=0.01', 0.5, False], ['learning_rate=0.1', 0.7, True]]
    """
    import pandas as pd

    cells = choices["cells"]
    shared = dict.fromkeys(name for cell in cells for name in cell["settings"])
    texts = {name: [_text(cell["settings"].get(name)) for cell in cells] for name in shared}
    varying = [name for name in shared if name == "method" or len(set(texts[name])) > 1]
    later = pd.Series(dtype=float)
    if runs is not None and choices["by"] in runs:
        later = runs.set_index("run")[choices["by"]]
    afterwards = [later[later.index.isin(cell["runs"])].mean() for cell in cells]
    return pd.DataFrame(
        {
            **{name: texts[name][i] for name in varying},
            "tried": ", ".join(f"{k}={_text(v)}" for k, v in one["values"].items()),
            "score": one["score"],
            "afterwards": afterwards[i] if one["values"] == cell["chosen"] else float("nan"),
            "seeds": len(one["runs"]),
            "diverged": len(one.get("diverged", ())),
            "chosen": one["values"] == cell["chosen"],
        }
        for i, cell in enumerate(cells)
        for one in cell["tried"]
    )


def stage_one_markdown(choices: Choices, runs: pd.DataFrame | None = None) -> str:
    """Return the table of stage one as Markdown, a row for each cell, what was chosen in bold.

    With the table's `runs`, a choice that only the few seeds of stage one liked is seen as that.
    """
    frame = stage_one(choices, runs)
    places = [*frame.columns[: list(frame).index("tried")]]
    title = (
        f"stage one: mean {choices['by']} over the seeds {', '.join(map(str, choices['seeds']))}; "
        "what was chosen is bold, and was run with the table's seeds"
    )
    ran = frame.dropna(subset="afterwards")
    if len(ran):
        means = f"{ran['score'].mean():.3f} on average, then {ran['afterwards'].mean():.3f}"
        title += f", whose mean is behind it: {means}"
    rows = [
        [*map(str, key), "; ".join(_candidate(row) for row in of_one.to_dict("records"))]
        for key, of_one in frame.groupby(places, sort=False, dropna=False)
    ]
    return "\n".join([title, "", markdown_table([*places, "tried"], rows)])


def _candidate(row: Mapping[Any, Any]) -> str:
    import pandas as pd

    none = "diverged" if row["diverged"] else "–"
    number = none if pd.isna(row["score"]) else f"{row['score']:.3f}"
    told = f"{row['tried']}: {number}"
    if not pd.isna(row["afterwards"]):
        told += f", then {row['afterwards']:.3f}"
    return f"**{told}**" if row["chosen"] else told


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)
