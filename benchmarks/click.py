"""How long does a person wait for a click to be answered while training runs, in a real browser?"""

import statistics

import nbformat

from tests.browser.lab_page import LabPage
from tests.browser.live_lab import LiveLab, chromium, find_chromium

CLICKS = 20
SOURCE = """
import mla_core as mla, widgets
lab = widgets.TrainingLab(mla.ExperimentConfig(epochs=10_000))
lab
"""

# Clicks and stops the clock when the status line says that the bench has reacted.
REACTION = """([name, state]) => new Promise((resolve) => {
    const line = document.querySelector(".mla-status");
    const button = [...document.querySelectorAll("button")]
        .find((b) => b.textContent.trim() === name);
    const start = performance.now();
    const observer = new MutationObserver(() => {
        if (line.dataset.state === state) {
            observer.disconnect();
            resolve(performance.now() - start);
        }
    });
    observer.observe(line, { attributes: true });
    button.click();
})"""


def main() -> None:
    if find_chromium() is None:
        print("  not measured: no Chromium here")
        return
    with (
        chromium() as browser,
        LiveLab() as lab,
        LabPage.new(browser, lab) as page,
    ):
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        cells = [nbformat.v4.new_code_cell(SOURCE)]
        notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
        nbformat.write(notebook, lab.root / "click.ipynb")
        page.open("click.ipynb")
        page.run_cell(0)
        page.page.get_by_label("Speed").select_option("full speed")
        page.page.wait_for_timeout(20_000)  # the map's process warms up
        for name in ("PCA", "UMAP"):
            page.page.get_by_label("Map", exact=True).select_option(name)
            _tell(name, [_reaction(page) for _ in range(CLICKS)])


def _reaction(page: LabPage) -> float:
    page.page.evaluate(REACTION, ["Play", "playing"])
    page.page.wait_for_timeout(900)
    waited: float = page.page.evaluate(REACTION, ["Pause", "paused"])
    return waited


def _tell(name: str, times: list[float]) -> None:
    low, middle, high = statistics.quantiles(times, n=4)
    print(
        f"  Pause to reaction, map {name}: median {middle:.0f} ms (quartiles {low:.0f} to "
        f"{high:.0f}, worst {max(times):.0f}; {CLICKS} clicks; goal: median at most 100)"
    )
