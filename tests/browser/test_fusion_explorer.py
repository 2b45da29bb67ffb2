"""The fusion explorer in a real JupyterLab: numbers on the page against an own computation."""

import re
from typing import Any

import numpy as np
import pytest
import torch
from playwright.sync_api import expect

import mla_core as mla
from mla_core.analysis.fusion_study import fused_again, rescued
from mla_core.data.corruption.corruptor import Corruptor, Damage
from tests.browser.fusion_bench import FusionBench
from tests.browser.lab_page import LabPage

CONFIG: dict[str, Any] = {
    "dataset": "gaussian",
    "dataset_options": {"sizes": [200, 80, 80], "classes": 4},
    "epochs": 2,
    "probe_size": 80,
}
SOURCE = f"""
import mla_core as mla, widgets
session = mla.train(mla.ExperimentConfig(**{CONFIG!r}))
widgets.explore_fusion(session)
"""
HOSTILE = """
import torch
import mla_core as mla, widgets
from mla_core.data import Modality, MultimodalDataset, Split

bad = "<img src=x onerror=alert(1)>"

def split(side):
    labels = torch.arange(40) % 2
    x = torch.randn(40, 4, generator=torch.Generator().manual_seed(0)) + 3 * labels[:, None]
    return Split.complete(side, {"a": x, "b": x + 1}, labels, [f"{bad}{side}{i}" for i in range(40)])

data = MultimodalDataset(
    "mine", [Modality(n, "vector", (4,), note=bad) for n in "ab"], [bad, "ok"],
    {side: split(side) for side in ("train", "val", "test")}, note=bad,
)
widgets.explore_fusion(mla.train(mla.ExperimentConfig(epochs=2), data=data))
"""


def softmax(x):
    p = np.exp(x - x.max())
    return p / p.sum()


def by_hand(session, sample, damages):
    """Entropies, weights and the fused probabilities shown, by eq. 6-8, in plain numpy."""
    one = session.probe.subset(torch.tensor([session.probe.ids.index(sample)]))
    spoilt = Corruptor(session.data, session.config.seed).corrupt(one, damages)
    here = spoilt.present[:, 0].numpy()
    logits = session.evaluate(spoilt).logits[:, 0].double().numpy()[here]
    entropies = np.array([-(p * np.log(p)).sum() for p in map(softmax, logits)])
    weights = softmax(-entropies)
    fused = softmax(weights @ logits)
    label = int(one.labels[0])
    # Where the answer is wrong, the formula of the true class stands below it.
    shown = [fused.max(), fused[label]] if fused.argmax() != label else [fused.max()]
    return entropies, weights, shown


def expect_numbers(bench: FusionBench, session, sample, damages) -> None:
    entropies, weights, probabilities = by_hand(session, sample, damages)
    bench.wait_for_numbers("entropy", entropies)
    bench.wait_for_numbers("weight", weights)
    bench.wait_for_numbers("probability", probabilities)


@pytest.fixture(scope="module")
def session() -> mla.TrainingSession:
    """Train what the notebook trains: the same, bit for bit."""
    return mla.train(mla.ExperimentConfig(**CONFIG))


def test_spoil_drop_and_switch_the_rule(lab_page: LabPage, session: mla.TrainingSession):
    bench = FusionBench.of_source(lab_page, SOURCE)
    page = bench.page
    plain = session.evaluate(session.probe)
    sample = plain.ids[0]
    sentence = page.locator("[data-sample]")
    expect(sentence).to_have_attribute("data-sample", sample)
    expect_numbers(bench, session, sample, [])

    # A slider by keyboard; JupyterLab leaves the arrow keys to it.
    bench.spoil("m1", "noise", 6)
    slider = page.get_by_role("group", name="m1").get_by_role("slider", name="level")
    expect(slider).to_be_focused()
    expect(slider).to_have_attribute("aria-valuetext", "1.2")
    noisy = Damage("m1", "noise", 1.2)
    expect_numbers(bench, session, sample, [noisy])

    # A part goes: with the space bar, since the box is a box.
    bench.part("m0").get_by_label("drop m0").focus()
    page.keyboard.press("Space")
    expect(bench.formula).to_contain_text("m0: absent, λ = 0")
    expect_numbers(bench, session, sample, [Damage("m0", "drop", 1.0), noisy])
    page.get_by_role("button", name=re.compile("Clean$")).click()
    expect(bench.formula).not_to_contain_text("absent")
    expect_numbers(bench, session, sample, [])

    # Another rule.
    bench.choose("Fusion rule", "released_batch")
    expect(bench.formula).to_contain_text("one number for the whole batch")
    published = fused_again(plain, "released_batch").weights[:, 0].tolist()
    bench.wait_for_numbers("weight", published)
    bench.choose("Fusion rule", "entropy")
    expect(bench.formula).to_contain_text("(eq. 8)")
    assert lab_page.console_errors == []


