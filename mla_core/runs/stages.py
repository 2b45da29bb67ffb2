"""A sweep in two stages: choose on val, then run what was chosen with new seeds."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from mla_core.errors import ConfigError, TrainingDivergedError
from mla_core.files import read_json, write_json
from mla_core.runs.protocol import Choice
from mla_core.runs.specification import Specification
from mla_core.runs.sweep_report import StageOne, SweepReport, failures_of, write_failures

_DIVERGED = "diverged-{}.json"  # of the specification's name and part; a run's name -> the error
_CURE = "remove it, and the same command tries those runs again"


def in_two_stages(
    specification: Specification, out: Path, run: Callable[[Specification], SweepReport]
) -> SweepReport:
    """Run stage one, choose, and run stage two as far as there is a choice.

    Parameters
    ----------
    specification : Specification
        With a protocol.
    out : Path
    run : callable
        Runs a specification of one stage in `out`.

    Returns
    -------
    SweepReport
        Of stage two, with that of stage one in it. Stage two of a cell waits until all its runs of
        stage one are finished, whoever runs them, or have diverged.
    """
    known = _of(specification, diverged_before(out))
    one = specification.stage_one(known)
    report = run(one)
    lost = {f.run: f.error for f in report.failures if _diverged(f.error)}
    failures = tuple(f for f in report.failures if f.run not in lost)
    if lost:
        _note(specification, out, lost)
        with suppress(ConfigError):  # a full disk: they are in the report, too
            write_failures(failures, failures_of(one, out))
    choices = choices_in(specification, out, known | lost)
    stage_one = StageOne(replace(report, failures=failures), known | lost, tuple(choices))
    if report.stopped:
        return SweepReport(stage_one=stage_one)
    return replace(run(specification.stage_two(choices)), stage_one=stage_one)


def choices_in(
    specification: Specification, out: Path, diverged: dict[str, str] | None = None
) -> list[Choice]:
    """Return what the runs of stage one that are in a folder choose."""
    if specification.protocol is None:
        return []
    known = diverged_before(out) if diverged is None else diverged
    return specification.protocol.choose(out, known)


def diverged_before(out: Path) -> dict[str, str]:
    """Return the runs that are noted to have diverged, in any part of any sweep into this folder.

    What diverged once does so again: it is not tried anew, and parts learn it from each other.
    """
    found: dict[str, str] = {}
    for path in sorted(out.glob(_DIVERGED.format("*"))):
        found |= {run: str(error) for run, error in read_json(path, _CURE).items()}
    return found


def _of(specification: Specification, diverged: dict[str, str]) -> dict[str, str]:
    """Return those of stage one, in any part: other sweeps may share the folder."""
    runs = specification.protocol.first() if specification.protocol else ()
    return {run.hash: diverged[run.hash] for run in runs if run.hash in diverged}


def _note(specification: Specification, out: Path, lost: dict[str, str]) -> None:
    part = f"-{specification.part}" if specification.part else ""
    path = out / _DIVERGED.format(specification.name + part)
    before = read_json(path, _CURE) if path.is_file() else {}
    write_json(path, before | lost)


def _diverged(error: str) -> bool:
    return error.startswith(f"{TrainingDivergedError.__name__}:")
