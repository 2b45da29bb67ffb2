"""A run is asked for again when what its configuration reads has changed: its numbers are others."""

import functools
import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from mla_core import ConfigError, DataError, ExperimentConfig, TrainingSession, load_dataset
from mla_core.checksums import SUMS
from mla_core.cli import main
from mla_core.data import DATASETS
from mla_core.data.sets import array_file
from mla_core.methods.alternating import Alternating
from mla_core.records.checkpoint import save_snapshot
from mla_core.runs.experiment import run_experiment, train
from mla_core.runs.notebook import run_name, run_notebook
from mla_core.runs.same_data import refuse_other_data
from mla_core.runs.sweep import run_sweep


def write_features(path, seed):
    """Write two modalities of three classes, with other numbers for every seed."""
    source, labels = np.random.default_rng(seed), np.arange(45) % 3
    split = np.array(["train"] * 27 + ["val"] * 9 + ["test"] * 9)
    x = source.normal(size=(45, 4))
    np.savez(path, a=x, b=x[:, :3] + labels[:, None], labels=labels, split=split)
    return load_dataset("array_file", path=str(path)).fingerprint[:12]


@pytest.fixture
def features(tmp_path):
    path = tmp_path / "features.npz"
    write_features(path, 0)
    return path


@pytest.fixture
def of_file(features):
    """Give a factory of configurations that read the file."""

    def make(**changes):
        options = {"path": str(features)}
        plain = {"epochs": 1, "batch_size": 9, "feature_size": 8, "probe_size": 9}
        return ExperimentConfig(dataset="array_file", dataset_options=options, **plain | changes)

    return make


def both(before, after):
    return f"fingerprint {before} then, {after} now"


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize(
    "less", [{}, {"modalities": ["a"]}, {"missing": {"train": 0.3}}, {"label_noise": 0.2}]
)
def test_a_finished_run_on_other_data_is_neither_taken_nor_overwritten(
    less, of_file, features, tmp_path
):
    config = of_file(**less)
    folder = run_experiment(config, tmp_path / "runs")
    before, told = contents(folder), json.loads((folder / "metrics.json").read_text())["data"]
    write_features(features, 1)
    now = TrainingSession(config).data.fingerprint[:12]
    with pytest.raises(ConfigError) as refused:
        run_experiment(config, tmp_path / "runs")
    for part in (str(folder), both(told, now), "another folder", "remove"):
        assert part in str(refused.value)
    assert contents(folder) == before
    shutil.rmtree(folder)
    again = json.loads((run_experiment(config, tmp_path / "runs") / "metrics.json").read_text())
    assert again["data"] == now


def test_the_same_numbers_in_a_new_file_are_the_same_data(of_file, features, tmp_path):
    folder = run_experiment(of_file(), tmp_path / "runs")
    features.unlink()
    write_features(features, 0)
    assert run_experiment(of_file(), tmp_path / "runs") == folder


def test_a_run_that_notes_no_data_is_taken_as_it_is(of_file, features, tmp_path):
    folder = run_experiment(of_file(), tmp_path / "runs")
    metrics = json.loads((folder / "metrics.json").read_text())
    del metrics["data"]
    (folder / "metrics.json").write_text(json.dumps(metrics))
    (folder / SUMS).unlink()  # as one of an early version
    write_features(features, 1)
    assert run_experiment(of_file(), tmp_path / "runs") == folder


def test_data_that_cannot_change_are_not_read_to_find_that_out(tiny, tmp_path, monkeypatch):
    folder = run_experiment(tiny(), tmp_path)
    monkeypatch.setattr("mla_core.runs.same_data.whole_data_of", None)
    assert run_experiment(tiny(), tmp_path) == folder


def test_a_cut_off_run_does_not_go_on_with_other_data(of_file, features, tmp_path, monkeypatch):
    config, step = of_file(epochs=3), Alternating.step

    def interrupted(self, batch, split, position):
        if position.step == 4:
            raise KeyboardInterrupt
        return step(self, batch, split, position)

    with monkeypatch.context() as patch:
        patch.setattr(Alternating, "step", interrupted)
        with pytest.raises(KeyboardInterrupt):
            run_experiment(config, tmp_path / "runs")
    before = load_dataset("array_file", path=str(features)).fingerprint[:12]
    after = write_features(features, 1)
    with pytest.raises(ConfigError, match=both(before, after)) as refused:
        run_experiment(config, tmp_path / "runs")
    partial = tmp_path / "runs" / f".{config.hash}.partial"
    assert str(partial) in str(refused.value)
    write_features(features, 0)  # as it was: the checkpoint is good again
    assert run_experiment(config, tmp_path / "runs").name == config.hash


