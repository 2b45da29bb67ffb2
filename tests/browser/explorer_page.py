"""The explorer of the modality gap on a page without a kernel, and what a person does there."""

from __future__ import annotations

import base64
import json
from typing import Any

from playwright.sync_api import Page

from mla_core.data.samples.media import Media
from mla_core.evaluation.replay import Replay
from widgets.gap.embedding_view import SCRIPT, STATE, STYLE, parts_of, payload

# A stand-in for anywidget's `model`, as any page without a kernel needs it.
STAND_IN = """
const traits = JSON.parse(document.getElementById("traits").textContent);
const listeners = {};
const model = {
  get: (name) => traits[name],
  set: (name, value) => {
    traits[name] = value;
    (listeners[`change:${name}`] ?? []).forEach((action) => action());
  },
  on: (name, action) => (listeners[name] ??= []).push(action),
  off: (name, action) => (listeners[name] = (listeners[name] ?? []).filter((a) => a !== action)),
  save_changes: () => {},
};
window.model = model;
window.leave = render({ model, el: document.getElementById("view") });
"""


def page_html(replay: Replay, media: dict[str, list[Media]] | None = None, **state: Any) -> str:
    """Return a page that shows `replay` and asks nobody for anything."""
    parts = {sample: parts_of(those) for sample, those in (media or {}).items()}
    traits = STATE | payload(replay) | {"media": parts, "look": len(replay.steps) - 1} | state
    told = json.dumps(traits, default=_base64).replace("<", "\\u003c")
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><style>{STYLE}</style><body>"
        f"<div id=view></div><script type='application/json' id=traits>{told}</script>"
        f"<script type=module>{SCRIPT}{STAND_IN}</script></body></html>"
    )


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()


class ExplorerPage:
    """What the explorer shows and answers.

    Attributes
    ----------
    errors
        What the page reported as an error so far.
    """

    def __init__(self, page: Page, replay: Replay, **options: Any) -> None:
        self.page = page
        self.replay = replay
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda m: self.errors.append(m.text) if m.type == "error" else None)
        page.set_content(page_html(replay, **options))
        page.wait_for_selector(".mla-map[data-frames]", timeout=20_000)
        self.root = page.locator(".mla-map")
        self.canvas = page.locator(".mla-map canvas")

    def trait(self, name: str) -> Any:
        return self.page.evaluate("(name) => model.get(name)", name)

    def settle(self) -> None:
        """Wait until two more frames are drawn, or none is due."""
        self.page.evaluate(
            "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
        )

    def scrub(self, look: int) -> None:
        slider = self.page.get_by_role("slider", name="sub-step")
        slider.fill(str(look))
        self.settle()

    def spot(self, modality: int, sample: str, name: str = "pca") -> tuple[float, float]:
        """Return where a part is on the canvas, reckoned from the replay alone."""
        owners, samples = self.replay.points
        n = self.replay.ids.index(sample)
        (k,) = ((owners == modality) & (samples == n)).nonzero()[0]
        one = self.replay.maps[name]
        x, y = one.coords[self.trait("look"), k]
        return self.to_canvas(float(x), float(y))

    def to_canvas(self, x: float, y: float) -> tuple[float, float]:
        half, cx, cy, scale = json.loads(str(self.canvas.get_attribute("data-frame")))
        return half + (x - cx) * scale, half - (y - cy) * scale
