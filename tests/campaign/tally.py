"""What a campaign counts, and the table at its end."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from mla_core.progress import bar

COLUMNS = ("lost", "half-written", "crashed", "hung", "wrong in silence", "leaked")


@dataclass
class Tally:
    """How often something was tried, and what went wrong.

    Attributes
    ----------
    name : str
    tries : int
    faults : list of tuple of str
        One of `COLUMNS`, and a sentence that says what happened.
    left_out : str
        Why it was not tried here.
    """

    name: str
    tries: int = 0
    faults: list[tuple[str, str]] = field(default_factory=list)
    left_out: str = ""

    def fault(self, column: str, told: str) -> None:
        assert column in COLUMNS
        self.faults.append((column, f"{self.name}, {told}"))

    def row(self) -> list[str]:
        if self.left_out:
            return [self.name, "–", *[""] * len(COLUMNS), self.left_out]
        columns = [column for column, _ in self.faults]
        return [self.name, str(self.tries), *(str(columns.count(one)) for one in COLUMNS)]


@dataclass(frozen=True)
class Budget:
    """How long a campaign may take: so many tries at most, and no new one after so many seconds."""

    seed: int
    tries: int
    seconds: float

    def each(self, tally: Tally) -> Iterator[tuple[int, random.Random]]:
        """Yield the number of each try and its own source of chance; show a bar."""
        end = time.monotonic() + self.seconds
        with bar(desc=tally.name, total=self.tries, unit="try") as shown:
            for number in range(self.tries):
                if number and time.monotonic() > end:
                    return
                yield number, random.Random(f"{self.seed} {tally.name} {number}")
                tally.tries = number + 1
                shown.set_postfix_str(f"{len(tally.faults)} faults", refresh=False)
                shown.update()


def table(tallies: list[Tally]) -> str:
    """Return one line for each campaign, and below them what went wrong."""
    rows = [["", "tries", *COLUMNS], *(tally.row() for tally in tallies)]
    widths = [max(len(row[i]) for row in rows) for i in range(2 + len(COLUMNS))]
    lines = []
    for row in rows:
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=False)]
        lines.append("  ".join([*cells, *row[2 + len(COLUMNS) :]]).rstrip())
    told = [f"{column}: {what}" for tally in tallies for column, what in tally.faults]
    return "\n".join([*lines, *(["", *told] if told else [])])
