"""The diagram, the sample and the status line: what they say is what happened."""

import re
import xml.etree.ElementTree as ET

import pytest
import torch

import mla_core as mla
from mla_core.data import Modality, MultimodalDataset, Split
from mla_core.methods import METHODS, method_class
from tests.core.media_files import SMALL, good_lines, picture, write_manifest
from widgets.bench.diagram import network_svg
from widgets.bench.scene import Scene
from widgets.bench.words import describe
from widgets.charts import run_of
from widgets.charts import training as charts
from widgets.charts.sample import sample_html

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = "<img src=x onerror=alert(1)>"


def test_the_diagram_lights_the_modality_that_was_trained(session):
    names = list(session.data.modalities)
    for record in session.advance(steps=4):
        assert record.modality is not None
    svg = ET.fromstring(network_svg(names, run_of(session)))
    lit = {g.get("data-encoder"): g.get("data-lit") for g in svg.iter(f"{SVG}g")}
    assert lit == {"m0": "true", "m1": "false", "m2": "false"}
    bar = next(r for r in svg.iter(f"{SVG}rect") if r.get("data-plasticity"))
    plasticity = session.history.steps[-1].plasticity
    assert float(bar.get("data-plasticity")) == pytest.approx(plasticity, abs=1e-4)
    assert "encoder m0" in svg.get("aria-label")


def test_the_diagram_of_a_joint_method_lights_everything(session):
    joint = mla.TrainingSession(session.config.replace(method="concat"), session.data)
    joint.advance(steps=1)
    svg = ET.fromstring(network_svg(list(joint.data.modalities), run_of(joint)))
    assert {g.get("data-lit") for g in svg.iter(f"{SVG}g")} == {"true"}


def hostile_data() -> MultimodalDataset:
    def split(side: str) -> Split:
        labels = torch.arange(8) % 2
        inputs = {"a": torch.randn(8, 3), "b": torch.randn(8, 3)}
        present = torch.ones(2, 8, dtype=torch.bool)
        present[1, 0] = False
        ids = tuple(f"{HOSTILE}{side}{i}" for i in range(8))
        return Split(side, inputs, present, labels, ids)

    modalities = [Modality(name, "vector", (3,), note=HOSTILE) for name in "ab"]
    splits = {side: split(side) for side in ("train", "val", "test")}
    return MultimodalDataset("mine", modalities, [HOSTILE, "ok"], splits)


def test_a_sample_shows_names_literally_and_says_what_is_absent():
    data = hostile_data()
    evaluation = mla.TrainingSession(mla.ExperimentConfig(), data).evaluate("val")
    html = sample_html(data, evaluation, evaluation.ids[0])
    assert "<img" not in html
    assert "absent, weight 0" in html
    assert "&lt;img src=x onerror=alert(1)&gt;val0" in html


def test_a_sample_shows_the_numbers_of_the_evaluation(session):
    session.advance(steps=9)
    evaluation = session.evaluate("val")
    html = sample_html(session.data, evaluation, evaluation.ids[5])
    weights = [float(w) for w in re.findall(r", λ = (\d\.\d\d)", html)]
    assert weights == pytest.approx(evaluation.weights[:, 5].tolist(), abs=0.006)
    predicted = session.data.classes[int(evaluation.fused[5].argmax())]
    assert f": says {predicted} " in html[html.index("fused") :]


def test_spoken_digits_can_be_seen_heard_and_read():
    data = mla.load_dataset("spoken_digits")
    session = mla.TrainingSession(mla.ExperimentConfig(), data)
    html = sample_html(data, session.history.latest, session.history.latest.ids[0])
    assert "data:image/png;base64," in html
    assert "<audio controls" in html
    assert "data:audio/wav;base64," in html
    assert "synthetic speech" in html


def test_the_status_line_tells_the_same_story(session):
    assert "Press Play" in describe(Scene("ready", "", (run_of(session),)))
    session.advance(steps=8)
    run = run_of(session)
    told = describe(Scene("paused", "α is 1.", (run,)))
    assert told.startswith(
        f"α is 1. Paused: epoch 1 of 3, sub-step 8 of {run.total}, last trained: m1."
    )
    look = session.history.summaries[-1]
    assert f"on the probe set at sub-step {look.step}: fused {look.accuracy:.0%}" in told
    assert look.step == 5, "the picture is older than the run, which the sentence must say"


@pytest.mark.parametrize("method", [name for name in METHODS if name != "unimodal"])
def test_every_picture_works_on_every_method(method, session):
    other = mla.TrainingSession(session.config.replace(method=method), session.data)
    other.advance(steps=4)
    names, kind = list(other.data.modalities), method_class(method)
    svg = network_svg(names, run_of(other))
    lit = [g.get("data-lit") for g in ET.fromstring(svg).iter(f"{SVG}g")]
    assert lit.count("true") == (1 if kind.one_at_a_time else 3)
    assert ("data-plasticity" in svg) == (method == "mla")
    assert (svg.count("data-weight") == 3) == kind.weighs
    evaluation = other.evaluate("val")
    html = sample_html(other.data, evaluation, evaluation.ids[0], method)
    assert (", λ = " in html) == kind.weighs
    assert "fused" in describe(Scene("paused", "", (run_of(other),)))
    figure = charts.training_figure(names, method)
    charts.refresh(figure, run_of(other))
    losses = [trace for trace in figure.data if trace.meta.startswith("loss.")]
    assert sum(len(trace.x) for trace in losses) == 4


def test_names_of_a_users_files_and_classes_are_text(tmp_path):
    evil = "<img src=x onerror=alert(1)>"
    lines = good_lines(tmp_path)
    for i, line in enumerate(lines):
        picture(tmp_path / f"{evil[:-1]}{i}>.png")
        line |= {"id": f"{evil}{i}", "image": f"{evil[:-1]}{i}>.png", "song": evil}
        line["label"] = line["label"].replace("owl", evil)
    path = write_manifest(tmp_path / "birds.csv", lines)
    data = mla.load_dataset("manifest", path=str(path), prepare=SMALL, cache=str(tmp_path))
    session = mla.TrainingSession(mla.ExperimentConfig(feature_size=8), data)
    for sample in data.split("val").ids:
        html = sample_html(data, session.history.latest, sample)
        assert "<img src=x" not in html
        assert html.count("<audio") == 1
        assert "&lt;img src=x" in html
