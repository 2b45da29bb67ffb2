"""Keeping a long story short: lists that never outgrow their limit, thinned evenly."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Self, TypeVar

T = TypeVar("T")


class EvenList(list[T]):
    """A list that keeps at most `most` of what is appended, evenly spread, and always the newest.

    Everything is kept until the limit is reached; then every other item goes, and from then on
    only every second one is kept, later every fourth, and so on. What is kept depends on the
    number of appended items alone, so it is the same however a run was driven.

    Parameters
    ----------
    most : int
        At least 2.

    Attributes
    ----------
    indices : list of int
        Which of all appended items each one was, from 0.

    Examples
    --------
    >>> kept = EvenList(4)
    >>> for number in range(11):
    ...     kept.append(number)
    >>> list(kept)
    [0, 4, 8, 10]
    """

    def __init__(self, most: int) -> None:
        super().__init__()
        if most < 2:
            msg = f"an even list needs room for at least 2 items, not {most}"
            raise ValueError(msg)
        self.most = most
        self.indices: list[int] = []

    @property
    def stride(self) -> int:
        """Every how manyth item is kept at present."""
        stride, last = 1, self.indices[-1] if self.indices else 0
        while math.ceil(last / stride) >= self.most:  # the first one, and the newest
            stride *= 2
        return stride

    def append(self, item: T) -> None:
        """Add the newest item; drop what is no longer due."""
        index = self.indices[-1] + 1 if self.indices else 0
        self.put(index, item)

    def put(self, index: int, item: T) -> None:
        """Add an item that was number `index` of all, as when a list is read back from a file."""
        indices, items = [*self.indices, index], [*self, item]
        self.indices = indices
        stride = self.stride
        kept = [i for i, number in enumerate(indices) if number % stride == 0 or number == index]
        self.indices = [indices[i] for i in kept]
        self[:] = [items[i] for i in kept]

    def twin(self, items: Iterable[T] | None = None) -> Self:
        """Return a list that grows on its own; `items` (a beginning of these) instead of all."""
        other = type(self).__new__(type(self))
        other.__dict__ |= self.__dict__
        other[:] = self if items is None else list(items)
        other.indices = self.indices[: len(other)]
        return other
