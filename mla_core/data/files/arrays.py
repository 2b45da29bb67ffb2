"""From arrays and texts in memory to the parts of a data set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mla_core.data.files.cells import is_missing, labels_of, plain
from mla_core.data.files.manifest import Manifest, Row, settle
from mla_core.data.files.pictures import channels_first, from_black_to_white, may_be_grey
from mla_core.data.files.values import array_of, values_of
from mla_core.data.samples import (
    CODED,
    KINDS,
    SPLITS,
    Modality,
    Parts,
    Source,
    Split,
    composed,
    encode,
)
from mla_core.errors import DataError, one_of

Labels = Sequence[Any] | NDArray[Any] | Tensor

# What an array of each kind looks like; texts are no arrays.
SHAPES = {
    "vector": "(N, D)",
    "sequence": "(N, channels, steps)",
    "image": "(N, C, H, W)",
    "spectrogram": "(N, 1, mels, frames)",
    "video": "(N, frames, C, H, W)",
    "tokens": "(N, tokens)",
}
AXES = {kind: shape.count(",") + 1 for kind, shape in SHAPES.items()}
KIND_OF_AXES = {2: "vector", 3: "sequence", 4: "image", 5: "video"}  # where nobody says


class _Part(NamedTuple):
    modality: Modality
    x: Tensor  # (N, ...), zeros where absent
    present: Tensor  # (N,) bool
    note: str = ""

    def spread(self, start: int, total: int) -> _Part:
        """Return the same samples from `start` on among `total`, of which the others lack it."""
        end = start + len(self.x)
        x = self.x.new_zeros((total, *self.x.shape[1:]))
        present = torch.zeros(total, dtype=torch.bool)
        x[start:end], present[start:end] = self.x, self.present
        return self._replace(x=x, present=present)


def parts_of_arrays(
    inputs: Mapping[str, Any],
    labels: Labels | Mapping[str, Labels],
    *,
    split: Sequence[str] | None = None,
    kinds: Mapping[str, str] | None = None,
    ids: Sequence[str] | None = None,
    name: str = "arrays",
) -> Parts:
    """Return what arrays hold; see `MultimodalDataset.from_arrays`."""
    _check_names(inputs, kinds or {})
    parts = [_part(m, x, (kinds or {}).get(m, "")) for m, x in inputs.items()]
    if isinstance(labels, Mapping):
        parts, labels = _unpaired(parts, labels)
    notes = [part.note for part in parts if part.note]
    told = labels_of(values_of("`labels`", labels), notes)
    n = len(told)
    for part in parts:
        if len(part.x) != n:
            msg = (
                f"modality {part.modality.name!r} has {len(part.x)} samples, but there are {n} "
                "labels: give labels per modality where they are not paired"
            )
            raise DataError(msg)
    names = [f"row-{i:05d}" for i in range(n)] if ids is None else _plain("id", "`ids`", ids)
    sides = [""] * n if split is None else _plain("split", "`split`", split)
    for what, found in {"ids": names, "split": sides}.items():
        if len(found) != n:
            msg = f"`{what}` has {len(found)} entries, but there are {n} labels"
            raise DataError(msg)
    here = torch.stack([part.present for part in parts]).T.tolist()
    manifest = settle(_manifest(name, [p.modality for p in parts], names, told, sides, here))
    if manifest.faults:
        msg = f"data set {name!r}: {manifest.faults[0]}"
        raise DataError(msg)
    place = {sample: i for i, sample in enumerate(names)}
    number = {label: i for i, label in enumerate(manifest.classes)}

    def side(name: str) -> Split:
        rows = [row for row in manifest.rows if row.split == name]
        indices = torch.tensor([place[row.id] for row in rows])
        return Split(
            name,
            {part.modality.name: part.x[indices] for part in parts},
            torch.stack([part.present[indices] for part in parts]),
            torch.tensor([number[row.label] for row in rows]),
            tuple(row.id for row in rows),
        )

    return Parts(
        name,
        [part.modality for part in parts],
        manifest.classes,
        {name: side(name) for name in SPLITS},
        note=". ".join([*notes, *manifest.notes]),
    )


def _check_names(inputs: Mapping[str, Any], kinds: Mapping[str, str]) -> None:
    if not isinstance(inputs, Mapping):
        msg = (
            f"`inputs` is a {type(inputs).__name__}: name its modalities, as in {{'image': images}}"
        )
        raise DataError(msg)
    if not inputs:
        msg = "`inputs` is empty: name at least one modality, as in {'image': images}"
        raise DataError(msg)
    for name in inputs:
        if not isinstance(name, str):
            msg = f"a modality has the name {name!r}: give a text, as in {{'image': images}}"
            raise DataError(msg)
    for modality in kinds:
        one_of("modality in kinds", modality, inputs)


def _manifest(
    name: str,
    modalities: Sequence[Modality],
    names: Sequence[str],
    labels: Sequence[str],
    sides: Sequence[str],
    present: Sequence[Sequence[bool]],
) -> Manifest:
    """Return what these arrays would be as files, so that both obey the same rules."""
    nothing = Source("", "")
    rows = [
        Row(
            where=f"sample {i}",
            id=names[i],
            label=labels[i],
            split=sides[i],
            parts={m.name: nothing for m, here in zip(modalities, present[i], strict=True) if here},
        )
        for i in range(len(names))
    ]
    return Manifest(name, {m.name: m.kind for m in modalities}, tuple(rows))


def _plain(what: str, called: str, values: Any) -> list[str]:
    return [plain(value, what) for value in values_of(called, values)]


def _unpaired(
    parts: Sequence[_Part], labels: Mapping[str, Labels]
) -> tuple[list[_Part], list[Any]]:
    """Put the samples of all modalities one after the other, each with one part."""
    sizes = {part.modality.name: len(part.x) for part in parts}
    if set(labels) != set(sizes):
        msg = f"labels are given for {list(labels)}, inputs for {list(sizes)}: name the same"
        raise DataError(msg)
    told = {m: values_of(f"`labels` of {m!r}", labels[m]) for m in sizes}
    if faults := {m: len(told[m]) for m, size in sizes.items() if len(told[m]) != size}:
        msg = f"{faults} labels do not fit {sizes} samples"
        raise DataError(msg)
    spread, start = list[_Part](), 0
    for part in parts:
        spread.append(part.spread(start, sum(sizes.values())))
        start += len(part.x)
    return spread, [label for m in sizes for label in told[m]]


def _part(name: str, x: Any, kind: str) -> _Part:
    if kind:
        one_of(f"kind of modality {name!r}", kind, KINDS)
    what = f"modality {name!r}"
    if hasattr(x, "to_numpy") and getattr(x, "ndim", 1) > 1:  # a table of pandas
        x = x.to_numpy()
    if not isinstance(x, Tensor) and not (isinstance(x, np.ndarray) and x.dtype.kind not in "OSU"):
        values = values_of(what, x)
        if any(isinstance(value, str | bytes) for value in values):
            return _texts(name, values, kind)
    numbers, present = array_of(what, x)
    return _numbers(name, numbers, torch.from_numpy(present), kind)


def _texts(name: str, values: Sequence[Any], kind: str) -> _Part:
    if kind not in {"", "characters"}:
        msg = f"modality {name!r} holds texts, which are characters, not {kind}"
        raise DataError(msg)
    told = list[str]()
    for i, value in enumerate(values):
        if not isinstance(value, str | bytes) and not is_missing(value):
            msg = (
                f"modality {name!r}: sample {i} is {str(value)[:40]}, not a text: give texts alone"
            )
            raise DataError(msg)
        value = "" if is_missing(value) else value  # noqa: PLW2901 - so much is decided
        text = value if isinstance(value, str) else plain(value, f"text of sample {i}")
        try:
            told.append(composed(text))
        except DataError as error:
            msg = f"modality {name!r}: sample {i} {error}"
            raise DataError(msg) from error
    length = max(1, *map(len, told))
    vocabulary = "".join(sorted(set("".join(told))))
    modality = Modality(name, "characters", (length,), vocabulary=vocabulary)
    return _Part(modality, encode(told, vocabulary, length), torch.tensor([bool(t) for t in told]))


def _numbers(name: str, x: NDArray[Any], present: Tensor, kind: str) -> _Part:
    kind = kind or _kind(name, x)
    if kind == "characters" or (kind == "tokens" and x.dtype.kind not in "iu"):
        msg = f"modality {name!r}: give texts for characters, and whole numbers for tokens"
        raise DataError(msg)
    note = ""
    if kind in {"image", "video"}:
        x = channels_first(name, x, AXES[kind])
    elif kind == "spectrogram" and x.ndim == 3:
        x = x[:, None]
    fits = x.ndim == AXES[kind] and (kind != "spectrogram" or x.shape[1] == 1)
    if not fits or not x.size:
        msg = (
            f"modality {name!r} has the shape {x.shape}, but a {kind} is {SHAPES[kind]}: give it so"
        )
        raise DataError(msg)
    if kind in CODED:
        size = int(x.max(initial=1))
        modality = Modality(name, kind, x.shape[1:], vocabulary_size=size)
        codes = torch.from_numpy(x.astype(np.int64))
        return _Part(modality, codes, present & (codes != 0).flatten(1).any(1))
    if kind in {"image", "video"}:
        x, note = from_black_to_white(name, x)
    elif x.dtype == np.uint8:
        x = x / 255
    values = torch.from_numpy(np.ascontiguousarray(x, np.float32))
    present = present & ~values.isnan().flatten(1).all(1)
    values[~present] = 0
    return _Part(Modality(name, kind, tuple(values.shape[1:])), values, present, note)


def _kind(name: str, x: NDArray[Any]) -> str:
    """Return the kind that the number of axes tells."""
    if x.ndim == 3 and x.dtype == np.uint8:
        return "image"  # in grey
    if may_be_grey(x):
        msg = (
            f"modality {name!r} has the shape {x.shape}, which may be pictures in grey or "
            f"sequences: say kinds={{{name!r}: 'image'}} or kinds={{{name!r}: 'sequence'}}"
        )
        raise DataError(msg)
    if x.ndim not in KIND_OF_AXES:
        msg = (
            f"modality {name!r} is {x.dtype} of shape {x.shape}: give numbers (N, D), images "
            "(N, C, H, W), or say what it is in `kinds`"
        )
        raise DataError(msg)
    return KIND_OF_AXES[x.ndim]
