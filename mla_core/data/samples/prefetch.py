"""The next batch is read by a thread, and sent to a device, while the last one is learned from."""

from __future__ import annotations

from collections.abc import Collection
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from mla_core.data.samples.delivery import OnDevice, Sent, StandIn, as_stored, here, room
from mla_core.data.samples.split import Split
from mla_core.data.samples.stored import decoded


class ReadAhead(StandIn):
    """A column whose coming samples are read before they are asked for.

    Reading has no side effects, so what a session computes does not depend on it.

    Parameters
    ----------
    column : object
        What a split holds for one modality (N, ...), used like a tensor.
    reader : ThreadPoolExecutor
        Of one thread.
    device : device, optional
        Where fetched samples go, as they are stored; they become numbers of a network there.

    Examples
    --------
    >>> column = ReadAhead(torch.arange(9), ThreadPoolExecutor(1))
    >>> column.fetch(torch.tensor([3, 5]))
    >>> column[torch.tensor([3, 5])].tolist(), column[torch.tensor([0])].tolist()
    ([3, 5], [0])
    """

    def __init__(
        self, column: Any, reader: ThreadPoolExecutor, device: torch.device | None = None
    ) -> None:
        super().__init__(column)
        self._reader = reader
        self._device = device
        self._coming: list[tuple[Tensor, Future[Tensor | Sent]]] = []

    @property
    def sends(self) -> bool:
        """Whether fetched samples go to a device."""
        return self._device is not None

    def fetch(self, indices: Tensor) -> None:
        """Begin to read the samples at `indices` (B,)."""
        self._coming.append((indices, self._reader.submit(self._read, indices)))

    def __getitem__(self, indices: Any) -> Tensor:
        """Return samples: those that were fetched, or others, which are read now."""
        for i, (wanted, samples) in enumerate(self._coming):
            if isinstance(indices, Tensor) and torch.equal(wanted, indices):
                del self._coming[: i + 1]  # what was fetched before it is wanted no more
                found = samples.result()
                if isinstance(found, Sent):
                    return decoded(found.arrived(), self.column.dtype)
                return found
        return super().__getitem__(indices)

    def _read(self, indices: Tensor) -> Tensor | Sent:
        if self._device is None:
            return super().__getitem__(indices)
        return Sent(as_stored(self.column, indices), self._device)


def read_ahead(
    split: Split, besides: Collection[str] = (), device: torch.device | None = None
) -> Split:
    """Return the split with every column that is not in memory as a `ReadAhead`.

    Parameters
    ----------
    split : Split
    besides : collection of str
        Modalities that are not read batch by batch.
    device : device, optional
        Where samples go to: all at once where they fit (`room`), else batch by batch, from memory
        as well. By default nobody sends them.
    """
    columns = {m: x for m, x in split.inputs.items() if m not in besides}
    ahead: dict[str, Any] = {}
    if device is not None:
        device = here(device)
        ahead = {m: OnDevice.of(x, device) for m, x in columns.items()}
        if sum(column.bytes_to_send for column in ahead.values()) <= room(device):
            return replace(split, inputs={**split.inputs, **ahead})
    lazy = {m: x for m, x in columns.items() if device is not None or not isinstance(x, Tensor)}
    if not lazy:
        return split
    reader = ThreadPoolExecutor(1, thread_name_prefix="read-ahead")
    ahead = {m: ReadAhead(x, reader, device) for m, x in lazy.items()}
    return replace(split, inputs={**split.inputs, **ahead})


def fetch(split: Split, modality: str | None, indices: Tensor) -> None:
    """Begin to read a batch of one modality, or of all, where that takes reading."""
    for name, column in split.inputs.items():
        if modality in {None, name} and isinstance(column, ReadAhead):
            column.fetch(indices)


def told_of(split: Split) -> str:
    """Return how the samples of coming batches reach whoever learns from them, as part of a sentence."""
    columns: list[Any] = list(split.inputs.values())
    if any(isinstance(column, OnDevice) for column in columns):
        return "are on the device, all of them"
    ahead = [column for column in columns if isinstance(column, ReadAhead)]
    if any(column.sends for column in ahead):
        return "are sent to the device ahead of each batch"
    return "are read ahead of each batch" if ahead else "are in memory"
