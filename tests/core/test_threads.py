"""How many threads compute is a number that a run is named by."""

import json

import pytest
import torch
from threadpoolctl import threadpool_info
from torch.overrides import TorchFunctionMode

from mla_core import ConfigError, run_experiment, threads, train
from mla_core.analysis import fused_again
from mla_core.cli import main
from mla_core.data.corruption.corruptor import Corruptor, Damage
from mla_core.runs import experiment
from mla_core.runs.notebook import run_name
from tests import ROOT

NOTEBOOK = ROOT / "notebooks" / "01_alternating_training.ipynb"


@pytest.fixture
def given(monkeypatch):
    """Say how many, as the environment does."""

    def say(number: str) -> None:
        monkeypatch.setenv("MLA_LAB_THREADS", number)
        threads.threads.cache_clear()

    yield say
    threads.threads.cache_clear()


@pytest.mark.parametrize(
    "number", ["abc", "", "0", "-1", "1.5", "+1", " 1", "1e3", "9" * 5000, "²"]
)
def test_no_number_is_refused_where_it_would_be_used(number, given, tiny, tmp_path, capsys):
    given(number)
    with pytest.raises(ConfigError, match=r"^MLA_LAB_THREADS must be a whole number from 1 to 999"):
        threads.threads()
    (tmp_path / "config.json").write_text(json.dumps(tiny().to_dict()))
    assert main(["repeat", str(tmp_path / "config.json"), "--out", str(tmp_path / "runs")]) == 2
    assert "mla-lab: MLA_LAB_THREADS must be a whole number" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


def test_one_thread_is_the_usual_one_and_names_nothing(given, tiny):
    plain, notebook = tiny().hash, run_name(NOTEBOOK, {})
    given("1")
    assert (tiny().hash, run_name(NOTEBOOK, {})) == (plain, notebook)


def test_more_threads_name_another_run(given, tiny):
    names = {tiny().hash, run_name(NOTEBOOK, {})}
    for number in ("2", "3"):
        given(number)
        names |= {tiny().hash, run_name(NOTEBOOK, {})}
    assert len(names) == 6


def test_a_run_says_how_many_threads_computed_it(given, tiny, tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(tiny(epochs=1).to_dict()))
    run_experiment(tiny(epochs=1), tmp_path / "runs")  # with one
    given("2")
    assert main(["repeat", str(tmp_path / "config.json"), "--out", str(tmp_path / "runs")]) == 0
    found = [json.loads(path.read_text()) for path in (tmp_path / "runs").glob("*/metrics.json")]
    assert sorted(metrics.get("threads", 1) for metrics in found) == [1, 2]


class Watch(TorchFunctionMode):
    """Note how many threads torch has whenever something is computed."""

    def __init__(self):
        super().__init__()
        self.seen = set()

    def __torch_function__(self, function, types, args=(), kwargs=None):
        self.seen.add(torch.get_num_threads())
        return function(*args, **(kwargs or {}))


def test_what_is_told_of_a_run_is_computed_with_as_many_as_the_run(tiny, tmp_path, monkeypatch):
    """With more, two runs at once fight for cores, and the end of each took tenfold."""
    session, blas, report = train(tiny(epochs=1)), set(), experiment.report_of

    def watched(session):
        blas.update(one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas")
        return report(session)

    monkeypatch.setattr(experiment, "report_of", watched)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with Watch() as torch_threads:
            experiment.write_results(session, tmp_path)
            assert torch_threads.seen == blas == {1}
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_spoiling_and_fusing_again_take_as_many(tiny):
    session = train(tiny(epochs=1))
    name = next(iter(session.data.modalities))
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with Watch() as watch:
            spoilt = Corruptor(session.data, 0).corrupt(session.probe, [Damage(name, "noise", 1.0)])
            fused_again(session.evaluate(session.probe), "released_batch")
        assert spoilt.ids == session.probe.ids
        assert watch.seen == {1}
    finally:
        torch.set_num_threads(before)
