"""How many threads compute is a number that a run is named by."""

import json
import os
import subprocess
import sys

import pytest

from mla_core import ConfigError, run_experiment, threads
from mla_core.cli import main
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


def test_a_run_says_how_many_threads_computed_it(tiny, tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(tiny(epochs=1).to_dict()))
    command = [sys.executable, "-m", "mla_core.cli.main", "repeat", "config.json"]
    subprocess.run(command, cwd=tmp_path, env=os.environ | {"MLA_LAB_THREADS": "2"}, check=True)
    run_experiment(tiny(epochs=1), tmp_path / "runs")  # with one
    found = [json.loads(path.read_text()) for path in (tmp_path / "runs").glob("*/metrics.json")]
    assert sorted(metrics.get("threads", 1) for metrics in found) == [1, 2]
