"""The browser of runs: what its table and pictures say, and that it answers in sentences."""

import asyncio
import json
import math
import shutil

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient

import mla_core as mla
from mla_core.evaluation.replay import Replay
from mla_core.records import About, Journal
from mla_core.runs.finished import read_runs
from mla_core.runs.places import FIRST_NOTEBOOK
from widgets import RunBrowser
from widgets.runs.comparison import (
    curves_figure,
    describe_differences,
    differences_html,
    maps_figure,
    read_all,
)
from widgets.runs.table import STATE, RunTable, table_html, table_of

OPTIONS = {"sizes": [80, 60, 40], "classes": 4}


def config(**changes):
    few = {"dataset_options": OPTIONS, "epochs": 1, "batch_size": 32, "probe_size": 40}
    return mla.ExperimentConfig(**({"dataset": "gaussian"} | few | changes))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Three runs: two that differ in the seed, and one of another method and fewer modalities."""
    out = tmp_path_factory.mktemp("runs")
    for one in (config(), config(seed=1), config(method="concat", modalities=["m0", "m1"])):
        mla.run_experiment(one, out)
    return out


@pytest.fixture
def runs(folder):
    """Return them in the order in which they were made."""
    found, _ = read_runs(folder)
    return sorted(found, key=lambda run: (run.config.method != "mla", run.config.seed))


def test_the_table_has_a_column_only_for_what_differs(runs):
    columns, rows = table_of(runs)
    assert columns == ["run", "modalities", "method", "seed", "val accuracy", "test accuracy"]
    assert rows[1]["texts"][:4] == [runs[1].name, "[]", "mla", "1"]
    assert rows[1]["keys"][3] == 1
    assert rows[1]["keys"][-1] == runs[1].accuracy("test")
    assert table_of(runs[:1])[0][1:4] == ["method", "dataset", "seed"]


def test_numbers_are_sorted_as_numbers_and_a_missing_one_is_known(runs, tmp_path):
    shutil.copytree(runs[0].folder, tmp_path / "one", ignore=lambda *_: ["SHA256SUMS"])
    metrics = runs[0].metrics | {"test": runs[0].metrics["test"] | {"accuracy": None}}
    (tmp_path / "one" / "metrics.json").write_text(json.dumps(metrics))
    (unmeasured,), _ = read_runs(tmp_path)
    _, rows = table_of([runs[0], unmeasured])
    assert rows[1]["keys"][-1] is None
    assert rows[1]["texts"][-1] == "–"


def test_at_most_six_can_be_ticked_and_what_is_gone_is_not_ticked(runs):
    table = RunTable(runs)
    table.ticked = [run.name for run in runs]
    table.show(runs[1:])
    assert table.ticked == [run.name for run in runs[1:]]
    with pytest.raises(Exception, match="length"):
        table.ticked = list("abcdefg")


def test_curves_are_the_histories(runs):
    histories, _, problems = read_all(runs)
    figure = curves_figure(histories)
    assert problems == []
    fused = next(trace for trace in figure.data if trace.meta == "B.accuracy.fused")
    looks = runs[1].history().summaries
    assert list(fused.y) == [look.accuracy for look in looks]
    assert fused.x[-1] == runs[1].config.epochs
    weight = next(trace for trace in figure.data if trace.meta == "A.weight.m1")
    assert list(weight.y) == [look.mean_weight["m1"] for look in runs[0].history().summaries]
    gap = next(trace for trace in figure.data if trace.meta == "A.modality gap")
    pairs = runs[0].history().summaries[-1].centroid_gap.values()
    assert math.isclose(gap.y[-1], sum(pairs) / len(pairs))
    whole = {trace.x[-1] for trace in figure.data}
    assert whole == {float(runs[0].config.epochs)}  # whatever a method takes for an epoch
    styles = {
        (t.line.color, t.line.dash) for t in figure.data if t.meta.endswith(".accuracy.fused")
    }
    assert len(styles) == 3


def test_maps_are_matched_where_the_samples_are_the_same(runs):
    _, replays, _ = read_all(runs)
    figure = maps_figure(replays)
    assert "match A: B." in figure.layout.meta
    assert "not comparable point by point: C." in figure.layout.meta
    maps = [np.column_stack([t.x, t.y]) for t in figure.data if t.name == "m0"]
    target, turned = (np.concatenate([maps[i]]) for i in (0, 1))
    raw = Replay.load(runs[1].folder / "replay.npz").maps["pca"].coords[-1][: len(target)]
    assert ((turned - target) ** 2).sum() <= ((raw - target) ** 2).sum()
    a, b, c = ([figure.layout[f"{side}axis{i}"].range for side in "xy"] for i in ("", 2, 3))
    assert a == b != c
    for trace in figure.data:
        (left, right), (low, high) = (
            figure.layout[f"{side}axis{trace[side + 'axis'][1:]}"].range for side in "xy"
        )
        assert left < trace.x.min() <= trace.x.max() < right
        assert low < trace.y.min() <= trace.y.max() < high
        assert math.isclose(right - left, high - low)


def test_differences_in_words_and_in_a_table(runs):
    one, other = describe_differences(runs)
    points = 100 * (runs[1].accuracy("test") - runs[0].accuracy("test"))
    assert one.startswith("B has seed 1 instead of 0 against A")
    assert f"test {points:+.1f}" in one
    assert "method concat instead of mla" in other
    html = differences_html(runs)
    assert "<td>concat</td>" in html
    assert differences_html(runs[:1]) == ""


def test_six_modalities_and_one(tmp_path):
    many = {"modalities": 6, "sizes": [64, 30, 30], "classes": 2, "dim": 4}
    mla.run_experiment(config(dataset_options=many), tmp_path)
    mla.run_experiment(config(method="unimodal", modalities=["m0"]), tmp_path)
    found, _ = read_runs(tmp_path)
    histories, replays, _ = read_all(found)
    assert len({trace.xaxis for trace in curves_figure(histories).data}) == 14
    assert "Of other samples" in maps_figure(replays).layout.meta


def test_names_are_text(runs, tmp_path):
    evil = "<img src=x onerror=alert(1)>"
    shutil.copytree(runs[0].folder, tmp_path / evil)
    shutil.copytree(runs[1].folder, tmp_path / "other")
    found, _ = read_runs(tmp_path)
    assert "<img" not in table_html(found) + differences_html(found)


@pytest.mark.parametrize("there", [True, False])
def test_an_empty_or_missing_folder_is_a_sentence(there, tmp_path, capsys):
    path = tmp_path / "runs"
    if there:
        path.mkdir()
    browser = RunBrowser(path, headless=True)
    browser._ipython_display_()
    assert browser.runs == []
    assert "Make some" in browser._told()
    assert there or "There is no folder" in browser._told()


NOTEBOOK = """
from widgets import RunBrowser

