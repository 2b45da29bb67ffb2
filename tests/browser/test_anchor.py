"""What an anchor does to its cell after a reload, by a manager that says what JupyterLab would."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser

from widgets.page.page import asset

# Cells whose outputs are JupyterLab's, as far as `comeBack` asks: a text, and the views of these models.
ASK = """async ({ script, shown, drawn, known }) => {
    const VIEW = "application/vnd.jupyter.widget-view+json";
    const told = [];
    const text = { output_type: "stream", text: "first" };
    const outputs = [text, ...shown.map((model_id) => ({ data: { [VIEW]: { model_id } } }))];
    const cell = { id: "mine", trusted: true, outputs: {
        toJSON: () => outputs,
        set: (place, output) => told.push(["set", place, output.data[VIEW].model_id]),
        add: (output) => told.push(["add", output.data[VIEW].model_id]),
        clear: () => told.push(["clear"]),
    } };
    const manager = {
        restoredStatus: true,
        context: { model: { cells: [{ id: "prose" }, cell] } },
        has_model: (id) => known.includes(id),
        get_model: async () => ({ views: drawn ? { one: Promise.resolve() } : {} }),
    };
    const run = new Function(`const setTimeout = (act) => act(); ${script}; return comeBack;`);
    await run()(manager, "root", "mine");
    return told;
}"""


@pytest.mark.parametrize(
    ("shown", "drawn", "known", "told"),
    [
        (["root"], True, ["root"], []),
        (["root"], False, ["root"], [["set", 1, "root"]]),
        (["other", "root"], False, ["root", "other"], [["set", 2, "root"]]),
        (["root"], False, [], []),
        ([], False, ["root"], [["add", "root"]]),
        (["gone"], False, ["root"], [["clear"], ["add", "root"]]),
    ],
    ids=[
        "it is drawn",
        "drawn too early, and left at an error",
        "beside another",
        "closed meanwhile",
        "nothing was saved",
        "what was saved is of the past",
    ],
)
def test_a_view_stands_in_its_cell_again(
    browser: Browser, shown: list[str], drawn: bool, known: list[str], told: list[Any]
):
    script = asset("page/anchor.js").partition("export default")[0]
    page = browser.new_page()
    given = {"script": script, "shown": shown, "drawn": drawn, "known": known}
    assert page.evaluate(ASK, given) == told
    page.close()
