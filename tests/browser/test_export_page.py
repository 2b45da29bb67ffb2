"""An exported page as a reader opens it: from a file, without network, kernel or server."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Dialog, Page, expect

import mla_core as mla
from mla_core.cli import main
from mla_core.runs.finished import Run, read_run
from widgets import export_run, export_session

EVIL = "<img src=x onerror=alert(1)>"
ACTIVE = "() => document.activeElement.id || document.activeElement.className"
MEGABYTES = 6_000_000


@dataclass
class Opened:
    """A page, and what it asked for or complained about."""

    page: Page
    asked: list[str]
    errors: list[str]

    def show(self, path: Path) -> None:
        self.page.goto(path.as_uri())
        self.page.locator("body[data-ready]").wait_for()
        self.page.locator(".mla-map[data-frames]").wait_for()


@pytest.fixture
def opened(browser: Browser) -> Iterator[Opened]:
    context = browser.new_context(offline=True, viewport={"width": 1280, "height": 900})
    one = Opened(context.new_page(), [], [])
    one.page.on("request", lambda request: one.asked.append(request.url))
    one.page.on("pageerror", lambda error: one.errors.append(str(error)))
    one.page.on("console", lambda m: one.errors.append(m.text) if m.type == "error" else None)
    yield one
    context.close()


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Return a run on real data: pictures, sounds and texts."""
    config = mla.ExperimentConfig(
        dataset="spoken_digits", epochs=1, feature_size=32, evaluate_every=10
    )
    return read_run(mla.run_experiment(config, tmp_path_factory.mktemp("runs")))


def test_it_opens_scrubs_and_copies_without_network(
    opened: Opened, run: Run, tmp_path: Path
) -> None:
    path = export_run(run, tmp_path / "run.html")
    assert path.stat().st_size <= MEGABYTES
    opened.show(path)
    page, view = opened.page, opened.page.locator(".mla-map")
    replay = run.replay()

    # Scrubbed by keyboard, and the lines in the curves go along.
    slider = page.get_by_role("slider", name="sub-step")
    slider.focus()
    slider.press("Home")
    expect(view).to_have_attribute("data-look", "0")
    cursor = page.locator(".chart .cursor").first
    start = float(cursor.get_attribute("x1") or "nan")
    slider.press("End")
    expect(view).to_have_attribute("data-look", str(len(replay.steps) - 1))
    assert float(cursor.get_attribute("x1") or "nan") > start

    # A sample by keyboard: seen, heard and read.
    page.locator(".mla-map canvas").focus()
    page.keyboard.press("ArrowRight")
    sample = page.locator(".mla-map .sample")
    expect(sample).to_have_attribute("data-sample", replay.ids[0])
    expect(sample.get_by_role("img")).to_be_visible()
    assert page.evaluate("() => document.querySelector('.sample img').naturalWidth > 0")
    page.wait_for_function("() => document.querySelector('.sample audio').duration > 0")

    # Its configuration, copied and run, is the same run.
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy the configuration").press("Enter")
    expect(page.locator("#copied")).to_have_text("Copied.")
    copied = str(page.evaluate("() => navigator.clipboard.readText()"))
    (tmp_path / "pasted.json").write_text(copied, encoding="utf-8")
    assert mla.ExperimentConfig.from_json(copied).hash == run.name
    assert main(["repeat", str(tmp_path / "pasted.json"), "--out", str(tmp_path / "again")]) == 0
    again = read_run(tmp_path / "again" / run.name)
    assert again.metrics["test"] == run.metrics["test"]

    assert [url for url in opened.asked if not url.startswith("data:")] == [path.as_uri()]
    assert opened.errors == []


def test_a_point_of_the_map_shows_its_own_sample(opened: Opened, run: Run, tmp_path: Path) -> None:
    opened.show(export_run(run, tmp_path / "run.html", media=False))
    canvas = opened.page.locator(".mla-map canvas")
    replay = run.replay()
    coords = replay.maps["pca"].coords[-1]
    # The point farthest to the right lies under no other.
    k = int(coords[:, 0].argmax())
    half, x, y, scale = json.loads(canvas.get_attribute("data-frame") or "")
    spot = [half + (coords[k, 0] - x) * scale, half - (coords[k, 1] - y) * scale]
    canvas.click(position={"x": float(spot[0]), "y": float(spot[1])})
    _, samples = replay.points
    expect(opened.page.locator(".mla-map")).to_have_attribute("data-pinned", replay.ids[samples[k]])


def test_names_from_outside_never_act(opened: Opened, tmp_path: Path) -> None:
    config = mla.ExperimentConfig(dataset="gaussian", probe_size=40, epochs=1)
    plain = mla.load_dataset("gaussian")
    classes = [EVIL, "</script><script>alert(2)</script>", *plain.classes[2:]]
    splits = {
        side: replace(plain.split(side), ids=tuple(f"{i}{EVIL}" for i in plain.split(side).ids))
        for side in ("train", "val", "test")
    }
    data = mla.MultimodalDataset(EVIL, list(plain.modalities.values()), classes, splits)
    session = mla.TrainingSession(config, data)
    session.advance(steps=3)
    dialogs: list[str] = []

    def refuse(dialog: Dialog) -> None:
        dialogs.append(dialog.message)
        dialog.dismiss()

    opened.page.on("dialog", refuse)
    opened.show(export_session(session, tmp_path / "evil.html"))
    page = opened.page
    expect(page.get_by_role("heading", level=1)).to_contain_text(EVIL)
    expect(page.locator(".mla-map fieldset label", has_text=EVIL)).to_be_visible()
    page.locator(".mla-map canvas").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".mla-map .sample h4")).to_contain_text(EVIL)
    assert page.locator("img[src='x']").count() == 0
    assert (dialogs, opened.errors) == ([], [])


def test_every_control_is_reached_by_tab_and_seen(opened: Opened, run: Run, tmp_path: Path) -> None:
    opened.show(export_run(run, tmp_path / "run.html", media=False))
    page = opened.page
    reached = []
    for _ in range(60):
        page.keyboard.press("Tab")
        outline = page.evaluate("() => getComputedStyle(document.activeElement).outlineStyle")
        reached.append(page.evaluate(ACTIVE))
        if reached[-1] == "config":
            break
        assert outline == "solid", reached[-1]
    assert {"play", "copy", "config"} <= set(reached)
