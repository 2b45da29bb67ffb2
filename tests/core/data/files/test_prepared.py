"""What was prepared is what was asked for: other numbers are never given in silence."""

import re

import numpy as np
import pytest

import mla_core as mla
from mla_core.data.decoding import Preparation, decoder
from mla_core.data.files.cache import prepare_column
from mla_core.data.samples.source import Source
from mla_core.data.samples.stored import ArrayOnDisk, StoredColumn

SONGS = [f"hoo {'o' * i}" for i in range(12)]


def prepare(cache):
    sources = [Source(f"line {i}", song) for i, song in enumerate(SONGS)]
    return prepare_column("song", sources, decoder("text", Preparation()), cache)


def folder_of(cache):
    (folder,) = [path for path in cache.iterdir() if path.is_dir()]
    return folder


def read(column):
    rows = column.array.rows(np.arange(len(SONGS)))
    return column.modality, rows.tolist(), column.digests.tolist(), column.faults, column.notes


@pytest.mark.parametrize("name", ["rows.npy", "digests.npy", "column.json"])
def test_every_flipped_bit_is_noticed_or_does_no_harm(tmp_path, name):
    whole = read(prepare(tmp_path))
    path = folder_of(tmp_path) / name
    raw = path.read_bytes()
    unnoticed, told = 0, set()
    places = range(0, len(raw), max(1, len(raw) // 150))
    for place in places:
        path.write_bytes(raw[:place] + bytes([raw[place] ^ 1 << place % 8]) + raw[place + 1 :])
        try:
            found = read(prepare(tmp_path))
        except mla.DataError as error:
            told.add(re.search(r"remove (that|its) folder", str(error)) is not None)
        else:
            assert found == whole
            unnoticed += 1
    assert told == {True}
    assert unnoticed < len(places) / 2  # what fills up the head of an array file means nothing


@pytest.mark.parametrize("name", ["rows.npy", "digests.npy", "column.json"])
@pytest.mark.parametrize("part", [0, 0.5, 0.99])
def test_a_file_that_is_cut_off_is_noticed(tmp_path, name, part):
    prepare(tmp_path)
    path = folder_of(tmp_path) / name
    raw = path.read_bytes()
    path.write_bytes(raw[: int(part * len(raw))])
    with pytest.raises(mla.DataError, match=r"remove (that|its) folder"):
        read(prepare(tmp_path))


def test_a_damaged_row_is_noticed_when_it_is_read(tmp_path):
    column = prepare(tmp_path)
    path = folder_of(tmp_path) / "rows.npy"
    raw = bytearray(path.read_bytes())
    raw[-1] ^= 1  # of the last row
    path.write_bytes(raw)
    column = prepare(tmp_path)
    assert column.array.rows(np.arange(11)).shape[0] == 11
    with pytest.raises(mla.DataError, match=r"row 11 of .*is not what was written there"):
        column.array.rows(np.array([3, 11]))


def test_rows_are_compared_once():
    digests = np.zeros((2, 16), np.uint8)
    source = ArrayOnDisk(np.zeros((2, 3), np.uint8))
    column = StoredColumn(source, np.array([0]), digests)  # nothing is known of its rows
    assert column.source.rows(np.array([0, 1])).shape == (2, 3)


def test_the_same_numbers_in_another_shape_are_another_column(tmp_path):
    numbers = np.arange(6, dtype=np.float32)
    shapes = []
    for x in (numbers.reshape(6, 1), numbers.reshape(1, 6), numbers.astype(np.float64)[:, None]):
        reader = decoder("series", Preparation())
        column = prepare_column("x", [Source("line 1", x)], reader, tmp_path)
        shapes.append(column.modality.shape)
    assert shapes == [(1, 6), (6, 1), (1, 6)]
    assert sum(path.is_dir() for path in tmp_path.iterdir()) == 3


def test_another_tokenizer_in_the_same_folder_is_another_column(tmp_path):
    reader = decoder("text", Preparation(tokenizer=str(tmp_path)))
    before = reader.options()
    assert reader.options() == before
    (tmp_path / "tokenizer.json").write_text("{}")
    assert reader.options() != before
