"""A table to read: means over seeds with their intervals, in rows and columns."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from mla_core.catalogue import idle_settings
from mla_core.config import ExperimentConfig
from mla_core.errors import ConfigError, one_of, quoted
from mla_core.head import rounding_note
from mla_core.results.significance import ENOUGH, mean_interval
from mla_core.results.verdict import measure_of

if TYPE_CHECKING:
    import pandas as pd

SETTINGS = tuple(field.name for field in fields(ExperimentConfig))


@dataclass(frozen=True, eq=False)
class Table:
    """Means over seeds, in rows and columns.

    Attributes
    ----------
    rows, columns, choose : tuple of str
        Settings.
    value, by : str
        What the cells show, and what the choice was made on.
    cells : DataFrame
        One row per cell: the settings in `rows` and `columns`, then ``mean``, ``half`` (of the
        95 % interval, NaN for one seed), ``n`` (seeds), and the chosen value of each in `choose`.
    """

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    value: str
    choose: tuple[str, ...]
    by: str
    cells: pd.DataFrame


def table(
    frame: pd.DataFrame,
    rows: str | Sequence[str],
    columns: str | Sequence[str] | None = None,
    value: str = "test.accuracy",
    choose: str | Sequence[str] = (),
    by: str = "val.accuracy",
) -> Table:
    """Average over seeds, in rows and columns.

    Parameters
    ----------
    frame : DataFrame
        From `collect` or `read`.
    rows, columns : str or sequence of str
        One or more settings; a text may name several, ``"method,head_gradient"``.
    value : str
        The number to show.
    choose : str or sequence of str
        Settings that each cell fixes to the combination with the highest mean of `by` over the
        seeds, or the lowest where less is better, as of ``val.nll``. Only combinations that have all
        seeds of the cell compete; the first of equals wins.
    by : str
        What is chosen by: a number of ``val``, so that ``test`` stays untouched.

    Raises
    ------
    ConfigError
        For an unknown column, and when the runs of a cell differ in more than their seed.

    Examples
    --------
    >>> import pandas as pd
    >>> runs = {"run": list("abcd"), "method": ["mla"] * 4, "seed": [0, 1, 0, 1]}
    >>> runs |= {"learning_rate": [0.1, 0.1, 0.01, 0.01], "val.accuracy": [0.8, 0.6, 0.5, 0.4]}
    >>> runs |= {"test.accuracy": [0.6, 0.7, 0.8, 0.9]}
    >>> short = table(pd.DataFrame(runs), "method", choose="learning_rate")
    >>> print(to_markdown(short, show_choice=True))
    test.accuracy: mean ± 95 % interval over seeds; learning_rate chosen by val.accuracy
    <BLANKLINE>
    | method | test.accuracy |
    |---|---|
    | mla | 0.650 ± 0.635 (n=2), learning_rate=0.1 |
    """
    import pandas as pd

    row_names, column_names, choices = _names(rows), _names(columns or ()), _names(choose)
    if not row_names:
        msg = f"rows must name at least one setting: choose among {', '.join(SETTINGS)}"
        raise ConfigError(msg)
    named = [*row_names, *column_names, *choices]
    for what, names in (("--rows", row_names), ("--columns", column_names), ("--choose", choices)):
        for name in names:
            _one_of(f"setting in {what}:", name, [s for s in SETTINGS if s in frame])
            if named.count(name) > 1:
                msg = f"{name!r} is named twice in --rows, --columns and --choose: once is enough"
                raise ConfigError(msg)
    if choices and not by.startswith("val."):
        msg = f"--by must be a number of val, such as val.accuracy, not {by!r}: test is not for choices"
        raise ConfigError(msg)
    for what, name in (("--value", value), *((("--by", by),) if choices else ())):
        numbers = [n for n in frame if n not in SETTINGS and frame[n].dtype.kind in "iuf"]
        if name in frame and name not in SETTINGS and name not in numbers:
            none = pd.to_numeric(frame[name], errors="coerce").isna() & frame[name].notna()
            first = quoted([*frame[name][none], *frame[name]][0])
            msg = f"{name!r} in {what} is not a number in every run: one has {first}"
            raise ConfigError(msg)
        _one_of(f"number in {what}:", name, [str(n) for n in numbers])

    places = [*row_names, *column_names]
    cells = []
    for key, cell in frame.groupby(places, sort=False, dropna=False):
        place = dict(zip(places, key, strict=True))
        _reject_other_differences(cell, named, place)
        chosen, runs = _choose(cell, choices, by, place)
        mean, half = mean_interval(runs[value].tolist())
        cells.append(place | {"mean": mean, "half": half, "n": len(runs)} | chosen)
    header = [*places, "mean", "half", "n", *choices]
    return Table(row_names, column_names, value, choices, by, pd.DataFrame(cells, columns=header))


def chosen_runs(
    frame: pd.DataFrame,
    choose: str | Sequence[str] = "learning_rate",
    by: str = "val.accuracy",
) -> pd.DataFrame:
    """Return the runs of the best value of a setting, chosen as `table` does, seed by seed.

    Parameters
    ----------
    frame : DataFrame
        From `collect` or `read`.
    choose, by
        As in `table`. The choice is made anew for every combination of all other settings.

    Examples
    --------
    >>> import pandas as pd
    >>> runs = {"run": list("abcd"), "method": ["mla"] * 4, "seed": [0, 1, 0, 1]}
    >>> runs |= {"learning_rate": [0.1, 0.1, 0.01, 0.01], "val.accuracy": [0.8, 0.6, 0.5, 0.4]}
    >>> chosen_runs(pd.DataFrame(runs))["run"].tolist()
    ['a', 'b']
    """
    import pandas as pd

    choices = _names(choose)
    for name in choices:
        _one_of("setting to choose:", name, [s for s in SETTINGS if s in frame])
    _one_of("number to choose by:", by, [str(n) for n in frame if frame[n].dtype.kind in "iuf"])
    places = [s for s in SETTINGS if s in frame and s not in (*choices, "seed")]
    # Of each group only what the choice needs: a copy of all columns takes long.
    needed = frame[[name for name in frame if name in {"run", by, *SETTINGS}]]
    groups = needed.reset_index(drop=True).groupby(places, sort=False, dropna=False)
    best = [_choose(g, choices, by, dict(zip(places, key, strict=True)))[1] for key, g in groups]
    return frame.iloc[pd.concat(best).index].reset_index(drop=True)


def to_markdown(table: Table, *, show_choice: bool = False) -> str:
    """Return a table as Markdown; a cell of fewer than 5 seeds says how many it has.

    Where a variant of the head gradient amplifies rounding, a last line says so.

    Parameters
    ----------
    table : Table
    show_choice : bool
        Write into each cell what was chosen.
    """
    heads: dict[tuple[str, ...], str] = {}
    lines: dict[tuple[str, ...], dict[tuple[str, ...], str]] = {}
    for cell in table.cells.to_dict("records"):
        column = tuple(_shown(cell[name], name) for name in table.columns)
        heads[column] = ", ".join(column) or table.value
        row = tuple("–" if _is_idle(cell, name) else _shown(cell[name]) for name in table.rows)
        text = _cell(cell["mean"], cell["half"], cell["n"])
        if show_choice:
            text = ", ".join([text, *(f"{n}={_shown(cell[n])}" for n in table.choose)])
        lines.setdefault(row, {})[column] = text
    choice = f"; {', '.join(table.choose)} chosen by {table.by}" if table.choose else ""
    body = ([*row, *(found.get(c, "–") for c in heads)] for row, found in lines.items())
    title = f"{table.value}: mean ± 95 % interval over seeds{choice}"
    variants = table.cells.get("head_gradient", ())
    note = rounding_note(v for v in variants if isinstance(v, str))
    printed = markdown_table([*table.rows, *heads.values()], body)
    return "\n".join([title, "", printed, *(["", note] if note else [])])


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    r"""Return rows of cells as a Markdown table.

    Examples
    --------
    >>> print(markdown_table(["a", "b"], [["1|2", "3"]]))
    | a | b |
    |---|---|
    | 1\|2 | 3 |
    """
    lines = [
        f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"
        for row in (head, *rows)
    ]
    return "\n".join([lines[0], "|" + "---|" * len(head), *lines[1:]])


def _is_idle(cell: Mapping[Any, Any], name: str) -> bool:
    """Tell whether the cell's method does not obey this setting, so that its value says nothing."""
    return "method" in cell and name in idle_settings(cell["method"])


