"""A run that another process trains: followed, stopped, killed, and gone on with."""

import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

from mla_core import ConfigError, StoppedError, TrainingSession, run_experiment
from mla_core.cli.main import main
from mla_core.records import JOURNAL, About, Journal
from mla_core.records.history import History, StepRecord
from mla_core.runs import Follower, experiment
from mla_core.runs.finished import read_runs
from mla_core.runs.unfinished import STOP, lock_of
from tests.core.runs.elsewhere import elsewhere
from tests.core.runs.test_experiment import RESULTS, assert_same_results, inside
from tests.core.runs.test_notebook import TRAIN, write_notebook


def test_a_run_is_followed_killed_and_gone_on_with(tiny, tmp_path, capsys):
    config = tiny(evaluate_every=4)
    with elsewhere(config, tmp_path) as (child, take):
        follower = Follower(tmp_path / config.hash)
        course = follower.read()
        assert (course.state, course.step, course.total) == ("training", 0, 18)
        assert (course.config, course.modalities) == (config, ("m0", "m1", "m2"))
        assert len(course.history.summaries) == 1

        take(6)
        course = follower.read()
        assert (course.state, course.step) == ("training", 6)
        assert course.history.latest.step == course.history.summaries[-1].step == 4
        assert course.history.latest.accuracy == course.history.summaries[-1].accuracy

        child.send_signal(signal.SIGKILL)
        child.wait()
    course = follower.read()
    assert (course.state, course.step, course.problem) == ("cut off", 6, "")
    assert Follower(tmp_path / config.hash).read().state == "cut off"  # also when first seen
    assert main(["stop", config.hash, "--runs", str(tmp_path)]) == 2
    assert "nobody is at work on it" in capsys.readouterr().err

    folder = run_experiment(config, tmp_path)
    course = follower.read()
    assert (course.state, course.step, course.total) == ("finished", 18, 18)
    assert course.history.steps == History.load(folder / "history.npz").steps
    assert course.replay.steps[-1] == 18
    assert inside(folder) == RESULTS  # no journal: what it told is in the history


def test_a_run_that_was_stopped_goes_on_to_the_same_result(tiny, tmp_path, capsys):
    config = tiny()
    whole = run_experiment(config, tmp_path / "whole")
    out = tmp_path / "runs"
    with elsewhere(config, out) as (child, take):
        follower = Follower(out / config.hash)
        take(8)
        assert main(["stop", config.hash, "--runs", str(out)]) == 0
        assert "stops at its next snapshot" in capsys.readouterr().out
        assert follower.read().state == "stopping"
        assert "was asked to stop" in read_runs(out)[1][0]
        assert "stopped on request" in take()
        assert child.wait() == 0
    course = follower.read()
    assert (course.state, course.step) == ("stopped", 10)
    (told,) = read_runs(out)[1]
    assert "was stopped on request: the command that began it goes on from there" in told
    assert main(["list", str(out)]) == 0
    assert "was stopped on request" in capsys.readouterr().err
    assert_same_results(run_experiment(config, out), whole)
    assert inside(out) == [config.hash]


ASKED = """
advance = mla.TrainingSession.advance
mla.TrainingSession.advance = lambda self, **_: advance(self, steps=2)
Path(run_folder, "stop").touch()
"""


def test_a_notebook_that_is_stopped_has_not_failed(tmp_path, capsys):
    path, out = tmp_path / "book.ipynb", tmp_path / "runs"
    before, train = TRAIN.split("mla.train(", 1)
    write_notebook(path, f"{before}{ASKED}mla.train({train}")
    assert main(["run", str(path), "--out", str(out)]) == 130
    assert "stopped on request: the same command goes on" in capsys.readouterr().err
    (told,) = read_runs(out)[1]
    assert "was stopped on request" in told


def test_a_file_does_what_the_command_does(tiny, tmp_path, monkeypatch):
    config, advance = tiny(), TrainingSession.advance
    hidden = tmp_path / f".{config.hash}.partial"

    def two(session, **_):
        if session.step == 4:
            (hidden / "stop").touch()
        return advance(session, steps=2)

    monkeypatch.setattr(TrainingSession, "advance", two)
    with pytest.raises(StoppedError, match="stopped on request: the same command goes on"):
        run_experiment(config, tmp_path)
    course = Follower(hidden).read()
    assert (course.state, course.step) == ("stopped", 6)


