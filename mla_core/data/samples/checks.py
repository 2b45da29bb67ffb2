"""What a split must be: everything that does not fit is named by modality and sample."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from mla_core.data.samples.split import CODED, Modality, Split
from mla_core.data.samples.stored import StoredColumn
from mla_core.errors import DataError

LARGEST = 1e15  # of a number: a sum of many squares of it is still a float32


def check_split(split: Split, modalities: Mapping[str, Modality], n_classes: int) -> None:
    """Raise `DataError` unless the split has these modalities, labels 0..C-1 and finite numbers.

    What stays on disk was checked number by number when it was put there.
    """
    where = f"split {split.name!r}"
    n = len(split)
    if n == 0:
        msg = f"{where} is empty"
        raise DataError(msg)
    if list(split.inputs) != list(modalities):
        msg = f"{where} has the modalities {list(split.inputs)}, not {list(modalities)}"
        raise DataError(msg)
    if sizes := {m: len(x) for m, x in split.inputs.items() if len(x) != n}:
        msg = f"{where} has {n} ids, but {sizes} samples: paired modalities need the same number"
        raise DataError(msg)
    if split.present.shape != (len(modalities), n) or split.present.dtype != torch.bool:
        msg = f"{where}: `present` must be bool of shape {(len(modalities), n)}"
        raise DataError(msg)
    if len(set(split.ids)) != n:
        twice = next(i for i in split.ids if split.ids.count(i) > 1)
        msg = f"{where} uses the sample id {twice!r} twice"
        raise DataError(msg)
    _check_labels(split, n_classes)
    for row, (name, modality) in enumerate(modalities.items()):
        _check_inputs(split, modality, split.present[row], where=f"{where}, modality {name!r}")


def _check_labels(split: Split, n_classes: int) -> None:
    labels = split.labels
    if labels.shape != (len(split),) or labels.dtype != torch.int64:
        msg = f"split {split.name!r}: labels must be int64 of shape ({len(split)},)"
        raise DataError(msg)
    for i in ((labels < 0) | (labels >= n_classes)).nonzero().flatten()[:1].tolist():
        msg = (
            f"split {split.name!r}, sample {split.ids[i]!r}: label {int(labels[i])} is outside "
            f"the {n_classes} classes 0..{n_classes - 1}"
        )
        raise DataError(msg)


def _check_inputs(split: Split, modality: Modality, present: Tensor, where: str) -> None:
    x = split.inputs[modality.name]
    if tuple(x.shape[1:]) != modality.shape:
        msg = f"{where}: samples have shape {tuple(x.shape[1:])}, not {modality.shape}"
        raise DataError(msg)
    expected = torch.int64 if modality.kind in CODED else torch.float32
    if x.dtype != expected:
        msg = f"{where}: samples are {x.dtype}, but {modality.kind} must be {expected}"
        raise DataError(msg)
    if isinstance(x, StoredColumn):
        return
    if modality.kind in CODED:
        top = modality.codes
        bad = ((x < 0) | (x > top)).flatten(1).any(1) & present
        fault = f"a code outside 0..{top}"
    else:
        bad = ~(x.abs() <= LARGEST).flatten(1).all(1) & present  # NaN is not
        fault = f"NaN or infinity, or a number beyond {LARGEST:g}"
    for i in bad.nonzero().flatten()[:1].tolist():
        msg = f"{where}, sample {split.ids[i]!r}: contains {fault}"
        raise DataError(msg)
