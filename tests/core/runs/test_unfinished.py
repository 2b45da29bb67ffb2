"""What a run leaves that was not finished, and how it is told; one that is killed: test_experiment."""

import json
import subprocess
import sys
import threading

import pytest

from mla_core import ConfigError, TrainingSession, run_experiment
from mla_core.runs.finished import read_runs
from mla_core.runs.unfinished import lock_of, standing_of

FAILS = """
import json, sys
from mla_core import ExperimentConfig, run_experiment
run_experiment(ExperimentConfig.from_dict(json.loads(sys.argv[1])), sys.argv[2])
"""


def stopped(*_, **__):
    raise KeyboardInterrupt


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_run_that_failed_says_why_until_it_is_tried_again(tiny, tmp_path, monkeypatch):
    config = tiny(learning_rate=1e30)
    command = [sys.executable, "-c", FAILS, json.dumps(config.to_dict()), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    (told,) = read_runs(tmp_path)[1]
    assert "failed: TrainingDivergedError: training diverged in sub-step" in told
    assert config.hash in told
    with monkeypatch.context() as patch:
        patch.setattr(TrainingSession, "advance", stopped)
        with pytest.raises(KeyboardInterrupt):
            run_experiment(config, tmp_path)
    (told,) = read_runs(tmp_path)[1]
    assert "was cut off" in told


@pytest.mark.parametrize("there", [False, True])
def test_nothing_is_left_where_nothing_was_begun(there, tiny, tmp_path, monkeypatch):
    out = tmp_path / "runs"
    if there:
        out.mkdir()
    with pytest.raises(ConfigError):
        run_experiment(tiny(order=["m0", "m1"]), out)
    assert names(tmp_path) == (["runs"] if there else [])
    assert not there or names(out) == []


def test_a_look_at_the_lock_refuses_nobody(tiny, tmp_path):
    """Whoever asks whether a lock is held holds it for an instant."""
    from filelock import FileLock

    (tmp_path / f".{tiny().hash}.lock").touch()
    look = FileLock(tmp_path / f".{tiny().hash}.lock", thread_local=False)
    look.acquire()
    threading.Timer(0.1, look.release).start()
    assert run_experiment(tiny(), tmp_path).is_dir()


@pytest.mark.parametrize(
    ("held", "left", "state"),
    [
        (False, {}, "cut off"),
        (False, {"stop": ""}, "cut off"),  # it was killed before it had read the request
        (False, {"stopped": ""}, "stopped"),
        (False, {"failed.json": '{"error": "no"}'}, "failed"),
        (False, {"failed.json": "{"}, "cut off"),
        (True, {}, "training"),
        (True, {"stop": ""}, "stopping"),
        (True, {"failed.json": '{"error": "before"}'}, "training"),
    ],
)
def test_how_a_run_stands_is_told_by_its_lock_and_what_was_left(held, left, state, tmp_path):
    from filelock import FileLock

    hidden = tmp_path / ".0123456789ab.partial"
    hidden.mkdir()
    for name, content in left.items():
        (hidden / name).write_text(content)
    lock = FileLock(lock_of(hidden))
    if held:
        lock.acquire()
    assert standing_of(hidden).state == state
    lock.release()
