"""From a Hugging Face `datasets` object; the package itself is needed for streams alone."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mla_core.data.decoding import DECODERS, Preparation
from mla_core.data.files.cache import default_cache
from mla_core.data.files.cells import is_missing, labels_of, plain
from mla_core.data.files.manifest import Manifest, Row
from mla_core.data.files.proposal import SIDES
from mla_core.data.files.rows import load_rows
from mla_core.data.files.stream import is_stream, stored_stream
from mla_core.data.samples import Content, Parts, Source
from mla_core.errors import DataError, one_of

KIND_OF_FEATURE = {"Image": "image", "Audio": "sound", "Video": "video", "Array2D": "series"}
FILES = ("Image", "Audio", "Video")
CHUNK = 64  # rows that are in memory at once


def parts_of_hugging_face(
    dataset: Any,
    *,
    label: str = "label",
    group: str = "",
    kinds: Mapping[str, str] | None = None,
    prepare: Mapping[str, Any] | None = None,
    skip_bad: bool = False,
    cache: str = "",
    name: str = "hugging_face",
) -> Parts:
    """Return what one or several splits hold; see `MultimodalDataset.from_hugging_face`."""
    splits = _splits(dataset, Path(cache) if cache else default_cache())
    first = next(iter(splits.values()))
    one_of("label column", label, first.column_names)
    group = group or ("group" if "group" in first.column_names else "")
    if group:
        one_of("group column", group, first.column_names)
    for column in kinds or {}:
        one_of("column in kinds", column, first.column_names)
    found = dict(kinds or _kinds(first, {label, group}))
    if not found:
        msg = f"no column of {first.column_names} is a modality: name them in `kinds`"
        raise DataError(msg)
    for kind in found.values():
        one_of("kind of modality", kind, DECODERS)
    known = dict.fromkeys((label, *([group] if group else []), *found))
    for side, data in splits.items():
        if lacking := [column for column in known if column not in data.column_names]:
            msg = f"the split {side!r} lacks the column {lacking[0]!r}: give all splits the same"
            raise DataError(msg)
    labels = _labels(splits, label)
    rows = [
        row
        for side, data in splits.items()
        for row in _rows(data, side, labels[side], group, list(found))
    ]
    unused = [c for c in first.column_names if c not in known]
    notes = (f"columns not used: {', '.join(unused)}",) if unused else ()
    names = [n for data in splits.values() for n in _names(data, label)]
    manifest = Manifest(name, found, tuple(rows), notes=notes, classes=tuple(dict.fromkeys(names)))
    return load_rows(manifest, Preparation.of(prepare), skip_bad=skip_bad, cache=cache)


def _splits(dataset: Any, cache: Path) -> dict[str, Any]:
    """Return the data sets by the names of their splits; "" is that of a single one."""
    splits = dict(dataset.items()) if isinstance(dataset, Mapping) else {"": dataset}
    if not splits:
        msg = "there is no split in it: a DatasetDict needs train at least"
        raise DataError(msg)
    for side, data in splits.items():
        if side and side not in SIDES:
            msg = f"the split {side!r} is none of {sorted(SIDES)}: rename it, or take it out"
            raise DataError(msg)
        if not hasattr(data, "column_names") or not hasattr(data, "with_format"):
            msg = (
                f"a Dataset, DatasetDict or IterableDataset of Hugging Face is wanted, not "
                f"{type(data).__name__}: load it with datasets.load_dataset, or see from_arrays"
            )
            raise DataError(msg)
    if len(set(map(_side, splits))) < len(splits):
        msg = f"two of the splits {list(splits)} mean the same: put them together, or take one out"
        raise DataError(msg)
    return {side: _readable(data, side, cache) for side, data in splits.items()}


def _side(name: str) -> str:
    return SIDES.get(name, "")


def _readable(data: Any, side: str, cache: Path) -> Any:
    """Return it as it is stored, whatever format it would be handed out in; a stream from disk."""
    if is_stream(data):
        return stored_stream(_undecoded(data.with_format(None)), cache, side or "the stream")
    shown = data.format
    if shown["type"] == "custom":
        msg = "it has a transform that works when it is read: do that with map, then reset_format()"
        raise DataError(msg)
    return _undecoded(data.with_format(None).select_columns(shown["columns"]))


def _undecoded(data: Any) -> Any:
    """Return it with files as they are: they are read by our own rules."""
    for column, feature in (data.features or {}).items():
        if type(feature).__name__ in FILES:
            data = data.cast_column(column, dataclasses.replace(feature, decode=False))
    return data


def _kinds(data: Any, others: set[str]) -> Iterator[tuple[str, str]]:
    """Yield the columns that are modalities, and what they hold, as their features tell."""
    for column, feature in data.features.items():
        kind = KIND_OF_FEATURE.get(type(feature).__name__, "")
        inner = getattr(feature, "feature", None)  # of a list
        of_lists = getattr(inner, "feature", None)
        if getattr(feature, "dtype", "") in {"string", "large_string"}:
            kind = "text"
        elif _is_number(inner):
            kind = "vector"
        elif _is_number(of_lists):
            kind = "series"
        if kind and column not in others:
            yield column, kind


def _is_number(feature: Any) -> bool:
    plain_value = type(feature).__name__ == "Value"
    return plain_value and str(feature.dtype).startswith(("float", "int", "uint"))


def _names(data: Any, label: str) -> Sequence[str]:
    return getattr(data.features[label], "names", None) or ()


def _labels(splits: Mapping[str, Any], label: str) -> dict[str, list[str]]:
    """Return the labels of every split; -1 of named classes is none, as on hidden test sets."""
    raw = list[Any]()
    for data in splits.values():
        names = _names(data, label)
        values = data.select_columns([label])[:][label]
        raw += [
            value if not names or value is None else names[value] if value >= 0 else None
            for value in values
        ]
    told = iter(labels_of(raw))
    return {side: [next(told) for _ in range(len(data))] for side, data in splits.items()}


def _rows(
    data: Any, side: str, labels: Sequence[str], group: str, columns: Sequence[str]
) -> Iterator[Row]:
    prefix = side or "row"
    mark = str(getattr(data, "_fingerprint", id(data)))
    groups = data.select_columns([group])[:][group] if group else [None] * len(labels)
    views = {column: data.select_columns([column]) for column in columns}
    present = {column: list(_present(view, column)) for column, view in views.items()}
    for i, (told, of) in enumerate(zip(labels, groups, strict=True)):
        parts = {
            column: Source(
                f"{prefix} {i}, {column}", _reader(view, column, i), f"{mark}/{column}/{i}"
            )
            for column, view in views.items()
            if present[column][i]
        }
        who = plain(of, "group")
        yield Row(f"{prefix} {i}", f"{prefix}-{i:05d}", told, _side(side), parts, who)


def _present(view: Any, column: str) -> Iterator[bool]:
    for chunk in view.iter(batch_size=CHUNK):
        for cell in chunk[column]:
            if isinstance(cell, Mapping):  # a file, as `datasets` stores it
                yield not all(is_missing(cell.get(key)) for key in ("bytes", "path"))
            else:
                yield not is_missing(cell)


def _reader(view: Any, column: str, i: int) -> Callable[[], Content]:
    def read() -> Content:
        cell = view[i][column]
        if isinstance(cell, Mapping):
            raw = cell.get("bytes")
            return raw if raw is not None else Path(cell["path"])
        return cell if isinstance(cell, str | bytes) else np.asarray(cell)

    return read
