"""How long does a person wait for a click to be answered while training runs, in a real browser?"""

import statistics

from tests.browser.live_lab import LabPage, LiveLab, chromium, find_chromium

NOTEBOOK = "notebooks/01_alternating_training.ipynb"
CLICKS = 20

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
        LiveLab([NOTEBOOK]) as lab,
        LabPage.new(browser, lab) as page,
    ):
        page.open("01_alternating_training.ipynb")
        for cell in (1, 2, 6):
            page.run_cell(cell)
        page.page.get_by_label("Speed").wait_for()
        page.page.wait_for_timeout(20_000)  # the map's process warms up
        times = []
        for _ in range(CLICKS):
            page.page.evaluate(REACTION, ["Play", "playing"])
            page.page.wait_for_timeout(900)
            times.append(page.page.evaluate(REACTION, ["Pause", "paused"]))
        low, middle, high = statistics.quantiles(times, n=4)
        print(
            f"  Pause to reaction: median {middle:.0f} ms (quartiles {low:.0f} to {high:.0f}, "
            f"worst {max(times):.0f}; {CLICKS} clicks; goal: median at most 100)"
        )
