"""Manifests: what a table says, how splits are dealt, what cannot be read."""

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

import mla_core as mla
from mla_core.data.files.dealing import deal, deal_groups
from mla_core.data.files.manifest import Manifest, Row, count, settle
from mla_core.data.files.manifest_file import read_manifest
from mla_core.data.samples.source import Source
from tests.core.media_files import picture


def table(tmp_path, text, name="birds.csv", encoding="utf-8"):
    path = tmp_path / name
    path.write_bytes(text.encode(encoding))
    return path


HEADER = "id,label,split,song"


def test_what_a_table_says(tmp_path):
    picture(tmp_path / "1.png")
    path = table(
        tmp_path, "id,label,split,group,view,song\na,owl,train,ann,1.png,hoo\nb,tit,,,,tsee"
    )
    manifest = read_manifest(path)
    assert (manifest.name, manifest.kinds) == ("birds", {"view": "image", "song": "text"})
    one, two = manifest.rows
    assert (one.id, one.label, one.split, one.group, set(one.parts)) == (
        "a",
        "owl",
        "train",
        "ann",
        {"view", "song"},
    )
    assert (two.split, two.group, set(two.parts)) == ("", "", {"song"})


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("comma", [",", ";"])
def test_what_spreadsheets_write(encoding, comma, tmp_path):
    text = f"{HEADER}\r\na,owl,train,hoo\r\n\r\nb,tit,val,tsee\r\n".replace(",", comma)
    manifest = read_manifest(table(tmp_path, text, encoding=encoding))
    assert [(row.id, row.where) for row in manifest.rows] == [
        ("a", "birds.csv, line 2"),
        ("b", "birds.csv, line 4"),
    ]


def test_a_text_of_two_lines_keeps_the_count_of_lines(tmp_path):
    manifest = read_manifest(table(tmp_path, f'{HEADER}\na,owl,train,"hoo\nhoo"\nb,tit,val,x\n'))
    assert [row.where for row in manifest.rows] == ["birds.csv, line 2", "birds.csv, line 4"]


def test_a_line_with_too_many_cells_is_a_fault(tmp_path):
    manifest = read_manifest(table(tmp_path, f"{HEADER}\na,owl,train,hoo, hoo\nb,tit,val,x\n"))
    (fault,) = manifest.faults
    assert str(fault) == (
        "birds.csv, line 2: has 5 cells, the header 4: put texts with , in quotes"
    )


TABLES = {
    "no label": ("id,song\na,hoo", "lacks the column 'label'"),
    "no modality": ("id,label\na,owl", "no column for a modality"),
    "a column twice": ("id,label,x,x\na,b,c,d", "'x' twice"),
    "unknown kind": ("id,label,x:smell\na,b,c", "kind 'smell': choose among .'image'"),
    "mixed": ("id,label,x\na,b,1.png\nc,d,hoo hoo", "mixes kinds .*line 2: '1.png'.*x:image"),
    "numbers": ("id,label,x\na,b,1.5\nc,d,2", "holds numbers.*x:text"),
    "empty column": ("id,label,x,y\na,b,,hoo", "column 'x' is empty"),
    "open quote": ('id,label,x\na,b,"hoo', "no CSV from line 2 on"),
}


@pytest.mark.parametrize("case", TABLES)
def test_a_table_that_cannot_be_used(case, tmp_path):
    text, what = TABLES[case]
    with pytest.raises(mla.DataError, match=what):
        read_manifest(table(tmp_path, text))


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
def test_a_table_that_is_not_utf8(encoding, tmp_path):
    path = table(tmp_path, f"{HEADER}\na,owl,train,hóo", encoding=encoding)
    with pytest.raises(mla.DataError, match="UTF-8"):
        read_manifest(path)


def test_no_table_and_no_root(tmp_path):
    with pytest.raises(mla.DataError, match=r"no manifest .*gone\.csv"):
        read_manifest(tmp_path / "gone.csv")
    with pytest.raises(mla.DataError, match="no folder 'gone'"):
        read_manifest(table(tmp_path, HEADER), "gone")


def test_parquet_holds_numbers_and_files_themselves(tmp_path):
    raw = picture(tmp_path / "1.png").read_bytes()
    columns = {
        "id": ["a", "b"],
        "label": ["owl", "tit"],
        "weight": [[1.0, 2.0], None],
        "path": [[[1.0, 2.0]], [[3.0, 4.0], [5.0, 6.0]]],
        "view:image": [{"bytes": raw, "path": "1.png"}, None],
    }
    parquet.write_table(pa.table(columns), tmp_path / "birds.parquet")
    manifest = read_manifest(tmp_path / "birds.parquet")
    assert manifest.kinds == {"weight": "vector", "path": "series", "view": "image"}
    one, two = manifest.rows
    assert set(two.parts) == {"path"}
    assert one.parts["view"].read() == raw
    assert np.array(one.parts["weight"].read()).tolist() == [1, 2]


def rows(labels, splits=None, groups=None):
    n = len(labels)
    part = {"x": Source("", "x")}
    return tuple(
        Row(f"line {i}", f"s{i}", label, split, part, group)
        for i, (label, split, group) in enumerate(
            zip(labels, splits or [""] * n, groups or [""] * n, strict=True)
        )
    )


def test_splits_are_dealt_in_each_class():
    settled = settle(Manifest("m", {"x": "text"}, rows(["a"] * 100 + ["b"] * 20)))
    assert count(settled) == {
        "a": {"train": 70, "val": 15, "test": 15},
        "b": {"train": 14, "val": 3, "test": 3},
    }
    assert "dealt" in settled.notes[0]


def test_val_is_dealt_from_train_where_only_it_is_missing():
    sides = ["train"] * 40 + ["test"] * 10
    settled = settle(Manifest("m", {"x": "text"}, rows(["a", "b"] * 25, sides)))
    assert Counter(row.split for row in settled.rows) == {"train": 34, "val": 6, "test": 10}


@given(
    st.lists(st.integers(0, 9).map(str), min_size=3, max_size=60).filter(lambda g: len(set(g)) > 2)
)
def test_no_group_is_in_two_splits(groups):
    sides = deal_groups(groups)
    assert len(set(zip(groups, sides, strict=True))) == len(set(groups))
    assert set(sides) == {"train", "val", "test"}


@given(st.sets(st.text(min_size=1, max_size=5), min_size=3, max_size=40))
def test_a_sample_stays_where_it_is_when_the_order_changes(names):
    names = sorted(names)
    one = dict(zip(names, deal(names, ["x"] * len(names)), strict=True))
    back = names[::-1]
    assert dict(zip(back, deal(back, ["x"] * len(back)), strict=True)) == one
    assert set(one.values()) == {"train", "val", "test"}


def test_classes_are_sorted_as_people_count():
    settled = settle(Manifest("m", {"x": "text"}, rows(["10", "9", "100", "a"] * 10)))
    assert settled.classes == ("9", "10", "100", "a")


def test_two_speakers_cannot_be_in_three_splits():
    with pytest.raises(mla.DataError, match=r"2 groups .ann, ben. cannot give 3 splits"):
        settle(Manifest("m", {"x": "text"}, rows(["a"] * 8, None, ["ann", "ben"] * 4)))
