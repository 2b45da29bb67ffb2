"""The short form of the campaign: a minute or two, and all of it must be zero."""

import json

import pytest

from tests.campaign import damage, full_disk, jobs, kills, soak
from tests.campaign.children import Child
from tests.campaign.readers import READERS, Reader
from tests.campaign.tally import Budget, Tally, table

# What only others' decoders decide is for the long form, which lasts until a fault is rare.
SHORT = ("run", "run without checksums", "checkpoint", "history", "array file", "png")


def unharmed(tallies):
    """Show the table where something went wrong."""
    assert all(tally.tries or tally.left_out for tally in tallies)
    assert not any(tally.faults for tally in tallies), f"\n{table(tallies)}"


@pytest.fixture
def quick(monkeypatch):
    """Leave most jobs to the long form: nearly all of their time, processes start."""

    every = jobs.jobs
    few = lambda work: [job for job in every(work) if job.name in {"run", "export"}]  # noqa: E731
    monkeypatch.setattr(jobs, "jobs", few)


def test_killed_at_random_moments_everything_goes_on(quick, tmp_path):
    unharmed(kills.campaigns(tmp_path, Budget(0, 1, 8)))


def test_a_full_disk_is_a_sentence_and_with_room_it_goes_on(quick, tmp_path):
    unharmed(full_disk.campaigns(tmp_path, Budget(0, 1, 6)))


def test_damaged_files_are_sentences(tmp_path, monkeypatch):
    monkeypatch.setattr(damage, "READERS", {name: READERS[name] for name in SHORT})
    unharmed(damage.campaigns(tmp_path, Budget(0, 150, 8)))


@pytest.mark.long
def test_nothing_piles_up(tmp_path):
    unharmed(soak.campaigns(tmp_path, Budget(0, 600, 8)))


# ------------------------------------------------------------- and it would notice if it were not


def write_in_place(out):
    """Do what no part of the lab does: a file is there before it is whole, and so is the next."""
    import time
    from pathlib import Path

    for number in range(20):
        with (Path(out) / f"{number}.txt").open("w") as file:
            time.sleep(0.05)
            file.write("whole")
    return 0


@pytest.mark.long
def test_a_job_that_writes_in_place_is_found_out(tmp_path):
    job = jobs.Job("careless", write_in_place, (), jobs.visible)
    tally = kills._stop_at_random(job, tmp_path, Budget(0, 3, 600))
    assert {column for column, _ in tally.faults} == {"half-written"}


def test_a_reader_that_believes_everything_is_found_out(tmp_path, monkeypatch):
    def make(folder):
        (folder / "one").write_bytes(bytes(range(256)))

    def believe(folder):
        return (folder / "one").read_bytes()

    def stumble(folder):
        if believe(folder) != bytes(range(256)):
            raise KeyError(0)

    readers = {
        "careless": Reader(make, believe, sealed=True),
        "clumsy": Reader(make, stumble, sealed=True),
    }
    monkeypatch.setattr(damage, "READERS", readers)
    monkeypatch.setattr(damage, "Child", InThisProcess)
    careless, clumsy = damage.campaigns(tmp_path, Budget(0, 100, 60))
    assert {column for column, _ in careless.faults} == {"wrong in silence"}
    assert {column for column, _ in clumsy.faults} == {"crashed"}
    assert careless.tries == clumsy.tries == 50


class InThisProcess:
    """Stands for a child, so that it knows the reader of this test."""

    def __init__(self, action, *arguments, log, memory=0):
        action(*arguments)

    def wait(self, seconds):
        return 0

    def said(self):
        return ""


@pytest.mark.parametrize(("action", "code"), [(write_in_place, 0), (json.loads, 1)])
def test_a_child_tells_how_it_ended(action, code, tmp_path):
    child = Child(action, str(tmp_path), log=tmp_path / "log")
    assert child.wait(60) == code
    assert child.crashed() == (code == 1)


def test_the_table_counts_what_went_wrong():
    fine, bad = Tally("fine", 3), Tally("bad", 5)
    bad.fault("lost", "try 1")
    bad.fault("lost", "try 4")
    bad.fault("hung", "try 2")
    head, first, second, *told = table([fine, bad]).splitlines()
    assert head.split() == [
        "tries",
        "lost",
        "half-written",
        "crashed",
        "hung",
        "wrong",
        "in",
        "silence",
        "leaked",
    ]
    assert first.split() == ["fine", "3", *"000000"]
    assert second.split() == ["bad", "5", *"200100"]
    assert told[1:] == ["lost: bad, try 1", "lost: bad, try 4", "hung: bad, try 2"]
    assert table([Tally("none", left_out="no disk")]).endswith("no disk")


def test_a_seed_repeats_every_draw():
    def draws(seed):
        return [chance.random() for _, chance in Budget(seed, 3, 60).each(Tally("one"))]

    assert draws(1) == draws(1) != draws(2)
