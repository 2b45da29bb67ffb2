"""The browser of runs as a person uses it: filter, sort, tick, compare, export."""

import json
import re
import shutil
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Page, expect

import mla_core as mla
from mla_core.records import LOOKS, About, Journal
from tests.browser.lab_page import LabPage
from tests.browser.live_lab import LiveLab

EVIL = "<img src=x onerror=alert(1)>"
SHARE = re.compile(r"0\.\d{3}")


@pytest.fixture(scope="module")
def runs(live_lab: LiveLab, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Leave runs in the served folder: seeds 0 to 2 and one whose name would act as markup."""
    made = tmp_path_factory.mktemp("runs")
    names = []
    for seed in range(3):
        config = mla.ExperimentConfig(
            dataset="gaussian", dataset_options={"sizes": [80, 60, 40]}, seed=seed, epochs=1
        )
        folder = mla.run_experiment(config, made)
        shutil.copytree(folder, live_lab.root / "runs" / f"seed{seed}")
        names.append(f"seed{seed}")
    shutil.copytree(made / folder.name, live_lab.root / "runs" / EVIL)
    broken = live_lab.root / "runs" / "broken"
    broken.mkdir()
    (broken / "config.json").write_text("{", encoding="utf-8")
    return [*names, EVIL]


@pytest.fixture
def page(lab_page: LabPage, live_lab: LiveLab, runs: list[str], tmp_path: Path) -> LabPage:
    """Open a notebook with the browser of `runs`."""
    book = nbformat.v4.new_notebook()
    book.metadata["kernelspec"] = {
        "name": "python3",
        "display_name": "Python 3",
        "language": "python",
    }
    code = "import widgets\nbrowser = widgets.RunBrowser('runs', pages='pages')\nbrowser"
    book.cells = [nbformat.v4.new_code_cell(code)]
    nbformat.write(book, tmp_path / "browse.ipynb")
    lab_page.open(live_lab.add(tmp_path / "browse.ipynb"))
    lab_page.run_cell(0)
    lab_page.page.locator(".mla-runs tbody tr").nth(len(runs) - 1).wait_for()
    return lab_page


def test_runs_are_found_compared_and_taken_away(
    page: LabPage, live_lab: LiveLab, runs: list[str]
) -> None:
    view = page.page
    status = view.locator(".mla-status")
    rows = view.locator(".mla-runs tbody tr")
    visible = view.locator(".mla-runs tbody tr:visible")
    expect(rows.locator("th", has_text=EVIL)).to_have_text(EVIL)
    expect(status).to_contain_text("config.json' is damaged")

    # Sorted by the mouse and by the keyboard; the head tells how.
    head = view.get_by_role("columnheader", name="seed")
    head.get_by_role("button").click()
    expect(head).to_have_attribute("aria-sort", "ascending")
    head.get_by_role("button").press("Enter")
    expect(head).to_have_attribute("aria-sort", "descending")
    assert [r.split("\t")[1] for r in rows.all_inner_texts()][-1].strip() == "seed0"

    # Filtered by words.
    view.get_by_role("searchbox", name="Filter").fill("seed1")
    expect(visible).to_have_count(1)
    view.get_by_role("searchbox", name="Filter").fill("none such")
    expect(view.locator(".mla-runs .count")).to_contain_text("No run has all these words")
    view.get_by_role("searchbox", name="Filter").fill("")

    # Ticked: curves, maps and differences of these, in the order of the ticks.
    for name in ("seed2", EVIL):
        box = view.get_by_role("checkbox", name=f"show {name}", exact=True)
        box.focus()
        box.press("Space")
        expect(box).to_be_checked()
    expect(status).to_contain_text("2 compared")
    expect(view.locator(".js-plotly-plot")).to_have_count(2)
    differences = view.locator("table", has=view.locator("caption", has_text="Where they differ"))
    expect(differences).to_contain_text(EVIL)
    assert len(SHARE.findall(differences.inner_text())) == 4
    box.press("Space")
    view.get_by_role("checkbox", name="show seed0", exact=True).check()
    against = view.get_by_text("B has seed 0 instead of 2 against A")
    expect(against).to_be_visible()

    # Taken away, and read again.
    view.get_by_role("button", name="Export").click()
    expect(status).to_contain_text("Written:")
    assert sorted(path.name for path in (live_lab.root / "pages").iterdir()) == [
        "seed0.html",
        "seed2.html",
    ]
    shutil.rmtree(live_lab.root / "runs" / "broken")
    view.get_by_role("button", name=re.compile(r"Refresh$")).click()
    expect(status).not_to_contain_text("damaged")

    # One that is not finished, followed beside them.
    _begin_another(live_lab.root / "runs")
    _follow_it(view)

    # Run again: one browser, none left behind.
    page.run_cell(0)
    expect(view.locator(".mla-runs")).to_have_count(1)
    assert view.locator("img[src='x']").count() == 0
    assert page.console_errors == []


def _begin_another(folder: Path) -> None:
    """Leave a run as a process leaves it that is killed while it trains."""
    session = mla.TrainingSession(
        mla.ExperimentConfig(dataset="gaussian", dataset_options={"sizes": [80, 60, 40]}, epochs=1)
    )
    session.advance(steps=2)
    hidden = folder / ".begun.partial"
    hidden.mkdir()
    (hidden / "config.json").write_text(json.dumps(session.config.to_dict()), encoding="utf-8")
    session.recording.save_newest(hidden / LOOKS)
    about = About(tuple(session.data.modalities), session.data.classes, session.steps_per_epoch)
    Journal(hidden, about, session.history)


def _follow_it(view: Page) -> None:
    rows = view.locator(".mla-runs tbody tr")
    view.get_by_role("button", name=re.compile(r"Refresh$")).click()
    expect(rows.filter(has_text="begun")).to_contain_text("cut off")
    box = view.get_by_role("checkbox", name="show begun", exact=True)
    box.press("Space")
    watched = view.locator(".mla-bench")
    expect(watched.locator(".mla-status")).to_contain_text("nobody is at work on it: epoch 1 of 1")
    expect(watched.locator(".js-plotly-plot .main-svg").first).to_be_visible()
    expect(watched.locator(".mla-map canvas")).to_be_visible()
    expect(watched.get_by_role("button", name=re.compile("Stop$"))).to_be_disabled()
    expect(rows.filter(has_text="begun").locator(".letter")).to_have_text("")
    box.press("Space")
    expect(watched).to_have_count(0)
