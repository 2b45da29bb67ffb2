"""Notebook 07 in a real JupyterLab: from files to the bench, with the samples on the screen."""

from pathlib import Path

import nbformat
from playwright.sync_api import expect

from tests.browser.bench import Bench
from tests.browser.lab_page import LabPage
from tests.browser.live_lab import LiveLab

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "07_your_own_data.ipynb"
SMALL = "samples, size, mels = 60, 8, 16"


def test_a_folder_comes_to_the_bench(live_lab: LiveLab, own_page: LabPage, tmp_path: Path):
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    home = f"import os; os.environ['MLA_LAB_CACHE'] = {str(tmp_path)!r}"
    notebook.cells[1].source += f"\n{SMALL}\n{home}"
    nbformat.write(notebook, live_lab.root / "own.ipynb")
    own_page.open("own.ipynb")
    own_page.run_all()
    bench = Bench(own_page)
    bench.ready()
    bench.press("Epoch")
    bench.wait_for_text("Paused: epoch 1")
    chooser, shown = bench.setting("Sample"), own_page.page.locator("[data-sample]")
    seen = {"audio": 0, "image": 0}
    for sample in chooser.locator("option").all_inner_texts()[1:5]:
        chooser.select_option(sample)
        expect(shown).to_have_attribute("data-sample", sample)
        for part in seen:
            seen[part] += shown.locator(f"[aria-label^={part}], [alt^={part}]").count()
    assert all(seen.values()), seen
    assert own_page.console_errors == []
