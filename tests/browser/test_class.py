"""A guess on a real page is kept when the notebook is saved, and collected without running anything."""

import json

import nbformat
from playwright.sync_api import expect

from mla_core.classroom import METADATA, collect_guesses
from mla_core.cli import main
from tests.browser.lab_page import LabPage
from tests.browser.live_lab import LiveLab

ASK = """
import widgets
widgets.predict("Is 4 even?", ["no", "yes"], lambda: ("yes", "Two divides it."))
widgets.predict("Is 5?", ["no", "yes"], lambda: ("no", "Two does not divide it."))
"""
SAVE = "() => window.jupyterapp.commands.execute('docmanager:save')"


def test_guesses_are_saved_with_the_notebook_and_collected(lab_page: LabPage, live_lab: LiveLab):
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    cells = [nbformat.v4.new_markdown_cell("Read."), nbformat.v4.new_code_cell(ASK.strip())]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
    pile = live_lab.root / "pile"
    pile.mkdir()
    nbformat.write(notebook, pile / "Ada.ipynb")

    def kept():
        lab_page.page.evaluate(SAVE)
        return [tuple(row[3:]) for row in collect_guesses(pile).rows]

    lab_page.open("pile/Ada.ipynb")
    lab_page.run_cell(1)
    forms = lab_page.page.locator(".mla-question")
    expect(forms).to_have_count(2)
    assert kept() == []
    forms.nth(0).get_by_label("no").check()
    assert kept() == [("Is 4 even?", "no", "", "")]
    forms.nth(0).get_by_role("button", name="Reveal").click()
    expect(forms.nth(0)).to_have_attribute("data-state", "revealed")
    forms.nth(1).get_by_label("no").check()
    first = ("Is 4 even?", "no", "yes", "wrong")
    assert kept() == [first, ("Is 5?", "no", "", "")]

    # Who knows the answer and runs the cell again keeps the first guess.
    lab_page.run_cell(1)
    expect(forms.nth(0)).to_have_attribute("data-state", "open")
    forms.nth(0).get_by_label("yes").check()
    forms.nth(0).get_by_role("button", name="Reveal").click()
    expect(forms.nth(0)).to_have_attribute("data-state", "revealed")
    forms.nth(1).get_by_label("yes").check()
    assert kept() == [first, ("Is 5?", "yes", "", "")]

    # After a reload the kernel's question is still there, and goes on keeping.
    lab_page.page.reload()
    lab_page.wait_until_idle()
    forms.nth(1).get_by_role("button", name="Reveal").click()
    expect(forms.nth(1)).to_have_attribute("data-state", "revealed")
    second = ("Is 5?", "yes", "no", "wrong")
    assert kept() == [first, second]

    (_, cell) = json.loads((pile / "Ada.ipynb").read_text())["cells"]
    assert cell["metadata"][METADATA]["guesses"][0]["choices"] == ["no", "yes"]
    out = pile / "guesses.csv"
    assert main(["class", "collect", str(pile), "--out", str(out)]) == 0
    assert out.read_text().splitlines()[1] == "Ada,Ada.ipynb,2,Is 4 even?,no,yes,wrong"
    assert lab_page.console_errors == []
