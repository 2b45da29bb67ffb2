"""What is wrong with a data set: where it stands, what it is, and what to do."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mla_core.errors import DataError
from mla_core.words import counted

# A number, or what `repr` puts in quotes; a quote within a word is an apostrophe.
_VALUE = re.compile(r"""(?<!\w)(?:'[^']*'|"[^"]*"|[-+]?\d[\d.,]*\d|\d)(?!\w)""")
TOLD = 5  # faults that an error spells out; it counts the rest


@dataclass(frozen=True)
class Fault:
    """One thing that keeps a part, or a whole sample, from being used.

    Attributes
    ----------
    where : str
        The line of the manifest and the file.
    what : str
        What is wrong there, and what to do.
    sample : str
        The id of the sample, as far as it has one.
    modality : str
        The part that cannot be used; empty when the whole sample cannot.
    """

    where: str
    what: str
    sample: str = ""
    modality: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


def refuse(name: str, faults: Sequence[Fault]) -> None:
    """Raise `DataError` when there are faults, with the first of them.

    Examples
    --------
    >>> refuse("birds", [Fault("line 3, owl.jpg", "there is no such file")])
    Traceback (most recent call last):
    mla_core.errors.DataError: data set 'birds' has 1 fault:
      line 3, owl.jpg: there is no such file
    Mend it, or leave out what is bad with skip_bad=True ...
    """
    if not faults:
        return
    told = "\n".join(f"  {fault}" for fault in faults[:TOLD])
    more = f"\n  and {len(faults) - TOLD} more" if len(faults) > TOLD else ""
    count = counted(len(faults), "fault")
    msg = (
        f"data set {name!r} has {count}:\n{told}{more}\n"
        "Mend it, or leave out what is bad with skip_bad=True (`mla-lab data check --all` lists all)."
    )
    raise DataError(msg)


def kinds_of_faults(faults: Sequence[Fault]) -> dict[str, int]:
    """Count faults that differ in nothing but names and numbers, the most frequent first.

    Examples
    --------
    >>> kinds_of_faults([Fault(f"line {i}", f"the id '{i}' is twice") for i in range(60)])
    {'the id … is twice': 60}
    """
    return dict(Counter(_VALUE.sub("…", fault.what) for fault in faults).most_common())


def write_faults(faults: Sequence[Fault], path: Path) -> None:
    """Write a CSV file of what was left out, one line for each fault."""
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["sample", "modality", "where", "what"])
        table.writerows([f.sample, f.modality, f.where, f.what] for f in faults)
