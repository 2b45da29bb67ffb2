"""Which weights are reported, and when the probe set is looked at."""

import json

import pytest
import torch
from safetensors.torch import load_file

from mla_core import TrainingDivergedError, TrainingSession
from mla_core.records.checkpoint import load_snapshot, save_snapshot
from mla_core.runs.experiment import run_experiment, train

NOISY = {"noise": [1.5] * 3, "sizes": [60, 40, 30]}


@pytest.fixture
def config(tiny):
    """Give a run whose accuracy goes up and down."""
    return tiny(
        stopping="best", learning_rate=0.2, epochs=6, dataset_options=NOISY, evaluate_every=2
    )


def first_best(session: TrainingSession) -> int:
    """Return the step of the first of the best looks, the one before training left out."""
    looks = [s for s in session.history.summaries if s.step > 0]
    top = max(s.accuracy for s in looks)
    return next(s.step for s in looks if s.accuracy == top)


@pytest.mark.parametrize("seed", range(4))
def test_the_first_of_the_best_looks_is_reported(seed, config, bits):
    session = TrainingSession(config.replace(seed=seed))
    list(session)
    step = first_best(session)
    assert session.best.step == step
    again = TrainingSession(config.replace(seed=seed))
    again.advance(steps=step)
    reported = session.reported()
    assert (reported.step, reported.epoch) == (again.step, again.epoch)
    assert bits(reported.method.state_dict()) == bits(again.method.state_dict())
    assert torch.equal(reported.evaluate("test").fused, again.evaluate("test").fused)
    assert session.step == session.history.steps[-1].step + 1  # itself goes on to the end


def test_the_best_look_is_somewhere_in_the_middle_here(config):
    """Or the tests beside this one would show nothing."""
    session = TrainingSession(config)
    list(session)
    assert 0 < first_best(session) < session.step


def test_the_look_before_training_does_not_count(tiny):
    session = TrainingSession(tiny(stopping="best", learning_rate=1e-12))
    assert session.best is None
    assert session.reported() is session
    list(session)
    accuracies = {s.accuracy for s in session.history.summaries}
    assert len(accuracies) == 1
    assert session.best.step == 4


def test_without_it_the_last_weights_are_reported(tiny):
    session = TrainingSession(tiny())
    list(session)
    assert session.best is None
    assert session.reported() is session


def test_stopping_decides_nothing_about_training(config, bits):
    best, last = TrainingSession(config), TrainingSession(config.replace(stopping="last"))
    assert list(best) == list(last)
    assert bits(best.method.state_dict()) == bits(last.method.state_dict())
    assert best.history.summaries == last.history.summaries


@pytest.mark.parametrize("where", ["memory", "disk"])
def test_the_best_look_travels_with_a_snapshot(where, config, assert_same, tmp_path):
    session = TrainingSession(config)
    list(session)
    at = first_best(session) + 1
    cut = TrainingSession(config)
    cut.advance(steps=at)
    snapshot = cut.snapshot()
    if where == "disk":
        save_snapshot(snapshot, tmp_path)
        snapshot = load_snapshot(tmp_path)
    resumed = TrainingSession(config)
    resumed.restore(snapshot)
    assert resumed.best.step == at - 1
    list(resumed)
    assert_same(resumed, session)
    assert_same(resumed.reported(), session.reported())
    assert_same(cut.fork().reported(), session.reported())


def test_going_back_forgets_a_best_look_that_has_not_happened_yet(config):
    session = TrainingSession(config)
    session.advance(steps=1)
    early = session.snapshot()
    session.advance(epochs=3)
    assert session.best is not None
    session.restore(early)
    assert session.best is None


def test_rewinding_keeps_the_best_look(config):
    session = TrainingSession(config)
    session.advance(epochs=4)
    best = session.best
    session.reconfigure(learning_rate=1e30)
    with pytest.raises(TrainingDivergedError):
        session.advance(epochs=2)
    session.rewind()
    assert session.best.step == best.step


def test_a_run_cut_off_reports_the_same_as_one_that_was_not(config, tmp_path, monkeypatch):
    """With the best look behind the cut, its weights must have been on disk."""
    whole = run_experiment(config, tmp_path / "whole")
    session = train(config)
    metrics = json.loads((whole / "metrics.json").read_text())
    assert metrics["steps"] == session.step
    assert metrics["reported_epoch"] == session.best.epoch
    assert metrics["test"]["accuracy"] == session.reported().evaluate("test").accuracy
    stored = load_file(whole / "model.safetensors")
    for name, value in session.reported().method.model.state_dict().items():
        assert torch.equal(stored[name], value)

    for after in (session.best.step - 1, session.best.step, session.best.step + 1):
        advance, out = TrainingSession.advance, tmp_path / str(after)

        def interrupted(self, after=after, advance=advance, **limits):
            if self.step == after:
                raise KeyboardInterrupt
            return advance(self, steps=1)

        with monkeypatch.context() as patch:
            patch.setattr(TrainingSession, "advance", interrupted)
            with pytest.raises(KeyboardInterrupt):
                run_experiment(config, out)
        resumed = run_experiment(config, out)
        assert (resumed / "metrics.json").read_text() == (whole / "metrics.json").read_text()
        model = load_file(resumed / "model.safetensors")
        assert all(torch.equal(model[name], stored[name]) for name in stored)


@pytest.mark.parametrize("method", ["mla", "concat"])
def test_zero_looks_once_at_the_end_of_every_epoch(method, tiny):
    session = TrainingSession(tiny(method=method, evaluate_every=0, epochs=3))
    session.advance(steps=2)
    assert [s.step for s in session.history.summaries] == [0]
    per_epoch = session.steps_per_epoch
    list(session)
    looks = session.history.summaries
    assert [s.step for s in looks] == [0, per_epoch, 2 * per_epoch, 3 * per_epoch]
    assert [s.epoch for s in looks] == [0, 1, 2, 3]
