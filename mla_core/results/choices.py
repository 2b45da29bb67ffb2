"""What stage one of a sweep tried and chose, as the JSON beside a table of results tells it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mla_core.errors import DataError
from mla_core.files import read_json

if TYPE_CHECKING:
    import pandas as pd

_CURE = "write the table anew with `mla-lab sweep ... --results`"
_CELL = {"settings": Mapping, "runs": list, "tried": list}
_TRIED = {"values": Mapping, "runs": list}


def choices_beside(table: str | Path) -> dict[str, Any] | None:
    """Return what was chosen before the runs of a table; None where nothing was.

    Parameters
    ----------
    table : str or Path
        A CSV of results.

    Returns
    -------
    dict or None
        ``by``, ``seeds`` of stage one, and ``cells``: each with the ``settings`` that its runs share,
        what was ``chosen``, its ``runs`` in the table, and all that was ``tried``, with its ``score``.

    Raises
    ------
    DataError
        When the JSON beside the table is damaged.
    """
    beside = Path(table).with_suffix(".json")
    if not beside.is_file():
        return None
    choices: dict[str, Any] | None = read_json(beside, _CURE).get("choices")
    if choices is None:
        return None
    cells = choices.get("cells") if isinstance(choices, dict) else None
    if not isinstance(cells, list) or not all(_is_cell(cell) for cell in cells):
        msg = f"the choices in {str(beside)!r} are damaged: {_CURE}"
        raise DataError(msg)
    return choices


def chosen_for(choices: Mapping[str, Any] | None) -> dict[str, list[str]]:
    """Return for each run of a table which of its settings were chosen for it.

    Examples
    --------
    >>> cell = {"runs": ["a", "b"], "chosen": {"learning_rate": 0.1}}
    >>> chosen_for({"cells": [cell]})
    {'a': ['learning_rate'], 'b': ['learning_rate']}
    """
    cells = choices["cells"] if choices else ()
    return {run: [*(cell.get("chosen") or ())] for cell in cells for run in cell["runs"]}


def stage_one(choices: Mapping[str, Any]) -> pd.DataFrame:
    """Return the table of stage one: one row for each candidate of each cell.

    Returns
    -------
    DataFrame
        The settings in which the cells differ, what was ``tried`` as text, ``score`` (the mean of
        what was chosen by), ``seeds`` (how many), ``diverged`` (how many of them), and whether it
        was ``chosen``.

    Examples
    --------
    >>> tried = [
    ...     {"values": {"learning_rate": r}, "score": s, "runs": ["a", "b"]}
    ...     for r, s in [(0.01, 0.5), (0.1, 0.7)]
    ... ]
    >>> cell = {"settings": {"method": "mla"}, "chosen": {"learning_rate": 0.1}, "tried": tried}
    >>> stage_one({"cells": [cell]})[["tried", "score", "chosen"]].values.tolist()
    [['learning_rate=0.01', 0.5, False], ['learning_rate=0.1', 0.7, True]]
    """
    import pandas as pd

    cells = choices["cells"]
    shared = dict.fromkeys(name for cell in cells for name in cell["settings"])
    texts = {name: [_text(cell["settings"].get(name)) for cell in cells] for name in shared}
    varying = [name for name in shared if name == "method" or len(set(texts[name])) > 1]
    return pd.DataFrame(
        {name: texts[name][i] for name in varying}
        | {
            "tried": ", ".join(f"{k}={_text(v)}" for k, v in one["values"].items()),
            "score": one.get("score"),
            "seeds": len(one["runs"]),
            "diverged": len(one.get("diverged", ())),
            "chosen": one["values"] == cell.get("chosen"),
        }
        for i, cell in enumerate(cells)
        for one in cell["tried"]
    )


def stage_one_markdown(choices: Mapping[str, Any]) -> str:
    """Return the table of stage one as Markdown, a row for each cell, what was chosen in bold."""
    frame = stage_one(choices)
    places = [*frame.columns[: list(frame).index("tried")]]
    lines = [
        f"stage one: mean {choices.get('by')} over the seeds {_listed(choices.get('seeds', ()))}; "
        "what was chosen is bold, and was run with the table's seeds",
        "",
        f"| {' | '.join([*places, 'tried'])} |",
        "|" + "---|" * (len(places) + 1),
    ]
    for key, rows in frame.groupby(places, sort=False, dropna=False):
        tried = "; ".join(_candidate(row) for row in rows.to_dict("records"))
        cells = [str(one).replace("|", r"\|") for one in (*key, tried)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _candidate(row: Mapping[Any, Any]) -> str:
    score = row["score"]
    number = f"{score:.3f}" if score == score else "diverged" if row["diverged"] else "–"  # noqa: PLR0124
    told = f"{row['tried']}: {number}"
    return f"**{told}**" if row["chosen"] else told


def _is_cell(cell: object) -> bool:
    return _holds(cell, _CELL) and all(_holds(one, _TRIED) for one in cell["tried"])  # type: ignore[index]


def _holds(thing: object, kinds: Mapping[str, Any]) -> bool:
    return isinstance(thing, dict) and all(isinstance(thing.get(k), v) for k, v in kinds.items())


def _listed(seeds: Any) -> str:
    return ", ".join(map(str, seeds))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)
