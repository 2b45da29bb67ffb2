"""What single values say: which are missing, and what labels, ids and groups are as texts."""

import enum
from datetime import UTC, date, datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
import torch

from mla_core import DataError
from mla_core.data.files.cells import WORDS, bare, is_missing, labels_of, plain, plains

NOTHING = (
    None,
    float("nan"),
    np.ma.masked,
    np.float32("nan"),
    np.datetime64("NaT"),
    pd.NaT,
    pd.NA,
    "",
    " \t",
    b"",
)
VALUES = (0, 0.0, False, np.int64(0), np.bool_(False), "0", "False", "NaN", torch.tensor(0))


class Bird(enum.Enum):
    OWL = "owl"
    NONE = None


@pytest.mark.parametrize("value", NOTHING, ids=repr)
def test_what_is_missing(value):
    assert is_missing(value)
    assert plain(value, "label") == ""


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_what_is_a_value(value):
    assert not is_missing(value)
    assert plain(value, "label") in {"0", "0.0", "False", "NaN"}


@pytest.mark.parametrize("word", sorted(WORDS))
def test_words_are_missing_where_they_are_no_texts(word):
    assert is_missing(f" {word} ", words=True)
    assert not is_missing(word)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (torch.tensor(3), "3"),
        (torch.tensor([3]), "3"),
        (np.array("owl"), "owl"),
        (np.float32(0.5), "0.5"),
        (b"owl", "owl"),
        (np.bytes_(b"owl"), "owl"),
        (Bird.OWL, "owl"),
        (Bird.NONE, ""),
        (" owl ", "owl"),
    ],
)
def test_plain_values(value, told):
    assert plain(value, "label") == told


@pytest.mark.parametrize(
    "value", [[0, 3], np.array([0, 3]), torch.tensor([0, 3]), {"a": 1}, (1,), Decimal(1)], ids=repr
)
def test_more_than_one_value_is_refused(value):
    with pytest.raises(DataError, match="not one value: give each sample one label"):
        labels_of([value])


@pytest.mark.parametrize(
    "labels", [[1, "1"], ["1", 1], [1, 1.0], [1, True], [np.int64(1), "1"], [b"owl", "owl"]]
)
def test_labels_of_two_kinds_that_are_alike_are_refused(labels):
    with pytest.raises(DataError, match="are alike: make them one kind"):
        labels_of(["a", *labels])


def test_what_a_person_sees_of_a_text():
    assert bare("caf\u0065\u0301") == bare("caf\u00e9")
    assert bare("a\u200bb\ufeff  c ") == "ab c"


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (date(2024, 1, 2), "2024-01-02"),
        (datetime(2024, 1, 2, 3, 4, tzinfo=UTC), "2024-01-02T03:04:00+00:00"),
        (pd.Timestamp("2024-01-02"), "2024-01-02T00:00:00"),
        (np.datetime64("2024-01-02"), "2024-01-02"),
    ],
)
def test_a_date_is_a_value(value, told):
    assert plain(value, "group") == told


def test_a_column_is_told_as_its_cells_are():
    cells = [" a ", 1, None, "NaN", b"b", float("nan")]
    assert plains(cells, "id") == [plain(cell, "id") for cell in cells]
    assert plains(cells, "id", words=True) == ["a", "1", "", "", "b", ""]


def test_white_space_around_labels_is_counted():
    notes = []
    assert labels_of(["owl ", "owl", "owl ", " tit"], notes) == ["owl", "owl", "owl", "tit"]
    assert notes == ["3 labels have white space around them, such as 'owl ', which is taken off"]
