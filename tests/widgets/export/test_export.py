"""The page of a run: complete, within its budget, and safe whatever the names are."""

import base64
import json
import re
import shutil
import sys
from dataclasses import replace
from hashlib import sha256
from html import unescape
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import mla_core as mla
from mla_core import references
from mla_core.checksums import SUMS
from mla_core.cli import main
from mla_core.evaluation.replay import Replay
from widgets import export_run, export_session
from widgets.charts.svg import Line, line_chart, ticks
from widgets.gap.media import IN_VAIN, media_within
from widgets.page import safe_json

EVIL = "</script><img src=x onerror=alert(1)>"


class Parsed(HTMLParser):
    """What a browser would make of a page: elements, and the text of scripts and `pre`."""

    def __init__(self, html):
        super().__init__(convert_charrefs=True)
        self.tags, self.texts, self._open = [], {}, None
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.tags.append((tag, given))
        if tag in {"script", "pre"}:
            self._open = given.get("id", given.get("type"))

    def handle_data(self, data):
        if self._open:
            self.texts[self._open] = self.texts.get(self._open, "") + data

    def handle_endtag(self, tag):
        if tag in {"script", "pre"}:
            self._open = None


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Return a run folder of three modalities with parts missing."""
    options = {"sizes": [80, 60, 40], "classes": 4}
    config = mla.ExperimentConfig(
        dataset="gaussian",
        dataset_options=options,
        missing={"val": 0.3},
        epochs=2,
        evaluate_every=5,
        batch_size=32,
    )
    return mla.run_experiment(config, tmp_path_factory.mktemp("runs"))


def parsed(path):
    return Parsed(path.read_text(encoding="utf-8"))


def story_of(page):
    return json.loads(page.texts["story"])


def test_the_page_holds_the_whole_run(run, tmp_path):
    page = parsed(export_run(run, tmp_path / "deep" / "run.html"))
    story, replay = story_of(page), Replay.load(run / "replay.npz")
    assert story["meta"]["ids"] == list(replay.ids)
    coords = np.frombuffer(base64.b64decode(story["maps"]["pca"]["coords"]), np.float16)
    assert np.allclose(coords, replay.maps["pca"].coords.ravel(), atol=2e-3)
    assert set(story["media"]) == set(replay.ids)
    assert {tag for tag, _ in page.tags} >= {"svg", "table", "pre", "button", "noscript"}
    written = (tmp_path / "deep" / "run.html").read_text(encoding="utf-8")
    assert "In JupyterLab press Trust HTML" in written.partition("<noscript>")[2]


def test_the_configuration_on_the_page_is_the_runs(run, tmp_path):
    page = parsed(export_run(run, tmp_path / "run.html", media=False))
    config = mla.ExperimentConfig.from_json(page.texts["config"])
    assert config.hash == run.name


def test_nothing_is_fetched_and_only_this_script_runs(run, tmp_path):
    page = parsed(export_run(run, tmp_path / "run.html"))
    policy = next(a["content"] for tag, a in page.tags if a.get("http-equiv"))
    digest = base64.b64encode(sha256(page.texts["module"].encode()).digest()).decode()
    assert policy.startswith("default-src 'none'")
    assert f"script-src 'sha256-{digest}';" in policy
    assert not any({"src", "href", "onclick", "onload"} & set(a) for _, a in page.tags)
    assert not re.search(r"\beval\(|innerHTML|new Function", page.texts["module"])


def test_what_does_not_fit_is_counted(run, tmp_path):
    full = export_run(run, tmp_path / "full.html").stat().st_size
    small = export_run(run, tmp_path / "small.html", limit=full - 1000)
    assert small.stat().st_size <= full - 1000
    kept = len(story_of(parsed(small))["media"])
    count = len(Replay.load(run / "replay.npz").ids)
    assert 0 < kept < count
    assert f"{count - kept} did not fit" in small.read_text()


def test_looks_are_thinned_to_fit_and_the_last_one_stays(run, tmp_path):
    bare = export_run(run, tmp_path / "bare.html", media=False).stat().st_size
    replay = Replay.load(run / "replay.npz")
    page = parsed(export_run(run, tmp_path / "few.html", media=False, limit=bare - 1))
    values = story_of(page)["meta"]["axis"]["values"]
    assert 1 <= len(values) < len(replay.steps)
    assert values[-1] == replay.steps[-1]
    assert set(values) <= set(replay.steps.tolist())


def test_a_page_that_cannot_fit_is_refused(run, tmp_path):
    with pytest.raises(mla.DataError, match="probe_size"):
        export_run(run, tmp_path / "run.html", limit=30_000)
    assert list(tmp_path.iterdir()) == []


def test_media_come_from_all_classes_in_turn(run):
    replay = Replay.load(run / "replay.npz")
    one = mla.Media("m0", "text/plain", b"x" * 30)
    cost = len(safe_json({replay.ids[0]: [{"modality": "m0"}]})) + 120
    kept = media_within(4 * cost, replay, lambda _: [one])
    labels = [int(replay.labels[replay.ids.index(sample)]) for sample in kept]
    assert labels[:4] == [0, 1, 2, 3]


def test_where_nothing_fits_not_every_sample_is_read(run):
    replay, read = Replay.load(run / "replay.npz"), []

    def media(sample):
        read.append(sample)
        return [mla.Media("m0", "text/plain", b"x" * 1000)]

    assert media_within(900, replay, media) == {}
    assert len(read) == IN_VAIN < len(replay.ids)


def test_a_sample_too_large_for_the_page_keeps_no_other_out(run):
    replay = Replay.load(run / "replay.npz")
    sizes = iter([5000, *[10] * len(replay.ids)])
    kept = media_within(4000, replay, lambda _: [mla.Media("m0", "text/plain", b"x" * next(sizes))])
    assert len(kept) > IN_VAIN


def test_without_a_map_or_with_other_data_the_rest_is_still_there(run, tmp_path):
    copy = tmp_path / run.name
    copy.mkdir()
    for name in ("config.json", "history.npz", "metrics.json", "replay.npz"):
        (copy / name).write_bytes((run / name).read_bytes())
    metrics = json.loads((copy / "metrics.json").read_text())
    (copy / "metrics.json").write_text(json.dumps(metrics | {"data": "0" * 12}))
    html = export_run(copy, tmp_path / "other.html").read_text()
    assert "trained on other data" in html
    (copy / "replay.npz").unlink()
    page = parsed(export_run(copy, tmp_path / "bare.html"))
    assert "story" not in page.texts
    assert "There is no map" in (tmp_path / "bare.html").read_text()


def test_a_session_is_exported_as_it_stands_and_does_not_touch_the_test_split(session, tmp_path):
    session.advance(steps=7)
    session.reconfigure(alpha=0.5)
    path = export_session(session, tmp_path / "now.html")
    html = unescape(path.read_text())
    assert "Exported after 7 sub-steps" in html
    assert "alpha to 0.5 after sub-step 7" in html
    assert '<th scope="col">test</th>' not in html
    assert (
        story_of(parsed(path))["meta"]["axis"]["values"][-1]
        == session.recording.evaluations[-1].step
    )


@pytest.mark.parametrize("method", ["mla", "concat", "unimodal", "qmf"])
def test_every_kind_of_method_and_number_of_modalities(method, tmp_path):
    many = {"modalities": 6, "sizes": [64, 30, 30], "classes": 2, "dim": 4}
    one = {"modalities": ["m0"]} if method == "unimodal" else {}
    config = mla.ExperimentConfig(
        dataset="gaussian", dataset_options=many, method=method, probe_size=20, **one
    )
    session = mla.TrainingSession(config)
    session.advance(steps=2)
    page = parsed(export_session(session, tmp_path / "page.html"))
    assert len(story_of(page)["meta"]["modalities"]) == (1 if one else 6)


def test_names_are_text_wherever_they_stand(session, tmp_path):
    data = session.data
    renamed = mla.MultimodalDataset(
        EVIL,
        list(data.modalities.values()),
        [f"{name} {EVIL}" for name in data.classes],
        {
            side: replace(data.split(side), ids=tuple(f"{i}{EVIL}" for i in data.split(side).ids))
            for side in ("train", "val", "test")
        },
    )
    evil = mla.TrainingSession(session.config, renamed)
    evil.advance(steps=6)
    page = parsed(export_session(evil, tmp_path / "evil.html"))
    assert [tag for tag, _ in page.tags].count("script") == 2
    assert "img" not in [tag for tag, _ in page.tags]
    assert story_of(page)["meta"]["classes"][0].endswith(EVIL)


@given(st.recursive(st.text() | st.none() | st.integers(), st.lists, max_leaves=5))
def test_json_in_a_page_ends_no_element_and_means_the_same(value):
    told = safe_json(value)
    assert "<" not in told
    assert told.isascii()
    assert json.loads(told) == value


@given(st.floats(-1e4, 1e4), st.floats(1e-3, 1e4))
def test_ticks_are_few_round_and_inside(low, span):
    found = ticks(low, low + span)
    assert 2 <= len(found) <= 7
    slack = 1e-6 * (abs(low) + span)
    assert low - slack <= min(found) < max(found) <= low + span + slack


def test_a_line_may_be_interrupted_and_an_empty_chart_says_so():
    x, y = np.arange(4.0), np.array([0.1, np.nan, 0.3, 0.4])
    chart = line_chart("Accuracy", [Line("a", x, y, "#0072B2")])
    (path,) = re.findall(
        r'<path d="([^"]+)" fill="none" stroke="#0072B2" stroke-width="2"><title>', chart
    )
    assert path.count("M") == 2
    nothing = Line("b", x, np.full(4, np.nan), "#0072B2")
    assert "nothing recorded" in line_chart("Accuracy", [nothing])


def test_the_command_writes_refuses_and_replaces(run, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["export", str(run)]) == 0
    assert f"{run.name}.html" in capsys.readouterr().out
    assert main(["export", str(run)]) == 2
    assert "--force" in capsys.readouterr().err
    before = (tmp_path / f"{run.name}.html").stat().st_size
    assert main(["export", str(run), "--force", "--no-media"]) == 0
    assert (tmp_path / f"{run.name}.html").stat().st_size < before


@pytest.mark.parametrize(("arguments", "said"), [(["nowhere"], "nowhere"), (["."], "config.json")])
def test_the_command_tells_a_bad_run_in_a_sentence(arguments, said, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["export", *arguments]) == 2
    told = capsys.readouterr().err
    assert said in told
    assert "Traceback" not in told


def test_a_place_that_cannot_be_written_is_named(run, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(mla.ConfigError, match="cannot write"):
        export_run(run, tmp_path / "file" / "run.html")


def test_a_page_says_whose_code_a_run_used_and_how_to_allow_it(lab, tmp_path):
    config = mla.ExperimentConfig(
        dataset="gaussian",
        dataset_options={"sizes": [60, 30, 30]},
        epochs=1,
        fusion=f"{lab}:sharpest",
        metrics=[f"{lab}:top_two"],
    )
    run = mla.run_experiment(config, tmp_path)
    page = export_run(run, tmp_path / "run.html").read_text(encoding="utf-8")
    assert f"It used code that is not MLA Lab&#x27;s: {lab}:sharpest (of {lab}, source " in page
    assert f"--allow-import {lab}" in page
    assert f"{lab}:top_two" in page.partition("Numbers</h2>")[2], "in the table"
    assert "Further numbers" in page, "as a curve"


def test_a_page_of_a_run_from_elsewhere_imports_nothing(lab, tmp_path):
    config = mla.ExperimentConfig(
        dataset=f"{lab}:two_clouds", epochs=1, method=f"{lab}:Patient", batch_size=16
    )
    run = mla.run_experiment(config, tmp_path)
    references._ALLOWED.discard(lab)
    sys.modules.pop(lab)
    page = export_run(run, tmp_path / "run.html").read_text(encoding="utf-8")
    assert lab not in sys.modules
    assert "samples are left out" in page
    assert "runs the code of the module" in page


def test_a_run_whose_files_do_not_fit_has_no_page(run, tmp_path, capsys):
    copy = tmp_path / run.name
    shutil.copytree(run, copy)
    with np.load(copy / "replay.npz") as stored:
        arrays = dict(stored)
    np.savez(copy / "replay.npz", **arrays | {"labels": arrays["labels"][:-5]})
    page = tmp_path / "page.html"
    for said in ("is not what was written there", "'labels' must be of shape"):
        assert main(["export", str(copy), "--html", str(page)]) == 2
        assert said in capsys.readouterr().err
        assert not page.exists()
        (copy / SUMS).unlink(missing_ok=True)  # whoever made it up had none
