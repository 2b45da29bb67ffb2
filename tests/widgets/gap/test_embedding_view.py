"""What the explorer hands to the page, and what it does when the page asks."""

import asyncio
import dataclasses
import re
from concurrent.futures import Future
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import mla_core as mla
import widgets
from mla_core.analysis import one_run
from mla_core.analysis.gap_shift import SHIFTS
from mla_core.evaluation.maps import pca_map
from mla_core.evaluation.replay import Replay
from widgets.bench.report import TrainingReport
from widgets.charts import MapState, umap_caption
from widgets.gap import explorer as gap_explorer
from widgets.gap.embedding_view import SCRIPT, STATE, STYLE, EmbeddingView, payload
from widgets.gap.explorer import chosen_looks, shifted_replay

LIMIT = 50 * 1024  # bytes of script


@pytest.fixture(scope="module")
def session():
    session = mla.TrainingSession(
        mla.ExperimentConfig(dataset="gaussian", probe_size=60, evaluate_every=5)
    )
    session.advance(steps=15)
    return session


@pytest.fixture(scope="module")
def replay(session):
    return Replay.of(session.recording.evaluations, session.data.classes)


def test_every_array_comes_back_from_its_bytes(replay):
    shown = payload(replay)
    for name, dtype in shown["meta"]["dtypes"].items():
        back = np.frombuffer(shown["arrays"][name], dtype)
        expected = np.asarray(getattr(replay, name)).ravel()
        assert np.allclose(back, expected, atol=1e-3, equal_nan=True), name
    coords = np.frombuffer(shown["maps"]["pca"]["coords"], "float32")
    assert np.array_equal(coords, replay.maps["pca"].coords.ravel())
    assert shown["maps"]["classes"]["corners"] == list(replay.classes)


def test_the_script_is_small_and_takes_data_as_text_only():
    assert len(SCRIPT.encode()) < LIMIT
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", SCRIPT)
    assert "import " not in SCRIPT.replace("important", "")
    assert not re.search(r"https?://(?!www\.w3\.org)", SCRIPT + STYLE)


def test_a_page_without_a_kernel_starts_with_every_trait(replay):
    view = EmbeddingView(replay)
    given = set(STATE) | set(payload(replay)) | {"media"}
    private = ("_", "layout", "tabbable", "tooltip", "comm")
    assert given == {name for name in view.traits(sync=True) if not name.startswith(private)}
    for name, value in STATE.items():
        assert getattr(view, name) == (len(replay.steps) - 1 if name == "look" else value)


def test_the_page_gets_the_media_of_the_sample_it_wants(session):
    explorer = widgets.explore_gap(session)
    sample = session.probe.ids[3]
    explorer.view.wanted = sample
    parts = explorer.view.media[sample]
    assert [part["modality"] for part in parts] == ["m0", "m1", "m2"]
    assert [part["data"] for part in parts] == [part.data for part in session.data.media(sample)]
    explorer.view.wanted = "nobody"
    assert explorer.view.media == {"nobody": []}
    assert "no sample with the id 'nobody'" in explorer.view.note
    explorer.close()


def test_another_axis_shows_the_shifted_gap_and_the_way_back(session):
    explorer = widgets.explore_gap(session)
    before = explorer.view.meta
    assert len(before["axes"]) == 1 + 3 * 2
    explorer.view.axis = "shift:0:2"
    axis = explorer.view.meta["axis"]
    assert axis["values"] == list(SHIFTS)
    assert axis["texts"][explorer.view.look] == "m0 moved by +0.0 of the gap to m2"
    looks = shifted_replay(session, "m0", "m2")
    fused = np.frombuffer(explorer.view.arrays["fused"], "int16")
    assert np.array_equal(fused, looks.fused.ravel())
    explorer.view.axis = "time"
    assert explorer.view.meta == before
    assert explorer.view.look == len(before["axis"]["values"]) - 1
    explorer.close()


class Worker:
    """Answers as `MapWorker` does, at once and with a PCA; see tests/core for the real one."""

    fails = False

    def submit(self, points, previous, seed):
        future = Future()
        if self.fails:
            future.set_exception(RuntimeError("the process is gone"))
        else:
            future.set_result((pca_map(points, previous), 0.9))
        return future

    def close(self):
        pass


async def wait_for_umap(session):
    explorer = widgets.explore_gap(session)
    await asyncio.gather(*explorer._tasks, return_exceptions=True)
    await asyncio.sleep(0)
    explorer.close()
    return explorer.view


def test_the_umap_of_some_looks_arrives_while_the_page_is_used(session, monkeypatch):
    monkeypatch.setattr(gap_explorer, "MapWorker", Worker)
    view = asyncio.run(wait_for_umap(session))
    made = view.maps["umap"]
    assert "recomputed" in made["caption"]
    assert made["looks"] == [0, 1, 2, 3]
    assert len(made["coords"]) == 4 * 180 * 2 * 4
    assert all(0 < trust <= 1 for trust in made["trust"])
    assert view.note == ""