def test_pick_a_sample_and_a_curve(lab_page: LabPage, session: mla.TrainingSession):
    bench = FusionBench.of_source(lab_page, SOURCE)
    page, sentence = bench.page, bench.page.locator("[data-sample]")
    plain = session.evaluate(session.probe)

    # The samples that fusion rescued.
    ids = [plain.ids[i] for i in rescued(plain)]
    assert ids, "these data and this seed have some"
    bench.choose("Show", f"rescued it ({len(ids)})")
    expect(sentence).to_have_attribute("data-sample", ids[0])
    options = page.get_by_label("Sample", exact=True).locator("option").all_inner_texts()
    assert [option.strip() for option in options] == ids

    # The sample shown is the one that plotly says was clicked.
    page.evaluate(
        """() => document.querySelector(".js-plotly-plot").on("plotly_click", (event) => {
            window.clickedId = event.points[0].text;
        })"""
    )
    point = page.locator(".js-plotly-plot .scatterlayer .points path").nth(17)
    point.scroll_into_view_if_needed()
    page.wait_for_timeout(700)
    box = point.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    clicked = page.wait_for_function("() => window.clickedId").json_value()
    expect(sentence).to_have_attribute("data-sample", clicked)
    expect_numbers(bench, session, clicked, [])

    # Another curve, and the dark theme.
    bench.choose("Curve against", "m2: missing")
    bench.wait_for_curves("m2.drop")
    page.wait_for_function(
        """() => document.querySelector(".js-plotly-plot").layout.xaxis3.title.text
            .startsWith("m2: missing")"""
    )
    assert bench.trace("curve.uniform")[0] == fused_again(plain, "uniform").accuracy
    lab_page.theme("dark")
    page.wait_for_function(
        """() => document.querySelector(".js-plotly-plot")._fullLayout.font.color === "#f2f5fa" """
    )

    # Running the cell again leaves one explorer.
    lab_page.run_cell(0)
    bench.ready()
    expect(page.locator(".mla-formula")).to_have_count(1)
    late = "Error setting state: Cannot read properties of undefined (reading 'length')"
    assert [error for error in lab_page.console_errors if not error.startswith(late)] == []


def test_names_from_outside_are_shown_literally(lab_page: LabPage):
    bench = FusionBench.of_source(lab_page, HOSTILE)
    bench.spoil("a", "noise", 3)
    page = bench.page
    sentence = page.locator("[data-sample]")
    expect(sentence).to_contain_text("<img src=x onerror=alert(1)>val")
    expect(page.locator("[data-part=fused]")).to_contain_text("says <img src=x onerror=alert(1)>")
    expect(bench.formula).to_contain_text("<img src=x onerror=alert(1)>")
    point = page.locator(".js-plotly-plot .scatterlayer .points path").first
    point.scroll_into_view_if_needed()
    point.hover(force=True)
    expect(page.locator(".hoverlayer")).to_contain_text("<img src=x onerror=alert(1)>val")
    expect(bench.status).to_contain_text("<img src=x onerror=alert(1)>val")
    assert lab_page.dialogs == []
    assert page.locator("img[src=x]").count() == 0
    assert lab_page.console_errors == []
