"""From a Hugging Face `datasets` object; the package itself is not needed here."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mla_core.data.decoding import DECODERS, Preparation
from mla_core.data.files.manifest import Manifest, Row
from mla_core.data.files.proposal import SIDES
from mla_core.data.files.rows import load_rows
from mla_core.data.samples import Content, Parts, Source
from mla_core.errors import DataError, one_of

KIND_OF_FEATURE = {"Image": "image", "Audio": "sound", "Video": "video"}


def parts_of_hugging_face(
    dataset: Any,
    *,
    label: str = "label",
    kinds: Mapping[str, str] | None = None,
    prepare: Mapping[str, Any] | None = None,
    skip_bad: bool = False,
    cache: str = "",
    name: str = "hugging_face",
) -> Parts:
    """Return what one or several splits hold; see `MultimodalDataset.from_hugging_face`."""
    splits = dict(dataset.items()) if isinstance(dataset, Mapping) else {"": dataset}
    sides = {}
    for side in splits:
        if side and side not in SIDES:
            msg = f"the split {side!r} is none of {sorted(SIDES)}: rename it, or take it out"
            raise DataError(msg)
        sides[side] = SIDES.get(side, "")
    first = next(iter(splits.values()))
    one_of("label column", label, first.column_names)
    for column in kinds or {}:
        one_of("column in kinds", column, first.column_names)
    found = dict(kinds or _kinds(first, label))
    if not found:
        msg = f"no column of {first.column_names} is a modality: name them in `kinds`"
        raise DataError(msg)
    for kind in found.values():
        one_of("kind of modality", kind, DECODERS)
    rows = [
        row
        for side, data in splits.items()
        for row in _rows(data, sides[side], side or "row", label, list(found))
    ]
    unused = [c for c in first.column_names if c not in found and c != label]
    notes = (f"columns not used: {', '.join(unused)}",) if unused else ()
    names = getattr(first.features[label], "names", None) or ()
    manifest = Manifest(name, found, tuple(rows), notes=notes, classes=tuple(names))
    return load_rows(manifest, Preparation.of(prepare), skip_bad=skip_bad, cache=cache)


def _kinds(data: Any, label: str) -> Iterator[tuple[str, str]]:
    """Yield the columns that are modalities, and what they hold, as their features tell."""
    for column, feature in data.features.items():
        kind = KIND_OF_FEATURE.get(type(feature).__name__, "")
        inner = getattr(feature, "feature", None)  # of a list
        if getattr(feature, "dtype", "") in {"string", "large_string"}:
            kind = "text"
        elif str(getattr(inner, "dtype", "")).startswith(("float", "int")):
            kind = "vector"
        if kind and column != label:
            yield column, kind


def _rows(data: Any, side: str, prefix: str, label: str, columns: Sequence[str]) -> Iterator[Row]:
    names = getattr(data.features[label], "names", None)
    labels = data.select_columns([label])[:][label]
    mark = str(getattr(data, "_fingerprint", id(data)))
    views = {column: _undecoded(data, column) for column in columns}
    for i, told in enumerate(labels):
        parts = {
            column: Source(
                f"{prefix} {i}, {column}", _reader(view, column, i), f"{mark}/{column}/{i}"
            )
            for column, view in views.items()
            if not _is_absent(view[i][column])
        }
        said = "" if told is None else str(names[told] if names and told >= 0 else told)
        yield Row(f"{prefix} {i}", f"{prefix}-{i:05d}", said, side, parts)


def _undecoded(data: Any, column: str) -> Any:
    """Return this column alone, files as they are: they are read by our own rules."""
    view, feature = data.select_columns([column]), data.features[column]
    if type(feature).__name__ in KIND_OF_FEATURE:
        view = view.cast_column(column, dataclasses.replace(feature, decode=False))
    return view


def _reader(view: Any, column: str, i: int) -> Callable[[], Content]:
    def read() -> Content:
        cell = view[i][column]
        if isinstance(cell, Mapping):  # a file, as `datasets` stores it
            raw = cell.get("bytes")
            return raw if raw is not None else Path(cell["path"])
        return cell if isinstance(cell, str | bytes) else np.asarray(cell)

    return read


def _is_absent(cell: Any) -> bool:
    return cell is None or cell == "" or (isinstance(cell, Mapping) and not any(cell.values()))
