"""Many runs: what a specification means, and what survives failures, kills and interruptions."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import nbformat
import psutil
import pytest
import torch

from mla_core import ConfigError, ExperimentConfig, threads
from mla_core.cli import main
from mla_core.methods.alternating import Alternating
from mla_core.runs.notebook import run_notebook
from mla_core.runs.sweep import read_specification, run_sweep
from mla_core.runs.unfinished import lock_of
from tests.core.runs.cluster_runs import Poison

DIVERGES = "learning_rate = 1e30"


def results(folders) -> dict:
    """Everything that training decides, per run, as bytes."""
    names = ("config.json", "metrics.json", "model.safetensors")
    return {run.name: [(run / name).read_bytes() for name in names] for run in folders}


# -------------------------------------------------------------------- specifications


@pytest.mark.parametrize("jobs", [0, -1, 1.0, True, "2"])
def test_jobs_must_be_a_positive_number(jobs, specify, tmp_path):
    with pytest.raises(ConfigError, match=f"jobs must be a whole number .*, not {jobs!r}"):
        run_sweep(specify("[grid]"), tmp_path / "runs", jobs)
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ("3/2", "there is no part 3/2: the first is 1/2, the last 2/2"),
        ("0/2", "there is no part 0/2"),
        ("1/4", "4 parts of 3 runs would leave some without any: make at most 3"),
        ("1-2", "the part must be like 1/8, the first of eight"),
        ("one/2", "the part must be like 1/8, the first of eight"),
    ],
)
def test_a_part_that_is_none_is_refused(part, said, specify, tmp_path, capsys):
    specify("[grid]\nseed = [0, 1, 2]")
    command = ["sweep", str(tmp_path / "question.toml"), "--out", str(tmp_path / "runs")]
    try:
        code = main([*command, "--shard", part])
    except SystemExit as left:  # of what cannot be read as a part
        code = left.code
    assert code == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


# --------------------------------------------------------------------- in one process


def test_finished_runs_are_skipped_and_new_ones_added(specify, tmp_path):
    out = tmp_path / "runs"
    first = run_sweep(specify("[grid]\nseed = [0, 1]"), out)
    assert [run.name for run in first.finished] == [
        c.hash for c in specify("[grid]\nseed = [0, 1]").configurations
    ]
    before = {path: path.stat().st_mtime_ns for run in first.finished for path in run.iterdir()}
    wider = specify("[grid]\nseed = [0, 1, 2]")
    assert wider.done(out) == [run.name for run in first.finished]
    second = run_sweep(wider, out)
    assert (second.skipped, len(second.finished)) == (first.finished, 1)
    assert before == {path: path.stat().st_mtime_ns for path in before}


def test_a_failing_run_is_reported_and_the_others_go_on(specify, tmp_path, capsys):
    found = specify("[grid]\nlearning_rate = [0.01, 1e30, 0.1]")
    report = run_sweep(found, tmp_path / "runs", progress=True)
    (failure,) = report.failures
    assert len(report.finished) == 2
    assert failure.settings["learning_rate"] == 1e30
    assert failure.error.startswith("TrainingDivergedError: training diverged in sub-step")
    noted = json.loads((tmp_path / "runs" / "failures-question.json").read_text())
    assert noted[0]["run"] == failure.run
    assert ExperimentConfig.from_dict(noted[0]["settings"]) == found.configurations[1]
    assert "Traceback" in noted[0]["traceback"]
    printed = capsys.readouterr().err
    assert f"failed: {failure.run}  learning_rate=1e+30" in printed
    assert "3/3" in printed
    # Failures are gone with their cause.
    again = run_sweep(specify("[grid]\nlearning_rate = [0.01, 0.1]"), tmp_path / "runs")
    assert again.failures == again.finished == ()
    assert not (tmp_path / "runs" / "failures-question.json").exists()


def test_a_run_computes_with_one_thread_whatever_the_machine(specify, tmp_path, monkeypatch):
    seen, step = set(), Alternating.step

    def watched(self, batch, split, position):
        seen.add(torch.get_num_threads())
        return step(self, batch, split, position)

    monkeypatch.setattr(Alternating, "step", watched)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        run_sweep(specify("[grid]"), tmp_path / "runs")
    finally:
        torch.set_num_threads(before)
    assert seen == {threads.threads()} == {1}


def test_an_interruption_says_that_the_same_command_goes_on(specify, tmp_path, monkeypatch, capsys):
    specify("[grid]\nseed = [0, 1]")
    command = ["sweep", str(tmp_path / "question.toml"), "--out", str(tmp_path / "runs")]
    taken, step = [], Alternating.step

    def interrupted(self, batch, split, position):
        taken.append(position.step)
        if len(taken) == 25:  # in the second run
            raise KeyboardInterrupt
        return step(self, batch, split, position)

    with monkeypatch.context() as patch:
        patch.setattr(Alternating, "step", interrupted)
        assert main(command) == 130
    assert "the same command goes on" in capsys.readouterr().err
    assert main(command) == 0
    assert "1 finished, 1 skipped, 0 failed" in capsys.readouterr().out


# ------------------------------------------------------------------ in several processes


def workers(process: psutil.Process) -> list[psutil.Process]:
    """Return the processes of the pool, without the trackers that loky keeps beside it."""
    found = []
    for child in process.children():
        try:
            if any("LokyProcess" in word for word in child.cmdline()):
                found.append(child)
        except psutil.Error:  # it has just ended
            continue
    return found


def wait_for(condition):
    while not (found := condition()):
        time.sleep(0.01)
    return found


def beside(action) -> threading.Thread:
    """Do something while the sweep runs in the main thread."""
    thread = threading.Thread(target=action, daemon=True)
    thread.start()
    return thread


def holds(process: psutil.Process, lock: Path) -> bool:
    """Whether a process is at work on the run that this is the lock of."""
    try:
        return any(Path(file.path) == lock for file in process.open_files())
    except psutil.Error:  # it has just ended
        return False


def test_killed_workers_lose_nothing_and_jobs_change_no_bit(specify, tmp_path):
    """One run's process is killed from without, and another run kills its own, twice."""
    several = "[[grid]]\nseed = 0\nepochs = 15\n[[grid]]\nseed = [1, 2]\n"
    found = specify(f"{several}[[grid]]\n{DIVERGES}")
    long, poison, last, diverges = found.configurations
    given = (long, Poison.from_dict(poison.to_dict()), last, diverges)
    out, killed = tmp_path / "two", []

    def kill():
        partial = out / f".{long.hash}.partial"
        wait_for(partial.is_dir)
        holders = wait_for(
            lambda: [p for p in workers(psutil.Process()) if holds(p, lock_of(partial))]
        )
        holders[0].kill()
        killed.extend(holders)

    thread = beside(kill)
    report = run_sweep(replace(found, configurations=given), out, jobs=2)
    thread.join()
    assert len(killed) == 1
    assert {run.name for run in report.finished} == {long.hash, last.hash}
    failures = {failure.run: failure.error for failure in report.failures}
    assert set(failures) == {poison.hash, diverges.hash}
    assert "TrainingDivergedError" in failures[diverges.hash]
    assert "its process died, twice" in failures[poison.hash]
    assert "SIGKILL" in failures[poison.hash]
    noted = json.loads((out / "failures-question.json").read_text())
    assert {one["settings"]["seed"] for one in noted if one["run"] == poison.hash} == {1}
    assert workers(psutil.Process()) == []  # none is left behind
    alone = run_sweep(replace(found, configurations=(long, last)), tmp_path / "one")
    assert results(report.finished) == results(alone.finished)


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Let Ctrl-C interrupt a worker of pytest-xdist, which ignores it otherwise."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_an_interruption_leaves_no_process(specify, tmp_path, interruptible):
    out = tmp_path / "runs"

    def interrupt():
        wait_for(lambda: any(out.glob(".*.partial")))
        os.kill(os.getpid(), signal.SIGINT)

    thread = beside(interrupt)
    with pytest.raises(KeyboardInterrupt):
        run_sweep(specify("[grid]\nseed = [0, 1]\nepochs = 10000"), out, jobs=2)
    thread.join()
    assert workers(psutil.Process()) == []


