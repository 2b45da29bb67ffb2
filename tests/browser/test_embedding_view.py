"""The explorer in a real browser: the sample under the pointer is the right one, whatever happened.

Places on the screen are reckoned here from the replay, not asked from the page's own search.
"""

import dataclasses

import nbformat
import numpy as np
import pytest
from matplotlib.path import Path as Polygon
from playwright.sync_api import expect

from mla_core.data.samples.media import Media
from mla_core.evaluation.replay import Map, Replay
from tests.browser.explorer_page import ExplorerPage

EVIL = "<img src=x onerror=alert(1)>"
LOOKS, SAMPLES = 6, 24


@pytest.fixture(scope="module")
def replay():
    """Two modalities, one part absent, every point on a spot of its own at every look."""
    rng = np.random.default_rng(0)
    present = np.ones((2, SAMPLES), bool)
    present[1, 3] = False
    points = int(present.sum())
    grid = np.stack(np.meshgrid(np.arange(8), np.arange(6)), -1).reshape(-1, 2)[:points]
    coords = np.stack([rng.permutation(grid) for _ in range(LOOKS)]).astype(np.float32)
    looks = np.arange(LOOKS)
    trust = np.full(LOOKS, 0.9, np.float32)
    labels = np.arange(SAMPLES) % 3
    predicted = np.where(present, rng.integers(0, 3, (LOOKS, 2, SAMPLES)), -1)
    return Replay(
        modalities=("sight", EVIL),
        classes=("a", "b", EVIL),
        ids=(EVIL, *(f"s{i}" for i in range(1, SAMPLES))),
        labels=labels,
        present=present,
        steps=looks * 10,
        epochs=looks,
        predicted=predicted,
        fused=rng.integers(0, 3, (LOOKS, SAMPLES)),
        weights=np.where(present, 0.5, 0).astype(np.float32) * np.ones((LOOKS, 1, 1), np.float32),
        distances=np.where(present.all(0), 1.0, np.nan) * np.ones((LOOKS, 1, 1)),
        centroid_gap=np.linspace(1, 0.5, LOOKS, dtype=np.float32)[:, None],
        separability=np.ones(LOOKS, np.float32),
        maps={"pca": Map("pca", EVIL, looks, coords, trust)},
    )


MEDIA = {EVIL: [Media("sight", "text/plain", EVIL.encode(), EVIL)]}


@pytest.fixture
def context(browser):
    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    yield context
    context.close()


@pytest.fixture
def explorer(context, replay):
    page = context.new_page()
    alerts: list[str] = []

    def dismiss(dialog):
        alerts.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", dismiss)
    explorer = ExplorerPage(page, replay, media=MEDIA)
    yield explorer
    assert explorer.errors == []
    assert alerts == []


def pinned_by_click(explorer, modality, sample):
    x, y = explorer.spot(modality, sample)
    explorer.canvas.click(position={"x": x, "y": y})
    explorer.settle()
    found = explorer.root.get_attribute("data-pinned")
    explorer.canvas.click(position={"x": x, "y": y})  # lets go again
    return found


