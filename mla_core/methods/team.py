"""Several processes train one run: who encodes what, and what travels between them.

The first process leads. It owns the head, P and the labels' use, and drives the session as if it were
alone; the others follow. In a sub-step the owners of its modality send features (B, s) and get dL/dz
back; nothing else of theirs is asked for until somebody looks at the weights.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from enum import IntEnum, auto

import torch
import torch.distributed as dist
from torch import Tensor

from mla_core.errors import ConfigError, ProcessLostError, one_of
from mla_core.methods.schedule import Batch

CUTS = ("modality", "data", "both")
MEETING = timedelta(seconds=60)
PATIENCE = timedelta(hours=1)  # of one that loads data; a death is noticed by its closed connection


class Call(IntEnum):
    """What the leader asks of the others."""

    END = 0
    BEGIN = auto()  # a session is being made: do the same
    LEARN = auto()  # encode batches, and learn from what comes back
    GIVE = auto()  # send the weights of your modalities
    TAKE = auto()  # all weights, such as those of a checkpoint


def owners(cut: str, modalities: Sequence[str], processes: int) -> dict[str, list[int]]:
    """Return which processes encode each modality; several share the rows of its batches.

    Parameters
    ----------
    cut : {"modality", "data", "both"}
    modalities : sequence of str
    processes : int

    Raises
    ------
    ConfigError
        When a process would have nothing to encode, or would share nothing.

    Examples
    --------
    >>> owners("modality", ["audio", "image", "text"], 2)
    {'audio': [0], 'image': [1], 'text': [0]}
    >>> owners("data", ["audio", "image"], 2)
    {'audio': [0, 1], 'image': [0, 1]}
    >>> owners("both", ["audio", "image"], 4)
    {'audio': [0, 2], 'image': [1, 3]}
    """
    one_of("cut", cut, CUTS)
    m, names = len(modalities), list(modalities)
    if cut == "modality" and processes > m:
        msg = (
            f"{processes} processes for {m} modalities {names}: some would have nothing to encode; "
            f"start at most {m}, or share the samples, too, with --parallel both"
        )
        raise ConfigError(msg)
    if cut == "both" and processes <= m:
        msg = (
            f"{processes} processes for {m} modalities {names} leave none to share samples with: "
            f"use --parallel modality, or start more than {m}"
        )
        raise ConfigError(msg)
    if cut == "data":
        return {name: list(range(processes)) for name in names}
    if cut == "modality":
        return {name: [i % processes] for i, name in enumerate(names)}
    return {name: list(range(i, processes, m)) for i, name in enumerate(names)}


def meet() -> None:
    """Let the processes that `torchrun` started find each other, as its environment says.

    Raises
    ------
    ConfigError
        When they do not meet within a minute, or the leader's port is taken.
    """
    where = f"{os.environ['MASTER_ADDR']}:{os.environ['MASTER_PORT']}"
    backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
    try:
        dist.init_process_group(backend, timeout=MEETING)
    except (dist.DistError, ValueError) as error:
        why = " ".join(str(error).split())[:200]
        msg = (
            f"the processes could not meet at {where} ({why}): if another program has that port, "
            "choose one with --master-port, or let torchrun choose with --standalone"
        )
        raise ConfigError(msg) from error


class Team:
    """The processes of one run, seen from one of them.

    Parameters
    ----------
    cut : {"modality", "data", "both"}
        Whether whole modalities are divided among the processes, or every batch's rows, or rows
        among those that share a modality.

    Attributes
    ----------
    rank, size : int
    owners : dict
        Which processes encode each modality; empty before `divide`.
    """

    def __init__(self, cut: str) -> None:
        one_of("cut", cut, CUTS)
        self.cut = cut
        self.rank, self.size = dist.get_rank(), dist.get_world_size()
        self.owners: dict[str, list[int]] = {}
        self._groups: dict[tuple[int, ...], dist.ProcessGroup] = {}
        with _alive():
            self._all = dist.new_group(timeout=PATIENCE, backend="gloo")

    @property
    def leads(self) -> bool:
        """Whether this is the process with the head."""
        return self.rank == 0

    @property
    def splits_rows(self) -> bool:
        """Whether gradients are summed over processes, which rounds otherwise than one process."""
        return self.cut != "modality"

    def divide(self, modalities: Sequence[str]) -> None:
        """Settle who encodes what; every process does this at the same time."""
        self.owners = owners(self.cut, modalities, self.size)
        with _alive():
            for ranks in dict.fromkeys(map(tuple, self.owners.values())):
                if len(ranks) > 1:
                    self._groups[ranks] = dist.new_group(list(ranks), timeout=PATIENCE)

    def owned(self, rank: int | None = None) -> list[str]:
        """Return the modalities whose weights a process answers for: the first of its owners does."""
        me = self.rank if rank is None else rank
        return [name for name, ranks in self.owners.items() if ranks[0] == me]

    def share(self, batch: Batch, rank: int | None = None) -> Batch | None:
        """Return the rows of a batch that a process encodes; None where it has none of them."""
        me, ranks = self.rank if rank is None else rank, self.owners[str(batch.modality)]
        if me not in ranks:
            return None
        rows = batch.indices.tensor_split(len(ranks))[ranks.index(me)]
        return Batch(batch.modality, rows) if len(rows) else None

    def summed(self, modality: str, gradients: Sequence[Tensor | None]) -> list[Tensor | None]:
        """Return the gradients of an encoder, summed over the processes that share its rows."""
        group = self._groups.get(tuple(self.owners[modality]))
        there = [g for g in gradients if g is not None]
        if group is None or not there:
            return list(gradients)
        flat = torch.cat([g.flatten() for g in there])
        with _alive():
            dist.all_reduce(flat, group=group)
        parts = iter(flat.split([g.numel() for g in there]))
        return [None if g is None else next(parts).view_as(g) for g in gradients]

    def encodes(self, batch: Batch) -> bool:
        """Whether this process has the encoder of a batch, if not a row of it."""
        return self.rank in self.owners[str(batch.modality)]

    # ------------------------------------------------------------------------------ a sub-step

    def ask_to_learn(self, step: int, batches: Sequence[Batch]) -> None:
        """Name the batches of the coming sub-steps to all others."""
        names, words = list(self.owners), [step]
        for batch in batches:
            indices = batch.indices.tolist()
            words += [names.index(str(batch.modality)), len(indices), *indices]
        self.call(Call.LEARN, words)

    def asked(self, words: Sequence[int]) -> tuple[int, list[Batch]]:
        """Return what `ask_to_learn` named."""
        names, batches, at = list(self.owners), list[Batch](), 1
        while at < len(words):
            name, length = names[words[at]], words[at + 1]
            batches.append(Batch(name, torch.tensor(words[at + 2 : at + 2 + length])))
            at += 2 + length
        return words[0], batches

    def collect(
        self, batches: Sequence[Batch], own: Sequence[Tensor | None], size: int
    ) -> list[Tensor | None]:
        """Return the whole batches' features (B, s), those of the leader's rows among them."""
        found: list[Tensor | None] = []
        for batch, mine in zip(batches, own, strict=True):
            parts = []
            for rank in self.owners[str(batch.modality)]:
                rows = self.share(batch, rank)
                if rows is not None:
                    here = mine is not None and rank == self.rank
                    there = mine if here else self.receive(len(rows.indices), size, rank)
                    parts.append(there)
            found.append(torch.cat([part.detach() for part in parts if part is not None]))
        return found

    def hand_back(
        self, batches: Sequence[Batch], pulls: Sequence[Tensor | None]
    ) -> list[Tensor | None]:
        """Send dL/dz to whoever made the features, and return the leader's own rows of each."""
        own: list[Tensor | None] = []
        sent: list[Callable[[], None]] = []
        for batch, pull in zip(batches, pulls, strict=False):
            own.append(None)
            if pull is None:  # an encoder without weights
                continue
            ranks = self.owners[str(batch.modality)]
            for rank, part in zip(ranks, pull.tensor_split(len(ranks)), strict=True):
                if rank == self.rank:
                    own[-1] = part if len(part) else None
                elif len(part):
                    sent.append(self.send(part, rank))
        for wait in sent:
            wait()
        return own

    # ------------------------------------------------------------------------------ messages

    def call(self, call: Call, words: Sequence[int] = ()) -> None:
        """Ask something of all others; the leader's part."""
        self._tell(torch.tensor([call, len(words)]))
        if words:
            self._tell(torch.tensor(words))

    def heard(self) -> tuple[Call, list[int]]:
        """Return what the leader asks; the others' part."""
        call, length = self._tell(torch.zeros(2, dtype=torch.int64)).tolist()
        words = self._tell(torch.zeros(length, dtype=torch.int64)).tolist() if length else []
        return Call(call), words

    def tell_rates(self, rates: Sequence[float] = (), most: int = 0) -> list[float]:
        """Hand on the learning rates of the sub-steps that count, of at most `most`."""
        told = torch.full((most,), torch.nan, dtype=torch.float64)
        told[: len(rates)] = torch.tensor(rates, dtype=torch.float64)
        return [rate for rate in self._tell(told).tolist() if not math.isnan(rate)]

    def tell_state(
        self, state: dict[str, Tensor] | None = None, source: int = 0
    ) -> dict[str, Tensor]:
        """Hand tensors by name from one process to all."""
        from safetensors.torch import load, save

        there = {name: x.contiguous() for name, x in (state or {}).items()}
        own = torch.frombuffer(bytearray(save(there)), dtype=torch.uint8)
        length = int(self._tell(torch.tensor([len(own)]), source))
        mine = source == self.rank
        whole = self._tell(own if mine else torch.zeros(length, dtype=torch.uint8), source)
        return there if mine else load(whole.numpy().tobytes())

    def send(self, tensor: Tensor, to: int = 0) -> Callable[[], None]:
        """Send a tensor to one process; what is returned waits until it is there."""
        with _alive():
            work = dist.isend(tensor.detach().contiguous(), to, group=self._all)

        def wait() -> None:
            with _alive():
                if work is not None:
                    work.wait()

        return wait

    def receive(self, rows: int, size: int, source: int = 0) -> Tensor:
        """Return a float32 tensor (rows, size) from one process."""
        tensor = torch.empty(rows, size)
        with _alive():
            dist.recv(tensor, source, group=self._all)
        return tensor

    def _tell(self, tensor: Tensor, source: int = 0) -> Tensor:
        with _alive():
            dist.broadcast(tensor, source, group=self._all)
        return tensor


@contextmanager
def _alive() -> Iterator[None]:
    """Say in a sentence that another process is gone."""
    try:
        yield
    except RuntimeError as error:
        msg = (
            "another process of this run has ended, so this one ends, too: see what that one said; "
            "the same command goes on from the last checkpoint"
        )
        raise ProcessLostError(msg) from error
