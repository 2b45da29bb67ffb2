"""What is to be done: put in from any thread, taken out on the event loop."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Iterator
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Inbox(Generic[Item]):
    """Callbacks of widgets come on any thread at any time; whoever works on the loop takes turns.

    Parameters
    ----------
    loop : AbstractEventLoop

    Examples
    --------
    >>> async def use():
    ...     inbox = Inbox(asyncio.get_running_loop())
    ...     await asyncio.to_thread(inbox.put, "step")
    ...     return await inbox.wait(), list(inbox.take()), len(inbox)
    >>> asyncio.run(use())
    (True, ['step'], 0)
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._items: deque[Item] = deque()
        self._came = asyncio.Event()

    def __len__(self) -> int:
        return len(self._items)

    def put(self, item: Item) -> None:
        """Add something; may be called in any thread."""
        self._items.append(item)
        with contextlib.suppress(RuntimeError):  # the loop was closed, and nobody listens any more
            self._loop.call_soon_threadsafe(self._came.set)

    def take(self) -> Iterator[Item]:
        """Take out one after another, what comes meanwhile included, until there is none."""
        while self._items:
            yield self._items.popleft()

    async def wait(self, seconds: float | None = None) -> bool:
        """Wait until there is something, at most for so long; return whether there is."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not self._items:
                    self._came.clear()
                    await self._came.wait()
        return bool(self._items)
