"""Records as columns of plain arrays, and back: what a file says is checked against their types."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

R = TypeVar("R", bound="DataclassInstance")


def to_columns(kind: str, records: Sequence[DataclassInstance]) -> dict[str, NDArray[Any]]:
    """Return one array for each field, under ``kind.field``: numbers, or JSON texts of the rest."""
    lines = [asdict(record) for record in records]
    columns = {}
    for name in lines[0] if lines else ():
        values = [line[name] for line in lines]
        plain = {type(value) for value in values} in ({int}, {float})
        columns[f"{kind}.{name}"] = np.array(values if plain else list(map(json.dumps, values)))
    return columns


def from_columns(kind: str, columns: Mapping[str, NDArray[Any]], make: type[R]) -> list[R]:
    """Take back what `to_columns` gave.

    Raises
    ------
    ValueError
        Naming the column that holds something else than the records' field.
    """
    types = {f.name: str(f.type) for f in fields(make)}
    values = {}
    for key, column in columns.items():
        if key.startswith(f"{kind}."):
            name = key.removeprefix(f"{kind}.")
            values[name] = _plain(key, column, types.get(name, ""))
    if len({len(those) for those in values.values()}) > 1:
        msg = f"the columns of its {kind} differ in length"
        raise ValueError(msg)
    rows = zip(*values.values(), strict=True)
    return [make(**dict(zip(values, row, strict=True))) for row in rows]


def _plain(key: str, column: NDArray[Any], of_type: str) -> list[Any]:
    if of_type not in _FITS:
        msg = f"{key!r} is unknown to this version"
        raise ValueError(msg)
    if column.ndim != 1 or column.dtype.kind not in "iufU":
        msg = f"{key!r} must be a list of numbers or texts, not {column.dtype} {column.shape}"
        raise ValueError(msg)
    values: list[Any] = column.tolist()
    if column.dtype.kind == "U":
        values = [_tuples(json.loads(text)) for text in values]
    for value in values:
        if not _FITS[of_type](value):
            msg = f"{key!r} must hold {of_type}, not {value!r:.80}"
            raise ValueError(msg)
    return values


def _tuples(value: Any) -> Any:
    """Turn JSON's lists back into tuples, so that a record equals itself after a round trip."""
    if isinstance(value, dict):
        return {key: _tuples(inner) for key, inner in value.items()}
    return tuple(value) if isinstance(value, list) else value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _each(value: Any, fits: Callable[[Any], bool]) -> bool:
    return isinstance(value, dict) and all(map(fits, value.values()))


_FITS: dict[str, Callable[[Any], bool]] = {  # the type of a field -> whether a value is of it
    "int": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "float": _is_number,
    "str": lambda value: isinstance(value, str),
    "str | None": lambda value: value is None or isinstance(value, str),
    "Mapping[str, float]": lambda value: _each(value, _is_number),
    "Mapping[str, tuple[float, ...]]": lambda value: _each(
        value, lambda inner: isinstance(inner, tuple) and all(map(_is_number, inner))
    ),
    "Any": lambda _: True,
}
