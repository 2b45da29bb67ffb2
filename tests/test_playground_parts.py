"""The playground's page is its parts, and its digits are those of their source."""

import base64
import runpy

import numpy as np
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
