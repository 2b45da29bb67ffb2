"""Data with something taken away: whole modalities, parts of samples, true labels.

Whatever is taken depends on the seed, the split, the modality and the sample alone, so a higher
rate takes away the same parts and more, and taking away twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch

from mla_core.data.dataset import MultimodalDataset
from mla_core.data.samples import SPLITS, Modality, Split
from mla_core.errors import ConfigError, one_of, quoted
from mla_core.seeding import generator


def shorten(
    data: MultimodalDataset,
    *,
    modalities: Sequence[str] = (),
    missing: Mapping[str, Any] | None = None,
    label_noise: float = 0.0,
    seed: int = 0,
) -> MultimodalDataset:
    """Return the data set less what is taken away; the same object where nothing is.

    Parameters
    ----------
    data : MultimodalDataset
    modalities : sequence of str
        The ones to keep, in the data's own order; empty keeps all.
    missing : mapping
        Split -> missing rate, or split -> modality -> missing rate, each in 0..1. A part goes
        with this probability, whatever happens to the sample's other parts: with rate r, a share
        ``r ** M`` of the samples has nothing left.
    label_noise : float
        Probability that a training label is replaced by a class drawn uniformly, which may be the
        true one: with C classes a share ``label_noise * (1 - 1/C)`` of the labels is wrong.
    seed : int

    Raises
    ------
    ConfigError
        For an unknown modality or split, or a rate outside 0..1.

    Examples
    --------
    >>> from mla_core.data import load_dataset
    >>> data = load_dataset("gaussian", sizes=(1000, 50, 50))
    >>> less = shorten(data, modalities=["m0", "m2"], missing={"train": {"m2": 0.9}})
    >>> less
    MultimodalDataset('gaussian': m0, m2; train 1000, val 50, test 50)
    >>> len(less.split("train").samples_of("m2")) < 200
    True
    """
    if not 0 <= label_noise <= 1:
        msg = f"label_noise must be a rate from 0 to 1, not {label_noise!r}"
        raise ConfigError(msg)
    for name in modalities:
        one_of("modality in modalities", name, data.modalities)
    kept = [m for name, m in data.modalities.items() if not modalities or name in modalities]
    rates = {side: _per_modality(missing or {}, side, kept) for side in SPLITS}
    if len(kept) == len(data.modalities) and not label_noise and not any(map(any, rates.values())):
        return data
    splits = {}
    for side in SPLITS:
        split = _without_modalities(data.split(side), kept)
        split = without_parts(split, rates[side], seed)
        splits[side] = split
    n_classes = len(data.classes)
    if label_noise:
        splits["train"] = _with_wrong_labels(splits["train"], label_noise, n_classes, seed)
    return data.replaced(kept, splits)


def check_missing(missing: Mapping[str, Any]) -> dict[str, Any]:
    """Return `missing` with real numbers for rates.

    Raises
    ------
    ConfigError
        Unless it maps splits to rates in 0..1, or to mappings of them.
    """
    for side, rates in missing.items():
        one_of("split in missing", side, SPLITS)
        for rate in rates.values() if isinstance(rates, Mapping) else [rates]:
            number = isinstance(rate, int | float) and not isinstance(rate, bool)
            if not number or not 0 <= rate <= 1:
                msg = f"missing[{side!r}] must be a rate from 0 to 1, or one per modality, not {quoted(rates)}"
                raise ConfigError(msg)
    return {
        side: {name: float(rate) for name, rate in rates.items()}
        if isinstance(rates, Mapping)
        else float(rates)
        for side, rates in missing.items()
    }


def _per_modality(
    missing: Mapping[str, Any], side: str, kept: Sequence[Modality]
) -> tuple[float, ...]:
    check_missing(missing)
    rates = missing.get(side, 0.0)
    names = [modality.name for modality in kept]
    if not isinstance(rates, Mapping):
        return (float(rates),) * len(names)
    for name in rates:
        one_of(f"modality in missing[{side!r}]", name, names)
    return tuple(float(rates.get(name, 0.0)) for name in names)


def _without_modalities(split: Split, kept: Sequence[Modality]) -> Split:
    rows = [list(split.inputs).index(modality.name) for modality in kept]
    inputs = {modality.name: split.inputs[modality.name] for modality in kept}
    return replace(split, inputs=inputs, present=split.present[rows])


def without_parts(split: Split, rates: Sequence[float], seed: int) -> Split:
    """Return the split with parts taken away at random.

    Parameters
    ----------
    split : Split
    rates : sequence of float
        M probabilities; inputs of absent parts become zeros.
    seed : int
    """
    present = split.present.clone()
    for row, (name, rate) in enumerate(zip(split.inputs, rates, strict=True)):
        source = generator(seed, "missing", split.name, name)
        present[row] &= torch.rand(len(split), generator=source) >= rate
    return split.keep(present)


def _with_wrong_labels(split: Split, rate: float, n_classes: int, seed: int) -> Split:
    source = generator(seed, "label noise")
    replaced = torch.rand(len(split), generator=source) < rate
    drawn = torch.randint(n_classes, (len(split),), generator=source)
    return replace(split, labels=torch.where(replaced, drawn, split.labels))
