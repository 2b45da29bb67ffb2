"""How far a session is to train on: so many sub-steps, epochs or seconds, whichever comes first."""

from __future__ import annotations

import sys
import time
from typing import Annotated

from msgspec import Meta

from mla_core.outside import check_kind

Count = Annotated[
    Annotated[int, Meta(ge=0)] | None, Meta(description="a whole number of at least 0, or None")
]
Seconds = Annotated[
    Annotated[float, Meta(ge=0)] | None, Meta(description="a number of at least 0, or None")
]


class Limits:
    """The first of several limits; None is none.

    Parameters
    ----------
    steps, epochs : int, optional
    seconds : float, optional
        From now on.
    epoch : int
        Finished epochs.

    Raises
    ------
    ConfigError
        When a limit is no such number, or below 0.

    Examples
    --------
    >>> limits = Limits(steps=2)
    >>> limits.reached(1, 0), limits.reached(2, 0)
    (False, True)
    >>> Limits(steps=1.5)
    Traceback (most recent call last):
    mla_core.errors.ConfigError: steps must be a whole number of at least 0, or None, not 1.5
    """

    def __init__(
        self,
        *,
        steps: int | None = None,
        epochs: int | None = None,
        seconds: float | None = None,
        epoch: int = 0,
    ) -> None:
        check_kind("steps", steps, Count)
        check_kind("epochs", epochs, Count)
        check_kind("seconds", seconds, Seconds)
        self._steps = steps
        self._last_epoch = None if epochs is None else epoch + epochs
        self._end = None if seconds is None else time.monotonic() + seconds

    def reached(self, taken: int, epoch: int) -> bool:
        """Whether to stop after so many sub-steps and finished epochs; for time not before one."""
        return (
            (self._steps is not None and taken >= self._steps)
            or (self._last_epoch is not None and epoch >= self._last_epoch)
            or (self._end is not None and taken > 0 and time.monotonic() >= self._end)
        )

    def left(self, taken: int) -> int:
        """Return how many sub-steps may follow; time and epochs may end before."""
        return sys.maxsize if self._steps is None else self._steps - taken
