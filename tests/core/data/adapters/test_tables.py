"""The tables of published data sets, as they really come: open quotes, strange line ends, cut off."""

import pytest

import mla_core as mla
from mla_core.data.adapters import reader
from mla_core.data.adapters.reading import read_lines
from tests.core.media_files import picture, video


def food101(root, lines, names=("a_0", "a_1", "a_2")):
    """Pictures of the class a, and the bytes of their table of titles."""
    for side in ("train", "test"):
        for name in names:
            picture(root / "images" / side / "a" / f"{name}.jpg")
    (root / "texts").mkdir()
    (root / "texts" / "train_titles.csv").write_bytes(lines)
    (root / "texts" / "test_titles.csv").write_bytes(b"a_0.jpg,x,a\na_1.jpg,x,a\na_2.jpg,x,a\n")
    return reader("food101")(str(root))


def titles(manifest):
    rows = [row for row in manifest.rows if row.split == "train"]
    return {row.id: row.parts["text"].content for row in rows if "text" in row.parts}


TITLES = {
    "plain": (b"a_0.jpg,one,a\na_1.txt,two,a\r\na_2.jpg,three,a", ["one", "two", "three"]),
    "commas": (b"a_0.jpg,one, more,a\na_1.jpg,two,a\na_2.jpg,t,a", ["one, more", "two", "t"]),
    "a quote that never closes": (
        b'a_0.jpg,"one,a\na_1.jpg,two,a\na_2.jpg,"thr,ee",a\n',
        ['"one', "two", "thr,ee"],
    ),
    "one at the end": (b'a_0.jpg,one,a\na_1.jpg,two,a\na_2.jpg,"three,a', ["one", "two", '"three']),
    "a line break in quotes": (
        b'a_0.jpg,"one\nmore",a\na_1.jpg,two,a\na_2.jpg,t,a\n',
        ["one\nmore", "two", "t"],
    ),
    "other separators": (
        "a_0.jpg,o\u2028n\x0ce,a\na_1.jpg,t\u0085wo,a\na_2.jpg,\x1ct,a\n".encode(),
        ["o\u2028n\x0ce", "t\u0085wo", "t"],  # what stands around a title is taken off
    ),
    "Windows-1252": (
        "a_0.jpg,it’s,a\n".encode("cp1252") + "a_1.jpg,crêpe,a\n".encode() + b"a_2.jpg,\x81,a\n",
        ["it’s", "crêpe", "\x81"],
    ),
}


@pytest.mark.parametrize(("lines", "expected"), TITLES.values(), ids=TITLES)
def test_each_title_is_read(tmp_path, lines, expected):
    manifest = food101(tmp_path, lines)
    assert manifest.faults == ()
    assert titles(manifest) == {f"a_{i}": title for i, title in enumerate(expected)}


def test_lines_that_are_not_utf8_are_counted(tmp_path):
    (note,) = food101(tmp_path, TITLES["Windows-1252"][0]).notes
    assert note.startswith("2 lines that are not UTF-8 taken for Windows-1252, the first ")
    assert note.endswith("train_titles.csv, line 1")


def test_quotes_that_never_close_are_counted(tmp_path):
    manifest = food101(tmp_path, TITLES["a quote that never closes"][0])
    (note,) = manifest.notes
    assert note.startswith("train_titles.csv: 1 title opens a quote that never closes")


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        (b"a_0.jpg,one,a\na_1.jpg,two,a\na_2.jpg,thr", "train_titles.csv, line 3: is not `picture"),
        (b"a_0.jpg,x,a\na_1.jpg,x,a\na_2.jpg,x,ap", "line 3: is of the class 'ap', its picture of"),
        (b"a_0.jpg,x,a\na_1.jpg,x,a\na_1.jpg,y,a", "line 3: 'a_1' stands in train_titles"),
        (b'a_0.jpg,"x,a\nmore\na_1.jpg,x,a\na_2.jpg,x,a', "train_titles.csv, line 2: is not"),
    ],
)
def test_a_line_that_is_no_title_is_a_fault(tmp_path, lines, fault):
    (found,) = food101(tmp_path, lines).faults
    assert fault in str(found)


def test_a_table_in_utf_16_is_refused(tmp_path):
    with pytest.raises(mla.DataError, match=r"train_titles\.csv' is UTF-16 or no text"):
        food101(tmp_path, "a_0.jpg,one,a".encode("utf-16"))


def test_only_line_ends_end_lines(tmp_path):
    path = tmp_path / "x.txt"
    path.write_bytes(b"\xef\xbb\xbfone\x0b\rtwo\r\n\xe2\x80\xa8\n\nfour")
    assert read_lines(path) == ["one\x0b", "two", "\u2028", "", "four"]


@pytest.mark.parametrize(
    ("table", "fault"),
    [
        ("label,youtube_id,split\nbowling,AAAAAAAAA00,train\nbowling,AAAA", "k.csv, line 3: has 2"),
        ("label,youtube_id,split\nbowling,AAAAAAAAA00,train\nbowl", "k.csv, line 3: has 1"),
        ("youtube_id,split\nAAAAAAAAA00,train", "k.csv, line 1: the header lacks label: add"),
        (
            'label,youtube_id,split\n"bowling,A,train\nbowling,B,train',
            "k.csv, line 2: opens a quote",
        ),
    ],
)
def test_a_kinetics_table_cut_off(tmp_path, table, fault):
    video(tmp_path / "AAAAAAAAA00.mp4", frames=2)
    (tmp_path / "k.csv").write_text(table)
    faults = [str(one) for one in reader("kinetics_sounds")(str(tmp_path)).faults]
    assert faults[0].startswith(fault)
