"""Run folders as records: what is there, and a sentence for each that cannot be read."""

import json
import shutil

import pytest

from mla_core import ConfigError, DataError, ExperimentConfig, TrainingSession, run_experiment
from mla_core.cli import main
from mla_core.config import config_differences
from mla_core.runs.finished import read_run, read_runs


@pytest.fixture(scope="module")
def made(tmp_path_factory, tiny):
    """Two finished runs, one of them in the folder of a sweep."""
    out = tmp_path_factory.mktemp("runs")
    first = run_experiment(tiny(epochs=1), out)
    second = run_experiment(tiny(epochs=1, seed=1), out / "rates")
    return out, first, second


@pytest.fixture
def runs(made, tmp_path):
    """Return a copy that a test may damage."""
    out, first, second = made
    copy = tmp_path / "runs"
    shutil.copytree(out, copy)
    return copy, copy / first.name, copy / "rates" / second.name


def test_runs_and_sweeps_are_found_with_all_that_they_hold(made, tiny):
    out, first, second = made
    found, problems = read_runs(out)
    assert [run.name for run in found] == sorted([first.name, f"rates/{second.name}"])
    assert problems == []
    by_seed = {run.config.seed: run for run in found}
    assert by_seed[1].config == tiny(epochs=1, seed=1)
    run = by_seed[0]
    assert run.history().summaries[-1].step == run.metrics["steps"] == run.replay().steps[-1]
    assert (
        run.accuracy("test") == json.loads((first / "metrics.json").read_text())["test"]["accuracy"]
    )


def test_an_unmeasured_accuracy_is_none(runs):
    _, folder, _ = runs
    metrics = json.loads((folder / "metrics.json").read_text())
    metrics["test"]["accuracy"] = None
    (folder / "metrics.json").write_text(json.dumps(metrics))
    assert read_run(folder).accuracy("test") is None


BROKEN = [  # a file, what it holds instead (None: it is missing), what the sentence says
    ("config.json", None, "there is no"),
    ("config.json", "{", "damaged"),
    ("config.json", "[]", "holds no object"),
    ("config.json", '{"colour": "red"}', "unknown parameter 'colour'"),
    ("config.json", '{"epochs": "many"}', "'many'"),
    ("metrics.json", None, "not finished"),
    ("metrics.json", "\x00\x01", "damaged"),
    ("metrics.json", "{}", "says nothing about 'val'"),
    ("metrics.json", '{"val": {"accuracy": 1}, "test": 3}', "says nothing about 'val'"),
    (
        "metrics.json",
        '{"val": {"accuracy": "high", "unimodal_accuracy": {}}, "test": {}}',
        "says nothing about 'val'",
    ),
]


@pytest.mark.parametrize(("file", "content", "said"), BROKEN)
def test_a_broken_run_is_one_sentence_and_the_others_stay(runs, file, content, said):
    out, folder, other = runs
    path = folder / file
    path.unlink() if content is None else path.write_text(content)
    found, problems = read_runs(out)
    assert [run.folder for run in found] == [other]
    (problem,) = problems
    assert said in problem
    assert str(path) in problem
    with pytest.raises(DataError):
        read_run(folder)


@pytest.mark.parametrize("file", ["history.npz", "replay.npz"])
@pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04 not a zip"])
def test_large_files_are_read_late_and_fail_in_a_sentence(runs, file, content):
    _, folder, _ = runs
    path = folder / file
    path.unlink() if content is None else path.write_bytes(content)
    run = read_run(folder)
    with pytest.raises(DataError, match=file):
        run.history() if file == "history.npz" else run.replay()


@pytest.mark.parametrize("state", ["partial", "done"])
def test_a_run_that_was_cut_off_is_told_and_other_folders_are_none(state, runs):
    out, folder, other = runs
    folder.rename(out / f".{folder.name}.{state}")
    (out / "notes").mkdir()
    (out / "notes.txt").write_text("")
    found, problems = read_runs(out)
    assert [run.folder for run in found] == [other]
    assert problems == [
        f"the run {str(folder)!r} (mla on gaussian, seed 0) was cut off: the command that began it "
        "goes on from there"
    ]


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(ConfigError, match="nowhere"):
        read_runs(tmp_path / "nowhere")
    with pytest.raises(DataError, match="nowhere"):
        read_run(tmp_path / "nowhere")


def test_differences_name_only_what_differs():
    config = ExperimentConfig()
    others = [config, config.replace(order=["image", "audio", "text"]), config.replace(seed=3)]
    assert config_differences(others) == {
        "seed": [0, 0, 3],
        "order": ["cyclic", ["image", "audio", "text"], "cyclic"],
    }
    assert config_differences([config, ExperimentConfig()]) == {}
    assert config_differences([]) == {}


def test_a_configuration_survives_its_text(tiny):
    config = tiny(order=["m0", "m1", "m2"], missing={"train": 0.25})
    again = ExperimentConfig.from_json(json.dumps(config.to_dict(), indent=2))
    assert again == config
    assert again.hash == config.hash


@pytest.mark.parametrize(
    ("text", "said"),
    [("", "not JSON"), ("{", "not JSON"), ("[1]", "JSON object"), ('{"epoch": 1}', "'epochs'")],
)
def test_a_bad_text_is_no_configuration(text, said):
    with pytest.raises(ConfigError, match=said):
        ExperimentConfig.from_json(text)


def test_repeat_gives_the_same_run(made, tmp_path, capsys):
    _, first, _ = made
    out = str(tmp_path / "again")
    assert main(["repeat", str(first), "--out", out]) == 0
    assert capsys.readouterr().out.strip().endswith(first.name)
    again = tmp_path / "again" / first.name
    numbers = [json.loads((f / "metrics.json").read_text())["test"] for f in (first, again)]
    assert numbers[0] == numbers[1]
    assert main(["repeat", str(again / "config.json"), "--out", out]) == 0
    assert "not repeated" in capsys.readouterr().out


def test_repeat_of_a_run_that_diverges_is_a_sentence(tiny, tmp_path, capsys):
    (tmp_path / "config.json").write_text(json.dumps(tiny(learning_rate=1e30).to_dict()))
    repeat = ["repeat", str(tmp_path / "config.json"), "--out", str(tmp_path / "runs")]
    assert main(repeat) == 1
    assert "mla-lab: training diverged in sub-step" in capsys.readouterr().err


def test_repeat_that_is_stopped_says_that_it_goes_on(tiny, tmp_path, monkeypatch, capsys):
    (tmp_path / "config.json").write_text(json.dumps(tiny().to_dict()))
    repeat = ["repeat", str(tmp_path / "config.json"), "--out", str(tmp_path / "runs")]

    def stopped(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(TrainingSession, "advance", stopped)
        assert main(repeat) == 130
    assert "the same command goes on" in capsys.readouterr().err
    assert main(repeat) == 0


def test_repeat_of_what_is_not_there_is_a_sentence(tmp_path, capsys):
    assert main(["repeat", str(tmp_path / "none.json")]) == 2
    assert "none.json" in capsys.readouterr().err
