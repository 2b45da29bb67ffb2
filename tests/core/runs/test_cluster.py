"""A real Dask scheduler and real workers on this machine; some of them get killed."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import replace
from types import SimpleNamespace

import psutil
import pytest
from distributed.comm.core import CommClosedError

from mla_core import ConfigError, ExperimentConfig
from mla_core.runs import cluster as cluster_runs
from mla_core.runs import run_sweep
from mla_core.runs.specification import Specification
from mla_core.version import __version__
from tests import ROOT
from tests.core.runs.cluster_runs import Poison

SMALL = ExperimentConfig(dataset="gaussian", epochs=1, batch_size=64)
FORKED = {"DASK_DISTRIBUTED__WORKER__MULTIPROCESSING_METHOD": "forkserver"}


def sweep_of(*configurations):
    return Specification("question", "?", None, configurations, "")


def files(folder):
    return {
        path.name: path.read_bytes() for path in folder.iterdir() if path.suffix == ".safetensors"
    }


class Cluster:
    """A scheduler and its workers, each a process of its own."""

    def __init__(self, folder):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.address, self.folder = f"tcp://127.0.0.1:{port}", folder
        self.processes = []
        self.scheduler = self.start("scheduler", "--port", str(port), "--no-dashboard")

    def start(self, what, *arguments):
        command = [sys.executable, "-m", "dask", what, *arguments, "--host", "127.0.0.1"]
        with (self.folder / f"{what}.log").open("ab") as log:
            process = subprocess.Popen(
                command,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env=os.environ | {"PYTHONPATH": str(ROOT)} | FORKED,
            )
        self.processes.append(process)
        return process

    def add_workers(self, count):
        forked = ("--preload-nanny", "tests.core.runs.forked_workers")
        plain = ("--nthreads", "1", "--nworkers", str(count), "--no-dashboard")
        return self.start("worker", self.address, *plain, *forked)

    def wait_for_workers(self, count):
        from distributed import Client

        with Client(self.address, timeout=60) as client:
            client.wait_for_workers(count, timeout=60)


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory):
    """A cluster that has no workers yet."""
    found = Cluster(tmp_path_factory.mktemp("cluster"))
    yield found
    end(found)


@pytest.fixture(scope="module")
def cluster(scheduler):
    scheduler.nannies = scheduler.add_workers(2)
    scheduler.wait_for_workers(2)
    return scheduler


def end(cluster):
    for process in cluster.processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            for child in psutil.Process(process.pid).children(recursive=True):
                child.kill()
        process.kill()
        process.wait()


def test_no_scheduler_no_worker_and_threads_are_told(scheduler, tmp_path):
    """First, while the cluster has no workers."""
    with pytest.raises(ConfigError, match="no scheduler answers at 'tcp:"):
        run_sweep(sweep_of(SMALL), tmp_path, cluster="tcp://127.0.0.1:9")
    with pytest.raises(ConfigError, match="has no workers: start `dask worker"):
        run_sweep(sweep_of(SMALL), tmp_path, cluster=scheduler.address)
    threaded = ("--nthreads", "2", "--no-nanny", "--no-dashboard")
    worker = scheduler.start("worker", scheduler.address, *threaded)
    scheduler.wait_for_workers(1)
    with pytest.raises(ConfigError, match="has 2 threads, but a run needs a process to itself"):
        run_sweep(sweep_of(SMALL), tmp_path, cluster=scheduler.address)
    worker.terminate()
    worker.wait()


@pytest.fixture(scope="module")
def near(tmp_path_factory):
    """What comes of three runs in this process, and of one that diverges."""
    seeds = (SMALL.replace(seed=seed) for seed in range(3))
    sweep = sweep_of(*seeds, SMALL.replace(learning_rate=1e30))
    return sweep, run_sweep(sweep, tmp_path_factory.mktemp("near")).finished


@pytest.mark.parametrize("fetch", [False, True])
def test_runs_on_workers_are_those_of_this_process(fetch, near, cluster, tmp_path):
    sweep, finished = near
    report = run_sweep(sweep, tmp_path, cluster=cluster.address, fetch=fetch)
    assert len(report.finished) == len(finished) == 3
    assert "TrainingDivergedError" in report.failures[0].error
    for folder in finished:
        assert files(tmp_path / folder.name) == files(folder) != {}
    again = run_sweep(sweep, tmp_path, cluster=cluster.address, fetch=fetch)
    assert len(again.skipped) == 3


def test_a_worker_with_another_version_is_told(cluster, tmp_path, monkeypatch):
    monkeypatch.setattr(cluster_runs, "__version__", "99.0")  # here, and not in the workers
    said = rf"the worker tcp://.* has mla-lab {__version__} and .*, here are mla-lab 99.0 and torch .*: install"
    with pytest.raises(ConfigError, match=said):
        run_sweep(sweep_of(SMALL), tmp_path, cluster=cluster.address)
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_kills_its_workers_fails_and_the_others_go_on(cluster, tmp_path):
    poison = Poison.from_dict(SMALL.replace(seed=7).to_dict())
    others = [SMALL.replace(seed=seed) for seed in range(2)]
    report = run_sweep(sweep_of(poison, *others), tmp_path, cluster=cluster.address)
    assert len(report.finished) == 2
    (failure,) = report.failures
    assert "it killed 2 workers" in failure.error
    assert failure.settings["seed"] == 7


def test_a_killed_worker_costs_no_run(cluster, tmp_path):
    sweep = sweep_of(*(SMALL.replace(seed=seed, epochs=8) for seed in range(3)))

    def kill():
        while not any(tmp_path.glob("*.partial")) and not list(tmp_path.iterdir()):
            time.sleep(0.05)
        below = psutil.Process(cluster.nannies.pid).children()  # a server, which forks the workers
        next(worker for one in below for worker in one.children()).send_signal(signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    report = run_sweep(sweep, tmp_path, cluster=cluster.address)
    killer.join()
    assert (len(report.finished), report.failures) == (3, ())


def test_it_may_die_whenever_it_is_asked_something(tmp_path, monkeypatch):
    def closed(*_):
        raise CommClosedError("in <TCP (closed)>: Connection reset by peer")

    dead = SimpleNamespace(cancel=closed, close=lambda **_: None)
    monkeypatch.setattr(cluster_runs, "_client", lambda _: dead)
    monkeypatch.setattr(cluster_runs, "_check_workers", closed)
    with pytest.raises(ConfigError, match=r"at tcp://here:1 is gone.*the same command goes on"):
        run_sweep(sweep_of(SMALL), tmp_path / "runs", cluster="tcp://here:1")


def test_a_scheduler_that_dies_ends_the_sweep_in_a_sentence(cluster, tmp_path):
    """Last, since it ends the cluster."""
    sweep = sweep_of(*(SMALL.replace(seed=seed, epochs=20) for seed in range(4)))
    out = tmp_path / "runs"

    def kill():
        while not out.is_dir() or not any(out.glob(".*.partial")):
            time.sleep(0.05)
        cluster.scheduler.kill()

    killer = threading.Thread(target=kill)
    killer.start()
    with pytest.raises(ConfigError, match=r"is gone.*the same command goes on"):
        run_sweep(sweep, out, cluster=cluster.address)
    killer.join()
    end(cluster)
    assert len(run_sweep(replace(sweep, configurations=sweep.configurations[:1]), out).folders) == 1
