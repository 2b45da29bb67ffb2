"""The playground's page is its parts, and its digits are those of their source."""

import base64
import json
import re
import runpy

import numpy as np
import pytest
from sklearn.datasets import load_digits

from tests import ROOT

FOLDER = ROOT / "docs" / "playground"
PAGE = FOLDER.with_suffix(".html")


def test_the_page_is_its_parts_and_small() -> None:
    assert (
        PAGE.read_text(encoding="utf-8")
        == runpy.run_path(str(FOLDER / "put_together.py"))["page"]()
    )
    assert PAGE.stat().st_size <= 400_000


def test_its_digits_are_those_of_scikit_learn_in_16_shades() -> None:
    packed = np.frombuffer(base64.b64decode((FOLDER / "digits.txt").read_text()), dtype=np.uint8)
    pixels = np.stack([packed >> 4, packed & 15], axis=1).reshape(-1, 3, 64)  # 3, 5, 8 in turn
    source = load_digits()
    for column, digit in enumerate((3, 5, 8)):
        theirs = source.data[source.target == digit][: len(pixels)]
        np.testing.assert_array_equal(pixels[:, column], theirs.clip(max=15))


def said() -> list[str]:
    """Return every message of the page in English: in its scripts, and in what it is made of."""
    scripts = "\n".join(part.read_text("utf-8") for part in FOLDER.glob("*.js"))
    body = (FOLDER / "page.html").read_text("utf-8")
    marked = re.findall(r"<(\w+)[^>]*\bdata-tr>(.*?)</\1>", body, re.DOTALL)
    return [
        *re.findall(r'\btr\("([^"]*)"', scripts),
        *(" ".join(text.split()) for _, text in marked),
        *re.findall(r'aria-label="([^"]+)"', body),
    ]


def chinese() -> dict[str, str]:
    """Return what stands in `chinese.js`, which is nearly JSON."""
    table = (FOLDER / "chinese.js").read_text("utf-8").partition("const CHINESE = ")[2]
    quoted = re.sub(r"^  (\w+):", r'  "\1":', table.strip().rstrip(";"), flags=re.MULTILINE)
    return json.loads(re.sub(r",\s*}$", "}", quoted))


def test_every_message_is_translated_and_none_is_left_over() -> None:
    assert set(chinese()) == set(said())


@pytest.mark.parametrize("part", [r"\{\w+\}", r"</?\w+>"], ids=["placeholders", "elements"])
def test_a_translation_keeps(part: str) -> None:
    for message, translation in chinese().items():
        assert sorted(re.findall(part, translation)) == sorted(re.findall(part, message)), message


def test_a_message_has_no_element_but_emphasis() -> None:
    for message in chinese():
        assert set(re.findall(r"<[^>]*>", message)) <= {"<em>", "</em>"}, message


def test_no_text_of_the_page_is_unmarked() -> None:
    body = (FOLDER / "page.html").read_text("utf-8").partition("<body>")[2].partition("<script")[0]
    rest = re.sub(
        r"<(\w+)[^>]*\bdata-tr>.*?</\1>|<noscript>.*?</noscript>", "", body, flags=re.DOTALL
    )
    assert re.findall(r"[A-Za-z]{2,}", re.sub(r"<[^>]+>", "", rest)) == []


@pytest.mark.parametrize("name", ["page", "controls", "charts", "diagram", "state", "draw"])
def test_no_sentence_of_a_script_is_unmarked(name: str) -> None:
    script = re.sub(r"(?m)(?:^|\s)//.*$", "", (FOLDER / f"{name}.js").read_text("utf-8"))
    unmarked = re.sub(r'\btr\("[^"]*"', "", script)
    assert re.findall(r'["`][^"`\n]*[A-Za-z]{2,} [a-z]{2,}[^"`\n]*["`]', unmarked) == []
