"""Damaged files of every format through the public readers: a sentence, or the same as before.

Each batch is read in a process of its own, with limits of time and memory.
"""

from __future__ import annotations

import json
import random
import shutil
import struct
import time
from pathlib import Path

from mla_core.errors import OURS
from tests.campaign.children import Child
from tests.campaign.readers import READERS
from tests.campaign.tally import Budget, Tally

BATCH = 50
SECONDS = 240  # for a batch: one takes a few
LONG = 20.0  # seconds for one file
MEMORY = 3 * 2**30


def campaigns(work: Path, budget: Budget) -> list[Tally]:
    """Damage files of every format, in batches, as evenly as the time allows."""
    found = []
    end = time.monotonic() + budget.seconds
    for place, name in enumerate(READERS):
        left = max(0.0, end - time.monotonic()) / (len(READERS) - place)
        batches = max(1, round(budget.tries / len(READERS) / BATCH))
        found.append(_damage(name, work / name, Budget(budget.seed, batches, left)))
    return found


def _damage(name: str, work: Path, budget: Budget) -> Tally:
    tally, files = Tally(f"damage: {name}"), 0
    work.mkdir()
    child = Child(make_whole, name, str(work), log=work / "made.log")
    assert child.wait(SECONDS) == 0, child.said()
    for number, chance in budget.each(tally):
        log, told = work / f"{number}.log", work / f"{number}.jsonl"
        given = (name, str(work), str(told), chance.getrandbits(32))
        code = Child(read_damaged, *given, log=log, memory=MEMORY).wait(SECONDS)
        lines = [json.loads(line) for line in told.read_text().splitlines()]
        files += sum(line["files"] for line in lines)
        for line in lines:
            if line["fault"]:
                tally.fault(line["fault"], f"batch {number}: {line['what']}")
        if code is None or code != 0:
            what = f"batch {number}, file {len(lines)}: exit code {code}, {log}"
            tally.fault("hung" if code is None else "crashed", what)
    tally.tries = files
    return tally


# ------------------------------------------------------------------ called in other processes


def make_whole(name: str, work: str) -> None:
    """Write whole files, and see that they can be read."""
    whole, copy = Path(work) / "whole", Path(work) / "copy"
    whole.mkdir()
    READERS[name].make(whole)
    shutil.copytree(whole, copy)
    READERS[name].read(copy)


def read_damaged(name: str, work: str, told: str, seed: int) -> None:
    """Damage files of a copy, read it, and note what came of it, until a batch is done."""
    reader, whole, copy = READERS[name], Path(work) / "whole", Path(work) / "copy"
    as_it_was = reader.read(whole)
    files = sorted(path.relative_to(whole) for path in whole.rglob("*") if path.is_file())
    files = [path for path in files if reader.damages(path)]
    with Path(told).open("w", buffering=1) as file:
        for number in range(0, BATCH, reader.at_once):
            chance = random.Random(f"{seed} {number}")
            shutil.rmtree(copy, ignore_errors=True)
            shutil.copytree(whole, copy)
            chosen = chance.sample(files, min(reader.at_once, len(files)))
            hows = [f"{path}, {damage(copy / path, chance)}" for path in chosen]
            began, fault = time.monotonic(), ""
            what = "; ".join(hows)
            try:
                found = reader.read(copy)
                if reader.sealed and found != as_it_was:
                    fault = "wrong in silence"
                elif problem := reader.problem(found):
                    fault, what = "wrong in silence", f"{what}: {problem}"
            except OURS as error:
                if not str(error).strip():
                    fault = "crashed"
            except Exception as error:  # noqa: BLE001 - this is what is looked for
                fault, what = "crashed", f"{what}: {type(error).__name__}: {error}"
            if not fault and time.monotonic() - began > LONG:
                fault = "hung"
            line = {"fault": fault, "what": what, "files": len(chosen)}
            file.write(json.dumps(line) + "\n")
            if fault:
                shutil.copytree(copy, Path(told).with_suffix(f".{number}"))


def damage(path: Path, chance: random.Random) -> str:
    """Harm a file as disks, networks and enemies do; return how."""
    content = bytearray(path.read_bytes()) or bytearray(b"\0")
    where = chance.randrange(max(1, len(content)))
    how = chance.choice(("bits", "cut", "length", "zeros", "garbage"))
    if how == "bits":
        for _ in range(chance.randint(1, 8)):
            content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    elif how == "cut":
        del content[where:]
    elif how == "length":
        huge = chance.choice((0, 1, 0x7FFFFFFF, 0xFFFFFFFF, chance.getrandbits(32)))
        content[where : where + 4] = struct.pack(chance.choice("<>") + "I", huge)
    elif how == "zeros":
        size = chance.choice((4, 64, 512))
        content[where : where + size] = bytes(min(size, len(content) - where))
    else:
        content += chance.randbytes(chance.randint(1, 5000))
    path.write_bytes(content)
    return f"{how} at {where}"
