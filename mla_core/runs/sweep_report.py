"""How a sweep went, and the file that lists what failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mla_core.files import remove, write_json
from mla_core.runs.protocol import Choice
from mla_core.runs.specification import Specification

_FAILURES = "failures-{}.json"  # of the specification's name: several may share a folder


@dataclass(frozen=True)
class Failure:
    """A run that raised, or whose process died.

    Attributes
    ----------
    run : str
        Its folder's name.
    settings : dict
        All its settings.
    error : str
        ``"TrainingDivergedError: training diverged in sub-step 2 ..."``.
    trace : str
        The traceback, empty when a process died.
    """

    run: str
    settings: dict[str, Any]
    error: str
    trace: str = ""


@dataclass(frozen=True)
class StageOne:
    """How the settings were chosen, before what is reported was run.

    Attributes
    ----------
    report : SweepReport
        Of its runs; one that diverged is no failure, its candidate is out of the race.
    diverged : mapping of str to str
        Names of the runs that diverged, now or before -> the error.
    choices : tuple of Choice
        One per cell.
    """

    report: SweepReport
    diverged: Mapping[str, str]
    choices: tuple[Choice, ...]

    @property
    def waiting(self) -> int:
        """How many of its runs are still to be run, before everything is chosen."""
        return len({run for choice in self.choices for run in choice.waiting})

    @property
    def hopeless(self) -> list[Choice]:
        """Cells of which no candidate came through."""
        return [one for one in self.choices if one.chosen is None and not one.waiting]


@dataclass(frozen=True)
class SweepReport:
    """How a sweep went.

    Attributes
    ----------
    finished, skipped : tuple of Path
        Folders of the runs finished now, and of those finished before.
    failures : tuple of Failure
    stopped : tuple of str
        Names of runs that were stopped on request; the same sweep goes on with them.
    stage_one : StageOne or None
        Where settings were chosen first; all else is then about stage two.
    """

    finished: tuple[Path, ...] = ()
    skipped: tuple[Path, ...] = ()
    failures: tuple[Failure, ...] = ()
    stopped: tuple[str, ...] = ()
    stage_one: StageOne | None = field(default=None)

    @property
    def folders(self) -> tuple[Path, ...]:
        """All run folders that are there now."""
        return self.skipped + self.finished

    @property
    def stages(self) -> dict[str, SweepReport]:
        """What is to be told of each stage, by its name; a sweep of one stage has none."""
        own = {"" if self.stage_one is None else "stage two": self}
        return own if self.stage_one is None else {"stage one": self.stage_one.report} | own


def failures_of(specification: Specification, out: Path) -> Path:
    """Return the file that lists the runs of a specification, or of its part, that failed."""
    part = f"-{specification.part}" if specification.part else ""
    return out / _FAILURES.format(specification.name + part)


def write_failures(failures: Sequence[Failure], path: Path) -> None:
    """Write what failed, in place of an older list; without a failure there is no file."""
    remove(path)  # an older list would look like the whole of it
    listed = [
        {"run": f.run, "settings": f.settings, "error": f.error, "traceback": f.trace}
        for f in failures
    ]
    if listed:
        write_json(path, listed)