live, paper = RunBrowser("runs"), RunBrowser(headless=True)
print([run.name for run in live.runs] == [run.name for run in paper.runs], paper._told())
"""


def test_what_the_commands_wrote_is_found_from_a_notebook(runs, tmp_path):
    """A kernel runs where its notebook is, one folder below that of the commands."""
    (tmp_path / FIRST_NOTEBOOK).parent.mkdir()
    (tmp_path / FIRST_NOTEBOOK).touch()
    shutil.copytree(runs[0].folder, tmp_path / "runs" / "one")
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(NOTEBOOK)])
    place = {"metadata": {"path": str(tmp_path / "notebooks")}}
    NotebookClient(book, kernel_name="python3", resources=place).execute()
    said = "".join(output.get("text", "") for output in book.cells[0].outputs)
    assert "True 1 finished run in '../runs'." in said


def test_what_is_not_finished_is_told_as_what_it_is(runs, tmp_path):
    shutil.copytree(runs[0].folder, tmp_path / ".0123456789ab.partial")
    told = RunBrowser(tmp_path, headless=True)._told()
    assert "0 finished runs in" in told
    assert "(mla on gaussian, seed 0) was cut off: the command that began it goes on" in told


def test_a_run_that_is_not_finished_has_a_row_by_which_it_is_followed(runs, tmp_path):
    shutil.copytree(runs[0].folder, tmp_path / "one")
    hidden = tmp_path / "rates" / ".0123456789ab.partial"
    hidden.mkdir(parents=True)
    shutil.copy(runs[1].folder / "config.json", hidden)
    (tmp_path / ".fac.partial").mkdir()  # has not written its settings yet
    about = About(("m0", "m1", "m2"), tuple("abcd"), 9)
    Journal(hidden, about, runs[1].history())

    async def use():
        browser = RunBrowser(tmp_path)
        await settled(browser)
        table = browser.table
        assert table.columns == ["run", "seed", "val accuracy", "test accuracy", STATE]
        told = {
            row["name"]: (row["finished"], row["texts"][-1], row["texts"][1]) for row in table.rows
        }
        assert told == {
            "one": (True, "finished", "0"),
            "fac": (False, "cut off", "–"),
            "rates/0123456789ab": (False, "cut off", "1"),
        }
        table.ticked = ["rates/0123456789ab", "one"]
        await settled(browser)
        assert "1 compared. 1 followed." in browser.status.text
        (watch,) = browser._watches.values()
        assert watch.view in browser._below.children
        while "Stopped without an end" not in watch._status.text:  # noqa: ASYNC110 - from outside
            await asyncio.sleep(0.01)
        (hidden / "stopped").touch()  # as by another process, which stopped on request
        while table.rows[-1]["texts"][-1] != "stopped":  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        await settled(browser)
        table.ticked = ["one"]
        await settled(browser)
        assert watch.view.comm is None
        assert watch._task.cancelling()
        table.ticked = ["fac"]
        await settled(browser)
        assert browser.export.disabled
        browser.close()

    asyncio.run(asyncio.wait_for(use(), 60))


def test_headless_shows_table_figures_and_differences(folder, monkeypatch):
    shown = []
    monkeypatch.setattr("widgets.runs.browser.display", lambda value: shown.append(value.data))
    monkeypatch.setattr(
        "widgets.runs.browser.present", lambda figure: shown.append(figure.layout.meta)
    )
    RunBrowser(folder, headless=True)._ipython_display_()
    told = " ".join(shown)
    for part in ("3 finished runs", "<table>", "Fused accuracy", "PCA", "Where they differ"):
        assert part in told


@pytest.mark.parametrize("ticked", [["nothing"], ["a", "a"]])
def test_a_bad_tick_is_named(folder, ticked):
    with pytest.raises(mla.ConfigError, match=ticked[0]):
        RunBrowser(folder, ticked=ticked, headless=True)


def test_outside_a_notebook_it_says_so(folder):
    with pytest.raises(mla.ConfigError, match="headless=True"):
        RunBrowser(folder)


async def settled(browser):
    """Wait until nothing is queued and nothing is at work."""
    for _ in range(2000):
        await asyncio.sleep(0.005)
        if not browser._due and browser._task is not None and browser._task.done():
            return
    raise AssertionError(f"still at work: {browser.status.text}")


def test_ticking_refreshing_and_exporting(folder, tmp_path, runs):
    copy = tmp_path / "runs"
    shutil.copytree(folder, copy)
    names = [run.name for run in runs]

    async def use():
        browser = RunBrowser(copy, ticked=names[:1], pages=tmp_path / "pages")
        await settled(browser)
        assert "1 compared" in browser.status.text
        browser.table.ticked = names
        await settled(browser)
        assert "3 compared" in browser.status.text
        (copy / names[0] / "replay.npz").write_bytes(b"")
        (copy / names[1] / "config.json").unlink()
        browser.refresh.click()
        await settled(browser)
        assert browser.table.ticked == [names[0], names[2]]
        assert "replay.npz" in browser.status.text
        assert "config.json" in browser.status.text
        browser.export.click()
        await settled(browser)
        assert browser.status.text.startswith("Written:")
        assert f"No page of {names[0]}: " in browser.status.text
        browser.table.ticked = []
        await settled(browser)
        assert browser.export.disabled
        browser.close()

    asyncio.run(use())
    written = sorted(path.name for path in (tmp_path / "pages").iterdir())
    assert written == [f"{names[2]}.html"]
