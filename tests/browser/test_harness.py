"""The harness itself: what it starts answers, what it runs is seen, what fails is heard."""

import re
import shutil
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import nbformat
import psutil
import pytest

from tests.browser import first_hour
from tests.browser.lab_page import LabPage
from tests.browser.live_lab import LabError, LiveLab
from tests.browser.shared_page import SharedPage

BUTTON = """
import ipywidgets

button = ipywidgets.Button(description="count")
label = ipywidgets.Label("clicked 0 times")
clicks = []

def count(_):
    clicks.append(1)
    label.value = f"clicked {len(clicks)} times"

button.on_click(count)
ipywidgets.VBox([button, label])
"""
FIGURE = """
import plotly.graph_objects as go
from widgets.page.live_figure import LiveFigure

figure = LiveFigure(go.Figure(go.Scatter(y=[1, 3, 2], name="curve")))
figure.update_layout(title_text="before", height=300)
figure
"""


def write(folder: Path, lab: LiveLab, name: str, *cells: str) -> str:
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(cell.strip()) for cell in cells],
        metadata={"kernelspec": kernel},
    )
    nbformat.write(notebook, folder / name)
    return lab.add(folder / name)


@pytest.fixture
def harness(lab_page: SharedPage, tmp_path: Path) -> LabPage:
    """Open a notebook of cells that answer, that print, and that fail."""
    change = "figure.layout.title.text = 'after'"
    cells = (BUTTON, FIGURE, change, "print(6 * 7)", "1 / 0", "never = 2")
    lab_page.open(write(tmp_path, lab_page.lab, "harness.ipynb", *cells))
    return lab_page


def test_a_button_and_a_figure_answer_and_a_cell_runs_alone(harness: LabPage, tmp_path: Path):
    for cell in range(3):
        harness.run_cell(cell)
    first = harness.cell(0)
    first.get_by_role("button", name="count").click()
    first.get_by_text("clicked 1 times").wait_for()
    harness.cell(1).locator(".gtitle", has_text="after").wait_for()
    picture = harness.screenshot(tmp_path / "picture.png")
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert harness.console_errors == []

    output = harness.run_cell(3).locator(".jp-OutputArea-output")
    assert output.inner_text().strip() == "42"


def test_errors_of_the_page_and_of_a_cell_are_heard(harness: LabPage):
    harness.page.evaluate("() => { console.error('first'); }")
    harness.page.evaluate("() => { setTimeout(() => { throw new Error('second'); }); }")
    harness.page.wait_for_timeout(200)
    assert [error.split(" (")[0] for error in harness.console_errors] == [
        "first",
        "page error: second",
    ]

    with pytest.raises(LabError, match="cell 4: ZeroDivisionError: division by zero"):
        harness.run_all()


@pytest.mark.long
def test_the_first_hour_looks_at_the_notebook_of_its_address(own_page: LabPage, tmp_path: Path):
    """JupyterLab opens again what was open before: here one whose cell failed."""
    lab, page = own_page.lab, own_page.page
    before = write(tmp_path, lab, "before.ipynb", "1 / 0")
    asked = write(tmp_path, lab, "asked.ipynb", FIGURE)
    workspace = f"{lab.url}/lab/workspaces/shared/tree"
    first_hour.open_notebook(page, f"{workspace}/{before}?token={lab.token}")
    with page.expect_response(lambda answer: "/api/workspaces/shared" in answer.url):
        first_hour.run_all(page)
    first_hour.open_notebook(page, f"{workspace}/{asked}?token={lab.token}")
    assert page.locator(".jp-NotebookPanel").count() == 2
    first_hour.run_all(page)
    assert page.locator(first_hour.ERROR).count() == 0


def test_settings_and_notebooks_of_one_test_do_not_reach_the_next(
    live_lab: LiveLab, tmp_path: Path
):
    name = write(tmp_path, live_lab, "kept.ipynb", "1")
    theme = live_lab.settings / "@jupyterlab" / "apputils-extension" / "themes.jupyterlab-settings"
    theme.write_text('{"theme": "JupyterLab Dark"}')
    (live_lab.root / name).write_text("spoilt")
    live_lab.reset()
    assert not theme.exists()
    assert (live_lab.root / name).read_bytes() == (tmp_path / name).read_bytes()


def test_a_shared_page_has_forgotten_what_the_test_before_told_it(
    lab_page: SharedPage, tmp_path: Path
):
    tell = "import ipywidgets\ntold = ipywidgets.Text()\ntold"
    ask = """
        import ipywidgets, os
        print("told" in globals(), len(ipywidgets.Widget.get_manager_state()["state"]), os.getcwd())
    """
    lab = lab_page.lab
    name = write(tmp_path, lab, "shared.ipynb", tell, textwrap.dedent(ask))
    (lab.root / "elsewhere").mkdir()
    shutil.copy(tmp_path / name, lab.root / "elsewhere")

    lab_page.open(f"elsewhere/{name}")
    lab_page.run_cell(0)
    said = lab_page.run_cell(1).locator(".jp-OutputArea-output")
    assert re.fullmatch(r"True [1-9]\d* .*/elsewhere", said.inner_text().strip())
    lab_page.theme("dark")
    lab_page.clear()
    lab_page.open(name)
    lab_page.run_cell(1)
    assert said.inner_text().strip() == f"False 0 {lab.root}"
    assert lab_page.page.locator("body[data-jp-theme-light='true']").count() == 1
    assert lab_page.page.locator(".jp-NotebookPanel").count() == 1


HOLDER = """
from tests.browser.live_lab import LiveLab

with LiveLab() as lab:
    lab._request("POST", "api/kernels")
    print(lab.root.parent, flush=True)
    input()
"""


def processes_with(text: str) -> list[str]:
    commands = (" ".join(p.info["cmdline"] or ()) for p in psutil.process_iter(["cmdline"]))
    return [command for command in commands if text in command]


@pytest.mark.parametrize("death", [pytest.param("expected", marks=pytest.mark.long), "sudden"])
def test_nothing_survives_the_test_run(death: str):
    command = [sys.executable, "-c", HOLDER]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        try:
            assert holder.stdout is not None
            home = holder.stdout.readline().decode().strip()
            alive = processes_with(home)
            if death == "expected":
                holder.communicate(b"\n")
        finally:
            holder.kill()
    assert len(alive) == 3  # the guard, the server, the kernel
    for _ in range(200):
        if not processes_with(home):
            break
        time.sleep(0.1)
    assert processes_with(home) == []
    if death == "sudden":  # then nobody was left to remove it
        shutil.rmtree(home)
    assert not Path(home).exists()


@pytest.mark.long
def test_whoever_has_no_browser_can_leave_these_tests_out():
    command = [sys.executable, "-m", "pytest", "--collect-only", "-m", "not browser", __file__]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == pytest.ExitCode.NO_TESTS_COLLECTED, done.stdout