def test_nothing_is_stopped_that_has_just_finished(tiny, tmp_path, monkeypatch):
    write = experiment.write_results

    def asked_too_late(session, folder, told):
        write(session, folder, told)
        (folder / STOP).touch()

    monkeypatch.setattr(experiment, "write_results", asked_too_late)
    assert inside(run_experiment(tiny(), tmp_path)) == RESULTS


def test_in_a_sweep_a_stopped_run_is_no_failure(specify, tmp_path, monkeypatch, capsys):
    train = experiment.train

    def stopped(config, folder, **options):
        if config.seed == 1:
            (folder / STOP).touch()
        return train(config, folder, **options)

    specification = specify("[[grid]]\nseed = [0, 1]\n")
    command = ["sweep", str(tmp_path / "question.toml"), "--out", str(tmp_path / "out")]
    advance = TrainingSession.advance
    monkeypatch.setattr(TrainingSession, "advance", lambda self, **_: advance(self, steps=2))
    monkeypatch.setattr(experiment, "train", stopped)
    assert main(command) == 130
    shown = capsys.readouterr()
    assert "1 finished, 0 skipped, 0 failed" in shown.out
    assert f"stopped on request: {specification.configurations[1].hash}; the same" in shown.err
    monkeypatch.undo()
    assert main(command) == 0


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("fac", "there is no run 'fac' in '.*': nothing is being computed there"),
        ("{done}", "is finished: there is nothing to stop"),
        ("a/{done}", "is finished: there is nothing to stop"),
        ("{twice}", "there are several runs '.*': choose one of a/.*, b/"),
        ("../{out}/{done}", "there is no run"),
    ],
)
def test_what_cannot_be_stopped_is_told(name, told, tiny, tmp_path, capsys):
    done, twice = run_experiment(tiny(epochs=1), tmp_path / "a"), tiny(epochs=1, seed=1).hash
    for sweep in "ab":
        (tmp_path / sweep / f".{twice}.partial").mkdir(parents=True)
    given = name.format(done=done.name, twice=twice, out=tmp_path.name)
    assert main(["stop", given, "--runs", str(tmp_path)]) == 2
    with pytest.raises(AssertionError, match=told):
        raise AssertionError(capsys.readouterr().err)
    assert main(["stop", given, "--runs", str(tmp_path / "nowhere")]) == 2
    assert "there is no folder" in capsys.readouterr().err


def test_a_run_that_is_not_there_is_told_and_one_that_goes_is_gone(tiny, tmp_path):
    with pytest.raises(ConfigError, match=r"there is no run '.*fac', finished or not"):
        Follower(tmp_path / "fac")
    hidden = tmp_path / ".0123456789ab.partial"
    hidden.mkdir()
    follower = Follower(tmp_path / "0123456789ab")
    assert follower.read().state == "cut off"  # before it has written anything
    shutil.rmtree(hidden)
    assert follower.read().state == "gone"


@pytest.fixture
def begun(tmp_path) -> tuple[Path, Callable[[], None]]:
    """A run that this process has begun, and a function that takes one more sub-step."""
    hidden, past = tmp_path / ".0123456789ab.partial", History()
    hidden.mkdir()
    journal = Journal(hidden, About(("m0", "m1"), ("a", "b"), 18), past)

    def take() -> None:
        past.add(StepRecord(len(past.steps), 0, "m0", 8, 0.5, 0.1, 1.0, 0.5))
        journal.add(past.steps[-1:])
        journal.write(past)

    take()
    return hidden, take


def test_damage_is_told_and_the_rest_is_shown(begun):
    hidden, _ = begun
    follower = Follower(hidden)
    with (hidden / JOURNAL).open("a") as file:
        file.write("fac\n")
    with FileLock(lock_of(hidden)):
        course = follower.read()
    assert (course.state, course.step) == ("training", 1)
    assert "journal.jsonl' is damaged" in course.problem


def test_a_run_whose_lock_does_not_reach_here_lives_while_it_writes(begun):
    """As on another machine, where a file system knows no locks."""
    hidden, take = begun
    follower = Follower(hidden)
    assert follower.read().state == "cut off"
    take()
    assert follower.read().state == "training"
    assert follower.read().state == "cut off"


def test_a_damaged_result_is_told(tiny, tmp_path):
    folder = run_experiment(tiny(), tmp_path)
    (folder / "history.npz").write_bytes(b"fac")
    course = Follower(folder).read()
    assert course.state == "finished"
    assert "history.npz' is not what was written there" in course.problem