KILLED = "[[grid]]\nseed = [0, 1]\n[[grid]]\nseed = [2, 3]\nepochs = 40"


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory, tiny_settings) -> dict:
    folder = tmp_path_factory.mktemp("whole")
    (folder / "whole.toml").write_text(tiny_settings + KILLED)
    return results(run_sweep(read_specification(folder / "whole.toml"), folder / "runs").finished)


@pytest.mark.parametrize(
    "group",
    [
        pytest.param(True, id="with its workers"),
        pytest.param(False, id="alone", marks=pytest.mark.long),
    ],
)
def test_a_killed_sweep_goes_on_and_ends_as_if_uninterrupted(
    group, specify, uninterrupted, tmp_path, capsys
):
    found = specify(KILLED)
    out, path = tmp_path / "runs", str(tmp_path / "question.toml")
    start = [
        sys.executable,
        "-m",
        "mla_core.cli.main",
        "sweep",
        path,
        "--jobs",
        "2",
        "--out",
        str(out),
    ]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(start, start_new_session=True, **pipes) as sweep:
        try:
            wait_for(lambda: found.done(out) or sweep.poll() is not None)
            assert sweep.poll() is None
        finally:
            (os.killpg if group else os.kill)(sweep.pid, signal.SIGKILL)
        # Without their parent, workers leave of themselves: a lock held on would block the next
        # sweep. The pipe ends when the last of them has closed it.
        sweep.stdout.read()
    done = found.done(out)
    assert 1 <= len(done) < 4
    before = {file: file.stat().st_mtime_ns for run in done for file in (out / run).iterdir()}

    assert main(["sweep", path, "--out", str(out)]) == 0
    printed = capsys.readouterr()
    assert f"4 runs in {out}, {len(done)} done before" in printed.err
    assert f"{4 - len(done)} finished, {len(done)} skipped, 0 failed" in printed.out
    assert before == {file: file.stat().st_mtime_ns for file in before}
    assert sorted(file.name for file in out.iterdir()) == sorted(found.runs)
    assert results(out / run for run in found.runs) == uninterrupted