def _names(given: str | Sequence[str]) -> tuple[str, ...]:
    names = given.split(",") if isinstance(given, str) else given
    return tuple(name.strip() for name in names if name.strip())


def _one_of(what: str, name: str, allowed: list[str]) -> None:
    """As `one_of`, but of the many numbers of a run it offers those of similar names."""
    close = difflib.get_close_matches(name, allowed, n=8, cutoff=0.4)
    one_of(what, name, allowed if name in allowed or not close else close)


def _reject_other_differences(
    cell: pd.DataFrame, named: Sequence[str], place: Mapping[str, Any]
) -> None:
    for name in (s for s in SETTINGS if s in cell and s not in (*named, "seed")):
        values = cell[name].unique()
        if len(values) > 1:
            shown = ", ".join(map(_shown, values[:4].tolist()))
            msg = (
                f"the runs of {_point(place)} differ in {name} ({shown}): "
                "put it in --rows, --columns or --choose"
            )
            raise ConfigError(msg)


def _choose(
    cell: pd.DataFrame, choices: tuple[str, ...], by: str, place: Mapping[str, Any]
) -> tuple[dict[str, Any], pd.DataFrame]:
    """Return the best combination of the settings to choose, and its runs."""
    groups = cell.groupby(list(choices), sort=False, dropna=False) if choices else [((), cell)]
    seeds, sign = set(cell["seed"]), measure_of(by).sign or 1
    best: tuple[float, dict[str, Any], pd.DataFrame] | None = None
    for key, runs in groups:
        if runs["seed"].duplicated().any():
            first = runs[runs["seed"].duplicated(keep=False)].iloc[:2]
            msg = (
                f"two runs of {_point(place)} have the same settings and the seed "
                f"{first['seed'].iloc[0]}: {' and '.join(first['run'])}"
            )
            raise ConfigError(msg)
        if set(runs["seed"]) != seeds:
            continue
        score = sign * math.fsum(runs[by]) / len(runs) if choices else 0.0
        if not math.isnan(score) and (best is None or score > best[0]):
            best = score, dict(zip(choices, key, strict=True)), runs
    if best is None:
        msg = (
            f"nothing to choose from for {_point(place)}: no {', '.join(choices)} has {by} for all "
            f"the seeds {', '.join(map(str, sorted(seeds)))}"
        )
        raise ConfigError(msg)
    return best[1:]


def _point(place: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={_shown(value)}" for name, value in place.items())


def _shown(value: Any, name: str = "") -> str:
    """Return a setting as text; with a name where a number alone would say little."""
    if isinstance(value, str):
        return value
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return f"{name} {text}" if name else text


def _cell(mean: float, half: float, n: int) -> str:
    if math.isnan(mean):
        return "–"
    spread = "" if math.isnan(half) else f" ± {half:.3f}"
    return f"{mean:.3f}{spread}{'' if n >= ENOUGH else f' (n={n})'}"