def test_a_umap_that_fails_gives_a_sentence(session, monkeypatch):
    monkeypatch.setattr(gap_explorer, "MapWorker", Worker)
    monkeypatch.setattr(Worker, "fails", True)
    view = asyncio.run(wait_for_umap(session))
    assert "umap" not in view.maps
    assert "the process is gone" in view.note


@pytest.mark.parametrize("count", [1, 2, 12, 13, 100])
def test_few_looks_are_chosen_evenly_with_both_ends(count):
    looks = chosen_looks(count)
    assert looks[-1] == count - 1
    assert looks[0] == (0 if count > 1 else count - 1)
    assert len(set(looks)) == len(looks) == min(count, 12)


def test_a_replay_and_a_run_folder_show_the_same_without_asking(replay, tmp_path):
    replay.save(tmp_path / "replay.npz")
    for source in (replay, tmp_path, str(tmp_path)):
        explorer = widgets.explore_gap(source)
        assert explorer.view.meta == payload(replay)["meta"]
        assert not explorer.view.meta["live"]
        explorer.close()
    with pytest.raises(mla.DataError, match="there is no"):
        widgets.explore_gap(tmp_path / "nowhere")


def test_on_paper_there_are_maps_gaps_and_the_shift_in_words(session, replay):
    report = widgets.explore_gap(session, headless=True)
    told = [figure.layout.meta for figure in report.figures]
    assert "Trustworthiness" in told[0]
    assert f"m0, m1 from {replay.centroid_gap[0, 0]:.2f}" in told[1]
    assert f"{replay.accuracy[-1]:.0%} at 0," in told[2]
    assert len(widgets.explore_gap(replay, headless=True).figures) == 2


def test_questions_are_answered_from_the_session(session, replay):
    choice, sentence, figure = widgets.gap_change(session, [-1000, 1000])
    gap = replay.centroid_gap.mean(1)
    assert choice == "-1000 to 1000"
    change = 100 * (gap[-1] / gap[0] - 1)
    assert sentence == f"It is {change:.1f} percent. {one_run(session.config.seed)}"
    assert len(figure.data) == 4
    choice, sentence, figure = widgets.shift_change(session, "m0", "m1", [-100, 100])
    assert choice == "-100 to 100"
    assert sentence.endswith(f" points. {one_run(session.config.seed)}")
    assert [trace.name for trace in figure.data] == ["m0", "m1", "m2", "fused"]


def test_one_modality_has_a_map_but_no_gap():
    config = mla.ExperimentConfig(
        dataset="gaussian", method="unimodal", modalities=["m1"], probe_size=30
    )
    session = mla.TrainingSession(config)
    explorer = widgets.explore_gap(session)
    assert explorer.view.meta["axes"] == [["time", "training"]]
    explorer.close()
    figures = widgets.explore_gap(session, headless=True).figures
    assert "One modality has no gap" in figures[1].layout.meta


@pytest.mark.parametrize(
    ("settings", "gap", "told"),
    [
        ({"dataset_options": {"sizes": [60, 1, 10]}}, "", "Trustworthiness undefined"),
        ({"feature_size": 1}, "", "keeps 100% of variance"),
    ],
)
def test_on_paper_little_data_has_true_sentences(settings, gap, told):
    session = mla.TrainingSession(mla.ExperimentConfig(dataset="gaussian", epochs=1, **settings))
    figures = widgets.explore_gap(session, headless=True).figures
    assert told in figures[0].layout.meta
    assert f"from {gap}" in figures[1].layout.meta
    assert not any("nan" in figure.layout.meta for figure in figures)
    report = TrainingReport(session)
    few = "; a UMAP needs 5 points"
    places = session.history.latest.present.sum()
    assert (few in report.figures[1].layout.xaxis.title.text) == (places < 5)


def test_equal_features_lie_in_one_place_and_the_captions_say_so(session):
    look = session.history.latest
    equal = dataclasses.replace(look, features=torch.ones_like(look.features))
    replay = Replay.of([equal, equal], session.data.classes)
    told = [figure.layout.meta for figure in widgets.explore_gap(replay, headless=True).figures]
    assert "all features are equal, so the points lie in one place" in told[0]
    assert "Trustworthiness undefined, undefined" in told[0]
    assert "m0, m1 from 0.00 to 0.00" in told[1]
    assert "all features are equal" in MapState().pca(equal).caption
    assert "all features are equal" in umap_caption(float("nan"), 3)
    seen = SimpleNamespace(evaluations=[equal])
    flat = SimpleNamespace(recording=seen, data=session.data, config=session.config)
    with pytest.raises(mla.ConfigError, match=r"the gap is 0\.00 at the start"):
        widgets.gap_change(flat, [0])