def test_a_click_finds_its_sample_at_first_after_scrubbing_and_after_filtering(explorer):
    some = ["s1", "s7", "s17"]
    assert [pinned_by_click(explorer, 0, sample) for sample in some] == some
    for look in (0, 3):
        explorer.scrub(look)
        assert explorer.root.get_attribute("data-look") == str(look)
        assert [pinned_by_click(explorer, m, s) for m in (0, 1) for s in some] == some * 2
    for name in ("sight", "b"):
        explorer.page.get_by_role("checkbox", name=name, exact=True).uncheck()
    expect(explorer.root).to_have_attribute("data-points", str(SAMPLES - 1 - SAMPLES // 3))
    assert pinned_by_click(explorer, 1, "s17") == "s17"
    assert pinned_by_click(explorer, 0, "s17") == "", "a hidden modality cannot be clicked"
    assert pinned_by_click(explorer, 1, "s7") == "", "nor can a hidden class"


def test_pointing_shows_what_is_predicted_at_the_look_shown(explorer, replay):
    for look in (5, 1):
        explorer.scrub(look)
        x, y = explorer.spot(0, "s7")
        explorer.canvas.hover(position={"x": x, "y": y})
        said = replay.classes[replay.predicted[look, 0, 7]]
        part = explorer.page.locator("[data-sample='s7'] [data-modality='sight'] .verdict")
        expect(part).to_contain_text(f"says {said}")
        fused = replay.classes[replay.fused[look, 7]]
        expect(explorer.page.locator(".part.fused")).to_contain_text(f"fused: {fused}")
    x, y = explorer.spot(0, "s3")
    explorer.canvas.hover(position={"x": x, "y": y})
    expect(explorer.page.locator("[data-sample='s3'] .verdict").nth(1)).to_have_text("absent")


def drag(explorer, polygon, *, shift=False):
    box = explorer.canvas.bounding_box()
    mouse, keyboard = explorer.page.mouse, explorer.page.keyboard
    if shift:
        keyboard.down("Shift")
    mouse.move(box["x"] + polygon[0][0], box["y"] + polygon[0][1])
    mouse.down()
    for x, y in polygon[1:]:
        mouse.move(box["x"] + x, box["y"] + y, steps=2)
    mouse.up()
    keyboard.up("Shift")
    explorer.settle()


def inside(explorer, replay, polygon):
    _, samples = replay.points
    spots = [explorer.to_canvas(*map(float, xy)) for xy in replay.maps["pca"].coords[-1]]
    chosen = set(samples[Polygon(polygon).contains_points(spots)])
    return [sample for n, sample in enumerate(replay.ids) if n in chosen]


def test_a_lasso_selects_exactly_the_samples_inside_and_the_numbers_follow(explorer, replay):
    # corners between the grid's lines, in units of the map
    triangle = [explorer.to_canvas(x, y) for x, y in ((-0.1, 3.4), (4.4, 3.6), (1.6, -0.4))]
    square = [explorer.to_canvas(x, y) for x, y in ((5.5, 5.4), (7.1, 5.4), (7.1, 3.5), (5.5, 3.5))]
    first = inside(explorer, replay, triangle)
    assert 2 < len(first) < SAMPLES
    drag(explorer, triangle)
    assert explorer.trait("selected") == first
    drag(explorer, square, shift=True)
    both = set(first) | set(inside(explorer, replay, square))
    assert set(explorer.trait("selected")) == both
    expect(explorer.root).to_have_attribute("data-selected", str(len(both)))
    chosen = [replay.ids.index(sample) for sample in both]
    for look in (5, 2):
        explorer.scrub(look)
        share = (replay.fused[look] == replay.labels)[chosen].mean()
        row = explorer.page.locator("tr[data-row='fused'] td").nth(1)
        expect(row).to_have_text(f"{100 * share:.0f} %")
    explorer.canvas.press("Escape")
    assert explorer.trait("selected") == []


def test_what_a_selection_came_to_stands_until_something_else_is_done(explorer):
    note = explorer.page.locator("p.note")
    drag(explorer, [(3, 3), (30, 3), (30, 30), (3, 30)])
    expect(note).to_have_text("No sample is there, so nothing was selected.")
    x, y = explorer.spot(0, "s7")
    explorer.canvas.hover(position={"x": x, "y": y})
    expect(note).to_have_text("")


def test_everything_works_by_keyboard(explorer, replay):
    explorer.canvas.focus()
    explorer.canvas.press("ArrowRight")  # enters the map at its first point
    assert explorer.trait("hovered") == replay.ids[0]
    explorer.canvas.press("ArrowRight")
    explorer.canvas.press("ArrowRight")
    assert explorer.trait("hovered") == "s2"
    explorer.canvas.press("Enter")
    explorer.canvas.press("Space")
    explorer.canvas.press("ArrowRight")
    assert explorer.trait("pinned") == "s2"
    assert explorer.trait("selected") == ["s2"]
    explorer.canvas.press("PageDown")
    assert explorer.trait("look") == LOOKS - 2
    explorer.canvas.press("Escape")
    explorer.canvas.press("Escape")
    assert (explorer.trait("pinned"), explorer.trait("selected")) == ("", [])
    group = explorer.page.get_by_label("Samples")
    group.select_option("all that are fused wrongly")
    explorer.page.get_by_role("button", name="Select", exact=True).press("Enter")
    look = LOOKS - 2
    wrong = [s for n, s in enumerate(replay.ids) if replay.fused[look, n] != replay.labels[n]]
    assert explorer.trait("selected") == wrong
    expect(explorer.page.get_by_role("status")).to_contain_text(f"The {len(wrong)} selected")


def test_names_captions_and_media_are_text(explorer):
    x, y = explorer.spot(0, EVIL)
    explorer.canvas.hover(position={"x": x, "y": y})
    expect(explorer.page.locator(".sample h4")).to_contain_text(EVIL)
    expect(explorer.page.locator(".sample .words")).to_have_text(EVIL)
    expect(explorer.page.locator(".tip")).to_contain_text(EVIL)
    expect(explorer.page.locator("p.caption")).to_contain_text(EVIL)
    expect(explorer.page.locator("fieldset").first).to_contain_text(EVIL)
    assert explorer.page.locator("img").count() == 0


def test_play_starts_again_from_the_first_look_runs_to_the_end_and_stops(explorer):
    page = explorer.page
    page.evaluate(
        "() => { window.seen = []; model.on('change:look', () => seen.push(model.get('look'))); }"
    )
    page.get_by_label("Speed").select_option("fast")
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("() => !model.get('playing')", timeout=10_000)
    seen = page.evaluate("() => window.seen")
    assert (seen[0], seen[-1]) == (0, LOOKS - 1)
    assert seen == sorted(seen)
    expect(page.get_by_role("button", name="Play")).to_be_visible()


def test_one_look_one_modality_and_nothing_to_show_are_no_errors(context, replay):
    one = dataclasses.replace(
        replay,
        modalities=("sight",),
        present=replay.present[:1],
        steps=replay.steps[:1],
        epochs=replay.epochs[:1],
        predicted=replay.predicted[:1, :1],
        fused=replay.fused[:1],
        weights=replay.weights[:1, :1],
        distances=np.zeros((1, 0, SAMPLES)),
        centroid_gap=np.zeros((1, 0)),
        separability=np.array([np.nan]),
        maps={
            "pca": Map(
                "pca",
                "one",
                np.arange(1),
                replay.maps["pca"].coords[:1, :SAMPLES],
                np.array([np.nan], np.float32),
            )
        },
    )
    explorer = ExplorerPage(context.new_page(), one)
    assert pinned_by_click(explorer, 0, "s7") == "s7"
    expect(explorer.page.locator("p.gaps")).to_have_text(
        "There is one modality, so there is no gap."
    )
    expect(explorer.page.locator("p.caption")).to_contain_text(
        "Trustworthiness not defined, since nobody has"
    )
    expect(explorer.page.get_by_role("button", name="Play")).to_be_disabled()
    assert explorer.errors == []


def test_six_modalities_one_class_and_a_part_that_nobody_has(context):
    names = tuple("uvwxyz")
    present = np.ones((6, 5), bool)
    present[4] = False
    points = int(present.sum())
    looks = np.arange(2)
    coords = np.arange(2 * points * 2, dtype=np.float32).reshape(2, points, 2) % 13
    replay = Replay(
        modalities=names,
        classes=("only",),
        ids=tuple("abcde"),
        labels=np.zeros(5, int),
        present=present,
        steps=looks,
        epochs=looks,
        predicted=np.where(present, 0, -1) * np.ones((2, 1, 1), int),
        fused=np.zeros((2, 5), int),
        weights=np.ones((2, 6, 5), np.float32),
        distances=np.full((2, 15, 5), np.nan),
        centroid_gap=np.full((2, 15), np.nan),
        separability=np.full(2, np.nan),
        maps={name: Map(name, name, looks, coords, np.ones(2)) for name in ("pca", "classes")},
    )
    explorer = ExplorerPage(context.new_page(), replay)
    view = explorer.root.get_by_label("View")
    view.select_option("classes")
    group = explorer.page.get_by_label("Samples")
    group.select_option("all that have y")
    explorer.page.get_by_role("button", name="Select", exact=True).click()
    for told in (explorer.page.get_by_role("status"), explorer.page.locator("p.note")):
        expect(told).to_contain_text("nothing was selected")
    group.select_option("class only")
    explorer.page.get_by_role("button", name="Select", exact=True).click()
    expect(explorer.root).to_have_attribute("data-selected", "5")
    expect(explorer.page.locator("tr[data-row='y'] td").first).to_have_text("–")
    assert explorer.errors == []


SOURCE = """
import mla_core as mla, widgets
session = mla.TrainingSession(
    mla.ExperimentConfig(dataset="gaussian", probe_size=20, evaluate_every=5)
)
session.advance(steps=10)
widgets.explore_gap(session)
"""


def test_in_jupyterlab_the_kernel_gives_media_and_shifts_the_gap(lab_page):
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    cells = [nbformat.v4.new_code_cell(SOURCE)]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
    nbformat.write(notebook, lab_page.lab.root / "gap.ipynb")
    lab_page.open("gap.ipynb")
    lab_page.run_cell(0)
    view = lab_page.page.locator(".mla-map[data-frames]")
    canvas = view.locator("canvas")
    canvas.press("ArrowRight")
    canvas.press("Enter")
    sample = lab_page.page.locator("[data-sample][data-waits='false']")
    expect(sample.locator(".words").first).to_contain_text("[")
    shown = sample.get_attribute("data-sample")
    view.get_by_label("Slide along").select_option("gap, m0 towards m1")
    slider = view.get_by_role("slider", name="shift")
    slider.fill("15")
    expect(view.locator(".where")).to_have_text("m0 moved by +2.0 of the gap to m1")
    assert sample.get_attribute("data-sample") == shown, "the sample that was kept stays"
    lab_page.run_cell(0)
    expect(view).to_have_count(1)
    assert lab_page.console_errors == []