# --------------------------------------------------------------------------- notebooks

PARAMETERS = 'seed: int = 0\nnoise: list = []\nheadless: bool = False\nrun_folder: str = ""'
TRAIN = """\
assert seed < 2, f"seed {seed} is too much"
import mla_core as mla
from pathlib import Path
config = mla.ExperimentConfig(
    dataset="gaussian", dataset_options={"sizes": [32, 9, 9]}, seed=seed, epochs=1, feature_size=8
)
mla.train(config, Path(run_folder))
"""


@pytest.fixture
def notebook(tmp_path) -> Path:
    book = nbformat.v4.new_notebook()
    book.metadata["kernelspec"] = {
        "name": "python3",
        "display_name": "Python 3",
        "language": "python",
    }
    book.cells = [nbformat.v4.new_code_cell(source) for source in (PARAMETERS, TRAIN)]
    book.cells[0].metadata["tags"] = ["parameters"]
    path = tmp_path / "notebooks" / "book.ipynb"
    path.parent.mkdir()
    nbformat.write(book, path)
    return path


def specify_notebook(tmp_path, grid: str):
    path = tmp_path / "sweeps" / "book.toml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(f'notebook = "notebooks/book.ipynb"\ndescription = "Why?"\n[grid]\n{grid}')
    return read_specification(path)


def test_a_notebook_is_run_with_every_set_of_parameters(notebook, tmp_path):
    found = specify_notebook(tmp_path, "seed = [1, 2]")
    assert found.notebook.resolve() == notebook.resolve()
    assert found.configurations == ({"seed": 1, "noise": []}, {"seed": 2, "noise": []})
    report = run_sweep(found, tmp_path / "runs")
    (finished,), (failure,) = report.finished, report.failures
    assert json.loads((finished / "notebook.json").read_text())["parameters"]["seed"] == 1
    assert failure.settings["seed"] == 2
    assert "NotebookError: cell 3 raised AssertionError: seed 2 is too much" in failure.error
    assert found.done(tmp_path / "runs") == [finished.name]
    assert run_notebook(notebook, {"seed": 1}, tmp_path / "runs") == (finished, False)


@pytest.mark.parametrize(
    ("grid", "message"),
    [
        ("sede = 1", r"setting in \[\[grid\]\] number 1: 'sede': choose one of 'seed', 'noise'"),
        ("run_folder = 'here'", "'run_folder': choose one of 'seed', 'noise'"),
        ("seed = [1, 2.5]", "with seed = 2.5: parameter 'seed' must be of the type int, not 2.5"),
        ("noise = [0.5, 1.0]", "'noise' must be of the type list, not 0.5"),
    ],
)
def test_a_bad_parameter_of_a_notebook_is_named_before_anything_runs(
    grid, message, notebook, tmp_path
):
    with pytest.raises(ConfigError, match=f"book.toml: .*{message}"):
        specify_notebook(tmp_path, grid)
