"""Which samples and which modality each sub-step uses (MLA, eq. 1), and how fast it learns."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass

import torch
from torch import Tensor

from mla_core.data.samples import Split
from mla_core.errors import ConfigError
from mla_core.seeding import generator


@dataclass(frozen=True)
class Batch:
    """One sub-step's samples.

    Attributes
    ----------
    modality : str or None
        None means all.
    indices : Tensor
        (B,) of the training split.
    kept : Tensor or None
        (M, B) bool: the parts that count, of those that are there; None means all.
    """

    modality: str | None
    indices: Tensor
    kept: Tensor | None = None

    def samples(self, train: Split) -> Split:
        """Return the samples, with the parts that count."""
        chosen = train.subset(self.indices)
        return chosen if self.kept is None else chosen.keep(chosen.present & self.kept)


def joint_epoch(split: Split, epoch: int, *, seed: int, batch_size: int) -> list[Batch]:
    """Return one epoch of batches that use all modalities at once.

    They are the batches of paired alternation, less the samples that have no part at all.
    """
    some = split.present.any(0)
    parts = (part[some[part]] for part in _one_pass(len(split), batch_size, seed, "paired", epoch))
    return [Batch(None, part) for part in parts if len(part)]


def alternating_epoch(
    split: Split,
    epoch: int,
    *,
    seed: int,
    batch_size: int,
    order: str | tuple[str, ...] = "cyclic",
    pairing: str = "paired",
) -> list[Batch]:
    """Return one epoch of unimodal sub-steps.

    Parameters
    ----------
    split : Split
        The training samples.
    epoch : int
        With `seed` it decides the shuffling; nothing else is remembered between epochs.
    batch_size : int
    order : str or tuple of str
        ``"cyclic"``, ``"random"`` (a new permutation every round), or one round as a list.
    pairing : {"paired", "independent"}
        ``paired``: all sub-steps of a round use the same samples, less those that lack the
        modality; a batch where nobody has it is left out. ``independent``: every modality walks
        its own samples; the longest decides the number of rounds and shorter ones start again,
        reshuffled.

    Raises
    ------
    ConfigError
        When `order` names an unknown modality or leaves one out, or when `pairing` asks for pairs
        in data that has none.

    Examples
    --------
    >>> from mla_core.data import load_dataset
    >>> train = load_dataset("gaussian", modalities=2, sizes=(60, 20, 20)).split("train")
    >>> [b.modality for b in alternating_epoch(train, 0, seed=0, batch_size=32)]
    ['m0', 'm1', 'm0', 'm1']
    """
    names = list(split.inputs)
    rounds = _rounds(order, names)
    source = generator(seed, "order", epoch)
    if pairing == "paired":
        if not split.paired:
            sizes = {name: len(split.samples_of(name)) for name in names}
            msg = (
                f"pairing='paired' needs samples with more than one part, but {sizes} share none: "
                "use pairing='independent'"
            )
            raise ConfigError(msg)
        batches = []
        for indices in _one_pass(len(split), batch_size, seed, "paired", epoch):
            for name in _shuffled(rounds, source) if order == "random" else rounds:
                here = indices[split.present[names.index(name), indices]]
                if len(here):
                    batches.append(Batch(name, here))
        return batches

    own = {name: split.samples_of(name) for name in names}
    if empty := [name for name in names if len(own[name]) == 0]:
        msg = f"no training sample has the modality {empty[0]!r}"
        raise ConfigError(msg)
    per_round = Counter(rounds)
    n_rounds = max(math.ceil(len(own[name]) / (batch_size * per_round[name])) for name in own)
    streams = {
        name: _endless(own[name], n_rounds * per_round[name], batch_size, seed, name, epoch)
        for name in names
    }
    return [
        Batch(name, streams[name].pop(0))
        for _ in range(n_rounds)
        for name in (_shuffled(rounds, source) if order == "random" else rounds)
    ]


def remixed_epoch(
    split: Split,
    given_to: Tensor,
    epoch: int,
    *,
    seed: int,
    batch_size: int,
    order: str | tuple[str, ...] = "cyclic",
) -> list[Batch]:
    """Return one epoch in which each sample teaches one modality, as often as it has parts.

    Parameters
    ----------
    split : Split
        The training samples.
    given_to : Tensor
        (N,) the row of the modality that each sample teaches; samples without any part are passed
        over.
    epoch, seed, batch_size, order
        As for `alternating_epoch`. A round leaves out whoever has no samples left.

    Examples
    --------
    >>> from mla_core.data import load_dataset
    >>> train = load_dataset("gaussian", modalities=2, sizes=(60, 20, 20)).split("train")
    >>> mostly_m1 = (torch.arange(60) >= 10).long()
    >>> [b.modality for b in remixed_epoch(train, mostly_m1, 0, seed=0, batch_size=32)]
    ['m0', 'm1', 'm1', 'm0', 'm1', 'm1']
    """
    names = list(split.inputs)
    rounds = _rounds(order, names)
    source = generator(seed, "order", epoch)
    parts = split.present.sum(0)  # (N,)
    batches: list[Batch] = []
    for walk in range(len(names)):
        mixed = torch.randperm(len(split), generator=generator(seed, "remixed", epoch, walk))
        mixed = mixed[parts[mixed] > walk]
        left = {
            name: [part for part in mixed[given_to[mixed] == m].split(batch_size) if len(part)]
            for m, name in enumerate(names)
        }
        while any(left.values()):
            turns = _shuffled(rounds, source) if order == "random" else rounds
            batches += [Batch(name, left[name].pop(0)) for name in turns if left[name]]
    return batches


def is_moment(epoch: int, epochs: int, times: int) -> bool:
    """Whether one of some moments, evenly spread within a run, came since the epoch before.

    Parameters
    ----------
    epoch : int
        Finished ones; there is no moment at the run's end.
    epochs : int
        Of the run.
    times : int
        How many moments; at most one comes with an epoch.

    Examples
    --------
    >>> [epoch for epoch in range(1, 11) if is_moment(epoch, 10, 3)]
    [3, 5, 8]
    """
    spans = times + 1
    return epoch < epochs and epoch * spans // epochs > (epoch - 1) * spans // epochs


def learning_rate_at(schedule: str, learning_rate: float, run_progress: float) -> float:
    """Return the learning rate at a point of the run.

    Parameters
    ----------
    schedule : {"constant", "step", "cosine"}
    learning_rate : float
        At the start.
    run_progress : float
        Finished epochs divided by all epochs, in [0, 1).

    Examples
    --------
    >>> learning_rate_at("step", 0.1, 0.5), learning_rate_at("cosine", 0.1, 0.5)
    (0.1, 0.05)
    """
    if schedule == "step":
        return learning_rate * (0.1 if run_progress >= 0.7 else 1.0)
    if schedule == "cosine":
        return learning_rate * (1 + math.cos(math.pi * run_progress)) / 2
    return learning_rate


def _rounds(order: str | tuple[str, ...], names: list[str]) -> list[str]:
    if isinstance(order, str):
        return names
    if unknown := [name for name in order if name not in names]:
        msg = f"order names the unknown modality {unknown[0]!r}: choose among {names}"
        raise ConfigError(msg)
    if missing := [name for name in names if name not in order]:
        msg = f"order leaves out the modality {missing[0]!r}: it would never be trained"
        raise ConfigError(msg)
    return list(order)


def _shuffled(names: list[str], source: torch.Generator) -> list[str]:
    return [names[i] for i in torch.randperm(len(names), generator=source).tolist()]


def _one_pass(n: int, batch_size: int, seed: int, *name: object) -> list[Tensor]:
    permutation = torch.randperm(n, generator=generator(seed, "batches", *name))
    return list(permutation.split(batch_size))


def _endless(
    own: Tensor, count: int, batch_size: int, seed: int, name: str, epoch: int
) -> list[Tensor]:
    """Return `count` batches of `own`, reshuffled as often as they run out."""
    batches: list[Tensor] = []
    while len(batches) < count:
        number = len(batches)
        batches += [
            own[part] for part in _one_pass(len(own), batch_size, seed, name, epoch, number)
        ]
    return batches[:count]
