"""How samples get to a device: as they are stored, and while it computes, or all of them once."""

from __future__ import annotations

from functools import cache
from typing import Any
from weakref import WeakValueDictionary

import torch
from torch import Tensor

from mla_core.data.samples.stored import Column, StoredColumn, blank, decoded, take
from mla_core.threads import CAPTURING

SHARE = 0.25  # of a GPU's free memory that a training split may have for itself
PIECE = 256  # samples that are sent at once


def here(device: torch.device) -> torch.device:
    """Return a device by its number, since another thread may have another one for its own."""
    if device.type == "cuda" and device.index is None:
        return torch.device("cuda", torch.cuda.current_device())
    return device


def room(device: torch.device) -> int:
    """Return how many bytes of samples a device may keep; only CUDA says how much it has.

    Examples
    --------
    >>> room(torch.device("cpu"))
    0
    """
    return int(SHARE * torch.cuda.mem_get_info(device)[0]) if device.type == "cuda" else 0


def bytes_of(column: Column) -> int:
    """Return how much memory a column's samples take as they are stored.

    Examples
    --------
    >>> bytes_of(torch.zeros(3, 2))
    24
    """
    if isinstance(column, Tensor):
        return column.nbytes
    return column.source.array.itemsize * column.shape.numel()


def as_stored(column: Column, indices: Tensor) -> Tensor:
    """Return samples (B, ...) in the numbers that they are kept in; see `decoded`."""
    return column[indices] if isinstance(column, Tensor) else column.raw(indices)


@cache
def _copying(device: torch.device) -> torch.cuda.Stream:
    """Return the stream of a device that copies while others compute."""
    return torch.cuda.Stream(device)


class Sent:
    """A tensor on its way to a device; the copy takes place beside what the device computes.

    Parameters
    ----------
    x : Tensor
        On the CPU.
    device : device

    Examples
    --------
    >>> Sent(torch.ones(2), torch.device("cpu")).arrived().tolist()
    [1.0, 1.0]
    """

    def __init__(self, x: Tensor, device: torch.device) -> None:
        self._there: torch.cuda.Event | None = None
        if device.type != "cuda":
            self._x = x.to(device)
            return
        with CAPTURING, torch.cuda.stream(_copying(device)):
            self._x = x.pin_memory().to(device, non_blocking=True)
            self._there = torch.cuda.current_stream(device).record_event()

    def arrived(self) -> Tensor:
        """Return the tensor; it is the device that waits for it, and not this process."""
        if self._there is not None:
            now = torch.cuda.current_stream(self._x.device)
            now.wait_event(self._there)
            self._x.record_stream(now)
        return self._x


class StandIn:
    """A column that is used like the one behind it, and gives some samples otherwise.

    Parameters
    ----------
    column : Tensor or StoredColumn
        What a split holds for one modality (N, ...).
    """

    def __init__(self, column: Any) -> None:
        self.column = column

    def __len__(self) -> int:
        return len(self.column)

    def __getitem__(self, indices: Any) -> Tensor:
        """Return samples."""
        found: Tensor = self.column[indices]
        return found

    def __getattr__(self, name: str) -> Any:
        return getattr(self.column, name)

    def take(self, indices: Tensor) -> Column:
        """Return the samples at `indices`, as the column itself gives them."""
        return take(self.column, indices)

    def blank(self, present: Tensor) -> Column:
        """Return the column with zeros wherever `present` (N,) is false."""
        return blank(self.column, present)


class OnDevice(StandIn):
    """A column all of whose samples go to a device when the first of them are asked for.

    Parameters
    ----------
    column : Tensor or StoredColumn
    device : device

    Examples
    --------
    >>> column = OnDevice(torch.arange(9), torch.device("cpu"))
    >>> column[torch.tensor([3, 5])].tolist(), column[2:4].tolist()
    ([3, 5], [2, 3])
    """

    def __init__(self, column: Any, device: torch.device) -> None:
        super().__init__(column)
        self._device = device
        self._all: Tensor | None = None

    @classmethod
    def of(cls, column: Any, device: torch.device) -> OnDevice:
        """Return the one of this very column that somebody uses already, as a fork does, or a new one."""
        key = id(column), device  # of an object that lives as long as its entry does
        return _IN_USE.get(key) or _IN_USE.setdefault(key, cls(column, device))

    def __getitem__(self, indices: Any) -> Tensor:
        """Return those at the indices (B,) of a tensor on the device, others as the column does."""
        if not isinstance(indices, Tensor):
            return super().__getitem__(indices)
        if self._all is None:
            self._all = self._sent()
        rows = indices.to(self._device, non_blocking=True)
        return decoded(self._all[rows], self.column.dtype)

    @property
    def bytes_to_send(self) -> int:
        """How much memory it will still take on the device."""
        return bytes_of(self.column) if self._all is None else 0

    def _sent(self) -> Tensor:
        if isinstance(self.column, StoredColumn):
            there: Tensor | None = None
            for rows in torch.arange(len(self.column)).split(PIECE):
                raw = self.column.raw(rows)
                if there is None:  # whole at once, and not twice when its pieces are put together
                    there = raw.new_empty(tuple(self.column.shape), device=self._device)
                there[rows[0] : rows[-1] + 1] = raw.to(self._device)
            if there is not None:
                return there
        whole: Tensor = self.column.to(self._device)
        return whole


_IN_USE: WeakValueDictionary[tuple[int, torch.device], OnDevice] = WeakValueDictionary()
