"""What a teacher hands out: the numbers are those that the code computes, and what is named is there."""

import json
import re
import runpy
from itertools import chain

import papermill
import pytest

from mla_core.cli.main import command_parser
from tests import ROOT

TEACH = ROOT / "docs" / "teach"
PAGES = sorted(TEACH.glob("*.md"))
PLAYGROUND = (ROOT / "docs/playground.html").read_text()


def test_the_answer_key_is_what_the_command_writes():
    key = runpy.run_path(str(TEACH / "answers.py"))
    assert (TEACH / "answers.md").read_text() == key["as_page"](), (
        "run python docs/teach/answers.py"
    )
    titles = re.findall(r"^## (\d\. .*)$", (TEACH / "exercises.md").read_text(), re.MULTILINE)
    assert titles[: len(key["ANSWERS"])] == list(key["ANSWERS"])


def test_the_marking_scheme_counts_to_its_sum_and_its_numbers_hold():
    question, _, scheme = (TEACH / "exam.md").read_text().partition("## Marking scheme")
    assert sum(map(int, re.findall(r"\*\((\d) points\)\*", question))) == 20
    assert sum(int(n) for n in re.findall(r"\*\((\d)[);]", scheme)) == 20
    for updates, told in ((1, "0.2"), (3, "0.0769")):
        assert f"{0.25 / (0.25 + updates):.3g}" == told
        assert f"α/(α + {updates}) = {told}" in scheme


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
        assert (page.parent / link).is_file(), link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_that_are_shown_can_be_read(page):
    shown = re.findall(r"^mla-lab (.*)$|`mla-lab ([^`]+ [^`]+)`", page.read_text(), re.MULTILINE)
    for line in map("".join, shown):
        command_parser().parse_args(line.split())


@pytest.mark.parametrize("name", ["lesson_45.md", "handout.md"])
def test_examples_of_the_playground_that_are_named_are_there(name):
    titles = set(re.findall(r'title: tr\("([^"]+)"\)', PLAYGROUND))
    pattern = {"lesson_45.md": r"the example \*([^*]+)\*", "handout.md": r"^\d\. \*([^*]+)\*"}[name]
    text = (TEACH / name).read_text().partition("**In the notebook**")[0]
    named = set(re.findall(pattern, text, re.MULTILINE))
    assert len(named) >= 4
    assert named <= titles


def test_the_chinese_handout_names_what_stands_in_the_chinese_playground():
    said = dict(re.findall(r'^  "?([^":\n]+)"?: "([^"]+)",$', PLAYGROUND, re.MULTILINE))
    catalogue = ROOT / "docs/site/locale/zh_CN/LC_MESSAGES/docs/teach/handout.po"
    text = catalogue.read_text().partition("**In the notebook")[0]
    lines = re.findall(r'^msgid "(\*.*)"\nmsgstr "(.*)"$', text, re.MULTILINE)
    named = [re.findall(r"\*([^*]+)\*", line) for line in chain(*lines)]
    pairs = list(chain(*map(zip, named[::2], named[1::2])))
    of_the_playground = [(english, ours) for english, ours in pairs if english in said]
    assert len(of_the_playground) >= 5
    assert all(said[english] == ours for english, ours in of_the_playground)


@pytest.mark.parametrize(("name", "minutes"), [("lesson_45.md", 45), ("lesson_90.md", 90)])
def test_a_lesson_fills_its_minutes_without_a_hole(name, minutes):
    text = (TEACH / name).read_text()
    planned = re.findall(r"^\| (\d+)–(\d+) \|", text, re.MULTILINE)
    assert planned == re.findall(r"^## (\d+)–(\d+) ", text, re.MULTILINE)
    ends = [int(end) for _, end in planned]
    assert [int(start) for start, _ in planned] == [0, *ends[:-1]]
    assert ends[-1] == minutes


def test_the_slides_run_and_every_cell_has_its_place(tmp_path):
    book = json.loads((TEACH / "slides.ipynb").read_text())
    kinds = {cell["metadata"]["slideshow"]["slide_type"] for cell in book["cells"]}
    assert kinds == {"slide", "fragment", "skip", "notes", "-"}
    quick = {"dataset": "gaussian", "epochs": 1, "headless": True}
    papermill.execute_notebook(
        str(TEACH / "slides.ipynb"), str(tmp_path / "out.ipynb"), quick, progress_bar=False
    )
