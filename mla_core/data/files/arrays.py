"""From arrays and texts in memory to the parts of a data set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mla_core.data.files.manifest import Manifest, Row, settle
from mla_core.data.samples import CODED, KINDS, SPLITS, Modality, Parts, Source, Split, encode
from mla_core.errors import DataError, one_of

Labels = Sequence[Any] | NDArray[Any] | Tensor


class _Part(NamedTuple):
    modality: Modality
    x: Tensor  # (N, ...), zeros where absent
    present: Tensor  # (N,) bool


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
    if not inputs:
        msg = "`inputs` is empty: name at least one modality, as in {'image': images}"
        raise DataError(msg)
    for modality in kinds or {}:
        one_of("modality in kinds", modality, inputs)
    if isinstance(labels, Mapping):
        inputs, labels = _unpaired(inputs, labels)
    told = [str(label) for label in _plain(labels).tolist()]
    n = len(told)
    parts = [_part(m, x, (kinds or {}).get(m, ""), n) for m, x in inputs.items()]
    names = [f"row-{i:05d}" for i in range(n)] if ids is None else [str(i) for i in ids]
    sides = [""] * n if split is None else [str(side) for side in split]
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

    def side(name: str) -> Split:
        rows = [row for row in manifest.rows if row.split == name]
        indices = torch.tensor([place[row.id] for row in rows])
        return Split(
            name,
            {part.modality.name: part.x[indices] for part in parts},
            torch.stack([part.present[indices] for part in parts]),
            torch.tensor([manifest.classes.index(row.label) for row in rows]),
            tuple(row.id for row in rows),
        )

    return Parts(
        name,
        [part.modality for part in parts],
        manifest.classes,
        {name: side(name) for name in SPLITS},
        note=". ".join(manifest.notes),
    )


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


def _plain(x: Any) -> NDArray[Any]:
    return np.asarray(x.detach().cpu() if isinstance(x, Tensor) else x)


def _unpaired(
    inputs: Mapping[str, Any], labels: Mapping[str, Labels]
) -> tuple[dict[str, Any], NDArray[Any]]:
    """Put the samples of all modalities one after the other, each with one part."""
    if set(labels) != set(inputs):
        msg = f"labels are given for {list(labels)}, inputs for {list(inputs)}: name the same"
        raise DataError(msg)
    sizes = {m: len(x) for m, x in inputs.items()}
    if faults := {m: len(labels[m]) for m, size in sizes.items() if len(labels[m]) != size}:
        msg = f"{faults} labels do not fit {sizes} samples"
        raise DataError(msg)
    total, start = sum(sizes.values()), 0
    spread: dict[str, Any] = {}
    for m, x in inputs.items():
        if _is_text(x):
            spread[m] = [None] * start + list(x) + [None] * (total - start - sizes[m])
        else:
            own = _plain(x)
            whole = np.full((total, *own.shape[1:]), np.nan, np.float32)
            whole[start : start + sizes[m]] = own / 255 if own.dtype == np.uint8 else own
            spread[m] = whole
        start += sizes[m]
    return spread, np.concatenate([_plain(labels[m]).astype(str) for m in inputs])


def _is_text(x: Any) -> bool:
    if isinstance(x, np.ndarray | Tensor):
        return isinstance(x, np.ndarray) and x.dtype.kind in "UO"
    return any(isinstance(one, str) for one in x)


def _part(name: str, x: Any, kind: str, n: int) -> _Part:
    if kind:
        one_of(f"kind of modality {name!r}", kind, KINDS)
    if len(x) != n:
        msg = (
            f"modality {name!r} has {len(x)} samples, but there are {n} labels: give labels per "
            "modality where they are not paired"
        )
        raise DataError(msg)
    return _texts(name, list(x)) if _is_text(x) else _numbers(name, _plain(x), kind)


def _texts(name: str, texts: Sequence[str | None]) -> _Part:
    told = [text or "" for text in texts]
    length = max(1, *map(len, told))
    vocabulary = "".join(sorted(set("".join(told))))
    modality = Modality(name, "characters", (length,), vocabulary=vocabulary)
    return _Part(modality, encode(told, vocabulary, length), torch.tensor([bool(t) for t in told]))


def _numbers(name: str, x: NDArray[Any], kind: str) -> _Part:
    kind = kind or {2: "vector", 3: "sequence", 4: "image", 5: "video"}.get(x.ndim, "")
    if not kind or x.dtype.kind not in "fiub":
        msg = (
            f"modality {name!r} is {x.dtype} of shape {x.shape}: give numbers (N, D), images "
            "(N, C, H, W), or say what it is in `kinds`"
        )
        raise DataError(msg)
    if kind in CODED:
        if x.dtype.kind not in "iu" or kind == "characters":
            msg = f"modality {name!r}: give texts for characters, and whole numbers for tokens"
            raise DataError(msg)
        size = int(x.max(initial=1))
        modality = Modality(name, kind, x.shape[1:], vocabulary_size=size)
        codes = torch.from_numpy(x.astype(np.int64))
        return _Part(modality, codes, (codes != 0).flatten(1).any(1))
    if kind == "image" and x.shape[-1] in {1, 3} and x.shape[1] not in {1, 3}:
        x = x.transpose(0, 3, 1, 2)
    scaled = x / 255 if x.dtype == np.uint8 else x
    values = torch.from_numpy(np.ascontiguousarray(scaled, np.float32))
    absent = values.isnan().flatten(1).all(1)
    values[absent] = 0
    return _Part(Modality(name, kind, tuple(values.shape[1:])), values, ~absent)
