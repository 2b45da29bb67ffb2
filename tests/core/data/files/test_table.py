"""How tables are written: encodings, what stands between cells, and very many rows."""

import gc
import json

import pytest

import mla_core as mla
from mla_core.data.decoding import Preparation, decoder
from mla_core.data.files.manifest_file import read_manifest
from mla_core.data.files.without_gc import without_gc
from mla_core.data.samples import Source

ROWS = [{"id": f"{i}", "label": "café" if i % 2 else "tit", "song": "hoo"} for i in range(4)]
COMMA = {"csv": ",", "tsv": "\t"}


def written(path, encoding):
    if path.suffix == ".jsonl":
        text = "\n".join(json.dumps(row, ensure_ascii=False) for row in ROWS)
    else:
        comma = COMMA[path.suffix[1:]]
        text = "\n".join(map(comma.join, [ROWS[0], *(row.values() for row in ROWS)]))
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize("ending", ["csv", "tsv", "jsonl"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_utf8_is_read_with_a_mark_before_it_and_without(ending, encoding, tmp_path):
    manifest = read_manifest(written(tmp_path / f"t.{ending}", encoding))
    assert [row.label for row in manifest.rows] == ["tit", "café", "tit", "café"]


REFUSED = {
    "utf-16": "UTF-16",
    "utf-16-le": "UTF-16",
    "utf-16-be": "UTF-16",
    "utf-32": "UTF-16",
    "cp1252": r"line [13] \(byte 0xe9, which is 'é' in Windows-1252\)",
}


@pytest.mark.parametrize("ending", ["csv", "tsv", "jsonl"])
@pytest.mark.parametrize("encoding", REFUSED)
def test_other_encodings_are_refused_by_name(ending, encoding, tmp_path):
    path = written(tmp_path / f"t.{ending}", encoding)
    with pytest.raises(mla.DataError, match=rf"t\.{ending}' is .*save it in UTF-8") as told:
        read_manifest(path)
    assert told.match(REFUSED[encoding].replace("[13]", "2" if ending == "jsonl" else "3"))


@pytest.mark.parametrize("encoding", REFUSED)
@pytest.mark.parametrize(
    ("kind", "name", "text"), [("text", "a.txt", "café"), ("series", "a.csv", "é,b\n1,2\n3,4")]
)
def test_so_are_files_of_samples(kind, name, text, encoding, tmp_path):
    (tmp_path / name).write_bytes(text.encode(encoding))
    with pytest.raises(mla.DataError, match="save it in UTF-8") as told:
        decoder(kind, Preparation()).look(Source("line 2", tmp_path / name))
    assert "numpy.save" not in str(told.value)


@pytest.mark.parametrize("comma", [";", "\t"])
@pytest.mark.parametrize("header", ["id,label,song", "id,label,split,song:text"])
def test_a_csv_file_may_have_other_signs_between_its_cells(comma, header, tmp_path):
    row = {"id": "1", "label": "owl", "split": "train", "song:text": "hoo, hoo", "song": "h, h"}
    names = header.split(",")
    text = "\n".join(comma.join(cells) for cells in (names, [row[name] for name in names]))
    (tmp_path / "t.csv").write_text(text)
    (found,) = read_manifest(tmp_path / "t.csv").rows
    assert (found.id, found.label, found.parts["song"].content) == ("1", "owl", row[names[-1]])


def test_the_search_for_circles_goes_on_afterwards():
    @without_gc
    def fails():
        assert not gc.isenabled()
        raise KeyError

    with pytest.raises(KeyError):
        fails()
    assert gc.isenabled()