def test_a_checkpoint_that_notes_no_data_goes_on_where_they_cannot_change(
    of_file, tiny, tmp_path, steps_taken
):
    for config, folder in ((of_file(), tmp_path / "file"), (tiny(), tmp_path / "built in")):
        session = TrainingSession(config)
        session.advance(steps=2)
        save_snapshot(session.snapshot(), folder)
    steps_taken.clear()
    with pytest.raises(ConfigError, match="fingerprint unknown then"):
        train(of_file(), tmp_path / "file")
    assert steps_taken == []
    train(tiny(), tmp_path / "built in")
    assert steps_taken[0] == 2


def specification(of_file, path, many=1):
    read = json.dumps(of_file().dataset_options["path"])
    path.write_text(
        f'description = "?"\n[common]\ndataset = "array_file"\ndataset_options = {{path = {read}}}\n'
        "epochs = 1\nbatch_size = 9\nfeature_size = 8\nprobe_size = 9\n"
        f"[grid]\nseed = {list(range(many))}\n"
    )
    return ["sweep", str(path), "--out", str(path.parent / "runs")]


def test_every_way_to_ask_again_gives_the_same_answer(of_file, features, tmp_path, capsys):
    sweep = specification(of_file, tmp_path / "question.toml", many=2)
    assert main(sweep) == 0
    (tmp_path / "config.json").write_text(json.dumps(of_file(seed=0).to_dict()))
    repeat = ["repeat", str(tmp_path / "config.json"), "--out", str(tmp_path / "runs")]
    for command in (sweep, [*sweep, "--dry-run"], repeat):
        assert main(command) == 0
    assert "not repeated" in capsys.readouterr().out
    before = load_dataset("array_file", path=str(features)).fingerprint[:12]
    after = write_features(features, 1)
    for command in (sweep, [*sweep, "--dry-run"], repeat):
        assert main(command) == 2
        assert both(before, after) in capsys.readouterr().err


def test_a_sweep_reads_each_data_set_once_to_look_at_its_finished_runs(
    of_file, features, tmp_path, monkeypatch
):
    configs = [of_file(seed=seed, missing={"train": 0.1}) for seed in range(3)]
    runs = {run_experiment(config, tmp_path / "runs"): config for config in configs}
    read, counted = array_file.load_array_file, []

    @functools.wraps(read)
    def counting(path):
        counted.append(path)
        return read(path)

    monkeypatch.setitem(DATASETS._ours, "array_file", counting)
    refuse_other_data(runs)
    assert counted == [str(features)]
    other = tmp_path / "other.npz"
    shutil.copy(features, other)
    config = replace(configs[0], dataset_options={"path": str(other)})
    runs[run_experiment(config, tmp_path / "runs")] = config
    counted.clear()
    refuse_other_data(runs)
    assert sorted(counted) == sorted(map(str, (features, other)))


def test_a_folder_that_only_bears_the_name_of_a_run_is_none(tiny, specify, tmp_path, capsys):
    out = tmp_path / "runs"
    (out / tiny().hash).mkdir(parents=True)
    with pytest.raises(ConfigError, match=rf"{tiny().hash}' .* holds no metrics\.json: remove it"):
        run_experiment(tiny(), out)
    found = specify("[grid]\nseed = [0, 1]")
    (out / found.configurations[1].hash).mkdir()
    assert found.done(out) == []
    report = run_sweep(found, out)
    assert len(report.finished) == 1
    assert "holds no metrics.json" in report.failures[0].error
    assert main(["list", str(out)]) == 0
    assert "not finished" in capsys.readouterr().err


def test_a_finished_notebook_that_trained_on_other_data_is_refused(of_file, features, tmp_path):
    """Nothing of it runs: this one would fail."""
    import nbformat

    book = nbformat.v4.new_notebook()
    book.cells = [nbformat.v4.new_code_cell(text) for text in ("seed: int = 0", "1 / 0")]
    book.cells[0].metadata["tags"] = ["parameters"]
    book.metadata["kernelspec"] = {"name": "python3", "display_name": "3", "language": "python"}
    path = tmp_path / "book.ipynb"
    nbformat.write(book, path)
    folder = tmp_path / "runs" / run_name(path, {"seed": 0})
    train(of_file(), folder)
    (folder / "notebook.json").write_text("{}")
    assert run_notebook(path, {}, tmp_path / "runs") == (folder, False)
    before = load_dataset("array_file", path=str(features)).fingerprint[:12]
    after = write_features(features, 1)
    with pytest.raises(ConfigError, match=both(before, after)):
        run_notebook(path, {}, tmp_path / "runs")


def test_data_that_are_gone_are_said_to_be_gone(of_file, features, tmp_path):
    run_experiment(of_file(), tmp_path / "runs")
    features.unlink()
    with pytest.raises(DataError, match=r"no array file .*features.npz"):
        run_experiment(of_file(), tmp_path / "runs")


