"""A page that was too busy for a widget's script in time: what stands on it is true all the same."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.browser.bench import Bench
from tests.browser.lab_page import LabPage
from tests.browser.live_lab import LiveLab

# anywidget gives a script two seconds: here it has none, whatever the machine.
NO_TIME = """
const timeout = AbortSignal.timeout.bind(AbortSignal);
window.late = 0;
AbortSignal.timeout = (ms) => {
    if (ms !== 2000) return timeout(ms);
    window.late += 1;
    return { addEventListener: (_, act) => queueMicrotask(act) };
};
addEventListener("unhandledrejection", (event) => {
    if (/Failed to initialize model/.test(event.reason?.message)) event.preventDefault();
});
"""

KEEP_BUSY = """() => {
    const code = "import pathlib, time\\npathlib.Path('held').touch()\\n"
        + "while not pathlib.Path('go').exists(): time.sleep(0.05)";
    window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.requestExecute({ code });
}"""


@pytest.fixture
def late_page(person: BrowserContext, live_lab: LiveLab) -> Iterator[LabPage]:
    with LabPage.new(person, live_lab) as page:
        page.page.add_init_script(NO_TIME)
        yield page


def test_every_view_follows_the_kernel(late_page: LabPage, live_lab: LiveLab):
    bench = Bench.of_first_notebook(late_page)
    page = late_page.page
    before = bench.picture()
    bench.press("Step")
    bench.wait_for_text("sub-step 1 of 510, last trained: image")
    bench.wait_for_trace("loss.image", 1)
    bench.press("Epoch")
    bench.wait_for_text("sub-step 51 of")
    bench.wait_for_another_picture(before)
    bench.wait_for_trace("loss.audio", 17)
    expect(page.get_by_role("slider", name="Moment")).to_have_attribute(
        "aria-valuetext", re.compile("sub-step 51")
    )
    assert page.evaluate("window.late"), "anywidget waits otherwise now: see `hear.js`"

    bench.wait_for_answers(1)
    page.evaluate(KEEP_BUSY)  # what has no view hears it, too
    while not (live_lab.root / "held").exists():  # what is asked before is answered before
        page.wait_for_timeout(50)
    bench.press("Step")
    expect(page.locator(".mla-kernel")).to_have_text(re.compile("The kernel is busy"))
    (live_lab.root / "go").touch()
    expect(page.locator(".mla-kernel")).to_have_text("")
    bench.wait_for_text("sub-step 52 of")
    assert late_page.console_errors == []
