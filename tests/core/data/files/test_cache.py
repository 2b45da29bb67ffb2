"""What is kept of files between two attempts, and what it costs to keep it."""

import psutil
import pytest

from mla_core.data.decoding import Preparation, decoder, text
from mla_core.data.files import cache
from mla_core.data.files.cache import prepare_column
from mla_core.data.samples import decode
from mla_core.data.samples.source import Source


def read(column):
    return [decode(row, column.modality.vocabulary) for row in column.array.array]


def test_rows_of_another_vocabulary_are_not_kept(tmp_path, monkeypatch):
    """A file could not be read the first time, and it alone holds some of the characters."""
    said = ["abc xyz", *["bcd bcd"] * 5]
    sources = []
    for i, one in enumerate(said):
        (tmp_path / f"{i}.txt").write_text(one)
        sources.append(Source(f"line {i}", tmp_path / f"{i}.txt"))
    reader, original = decoder("text", Preparation()), text.read_text

    def flaky(source):
        if source.where == "line 0":
            raise OSError("Input/output error")
        return original(source)

    with monkeypatch.context() as patch:
        patch.setattr(text, "read_text", flaky)
        refused = prepare_column("song", sources, reader, tmp_path / "cache")
    assert list(refused.faults) == [0]
    assert read(prepare_column("song", sources, reader, tmp_path / "cache")) == said


@pytest.fixture
def texts(tmp_path):
    """Give a function that prepares texts of sources as one column."""

    def make(sources):
        return prepare_column("text", sources, decoder("text", Preparation()), tmp_path / "cache")

    return make


def test_where_one_source_ends_and_the_next_begins_names_a_column(texts):
    """Two lists of sources whose names are the same text, one after the other."""
    two = [Source("line 1", "x", key="a"), Source("line 2", "y", key="b")]
    one = Source("line 1", "z", key=two[0].name() + "b")
    assert one.name() == two[0].name() + two[1].name()
    assert read(texts(two)) == ["x", "y"]
    assert read(texts([one])) == ["z"]


@pytest.mark.skipif(
    not hasattr(psutil.Process, "io_counters"), reason="only there is it told what is written"
)
def test_what_is_written_grows_as_the_rows_do(texts, monkeypatch, tmp_path):
    monkeypatch.setattr(cache, "CHUNK", 1)
    before = psutil.Process().io_counters().write_chars
    texts([Source(f"line {i}", f"{i:05d}", key=str(i)) for i in range(600)])
    written = psutil.Process().io_counters().write_chars - before
    kept = sum(path.stat().st_size for path in (tmp_path / "cache").rglob("*") if path.is_file())
    assert kept < 40_000
    assert written < 5 * kept


@pytest.mark.parametrize(
    ("said", "notes"),
    [
        (["abc", "abd"], ()),
        (["abc"], ()),
        (["abc"] * 3, ("text: all 3 samples are alike, so it tells nothing about the classes",)),
    ],
)
def test_a_column_whose_samples_are_alike_says_so(texts, said, notes):
    column = texts([Source(f"line {i}", one, key=str(i)) for i, one in enumerate(said)])
    assert column.notes == notes
