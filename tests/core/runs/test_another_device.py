"""A run that is begun on one device and goes on on another."""

import json

from mla_core import TrainingSession
from mla_core.records.checkpoint import save_snapshot
from mla_core.runs.experiment import run_experiment, run_folder, train
from mla_core.runs.same_data import short


def test_a_run_that_goes_on_on_another_device_says_so(tiny, tmp_path, capsys):
    config = tiny()
    whole = run_experiment(config, tmp_path / "whole")
    with run_folder(tmp_path / "moved", config.hash) as (partial, moved):
        session = TrainingSession(config)
        session.advance(steps=5)
        save_snapshot(session.snapshot(), partial, short(session.data), ["cuda"])
        train(config, partial)
    assert "computed on 'cuda'; the run goes on on 'cpu' in float32, so" in capsys.readouterr().err
    told = json.loads((moved / "metrics.json").read_text())
    assert told.pop("devices") == ["cuda", "cpu"]
    assert told == json.loads((whole / "metrics.json").read_text())
    with run_folder(tmp_path / "stayed", config.hash) as (partial, _):
        save_snapshot(session.snapshot(), partial, short(session.data), ["cpu"])
        train(config, partial)
    assert capsys.readouterr().err == ""
