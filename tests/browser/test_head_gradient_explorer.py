"""Notebook 02 in a real JupyterLab: drag, press keys, walk a sub-step, compare variants."""

import math

import pytest
from playwright.sync_api import expect

import mla_core as mla
from tests.browser.head_gradient_page import EXPLORER_CELL, TOY_CELL, Explorer, Toy, open_notebook
from tests.browser.lab_page import LabPage

TRACE = """([meta, axis]) => {
    const figure = document.querySelector(".js-plotly-plot");
    return Array.from(figure.data.find((trace) => trace.meta === meta)[axis] ?? []);
}"""


def projected(h, g, alpha):
    """Eq. 5 after one update of the identity, by its closed form."""
    hh, gh = h[0] ** 2 + h[1] ** 2, g[0] * h[0] + g[1] * h[1]
    return [g[i] - gh * h[i] / (alpha + hh) for i in (0, 1)]


def angle(a, b):
    cosine = abs(a[0] * b[0] + a[1] * b[1]) / (math.hypot(*a) * math.hypot(*b))
    return math.degrees(math.acos(min(1.0, cosine)))


def check_numbers(toy: Toy, alpha: float) -> None:
    h, g, p = (toy.numbers(name) for name in ("h", "g", "p"))
    expected = projected(h, g, alpha)
    assert p == pytest.approx(expected, abs=0.006)
    assert toy.numbers("before") == pytest.approx([angle(g, h)], abs=0.06)
    assert toy.numbers("after") == pytest.approx([angle(expected, h)], abs=0.06)
    least = alpha / (alpha + h[0] ** 2 + h[1] ** 2)
    assert toy.numbers("least") == pytest.approx([least], abs=0.0006)
    ellipse = toy.root.locator("ellipse")
    axes = [float(ellipse.get_attribute(name) or 0) for name in ("rx", "ry")]
    assert axes[1] / axes[0] == pytest.approx(least, abs=1e-6)


def test_the_toys_vectors_follow_mouse_and_keys(lab_page: LabPage):
    open_notebook(lab_page, TOY_CELL)
    toy = Toy(lab_page)
    check_numbers(toy, 0.1)
    assert toy.numbers("h") == [1.2, 0.6]

    toy.drag("h", right=-0.7, up=0.5)
    assert toy.numbers("h") == pytest.approx([0.5, 1.1], abs=0.03)
    check_numbers(toy, 0.1)
    toy.drag("g", right=9, up=0)  # no further than the plane
    assert toy.numbers("g")[0] == 2.0
    check_numbers(toy, 0.1)

    x, y = toy.numbers("h")
    toy.tip("h").focus()
    keyboard = lab_page.page.keyboard
    for key in ("ArrowRight", "ArrowRight", "ArrowDown", "Shift+ArrowLeft"):
        keyboard.press(key)
    assert toy.numbers("h") == pytest.approx([x + 0.19, y - 0.1])
    expect(toy.tip("h")).to_be_focused()  # JupyterLab has not taken the keys
    check_numbers(toy, 0.1)
    told = toy.root.get_by_role("status")
    expect(told).to_contain_text(f"at {toy.text('before')} to the mean feature")
    expect(toy.tip("h")).to_have_attribute(
        "aria-valuetext", f"{x + 0.19:.2f} right, {y - 0.1:.2f} up"
    )

    toy.root.get_by_role("slider", name="α").focus()
    keyboard.press("End")
    expect(toy.root.locator(".value")).to_have_text("10")
    check_numbers(toy, 10.0)

    x, y = toy.numbers("h")
    toy.drag("h", right=-x, up=-y)
    x, y = toy.numbers("h")
    ways = ("ArrowLeft" if x > 0 else "ArrowRight", x), ("ArrowDown" if y > 0 else "ArrowUp", y)
    for way, far in ways:
        for _ in range(round(abs(100 * far))):
            keyboard.press(f"Shift+{way}")
    assert toy.numbers("h") == [0, 0]
    assert toy.text("before") == toy.text("after") == toy.text("seen") == "undefined"
    assert toy.numbers("p") == toy.numbers("g")
    expect(told).to_contain_text("h is 0 and has no direction")
    toy.drag("h", right=1, up=1)

    before = toy.root.locator(".h .shaft").evaluate("e => getComputedStyle(e).stroke")
    lab_page.theme("dark")
    stroke = "e => getComputedStyle(e).stroke"
    assert toy.root.locator(".h .shaft").evaluate(stroke) != before
    assert lab_page.console_errors == []


def test_stages_and_comparison_show_what_training_does(lab_page: LabPage):
    open_notebook(lab_page, EXPLORER_CELL)
    explorer = Explorer(lab_page)
    explorer.ready()
    page = lab_page.page
    session = mla.TrainingSession(mla.ExperimentConfig())  # the notebook's own settings
    session.advance(epochs=1)
    (record,) = session.advance(steps=1)

    for stage in ("forward", "loss", "gradient", "projection", "update"):
        explorer.press("Next stage")
        explorer.wait_for_stage(stage)
    numbers = {
        name: float(page.locator(f"[data-stage] [data-number={name}]").inner_text())
        for name in ("loss", "gradient", "projected")
    }
    assert numbers["loss"] == pytest.approx(record.loss, abs=6e-5)
    assert numbers["gradient"] == pytest.approx(record.gradient_norm, rel=1e-3)
    assert numbers["projected"] == pytest.approx(record.projected_norm, rel=1e-3)
    page.wait_for_function(f"(a) => ({TRACE})(a).length > 51", arg=["plasticity", "y"])
    plasticity = [step.plasticity for step in session.history.steps]
    assert page.evaluate(TRACE, ["plasticity", "y"]) == pytest.approx(plasticity)

    page.get_by_label("Sub-steps").fill("9")
    page.keyboard.press("Tab")
    page.get_by_role("checkbox", name="additive", exact=True).check()
    explorer.press("Compare")
    explorer.wait_for_text("Compared over 9 sub-steps")
    for variant in ("off", "paper", "additive"):
        twin = session.fork(head_gradient="released")  # another one, so that P starts afresh
        twin.reconfigure(head_gradient=variant)
        total = sum(sum(step.forgetting.values()) for step in twin.advance(steps=9))
        row = page.get_by_role("row").filter(has=page.locator(f"[data-variant={variant}]"))
        expect(row).to_contain_text(f"{total:+.3f}")
        shown = page.evaluate(TRACE, [f"forgetting.{variant}", "y"])
        assert shown[-1] == pytest.approx(total, abs=1e-6)

    page.get_by_label("Variant").select_option("off")
    explorer.wait_for_text("head_gradient is off from sub-step 53 on")
    explorer.press("Finish step")
    explorer.wait_for_stage("update")
    expect(page.locator("[data-reason]")).to_contain_text(
        "The variant off uses the head's gradient"
    )
    expect(page.locator("li[data-stage]")).to_have_count(4)

    lab_page.run_cell(EXPLORER_CELL)
    explorer.ready()
    explorer.wait_for_text("Press Next stage")
    expect(page.locator("li[data-stage]")).to_have_count(0)
    late = "Error setting state: Cannot read properties of undefined (reading 'length')"
    assert [error for error in lab_page.console_errors if not error.startswith(late)] == []
