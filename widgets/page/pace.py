"""How often pictures are drawn: no more than the page and the work beside it can bear."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from widgets.page.status import StatusLine

PATIENCE_SECONDS = 2.0  # for a page that does not answer: it may be closed


class Pace:
    """Says when the next picture is due.

    Parameters
    ----------
    status : StatusLine
        Knows what the page has drawn.
    seconds : float
        At least this long between two pictures.
    """

    def __init__(self, status: StatusLine, seconds: float) -> None:
        self._status = status
        self._seconds = seconds
        self._drawn_at = 0.0
        self._cost = 0.0

    def due(self, share: float = 0) -> bool:
        """Return whether to draw now.

        Parameters
        ----------
        share : float
            Work goes on at least so many times as long as the last picture took.
        """
        waited = time.monotonic() - self._drawn_at
        if self._status.tock != self._status.tick and waited < PATIENCE_SECONDS:
            return False
        return waited >= max(self._seconds, share * self._cost)

    @contextmanager
    def drawing(self) -> Iterator[None]:
        """Measure what a picture costs."""
        started = time.monotonic()
        yield
        self._drawn_at = time.monotonic()
        self._cost = self._drawn_at - started
