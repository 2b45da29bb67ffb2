"""What the bench shows, taken at one moment: every text and picture of it is derived from this."""

from __future__ import annotations

from dataclasses import dataclass

from widgets.charts import Run


@dataclass(frozen=True, eq=False)
class Scene:
    """The whole bench at one moment.

    Attributes
    ----------
    state : {"ready", "playing", "paused", "finished", "stopped", "failed", "loading"}
    message : str
        What a command had to say, or why training failed.
    runs : tuple of Run
        The run, and its branch if it has one.
    travel : int or None
        The moment that is looked back at; None means now.
    """

    state: str
    message: str
    runs: tuple[Run, ...]
    travel: int | None = None

    @property
    def first(self) -> Run:
        """The run; a branch of it comes after it."""
        return self.runs[0]
