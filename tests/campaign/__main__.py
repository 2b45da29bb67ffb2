"""The campaign as a command: `python -m tests.campaign --minutes 30 --only kills --seed 7`."""

from __future__ import annotations

import argparse
import importlib
import random
import shutil
import sys
import tempfile
from pathlib import Path

from tests.campaign.tally import Budget, Tally, table

# Which share of the time each may take, and how many tries it makes at most.
CAMPAIGNS = {
    "kills": (0.28, 60),  # of each job
    "full_disk": (0.1, 12),  # of each job
    "damage": (0.3, 10_000),  # files of all formats
    "cut_media": (0.05, 200),  # files of each kind
    "hostile": (0.17, 100),  # texts
    "soak": (0.1, 10_000),  # sub-steps; and benches, a two-hundredth of them
}


def run(name: str, seed: int, minutes: float, scale: float = 1.0) -> list[Tally]:
    """Run one campaign in a folder of its own, which stays when something went wrong."""
    share, tries = CAMPAIGNS[name]
    budget = Budget(seed, max(1, round(tries * scale)), 60 * minutes * share)
    work = Path(tempfile.mkdtemp(prefix=f"campaign-{name}-"))
    tallies: list[Tally] = importlib.import_module(f"tests.campaign.{name}").campaigns(work, budget)
    if not any(tally.faults for tally in tallies):
        shutil.rmtree(work)
    return tallies


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.campaign", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30, help="about, for all together")
    parser.add_argument("--only", choices=CAMPAIGNS, action="append", help="once for each")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    arguments = parser.parse_args()
    chosen = arguments.only or list(CAMPAIGNS)
    print(f"seed {arguments.seed}: {', '.join(chosen)}", flush=True)
    minutes = arguments.minutes / sum(CAMPAIGNS[name][0] for name in chosen)
    tallies = [one for name in chosen for one in run(name, arguments.seed, minutes)]
    print(table(tallies))
    print(f"again: python -m tests.campaign --seed {arguments.seed}")
    return int(any(tally.faults for tally in tallies))


if __name__ == "__main__":
    sys.exit(main())