@pytest.fixture
def secret(tmp_path):
    """Texts of this machine that are nobody else's business."""
    folder = tmp_path / "home"
    folder.mkdir()
    lines = [f"{i},{'ab'[i % 2]},my secret {i % 2}" for i in range(60)]
    (folder / "notes.csv").write_text("\n".join(["id,label,text", *lines]))
    return folder / "notes.csv"


@pytest.fixture
def foreign(secret, tmp_path, monkeypatch):
    """A run folder that somebody sent, and the folder that its configuration would have made."""
    monkeypatch.setenv("MLA_LAB_CACHE", str(tmp_path / "cache"))
    options = {"path": str(secret)}
    config = ExperimentConfig(dataset="manifest", dataset_options=options, epochs=1)
    folder = run_experiment(config, tmp_path / "sent")
    shutil.rmtree(tmp_path / "cache")
    (folder / SUMS).unlink()

    def send(data, **more):
        for name, change in (("metrics.json", {"data": data}), ("config.json", {})):
            content = json.loads((folder / name).read_text()) | change
            if name == "config.json":
                content["dataset_options"] = options | more
            (folder / name).write_text(json.dumps(content))
        return folder

    return send


@pytest.mark.parametrize("data", [None, "", 3, "0123456789abcdef"])
def test_a_run_from_elsewhere_that_notes_no_data_has_none_read(
    data, foreign, tmp_path, monkeypatch, capsys
):
    folder = foreign(data)
    monkeypatch.setattr("mla_core.named_data.load_dataset", None)
    assert main(["export", str(folder), "--html", str(tmp_path / "page.html")]) == 0
    page = (tmp_path / "page.html").read_text()
    assert "does not note which data" in page
    assert "secret" not in page
    for source in (folder, folder / "config.json"):
        assert main(["repeat", str(source), "--out", str(tmp_path / "again")]) == 2
        assert "does not note which data" in capsys.readouterr().err
    assert not (tmp_path / "again").exists()


def test_a_run_from_elsewhere_on_other_data_shows_and_trains_nothing(foreign, tmp_path, capsys):
    folder = foreign("0" * 12)
    assert main(["export", str(folder), "--html", str(tmp_path / "page.html")]) == 0
    assert "secret" not in (tmp_path / "page.html").read_text()
    assert main(["repeat", str(folder), "--out", str(tmp_path / "again")]) == 2
    assert "trained on other data" in capsys.readouterr().err
    assert not (tmp_path / "again").exists()


def test_a_run_from_elsewhere_chooses_no_folder_for_what_is_prepared(foreign, tmp_path, capsys):
    chosen = tmp_path / "chosen" / "deep"
    folder = foreign("0" * 12, cache=str(chosen))
    assert main(["export", str(folder), "--html", str(tmp_path / "page.html")]) == 0
    (tmp_path / "copied.json").write_text((folder / "config.json").read_text())
    for source in (folder, tmp_path / "copied.json"):
        assert main(["repeat", str(source), "--out", str(tmp_path / "again")]) == 2
        assert f"{str(chosen)!r}, which is not there" in capsys.readouterr().err
    assert not chosen.parent.exists()


def test_ones_own_run_on_files_is_exported_and_repeated(of_file, tmp_path, capsys):
    folder = run_experiment(of_file(), tmp_path / "runs")
    assert main(["export", str(folder), "--html", str(tmp_path / "page.html")]) == 0
    assert "look and sound like is in this page" in (tmp_path / "page.html").read_text()
    assert main(["repeat", str(folder), "--out", str(tmp_path / "again")]) == 0
    assert contents(folder) == contents(tmp_path / "again" / folder.name)


def read_only(folder, patch):
    """Make a folder one where nothing can be written, which root's tests could not be told else."""

    def refuse(path):
        raise ConfigError(f"cannot write to the folder {str(path)!r}: Read-only file system.")

    for module in ("experiment", "sweep"):
        patch.setattr(f"mla_core.runs.{module}.check_writable", refuse)


def test_what_is_finished_is_told_where_nothing_can_be_written(
    of_file, tmp_path, monkeypatch, capsys
):
    sweep = specification(of_file, tmp_path / "question.toml")
    assert main(sweep) == 0
    folder = next((tmp_path / "runs").iterdir())
    capsys.readouterr()
    read_only(tmp_path / "runs", monkeypatch)
    assert main(["repeat", str(folder), "--out", str(folder.parent)]) == 0
    assert "finished before, not repeated" in capsys.readouterr().out
    assert main(sweep) == 0
    assert "1 skipped, 0 failed" in capsys.readouterr().out
