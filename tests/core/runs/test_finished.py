"""Run folders as records: what is there, and a sentence for each that cannot be read."""

import json
import shutil

import pytest

from mla_core import ConfigError, DataError, ExperimentConfig, TrainingSession, run_experiment
from mla_core.checksums import SUMS, seal
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
    """Return a copy that a test may damage, without the checksums that would tell."""
    out, first, second = made
    copy = tmp_path / "runs"
    shutil.copytree(out, copy, ignore=lambda *_: [SUMS])
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


def two_sides(val, test):
    sides = {"val": val, "test": test}
    told = {k: {"accuracy": 0.5, "unimodal_accuracy": v} for k, v in sides.items()}
    return json.dumps(told)


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
    ("metrics.json", two_sides({"a": 0.5}, {"b": 0.5}), "other modalities for 'val'"),
    ("metrics.json", two_sides({"a": 1.5}, {"a": 0.5}), "says nothing about 'val'"),
    ("metrics.json", two_sides({"a": 0.5}, {"a": True}), "says nothing about 'test'"),
    ("metrics.json", two_sides({"a": [0.5]}, {"a": 0.5}), "says nothing about 'val'"),
]


@pytest.mark.parametrize("sealed", [False, True])  # by whoever broke it
@pytest.mark.parametrize(("file", "content", "said"), BROKEN)
def test_a_broken_run_is_one_sentence_and_the_others_stay(runs, file, content, said, sealed):
    out, folder, other = runs
    path = folder / file
    path.unlink() if content is None else path.write_text(content)
    if sealed:
        seal(folder)
    found, problems = read_runs(out)
    assert [run.folder for run in found] == [other]
    (problem,) = problems
    assert said in problem
    assert str(path) in problem
    with pytest.raises(DataError):
        read_run(folder)


@pytest.mark.parametrize("sealed", [False, True])
@pytest.mark.parametrize("twice", ["steps", "accuracy"])
def test_a_number_that_stands_twice_is_refused(runs, twice, sealed):
    out, folder, other = runs
    path = folder / "metrics.json"
    path.write_text(path.read_text().replace(f'"{twice}"', f'"{twice}": 1, "{twice}"', 1))
    if sealed:
        seal(folder)
    found, (problem,) = read_runs(out)
    assert [run.folder for run in found] == [other]
    assert f"it names {twice!r} twice" in problem


@pytest.mark.parametrize("file", ["history.npz", "replay.npz"])
@pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04 not a zip"])
def test_large_files_are_read_late_and_fail_in_a_sentence(runs, file, content):
    _, folder, _ = runs
    path = folder / file
    path.unlink() if content is None else path.write_bytes(content)
    run = read_run(folder)
    with pytest.raises(DataError, match=file):
        run.history() if file == "history.npz" else run.replay()


@pytest.mark.parametrize(
    "file", ["config.json", "metrics.json", "history.npz", "replay.npz", "model.safetensors"]
)
def test_a_changed_file_is_noticed_by_whoever_reads_it_and_ends_no_run_well(
    file, made, tiny, tmp_path, capsys
):
    """One digit of a number is another one: whatever reads it would tell it as the run's own."""
    _, first, _ = made
    folder = tmp_path / first.name
    shutil.copytree(first, folder)
    content = bytearray((folder / file).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / file).write_bytes(content)

    def read():
        run = read_run(folder)
        run.history(), run.replay()

    what = rf"{file}' is not what was written there .*: remove its folder and run it again"
    if file != "model.safetensors":
        with pytest.raises(DataError, match=what):
            read()
    with pytest.raises(DataError, match=what):
        run_experiment(tiny(epochs=1), tmp_path)
    assert main(["repeat", str(first), "--out", str(tmp_path)]) == 2
    assert "is not what was written" in capsys.readouterr().err


@pytest.mark.parametrize("content", ["", "{}", "[]"])
def test_a_folder_with_a_file_of_the_right_name_is_no_finished_run(content, tiny, tmp_path):
    folder = tmp_path / tiny().hash
    folder.mkdir()
    (folder / "metrics.json").write_text(content)
    with pytest.raises(DataError, match=r"config.json'.* run it again"):
        run_experiment(tiny(), tmp_path)


def test_a_run_of_other_settings_is_not_taken_for_the_one_that_is_asked_for(runs, tiny):
    out, folder, _ = runs
    folder.rename(out / tiny(epochs=1, seed=5).hash)
    with pytest.raises(ConfigError, match=r"a run of other settings \(seed is 0, not 5\)"):
        run_experiment(tiny(epochs=1, seed=5), out)


def test_files_of_another_run_do_not_fit(runs, tiny, tmp_path):
    _, folder, _ = runs
    other = run_experiment(tiny(epochs=1, modalities=["m0", "m1"]), tmp_path / "other")
    for file in ("history.npz", "replay.npz"):
        shutil.copy(other / file, folder / file)
    run = read_run(folder)
    for read in (run.history, run.replay):
        with pytest.raises(DataError, match=r"tells of the modalities \['m0', 'm1'\], but"):
            read()


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


def test_settings_differ_by_what_a_file_says_of_them_in_whatever_order():
    def of(**options):
        return ExperimentConfig("gaussian", dataset_options=options)

    assert config_differences([of(seed=1, noise=[1.0]), of(noise=[1.0], seed=1)]) == {}
    whole, real = of(noise=[1]), of(noise=[1.0])
    assert [*config_differences([whole, real])] == ["dataset_options"]


def test_differences_are_told_of_a_file_whose_name_is_no_text_too():
    named = ExperimentConfig("manifest", dataset_options={"path": "\udce9.csv"})
    assert config_differences([named, named.replace(seed=1)]) == {"seed": [0, 1]}


def test_a_configuration_survives_its_text(tiny):
    config = tiny(order=["m0", "m1", "m2"], missing={"train": 0.25})
    again = ExperimentConfig.from_json(json.dumps(config.to_dict(), indent=2))
    assert again == config
    assert again.hash == config.hash


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[1]", "an object of names"),
        ('{"epoch": 1}', "'epochs'"),
    ],
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
