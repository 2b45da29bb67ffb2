"""Kills at random moments: afterwards the same command ends as if nothing had happened."""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from pathlib import Path

from tests.campaign.children import Child
from tests.campaign.jobs import Job, ask_to_stop, each_job
from tests.campaign.tally import Budget, Tally

SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
ASKED = 0.25  # how often a run that can be asked to stop is asked
PATIENCE = 180  # seconds for a job that takes a few: other people use this machine, too
LEAVE = 30  # seconds in which workers notice that their sweep is gone


def campaigns(work: Path, budget: Budget) -> list[Tally]:
    """Stop every job at random moments, in turn."""
    return each_job(work, budget, _stop_at_random)


def reference(job: Job, work: Path) -> tuple[dict[str, bytes], float]:
    """Return what a job leaves that nobody disturbs, and how many seconds it takes."""
    out = fresh(work / f"{job.name} whole")
    began = time.monotonic()
    child = job.start(out, work / f"{job.name} whole.log")
    assert child.wait(PATIENCE) == 0, child.said()
    left = job.left(out)
    assert left
    return left, time.monotonic() - began


def fresh(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _stop_at_random(job: Job, work: Path, budget: Budget) -> Tally:
    tally = Tally(f"kill: {job.name}")
    whole, seconds = reference(job, work)
    for number, chance in budget.each(tally):
        out = fresh(work / job.name)
        log = work / f"{job.name} {number}.log"
        for _ in range(chance.choice((1, 1, 2, 3))):
            _stop_once(job, out, log, chance, seconds, tally, run=next(iter(whole)).split("/")[0])
            if any(whole.get(name) != content for name, content in job.left(out).items()):
                tally.fault("half-written", f"try {number}: {out} after the kill")
        check_goes_on(job, out, log, whole, tally, f"try {number}")
    return tally


def _stop_once(
    job: Job,
    out: Path,
    log: Path,
    chance: random.Random,
    seconds: float,
    tally: Tally,
    *,
    run: str,
) -> None:
    child = job.start(out, log)
    if chance.random() < 0.5:
        time.sleep(chance.uniform(0, 1.05 * seconds))
    else:
        _await_change(out, chance.randint(1, 30), 1.5 * seconds)
        time.sleep(chance.choice((0, chance.uniform(0, 0.003))))
    number, whom = chance.choice(SIGNALS), chance.choice(job.whom)
    if job.stoppable and chance.random() < ASKED:
        number, whom = 0, "mla-lab stop"
        _ask(run, out, log.with_suffix(".stop.log"), tally)
    else:
        child.send(number, whom)
    if child.wait(PATIENCE) is None:
        tally.fault("hung", f"signal {number} to {whom}: it did not end, {log}")
    if child.orphans(LEAVE):
        tally.fault("hung", f"signal {number} to {whom}: processes were left, {log}")


def _ask(run: str, out: Path, log: Path, tally: Tally) -> None:
    """Let `mla-lab stop` stop it: there may be nothing to stop yet, or any more, which it says."""
    asked = Child(ask_to_stop, run, str(out), log=log)
    code = asked.wait(PATIENCE)
    if code is None:
        tally.fault("hung", f"mla-lab stop does not end, {log}")
    elif asked.crashed() or code not in {0, 2}:
        tally.fault("crashed", f"mla-lab stop ends with {code}, {log}")


def _await_change(out: Path, changes: int, seconds: float) -> None:
    """Wait until files have come or gone so many times."""
    end, before = time.monotonic() + seconds, None
    while changes and time.monotonic() < end:
        now = [(folder, len(names)) for folder, _, names in os.walk(out)]
        changes -= now != before
        before = now


def check_goes_on(
    job: Job, out: Path, log: Path, whole: dict[str, bytes], tally: Tally, what: str
) -> None:
    """Run the same command again: it must end well and leave the same."""
    log = log.with_suffix(".again.log")
    child = job.start(out, log)
    code = child.wait(PATIENCE)
    if code is None:
        tally.fault("hung", f"{what}: the same command does not end, {log}")
    elif child.crashed():
        tally.fault("crashed", f"{what}: the same command ends in a traceback, {log}")
    elif code != 0:
        tally.fault("lost", f"{what}: the same command ends with {code}, {log}")
    elif job.left(out) != whole:
        tally.fault("wrong in silence", f"{what}: {out} is not what it is undisturbed")
