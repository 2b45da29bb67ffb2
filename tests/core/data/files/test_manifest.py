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
from mla_core.data.samples import Fault, Source
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


@pytest.mark.parametrize("first", [0, 1])
def test_a_group_of_any_value_is_kept_together(first, tmp_path):
    path = tmp_path / "t.parquet"
    columns = {"id": range(60), "label": [0, 1] * 30, "song": [f"s{i}" for i in range(60)]}
    groups = [first + i // 6 for i in range(60)]
    parquet.write_table(pa.table(columns | {"group": groups}), path)
    manifest = settle(read_manifest(path))
    assert manifest.faults == ()
    sides = {(row.group, row.split) for row in manifest.rows}
    assert {group for group, _ in sides} == set(map(str, groups))
    assert len(sides) == 10
    assert manifest.classes == ("0", "1")
    assert "0" in {row.id for row in manifest.rows}


@pytest.mark.parametrize("cell", ["", " ", "NaN", "None"])
def test_a_missing_group_among_others_is_a_fault(cell, tmp_path):
    lines = [f"s{i},{'ab'[i % 2]},hoo,{cell if i == 3 else i // 4}" for i in range(40)]
    manifest = settle(read_manifest(table(tmp_path, "\n".join(["id,label,song,group", *lines]))))
    (fault,) = manifest.faults
    assert str(fault) == "birds.csv, line 5: has no group, but others have one: write one"


def test_words_for_nothing_are_texts_only_in_a_column_of_texts(tmp_path):
    picture(tmp_path / "1.png")
    text = "id,label,song,view\na,owl,NA,1.png\nb,tit,hoo,NaN\nc,NaN,x,null\n"
    manifest = read_manifest(table(tmp_path, text))
    assert [set(row.parts) for row in manifest.rows] == [{"song", "view"}, {"song"}, {"song"}]
    assert [row.label for row in manifest.rows] == ["owl", "tit", ""]
    manifest = read_manifest(table(tmp_path, text), missing_words=True)
    assert [set(row.parts) for row in manifest.rows] == [{"view"}, {"song"}, {"song"}]
    assert manifest.notes == ("song: 1 cell such as NaN or None are missing texts",)


def test_texts_that_a_program_wrote_as_nan_are_missing_and_the_note_says_so(tmp_path):
    path = table(tmp_path, "id,label,song\na,owl,NaN\nb,tit,hoo\nc,tit,NaN\n")
    manifest = read_manifest(path)
    assert [len(row.parts) for row in manifest.rows] == [0, 1, 0]
    assert "2 cells 'NaN' are missing texts" in manifest.notes[0]
    kept = read_manifest(path, missing_words=False)
    assert ([len(row.parts) for row in kept.rows], kept.notes) == ([1, 1, 1], ())


def test_the_numbers_of_rows_that_pandas_writes_are_no_modality(tmp_path):
    manifest = read_manifest(table(tmp_path, ",id,label,song\n0,a,owl,hoo\n1,b,tit,tsee\n"))
    assert set(manifest.kinds) == {"song"}
    assert "numbers the rows" in manifest.notes[0]
    with pytest.raises(mla.DataError, match="a column has no name"):
        read_manifest(table(tmp_path, ",id,label,song\n7,a,owl,hoo\n"))


def test_no_line_is_swallowed(tmp_path):
    cut = 'id,label,song\na,owl,"h\noo"\nb,tit,x,"tsee\nc,tit,x"\ne,owl,\u2028z\x0c\x85w\nf,o'
    path = table(tmp_path, cut)
    manifest = read_manifest(path)
    assert [row.id for row in manifest.rows] == ["a", "e"]
    assert [fault.where for fault in manifest.faults] == ["birds.csv, line 4", "birds.csv, line 7"]
    assert "goes on to line 5, where a quote ends" in manifest.faults[0].what
    assert manifest.notes == ("1 row with a line break within quotes",)
    assert manifest.read == len(manifest.rows) + len(manifest.faults)


def test_a_root_may_be_in_the_home_or_in_the_environment(tmp_path, monkeypatch):
    picture(tmp_path / "sub" / "1.png")
    path = table(tmp_path, "id,label,view\na,owl,1.png\n")
    for name in ("HOME", "WHERE"):
        monkeypatch.setenv(name, str(tmp_path))
    for root in ("~/sub", "$WHERE/sub", "${WHERE}/sub"):
        assert len(read_manifest(path, root).rows) == 1


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


def test_texts_of_parquet_that_are_not_utf8_are_told(tmp_path):
    raw = pa.array([b"hoo", b"\xff"], pa.binary())
    texts = pa.Array.from_buffers(pa.string(), 2, raw.buffers())
    path = tmp_path / "t.parquet"
    parquet.write_table(pa.table({"id": ["a", "b"], "label": ["x", "y"], "song": texts}), path)
    with pytest.raises(mla.DataError, match=r"no Parquet file that can be read .*utf-8"):
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


@pytest.mark.parametrize(
    ("given", "dealt"),
    [
        (["train"] * 50, "val and test were dealt from train, 15 % each"),
        (["train"] * 40 + ["val"] * 10, "test was dealt from train, 15 %"),
        (["train"] * 40 + ["test"] * 10, "val was dealt from train, 15 %"),
    ],
)
def test_what_is_missing_is_dealt_from_train_and_told(given, dealt):
    settled = settle(Manifest("m", {"x": "text"}, rows(["a", "b"] * 25, given)))
    assert settled.notes[0].startswith(dealt)
    now = Counter(row.split for row in settled.rows)
    assert set(now) == {"train", "val", "test"}
    assert all(now[side] == given.count(side) for side in set(given) - {"train"})


def test_labels_that_look_alike_are_faults(tmp_path):
    labels = ["owl"] * 20 + ["tit"] * 20 + ["owl\u200b"] * 4
    settled = settle(Manifest("m", {"x": "text"}, rows(labels)))
    assert len(settled.faults) == 4
    assert "looks like 'owl', but is another" in settled.faults[0].what
    assert settled.classes == ("owl", "tit")


@pytest.mark.parametrize("two", [("\u00e9x", "e\u0301x"), ("x\u00e5", "xa\u030a")])
def test_ids_that_look_alike_are_faults(two):
    good = rows(["a"] * 12)
    settled = settle(
        Manifest("m", {"x": "text"}, (*good, *(good[0]._replace(id=one) for one in two)))
    )
    assert (len(settled.rows), len(settled.faults)) == (13, 1)
    assert "already: give each sample its own" in settled.faults[0].what


@pytest.mark.parametrize("sign", ["\0", "\n", "\t", "\x85", "\ud800"])
@pytest.mark.parametrize("of", ["label", "group"])
def test_a_sign_that_nobody_sees_is_no_part_of_a_label_or_group(sign, of):
    good = [row._replace(group=f"g{i}") for i, row in enumerate(rows(["a"] * 12))]
    bad = good[0]._replace(id="bad", **{of: f"o{sign}wl"})
    settled = settle(Manifest("m", {"x": "text"}, (*good, bad)))
    assert [fault.sample for fault in settled.faults] == ["bad"]
    assert settled.faults[0].what.endswith("which nobody sees: take it out")


@pytest.mark.parametrize(
    ("labels", "note"),
    [
        (
            ["Owl", "owl", "tit"],
            "labels that differ in capital letters alone are several: 'Owl', 'owl'",
        ),
        (["nan", "owl"], "the label 'nan' is a class, and stands for no missing label"),
    ],
)
def test_labels_that_may_be_meant_otherwise_are_told(labels, note):
    settled = settle(Manifest("m", {"x": "text"}, rows(labels * 10)))
    assert set(settled.classes) == set(labels)
    assert note in settled.notes


def test_a_hundred_thousand_labels_that_occur_once_take_no_time():
    labels = ["a"] * 50 + [f"only {i}" for i in range(100_000)]
    settled = settle(Manifest("m", {"x": "text"}, rows(labels)))
    assert len(settled.faults) == 100_000


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
    bad = Fault("line 9", "is cut off")
    with pytest.raises(mla.DataError, match="1 fault, the first: line 9: is cut off"):
        settle(Manifest("m", {"x": "text"}, rows(["a"] * 8, None, ["ann", "ben"] * 4), (bad,)))


def test_an_open_quote_that_swallows_rows(tmp_path):
    """The quote of line 2 is closed by a stray one in line 4: csv alone sees one row of three."""
    text = f'{HEADER}\n1,owl,train,"hoo\n2,tit,train,tsee\n3,owl,val,hoo "\n4,tit,test,x\n5,owl,test,x\n'
    manifest = read_manifest(table(tmp_path, text))
    assert [row.id for row in manifest.rows] == ["4", "5"]
    assert [fault.where for fault in manifest.faults] == [f"birds.csv, line {i}" for i in (2, 3, 4)]
    assert manifest.read == 5


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_text_that_looks_a_little_like_a_row_is_a_text(tmp_path, end):
    text = f'{HEADER}\n1,owl,train,"hoo\nred, green, blue, or"\n2,tit,train,tsee\n'
    manifest = read_manifest(table(tmp_path, text.replace("\n", end)))
    assert (len(manifest.rows), manifest.faults) == (2, ())


@pytest.mark.parametrize("mark", ["\u2028", "\u2029", "\u0085", "\x0b", "\x0c", "\x1c", "\x1e"])
def test_only_line_breaks_end_a_line(tmp_path, mark):
    manifest = read_manifest(table(tmp_path, f"{HEADER}\n1,owl,train,a{mark}b\n2,tit,val,c\n"))
    assert [row.parts["song"].content for row in manifest.rows] == [f"a{mark}b", "c"]


def test_lines_of_commas_are_told(tmp_path):
    manifest = read_manifest(table(tmp_path, f"{HEADER}\n1,owl,train,hoo\n,,,\n , ,,\n\n \n"))
    assert (manifest.read, manifest.notes) == (1, ("2 lines of nothing but ',' left out",))


@pytest.mark.parametrize(
    ("word", "missing_words", "label"),
    [("NA", None, ""), ("NaN", None, ""), ("NA", False, "NA"), ("None", False, "None")],
)
def test_words_for_nothing_among_labels(tmp_path, word, missing_words, label):
    path = table(tmp_path, f"id,label,song\n1,owl,hoo\n2,{word},tsee\n")
    manifest = read_manifest(path, missing_words=missing_words)
    assert [row.label for row in manifest.rows] == ["owl", label]


def test_groups_that_named_splits_do_not_keep_apart_are_told():
    sides = ["train", "val", "test"] * 4
    settled = settle(Manifest("m", {"x": "text"}, rows(["a"] * 12, sides, ["ann", "ben"] * 6)))
    assert settled.notes == ("as the splits are named, not in one alone: the group 'ann', 'ben'",)


def test_a_difference_that_nobody_sees_is_spelt_out():
    labels = ["\u00f6wl"] * 20 + ["o\u0308wl"] * 3 + ["tit"] * 20
    settled = settle(Manifest("m", {"x": "text"}, rows(labels)))
    assert len(settled.faults) == 3
    assert r"'o\u0308wl' looks like '\xf6wl'" in str(settled.faults[0])


def test_digits_of_every_kind_are_sorted():
    settled = settle(Manifest("m", {"x": "text"}, rows(["²", "2", "٣"] * 9)))
    assert set(settled.classes) == {"²", "2", "٣"}


def test_many_groups_are_dealt():
    groups = [str(i // 2) for i in range(60_000)]
    sides = Counter(deal_groups(groups))
    assert (sides["test"], sides["val"]) == (9000, 9000)
