"""Columns on disk: used like tensors, filled once, safe when two processes ask at once."""

import subprocess
import sys
import textwrap

import numpy as np
import psutil
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import mla_core as mla
from mla_core.data.decoding import Preparation, decoder
from mla_core.data.decoding.image import ImageDecoder
from mla_core.data.files.cache import prepare_column
from mla_core.data.samples.source import Source
from mla_core.data.samples.stored import ArrayOnDisk, StoredColumn, blank, digest, take
from tests import ROOT
from tests.core.media_files import SMALL, good_lines, picture, write_manifest

PIXELS = np.random.default_rng(0).integers(0, 256, (6, 2, 3)).astype(np.uint8)


def column(rows):
    digests = np.arange(6, dtype=np.uint8)[:, None] + 1
    return StoredColumn(ArrayOnDisk(PIXELS), torch.tensor(rows, dtype=torch.int64), digests)


def tensor(rows):
    """The same, straight from the definition."""
    found = torch.from_numpy(PIXELS).float()[rows] / 255
    found[torch.tensor(rows) < 0] = 0
    return found


ROWS = st.lists(st.integers(-1, 5), min_size=1, max_size=8)


@given(ROWS, st.data())
def test_a_stored_column_reads_as_the_tensor_would(rows, data):
    x, y = column(rows), tensor(rows)
    indices = torch.tensor(
        data.draw(st.lists(st.integers(0, len(rows) - 1), max_size=5)), dtype=int
    )
    assert (x.shape, x.dtype, len(x), x.ndim) == (y.shape, y.dtype, len(y), y.ndim)
    assert torch.equal(x[indices], y[indices])
    assert torch.equal(x[:], y)
    assert torch.equal(x[1:3], y[1:3])
    assert torch.equal(x[0], y[0])
    assert torch.equal(torch.cat(list(x.split(2))), y)
    assert torch.equal(take(x, indices)[:], y[indices])
    present = torch.tensor(
        data.draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows)))
    )
    assert torch.equal(blank(x, present)[:], blank(y, present))


def test_large_samples_come_in_smaller_pieces(monkeypatch):
    monkeypatch.setattr("mla_core.data.samples.stored.PIECE", 13)
    assert [len(part) for part in column([0, 1, 2, 3, 4]).split(4)] == [2, 2, 1]


def test_reading_does_not_keep_the_file_in_memory(tmp_path, monkeypatch):
    monkeypatch.setattr("mla_core.data.samples.stored.HELD", 2**24)
    np.lib.format.open_memmap(tmp_path / "x.npy", "w+", np.uint8, (3000, 128, 1024))
    source = ArrayOnDisk.open(tmp_path / "x.npy")
    whole = StoredColumn(source, torch.arange(3000), np.zeros((3000, 1), np.uint8))
    before, most = psutil.Process().memory_info().rss, 0
    for part in whole.split(64):
        most = max(most, psutil.Process().memory_info().rss)
        del part
    assert source.bytes_read == 3000 * 2**17  # 375 MiB
    assert most - before < 180 * 2**20


def test_a_digest_tells_the_samples_apart():
    kinds = [[0, 1], [1, 0], [0, -1], [0, 1, 1], [0]]
    assert len({digest(column(rows)) for rows in kinds}) == len(kinds)
    assert digest(column([0, 1])) == digest(column([0, 1]))


@pytest.fixture
def pictures(tmp_path):
    return [Source(f"p{i}", picture(tmp_path / f"{i}.png", colour=(40 * i,) * 3)) for i in range(5)]


def prepare(sources, cache, size=8):
    return prepare_column("view", sources, decoder("image", Preparation(size=size)), cache)


def test_a_column_is_prepared_once(pictures, tmp_path, monkeypatch):
    first = prepare(pictures, tmp_path / "cache")
    assert first.array.array.mean((1, 2, 3)).tolist() == [0, 40, 80, 120, 160]
    monkeypatch.setattr(ImageDecoder, "decode", None)
    again = prepare(pictures, tmp_path / "cache")
    assert (again.array.array == first.array.array).all()
    assert again.modality == first.modality


