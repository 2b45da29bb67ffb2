"""Several processes train one run as one does."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time

import psutil
import pytest
import torch

from mla_core import ConfigError, ExperimentConfig, TrainingSession
from mla_core.cli import together
from mla_core.methods import owners
from mla_core.records import load_snapshot
from tests import ROOT
from tests.core.runs.two_processes import CASES, TINY


def environment(**further: str) -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"} | further


def free_port() -> str:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return str(one.getsockname()[1])


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """What came of each case, of two processes that meet on loopback."""
    folder = tmp_path_factory.mktemp("together")
    where = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": free_port()}
    command = [sys.executable, "-m", "tests.core.runs.two_processes", str(folder)]
    both = [
        subprocess.Popen(
            command, cwd=ROOT, env=environment(RANK=rank, **where), stderr=subprocess.PIPE
        )
        for rank in "01"
    ]
    try:
        said = [one.communicate(timeout=250)[1].decode() for one in both]
    finally:
        for one in both:
            one.kill()
    assert [one.returncode for one in both] == [0, 9], said
    return {
        name: json.loads((folder / f"{name}.json").read_text(encoding="utf-8")) for name in CASES
    }


@pytest.mark.parametrize("name", [name for name, (cut, _) in CASES.items() if cut == "modality"])
def test_modalities_apart_give_the_same_bits(name, outcomes):
    if name != "left alone":
        found = outcomes[name]
        assert all(found[what] for what in ("records", "looks", "weights")), found


@pytest.mark.parametrize("name", [name for name, (cut, _) in CASES.items() if cut == "data"])
def test_rows_apart_give_the_same_numbers_after_an_epoch(name, outcomes):
    assert outcomes[name]["apart"] <= 1e-5


def test_whoever_is_left_says_that_another_process_has_ended(outcomes):
    assert "another process of this run has ended" in outcomes["left alone"]["said"]


# A step or two are enough to be killed after: each is computed again here, alone.
AT_ONCE = """
import runpy
from mla_core.runs import experiment
experiment.CHECKPOINT_SECONDS = 0
runpy.run_module("mla_core.train", run_name="__main__")
"""


def test_a_killed_process_ends_the_others_and_the_checkpoint_is_that_of_one(tmp_path):
    config = ExperimentConfig(**(TINY | {"epochs": 10_000, "evaluate_every": 0}))
    given = tmp_path / "config.json"
    given.write_text(json.dumps(config.to_dict()), encoding="utf-8")
    script = tmp_path / "at_once.py"
    script.write_text(AT_ONCE, encoding="utf-8")
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node"]
    command = [*torchrun, "2", str(script), str(given), "--out", str(tmp_path / "runs")]
    with subprocess.Popen(
        [*command, "--parallel", "modality"],
        cwd=ROOT, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    ) as run:  # fmt: skip
        partial = tmp_path / "runs" / f".{config.hash}.partial"
        while not any(partial.glob("checkpoint-*")):
            assert run.poll() is None
            time.sleep(0.02)
        ranks = {one.environ()["RANK"]: one for one in psutil.Process(run.pid).children()}
        ranks["1"].send_signal(signal.SIGKILL)
        assert run.wait(60) != 0
        psutil.wait_procs(ranks.values(), 10)
        assert not ranks["0"].is_running()
    snapshot = load_snapshot(partial)
    alone = TrainingSession(config)
    alone.advance(steps=snapshot.step)
    theirs = alone.snapshot()
    assert snapshot.history.steps == theirs.history.steps
    assert all(torch.equal(x, theirs.tensors[key]) for key, x in snapshot.tensors.items())


@pytest.mark.parametrize(
    ("cut", "processes", "said"),
    [
        ("modality", 3, "3 processes for 2 modalities .* start at most 2"),
        ("both", 2, "leave none to share samples with: use --parallel modality"),
        ("rows", 2, "unknown cut 'rows'"),
    ],
)
def test_a_cut_that_leaves_a_process_without_work_is_refused(cut, processes, said):
    with pytest.raises(ConfigError, match=said):
        owners(cut, ["audio", "image"], processes)


@pytest.mark.parametrize(
    ("settings", "options", "said"),
    [
        ({}, [], "torchrun started 2 processes: say with --parallel what they divide"),
        ({"method": "concat"}, ["--parallel", "modality"], "trains all modalities at once"),
        ({"method": "concat"}, ["--parallel", "data"], "trains all modalities at once"),
        ({"method": "remix"}, ["--parallel", "modality"], "'remix' acts between epochs"),
        ({"averaging": 1.0}, ["--parallel", "data"], "averaging needs all weights in one place"),
        ({"device": "mps"}, ["--parallel", "data"], "device='mps', but this machine has cpu"),
        ({}, ["--parallel", "modality"], "could not meet at 127.0.0.1:.* --master-port"),
    ],
)
def test_bad_input_gets_a_sentence(settings, options, said, tmp_path, monkeypatch, capfd):
    given = tmp_path / "config.json"
    given.write_text(json.dumps(TINY | settings), encoding="utf-8")
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        where = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(other.getsockname()[1])}
        for name, value in {"RANK": "0", "WORLD_SIZE": "2", "MLA_LAB_CORES": "1", **where}.items():
            monkeypatch.setenv(name, value)
        assert together.main([str(given), "--out", str(tmp_path / "runs"), *options]) == 2
    text = " ".join(capfd.readouterr().err.split())
    assert re.search(said, text), text
