"""The glossary is written once, one sentence a term, and knows the words that stand on screens."""

import re

import ipywidgets as ipw
import pytest

from mla_core import language
from tests import ROOT
from widgets.charts.panels import MORE, PANELS
from widgets.page.anchor import Anchor
from widgets.page.glossary import as_page, as_script, glossary

TERMS = glossary()
ON_SCREEN = [
    *(title for *_, title in PANELS.values()),
    *MORE.values(),
    *(
        "sub-step",
        "round",
        "epoch",
        "probe set",
        "nats",
        "plasticity",
        "P",
        "λ",
        "α",
        "calibration",
    ),
    *("Temperature", "entropy fusion", "Modality gap", "shared head", "importance weights", "UMAP"),
    *("trustworthiness", "Holm", "paired interval", "Head gradient", "separability", "logits"),
]


def test_the_page_is_made_of_the_terms():
    assert (ROOT / "docs/glossary.md").read_text() == as_page(), "run python docs/glossary.py"


@pytest.mark.parametrize("term", TERMS, ids=lambda term: term.title)
def test_a_term_has_one_sentence(term):
    assert re.fullmatch(r"[A-Z0-9].*[^.]\.", term.says)
    assert not re.search(r"[.?!] [A-Z]", term.says.removesuffix("."))


def test_every_word_belongs_to_one_term():
    words = [word.lower() for term in TERMS for word in term.words]
    assert sorted(set(words)) == sorted(words)


@pytest.mark.parametrize("text", [one for one in ON_SCREEN if one != "Further numbers"])
def test_what_stands_on_a_screen_is_explained(text):
    words = "|".join(re.escape(word) for term in TERMS for word in term.words)
    assert re.search(rf"\b({words})s?\b", text, re.IGNORECASE)


def test_a_live_view_brings_the_terms_to_its_page():
    script = Anchor(ipw.VBox(), "cell")._esm
    assert "Holm's correction: A stricter threshold" in script
    assert len(script) < 50_000


def test_the_terms_are_in_the_language_of_those_who_read(monkeypatch):
    term = next(one for one in TERMS if one.title == "sub-step")
    said = {"sub-step": "子步", term.told: "子步（sub-step）：一个模态的一个批次。"}
    monkeypatch.setattr(language, "_chosen", ["zh_CN"])
    monkeypatch.setattr(language, "messages", lambda name, source="": said)
    assert '[["子步", "sub-step"], "子步（sub-step）：一个模态的一个批次。"]' in as_script()
    assert term.told in as_page().replace("\n\n", ": ")
