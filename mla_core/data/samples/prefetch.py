"""The next batch is read from disk by a thread while the last one is learned from."""

from __future__ import annotations

from collections.abc import Collection
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from mla_core.data.samples.split import Split


class ReadAhead:
    """A column whose coming samples are read before they are asked for.

    Reading has no side effects, so what a session computes does not depend on it.

    Parameters
    ----------
    column : object
        What a split holds for one modality (N, ...), used like a tensor.
    reader : ThreadPoolExecutor
        Of one thread.

    Examples
    --------
    >>> column = ReadAhead(torch.arange(9), ThreadPoolExecutor(1))
    >>> column.fetch(torch.tensor([3, 5]))
    >>> column[torch.tensor([3, 5])].tolist(), column[torch.tensor([0])].tolist()
    ([3, 5], [0])
    """

    def __init__(self, column: Any, reader: ThreadPoolExecutor) -> None:
        self.column = column
        self._reader = reader
        self._coming: list[tuple[Tensor, Future[Tensor]]] = []

    def fetch(self, indices: Tensor) -> None:
        """Begin to read the samples at `indices` (B,)."""
        self._coming.append((indices, self._reader.submit(self.column.__getitem__, indices)))

    def __len__(self) -> int:
        return len(self.column)

    def __getitem__(self, indices: Any) -> Tensor:
        """Return samples: those that were fetched, or others, which are read now."""
        for i, (wanted, samples) in enumerate(self._coming):
            if isinstance(indices, Tensor) and torch.equal(wanted, indices):
                del self._coming[: i + 1]  # what was fetched before it is wanted no more
                return samples.result()
        found: Tensor = self.column[indices]
        return found

    def __getattr__(self, name: str) -> Any:
        return getattr(self.column, name)


def read_ahead(split: Split, besides: Collection[str] = ()) -> Split:
    """Return the split with every column that is not in memory as a `ReadAhead`.

    Parameters
    ----------
    split : Split
    besides : collection of str
        Modalities that are not read batch by batch.
    """
    lazy = [m for m, x in split.inputs.items() if not isinstance(x, Tensor) and m not in besides]
    if not lazy:
        return split
    reader = ThreadPoolExecutor(1, thread_name_prefix="read-ahead")
    ahead: dict[str, Any] = {m: ReadAhead(split.inputs[m], reader) for m in lazy}
    return replace(split, inputs={m: ahead.get(m, x) for m, x in split.inputs.items()})


def fetch(split: Split, modality: str | None, indices: Tensor) -> None:
    """Begin to read a batch of one modality, or of all, where that takes reading."""
    for name, column in split.inputs.items():
        if modality in {None, name} and isinstance(column, ReadAhead):
            column.fetch(indices)
