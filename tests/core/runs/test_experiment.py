"""One run, one folder: finished once, resumed when cut off, never half there."""

import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from mla_core import ConfigError, DataError, ExperimentConfig, TrainingSession
from mla_core.checksums import SUMS
from mla_core.methods.alternating import Alternating
from mla_core.records.checkpoint import LOOKS, load_snapshot, save_snapshot
from mla_core.records.history import History
from mla_core.runs import experiment
from mla_core.runs.experiment import run_experiment, run_folder, train
from mla_core.runs.finished import read_runs

RESULTS = [SUMS, "config.json", "history.npz", "metrics.json", "model.safetensors", "replay.npz"]


def inside(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def assert_same_results(one: Path, two: Path) -> None:
    assert inside(one) == inside(two) == RESULTS
    a, b = (load_file(folder / "model.safetensors") for folder in (one, two))
    assert {k: v.numpy().tobytes() for k, v in a.items()} == {
        k: v.numpy().tobytes() for k, v in b.items()
    }
    a, b = (History.load(folder / "history.npz") for folder in (one, two))
    assert (a.steps, a.summaries, a.changes) == (b.steps, b.summaries, b.changes)
    for name in ("config.json", "metrics.json"):
        assert (one / name).read_text() == (two / name).read_text()
    with np.load(one / "replay.npz") as a, np.load(two / "replay.npz") as b:
        assert set(a) == set(b)
        assert all(a[key].tobytes() == b[key].tobytes() for key in a)


def test_a_run_leaves_its_results_and_nothing_else(tiny, tmp_path):
    config = tiny(order=["m2", "m0", "m1"])
    folder = run_experiment(config, tmp_path / "deep" / "runs")
    assert folder == tmp_path / "deep" / "runs" / config.hash
    assert inside(folder) == RESULTS
    assert inside(folder.parent) == [config.hash]
    values = json.loads((folder / "config.json").read_text())
    assert ExperimentConfig.from_dict(values) == config

    session = TrainingSession(config)
    list(session)
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["steps"] == session.step == 18
    for side in ("val", "test"):
        evaluation = session.evaluate(side)
        right = (evaluation.fused.argmax(1) == evaluation.labels).double().mean()
        assert metrics[side]["accuracy"] == pytest.approx(float(right))
        assert metrics[side]["samples"] == len(session.data.split(side))
        assert set(metrics[side]["unimodal_accuracy"]) == {"m0", "m1", "m2"}
    assert metrics["versions"]["torch"] == torch.__version__
    assert History.load(folder / "history.npz").steps == session.history.steps
    model = load_file(folder / "model.safetensors")
    torch.testing.assert_close(model, dict(session.method.model.state_dict()), rtol=0, atol=0)


def test_a_finished_run_is_not_repeated(tiny, tmp_path, steps_taken):
    folder = run_experiment(tiny(), tmp_path)
    before = {path: path.stat().st_mtime_ns for path in [folder, *folder.iterdir()]}
    del steps_taken[:]
    assert run_experiment(tiny(), tmp_path) == folder
    assert steps_taken == []
    assert before == {path: path.stat().st_mtime_ns for path in before}


def test_other_settings_make_another_folder(tiny, tmp_path):
    one, two = run_experiment(tiny(), tmp_path), run_experiment(tiny(seed=1), tmp_path)
    assert one != two
    assert inside(tmp_path) == sorted([one.name, two.name])


def test_other_data_is_another_run(tiny, tmp_path, make_data):
    """A folder named by the configuration alone would hand out the numbers of other data."""
    config = tiny()
    named = run_experiment(config, tmp_path)
    own = run_experiment(config, tmp_path, data=make_data(seed=0))
    other = run_experiment(config, tmp_path, data=make_data(seed=1))
    assert len({named, own, other}) == 3
    assert run_experiment(config, tmp_path, data=make_data(seed=1)) == other


CHILD = """
import json, sys
from mla_core import ExperimentConfig, TrainingSession
from mla_core.runs import experiment

experiment.CHECKPOINT_SECONDS = 0
advance = TrainingSession.advance

def until_killed(self, **limits):
    if self.step == 12:
        print("in the middle", flush=True)
        sys.stdin.read()
    return advance(self, steps=2)

TrainingSession.advance = until_killed
experiment.run_experiment(ExperimentConfig.from_dict(json.loads(sys.argv[1])), sys.argv[2])
"""


@dataclass(frozen=True)
class CutOff:
    config: ExperimentConfig
    out: Path
    step: int
    refused: str
    told: tuple[list[str], list[str]]  # while it was at work, after it was killed
    names: tuple[str, ...]


@pytest.fixture(scope="module")
def cut_off(tiny, tmp_path_factory) -> CutOff:
    """Run a child process, ask for the same run beside it, and kill the child in the middle."""
    out, config = tmp_path_factory.mktemp("runs"), tiny(epochs=40, order="random")
    arguments = [sys.executable, "-c", CHILD, json.dumps(config.to_dict()), str(out)]
    partial = out / f".{config.hash}.partial"
    pipe = subprocess.PIPE
    with subprocess.Popen(arguments, stdin=pipe, stdout=pipe, text=True) as child:
        try:
            assert child.stdout.readline() == "in the middle\n"
            refused = ""
            try:
                run_experiment(config, out)
            except ConfigError as error:
                refused = str(error)
            _, running = read_runs(out)
        finally:
            os.kill(child.pid, signal.SIGKILL)
    snapshot = load_snapshot(partial)
    _, killed = read_runs(out)
    return CutOff(config, out, snapshot.step, refused, (running, killed), tuple(inside(out)))


def test_a_second_process_on_the_same_run_is_told_so(cut_off):
    assert "another process is at work" in cut_off.refused
    assert cut_off.config.hash in cut_off.refused


def test_a_run_at_work_is_told_from_one_that_was_killed(cut_off):
    run = f"the run {str(cut_off.out / cut_off.config.hash)!r} (mla on gaussian, seed 0)"
    assert cut_off.told == (
        [f"{run} is being computed by another process"],
        [f"{run} was cut off: the command that began it goes on from there"],
    )


def test_a_killed_run_leaves_no_folder_of_the_final_name(cut_off):
    assert cut_off.step == 12
    assert f".{cut_off.config.hash}.partial" in cut_off.names
    assert all(name.startswith(".") for name in cut_off.names)


def test_a_killed_run_goes_on_and_ends_as_if_uninterrupted(cut_off, tmp_path, steps_taken):
    resumed = run_experiment(cut_off.config, cut_off.out)
    assert steps_taken == list(range(cut_off.step, 360))
    assert inside(cut_off.out) == [cut_off.config.hash]
    assert_same_results(resumed, run_experiment(cut_off.config, tmp_path))


@pytest.mark.parametrize("at", [4, 9, 13])
def test_a_run_interrupted_within_a_sub_step_ends_as_if_uninterrupted(
    at, tiny, tmp_path, monkeypatch
):
    """Ctrl-C can come between the update of the weights and the record of the sub-step."""
    config, original = tiny(), Alternating.step

    def step(self, batch, split, position):
        record = original(self, batch, split, position)
        if position.step == at:
            raise KeyboardInterrupt
        return record

    with monkeypatch.context() as patch:
        patch.setattr(Alternating, "step", step)
        with pytest.raises(KeyboardInterrupt):
            run_experiment(config, tmp_path / "cut")
    resumed = run_experiment(config, tmp_path / "cut")
    assert_same_results(resumed, run_experiment(config, tmp_path / "whole"))


def test_an_interrupted_run_does_not_start_again_from_nothing(tiny, tmp_path, monkeypatch):
    advance, counted = TrainingSession.advance, []

    def interrupted(self, **limits):
        if len(counted) == 4:
            raise KeyboardInterrupt
        counted.append(1)
        return advance(self, steps=2)

    with monkeypatch.context() as patch:
        patch.setattr(TrainingSession, "advance", interrupted)
        with pytest.raises(KeyboardInterrupt):
            run_experiment(tiny(), tmp_path)
    assert load_snapshot(tmp_path / f".{tiny().hash}.partial").step == 8


def test_what_a_kill_left_half_written_is_cleared_away(tiny, tmp_path):
    config = tiny()
    partial = tmp_path / f".{config.hash}.partial"
    session = TrainingSession(config)
    session.advance(steps=6)
    session.recording.save(partial / LOOKS)
    save_snapshot(session.snapshot(), partial)
    half = partial / ".checkpoint-000000008.partial"
    half.mkdir()
    (half / "tensors.safetensors").write_bytes(b"half")
    (partial / ".metrics.json.4711").write_text("{")
    (partial / LOOKS / ".000000002.safetensors").write_bytes(b"half")
    (partial / "model.safetensors").write_bytes(b"half")
    folder = run_experiment(config, tmp_path)
    assert inside(folder) == RESULTS
    assert_same_results(folder, run_experiment(config, tmp_path / "whole"))


@pytest.mark.parametrize(
    "first", ["best", "tensors.safetensors", "snapshot.json", "history.npz", "", "looks"]
)
def test_a_kill_while_checkpoints_are_removed_changes_no_number(
    first, tiny, tmp_path, monkeypatch, steps_taken
):
    """Of a checkpoint without `best` the last weights would be told, without the others nothing."""
    config = tiny(stopping="best", epochs=3)
    whole = run_experiment(config, tmp_path / "whole")
    assert json.loads((whole / "metrics.json").read_text())["reported_epoch"] < 3

    def killed(folder):
        (checkpoint,) = folder.glob("checkpoint-*")
        path = folder / LOOKS if first == LOOKS else checkpoint / first
        shutil.rmtree(path) if path.is_dir() else path.unlink()
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(experiment, "remove_checkpoints", killed)
        with pytest.raises(KeyboardInterrupt):
            run_experiment(config, tmp_path / "cut")
    assert not (tmp_path / "cut" / config.hash).exists()
    steps_taken.clear()
    again = run_experiment(config, tmp_path / "cut")
    assert steps_taken == []  # it was finished, but for the tidying up
    assert_same_results(again, whole)
    assert inside(tmp_path / "cut") == [config.hash]


def test_looks_without_a_checkpoint_are_not_taken_for_the_new_attempts(tiny, tmp_path, monkeypatch):
    """An attempt was killed between its first looks and its first checkpoint, on other data."""
    config = tiny()
    other = TrainingSession(config.replace(seed=7))
    other.advance(epochs=2)
    other.recording.save(tmp_path / "cut" / f".{config.hash}.partial" / LOOKS)
    advance = TrainingSession.advance

    def interrupted(self, **limits):
        if self.step >= 12:
            raise KeyboardInterrupt
        return advance(self, steps=4)

    with monkeypatch.context() as patch:
        patch.setattr(TrainingSession, "advance", interrupted)
        with pytest.raises(KeyboardInterrupt):
            run_experiment(config, tmp_path / "cut")
    resumed = run_experiment(config, tmp_path / "cut")
    assert_same_results(resumed, run_experiment(config, tmp_path / "whole"))


def test_a_finished_run_need_not_be_in_a_folder_that_can_be_written(tiny, tmp_path, monkeypatch):
    folder = run_experiment(tiny(), tmp_path)

    def read_only(_):
        raise ConfigError("read-only")

    monkeypatch.setattr(experiment, "check_writable", read_only)
    assert run_experiment(tiny(), tmp_path) == folder


def test_a_failed_run_keeps_the_final_name_free_and_can_be_tried_again(tiny, tmp_path, monkeypatch):
    def fail(*_):
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(experiment, "write_results", fail)
        with pytest.raises(OSError, match="disk full") as caught:
            run_experiment(tiny(), tmp_path)
    assert not (tmp_path / tiny().hash).exists()
    # The lock was given back, although the traceback lives on, as it does in a notebook.
    assert inside(run_experiment(tiny(), tmp_path)) == RESULTS
    assert caught.tb is not None


def test_what_fails_after_training_does_not_make_training_start_again(tiny, tmp_path, steps_taken):
    """A notebook's last cell may fail; what was trained before stays."""

    def train_and_fail():
        with run_folder(tmp_path, "run") as (partial, _):
            train(tiny(), partial)
            raise OSError("later")

    with pytest.raises(OSError, match="later"):
        train_and_fail()
    first = sorted(steps_taken)
    with run_folder(tmp_path, "run") as (partial, finished):
        session = train(tiny(), partial)
    assert sorted(steps_taken) == first == list(range(18))
    assert session.step == 18
    assert inside(finished) == RESULTS


def test_a_bad_order_fails_without_a_final_folder(tiny, tmp_path):
    config = tiny(order=["m0", "m1"])
    with pytest.raises(ConfigError, match="'m2'"):
        run_experiment(config, tmp_path)
    assert not (tmp_path / config.hash).exists()


@pytest.mark.parametrize("place", ["runs", "runs/deeper"])
def test_a_folder_that_cannot_be_written_fails_before_training(place, tiny, tmp_path, steps_taken):
    (tmp_path / "runs").write_text("a file stands in the way")
    with pytest.raises(ConfigError, match=r"cannot write to the folder '.*runs"):
        run_experiment(tiny(), tmp_path / place)
    assert steps_taken == []
    with pytest.raises(ConfigError, match="cannot write"):
        train(tiny(), tmp_path / place)
    assert steps_taken == []


def test_a_run_that_another_process_just_finished_is_taken_as_it_is(tmp_path, monkeypatch):
    """The other process may finish between our look at the folder and our hold of the lock."""
    import filelock

    acquire = filelock.FileLock.acquire

    def late(self, *arguments, **options):
        lock = acquire(self, *arguments, **options)
        (tmp_path / "run").mkdir(exist_ok=True)
        (tmp_path / "run" / "metrics.json").write_text("{}")
        return lock

    monkeypatch.setattr(filelock.FileLock, "acquire", late)
    with run_folder(tmp_path, "run") as (partial, finished):
        assert partial is None
    assert inside(finished) == ["metrics.json"]
    assert "run" in inside(tmp_path)


def test_train_without_a_folder_writes_nothing(tiny, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert train(tiny(), progress=False).finished
    assert inside(tmp_path) == []


def test_train_goes_on_from_a_checkpoint_in_its_folder(tiny, tmp_path, steps_taken):
    session = TrainingSession(tiny())
    session.advance(steps=6)
    save_snapshot(session.snapshot(), tmp_path)
    del steps_taken[:]
    train(tiny(), tmp_path)
    assert steps_taken == list(range(6, 18))
    assert set(RESULTS) - {SUMS} <= set(inside(tmp_path))


def test_a_checkpoint_of_another_configuration_is_never_taken_for_ones_own(tiny, tmp_path):
    other = TrainingSession(tiny(seed=5))
    other.advance(steps=6)
    save_snapshot(other.snapshot(), tmp_path)
    try:
        session = train(tiny(seed=0), tmp_path)
    except (ConfigError, DataError):
        return
    assert session.config == tiny(seed=0)
    assert session.history.steps == train(tiny(seed=0)).history.steps


def test_numbers_in_the_report_are_json_even_where_a_modality_is_missing(tiny, tmp_path, make_data):
    """JSON knows no NaN; only Python's reader would take it."""
    data = make_data()
    data.split("test").present[1] = False
    folder = run_experiment(tiny(), tmp_path, data=data)

    def refuse(name):
        pytest.fail(f"metrics.json holds {name}")

    metrics = json.loads((folder / "metrics.json").read_text(), parse_constant=refuse)
    alone = metrics["test"]["unimodal_accuracy"]["a"]
    assert alone == pytest.approx(metrics["test"]["accuracy"], abs=1e-9)
    assert np.isfinite(metrics["val"]["ece"])
