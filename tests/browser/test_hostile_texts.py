"""Hostile texts on every widget and page are shown and never act: one page of the campaign's."""

import random

import pytest
from playwright.sync_api import Browser

from tests.browser.lab_page import LabPage
from tests.campaign.hostile import AT_ONCE, hostile_texts, look, show, watch
from tests.campaign.tally import Tally

# The ten of this seed leave attributes, titles and scripts, and act by themselves.
FEW = (2803, 10)


@pytest.mark.parametrize(
    ("seed", "number"), [FEW, pytest.param(0, AT_ONCE, marks=pytest.mark.long)]
)
def test_no_text_acts(lab_page: LabPage, seed: int, number: int) -> None:
    tally = Tally("hostile texts")
    show(hostile_texts(random.Random(seed), number), seed, lab_page, tally)
    assert tally.faults == []


def test_a_text_that_acts_is_found_out(browser: Browser) -> None:
    tally, page = Tally("hostile texts"), browser.new_page()
    watch(page, tally, "careless")
    page.set_content("<img src=x onerror=\"window.hit=1;fetch('http://hostile.invalid/')\">")
    page.wait_for_function("() => window.hit")
    look(page, tally, "careless")
    page.close()
    told = " ".join(what for _, what in tally.faults)
    for part in ("a text has run", "a text became", "hostile.invalid/ was asked for"):
        assert part in told
