"""A disk that is full at a random moment: a sentence, nothing half, and with room it goes on."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.campaign.jobs import Job, each_job
from tests.campaign.kills import PATIENCE, check_goes_on, fresh, reference
from tests.campaign.tally import Budget, Tally

ROOM = "64m"


def campaigns(work: Path, budget: Budget) -> list[Tally]:
    """Fill the disk under every job."""
    if os.geteuid() != 0:
        return [Tally("full disk", left_out="left out: only root may mount a small disk")]
    return each_job(work, budget, _fill)


def _fill(job: Job, work: Path, budget: Budget) -> Tally:
    tally = Tally(f"full disk: {job.name}")
    whole, _ = reference(job, work)
    most = max(64, sum(map(len, whole.values())) // 1024)
    for number, chance in budget.each(tally):
        log = work / f"full {job.name} {number}.log"
        with small_disk(work / "disk", chance.randint(16, most)) as disk:
            out = fresh(disk / "out")
            child = job.start(out, log)
            code = child.wait(PATIENCE)
            if code is None:
                tally.fault("hung", f"try {number}: {log}")
            elif child.crashed():
                tally.fault("crashed", f"try {number}: a traceback, {log}")
            elif code == 0 and job.left(out) != whole:
                tally.fault("wrong in silence", f"try {number}: it says that all is well, {log}")
            if any(whole.get(name) != content for name, content in job.left(out).items()):
                tally.fault("half-written", f"try {number}: {log}")
            mount("-o", f"remount,size={ROOM}", disk)
            check_goes_on(job, out, log, whole, tally, f"try {number}")
    return tally


@contextmanager
def small_disk(place: Path, kilobytes: int) -> Iterator[Path]:
    place.mkdir(exist_ok=True)
    mount("-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", place)
    try:
        yield place
    finally:
        subprocess.run(["umount", place], check=True)


def mount(*arguments: str | Path) -> None:
    subprocess.run(["mount", *arguments], check=True)