def test_a_changed_file_or_option_is_prepared_anew(pictures, tmp_path):
    prepare(pictures, tmp_path / "cache")
    picture(tmp_path / "3.png", size=(30, 30), colour=(250,) * 3)
    assert prepare(pictures, tmp_path / "cache").array.array.mean((1, 2, 3)).tolist()[3] == 250
    assert prepare(pictures, tmp_path / "cache", size=9).modality.shape == (3, 9, 9)


def test_what_was_cut_off_goes_on(pictures, tmp_path, monkeypatch):
    whole = prepare(pictures, tmp_path / "whole").array.array
    decode, done = ImageDecoder.decode, []

    def interrupted(self, source, modality):
        if len(done) == 3:
            raise KeyboardInterrupt
        done.append(source.where)
        return decode(self, source, modality)

    monkeypatch.setattr("mla_core.data.files.cache.WORKERS", 1)
    monkeypatch.setattr("mla_core.data.files.cache.CHUNK", 1)
    monkeypatch.setattr(ImageDecoder, "decode", interrupted)
    with pytest.raises(KeyboardInterrupt):
        prepare(pictures, tmp_path / "cache")
    assert not [path for path in (tmp_path / "cache").iterdir() if path.name[0] != "."]
    done.clear()
    done_later = []
    monkeypatch.setattr(
        ImageDecoder, "decode", lambda *a: (done_later.append(a[1].where), decode(*a))[1]
    )
    assert (prepare(pictures, tmp_path / "cache").array.array == whole).all()
    assert done_later == ["p3", "p4"]


def test_a_row_that_was_lost_is_written_again(pictures, tmp_path):
    cache = tmp_path / "cache"
    whole = prepare(pictures, cache).array.array.copy()
    (folder,) = (path for path in cache.iterdir() if path.name[0] != ".")
    partial = folder.with_name(f".{folder.name}.partial")
    folder.rename(partial)
    with (partial / "rows.npy").open("r+b") as file:
        file.seek(-100, 2)
        file.write(b"\0" * 50)
    assert (prepare(pictures, cache).array.array == whole).all()


def test_a_damaged_cache_is_named(pictures, tmp_path):
    cache = tmp_path / "cache"
    prepare(pictures, cache)
    (folder,) = (path for path in cache.iterdir() if path.name[0] != ".")
    (folder / "column.json").write_text("{")
    with pytest.raises(mla.DataError, match=f"{folder.name}.*damaged: remove that folder"):
        prepare(pictures, cache)


def test_two_processes_prepare_at_once(tmp_path):
    path = write_manifest(tmp_path / "birds.csv", good_lines(tmp_path))
    program = textwrap.dedent(f"""
        import mla_core as mla
        options = dict(path={str(path)!r}, prepare={SMALL!r}, cache={str(tmp_path / "cache")!r})
        print(mla.load_dataset("manifest", **options).fingerprint)
    """)
    both = [
        subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE)
        for _ in range(2)
    ]
    prints = [process.communicate()[0] for process in both]
    assert prints[0] == prints[1] != b""
    assert [process.returncode for process in both] == [0, 0]


def test_training_from_disk_is_training_from_memory(tmp_path, assert_same):
    path = write_manifest(tmp_path / "birds.csv", good_lines(tmp_path))
    stored = mla.load_dataset("manifest", path=str(path), prepare=SMALL, cache=str(tmp_path))
    splits = {
        side: mla.Split(
            side,
            {name: x[:] for name, x in stored.split(side).inputs.items()},
            stored.split(side).present,
            stored.split(side).labels,
            stored.split(side).ids,
        )
        for side in ("train", "val", "test")
    }
    held = stored.replaced(list(stored.modalities.values()), splits)
    config = mla.ExperimentConfig(epochs=2, batch_size=3, missing={"train": 0.3}, feature_size=8)
    one, two = (mla.TrainingSession(config, data) for data in (stored, held))
    one.advance(epochs=2), two.advance(epochs=2)
    assert_same(one, two)
