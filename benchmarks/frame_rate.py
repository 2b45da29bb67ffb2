"""How smoothly does the explorer's map play and follow the slider, in a real browser?"""

import statistics
from typing import Any

import numpy as np

from mla_core.evaluation import Map, Replay
from tests.browser.explorer_page import ExplorerPage
from tests.browser.live_lab import chromium, find_chromium
from widgets.gap import SCRIPT

LOOKS, SAMPLES = 100, 1000  # of three modalities: 3,000 points
SECONDS = 4

# Collects the times between frames that were drawn, while `act` is called at each of them.
FRAMES = """([act, seconds]) => new Promise((resolve) => {
    const root = document.querySelector(".mla-map");
    const slider = root.querySelector("input[type=range]");
    const times = [];
    let drawn = Number(root.dataset.frames);
    const start = performance.now();
    if (act === "play") model.set("look", 0), model.set("speed", 20), model.set("playing", true);
    const tick = (now) => {
        if (Number(root.dataset.frames) !== drawn) times.push(now);
        drawn = Number(root.dataset.frames);
        if (act === "scrub") {
            slider.value = (Number(slider.value) + 1) % 100;
            slider.dispatchEvent(new Event("input"));
        }
        if (now - start < 1000 * seconds) requestAnimationFrame(tick);
        else resolve(times.slice(1).map((time, i) => time - times[i]));
    };
    requestAnimationFrame(tick);
})"""


def cloud() -> Replay:
    """Return three modalities that drift apart."""
    rng = np.random.default_rng(0)
    present = np.ones((3, SAMPLES), bool)
    start, drift = rng.normal(size=(2, 3 * SAMPLES, 2))
    looks = np.arange(LOOKS)
    coords = (start + looks[:, None, None] / LOOKS * drift).astype(np.float32)
    shape: Any = (LOOKS, 3, SAMPLES)
    one = Map("pca", "made up", looks, coords, np.full(LOOKS, 0.9, np.float32))
    return Replay(
        modalities=("a", "b", "c"),
        classes=tuple("0123456789"),
        ids=tuple(map(str, range(SAMPLES))),
        labels=rng.integers(0, 10, SAMPLES),
        present=present,
        steps=looks,
        epochs=looks,
        predicted=rng.integers(0, 10, shape),
        fused=rng.integers(0, 10, (LOOKS, SAMPLES)),
        weights=np.full(shape, 1 / 3, np.float32),
        distances=np.ones(shape, np.float16),
        centroid_gap=np.ones((LOOKS, 3), np.float32),
        separability=np.ones(LOOKS, np.float32),
        maps={"pca": one},
    )


def main() -> None:
    print(f"  script: {len(SCRIPT.encode()) / 1024:.1f} KiB (goal: below 50)")
    if find_chromium() is None:
        print("  not measured: no Chromium here")
        return
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 1000})
        ExplorerPage(page, cloud())
        for act in ("play", "scrub"):
            times = page.evaluate(FRAMES, [act, SECONDS])
            middle, worst = statistics.median(times), statistics.quantiles(times, n=20)[-1]
            print(
                f"  {act}: {3 * SAMPLES} points x {LOOKS} looks: {1000 / middle:.0f} frames a "
                f"second (median; {len(times) / SECONDS:.0f} on average; 95 % of frames within "
                f"{worst:.0f} ms; goal: 60)"
            )
