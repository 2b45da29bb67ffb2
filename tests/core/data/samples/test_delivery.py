"""Samples reach a device as they are stored, and are there what they would be here."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from mla_core import ExperimentConfig, TrainingSession
from mla_core.data.samples import ArrayOnDisk, StoredColumn, delivery
from mla_core.data.samples.delivery import OnDevice, bytes_of
from mla_core.data.samples.prefetch import ReadAhead, fetch, read_ahead
from mla_core.encoders import available_devices

DEVICES = available_devices()
SETTINGS = {"batch_size": 8, "probe_size": 9, "feature_size": 12, "epochs": 2}


def stored(array, rows):
    digests = np.zeros((len(array), 1), np.uint8)
    return StoredColumn(ArrayOnDisk(array), torch.tensor(rows), digests)


ROWS = [5, -1, 0, 3, 3]
COLUMNS = {
    "pictures": stored(np.arange(256, dtype=np.uint8).reshape(8, 32), ROWS),
    "numbers": stored(np.linspace(-1, 1, 16, dtype=np.float32).reshape(8, 2), ROWS),
    "codes": stored(np.arange(24, dtype=np.int32).reshape(8, 3), ROWS),
    "in memory": torch.linspace(0, 1, 10).reshape(5, 2),
    "codes in memory": torch.arange(10).reshape(5, 2),
}


@pytest.fixture(params=["sent", "kept"])
def everywhere(request, monkeypatch):
    """Let samples be sent batch by batch, or all at once."""
    most = 10**9 if request.param == "kept" else 0
    monkeypatch.setattr("mla_core.data.samples.prefetch.room", lambda device: most)
    return OnDevice if most else ReadAhead


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("name", COLUMNS)
def test_what_arrives_is_what_the_column_gives(name, device, everywhere, make_data):
    column, split = COLUMNS[name], make_data().split("train")
    there = read_ahead(replace(split, inputs={"x": column}), device=torch.device(device))
    ahead = there.inputs["x"]
    assert isinstance(ahead, everywhere)
    for indices in (torch.tensor([4, 1, 0]), torch.tensor([2])):
        fetch(there, "x", indices)
        found = ahead[indices]
        assert found.device.type == device
        assert found.dtype == column[indices].dtype
        assert torch.equal(found.cpu(), column[indices])
        assert torch.equal(ahead.take(indices)[:], column[indices])
    assert torch.equal(ahead[1:3], column[1:3])
    assert torch.equal(torch.cat(list(ahead.split(2))), column[:])
    present = torch.tensor([True, False, True, False, True])
    assert torch.equal(ahead.blank(present)[:], column[:] * present[:, None])


@pytest.mark.parametrize(
    ("name", "expected"),
    [("pictures", 5 * 32), ("numbers", 5 * 2 * 4), ("codes", 5 * 3 * 4), ("in memory", 40)],
)
def test_the_limit_counts_samples_as_they_are_stored(name, expected, make_data, monkeypatch):
    assert bytes_of(COLUMNS[name]) == expected
    split = replace(make_data().split("train"), inputs={"x": COLUMNS[name]})
    for most, kind in ((expected, OnDevice), (expected - 1, ReadAhead)):
        monkeypatch.setattr("mla_core.data.samples.prefetch.room", lambda device, n=most: n)
        ahead = read_ahead(split, device=torch.device("cpu")).inputs["x"]
        assert isinstance(ahead, kind)


def test_what_is_encoded_once_is_not_sent(make_data, everywhere):
    split = make_data().split("train")
    ahead = read_ahead(split, besides=["a"], device=torch.device("cpu"))
    assert ahead.inputs["a"] is split.inputs["a"]
    assert isinstance(ahead.inputs["b"], everywhere)
    assert list(ahead.inputs) == ["a", "b"]


@pytest.mark.parametrize("method", ["mla", "concat", "remix"])
def test_training_is_the_same_bit_for_bit(method, everywhere, make_data, assert_same):
    config = ExperimentConfig(dataset="gaussian", method=method, **SETTINGS)
    plain, sent = (TrainingSession(config, make_data(missing=0.3)) for _ in range(2))
    sent._route.train = read_ahead(sent._route.train, device=torch.device("cpu"))
    list(plain)
    list(sent)
    assert_same(plain, sent)


def test_a_fork_uses_what_is_on_the_device_already(make_data, monkeypatch):
    split, cpu = make_data().split("train"), torch.device("cpu")
    needed = sum(map(bytes_of, split.inputs.values()))
    monkeypatch.setattr("mla_core.data.samples.prefetch.room", lambda device: needed)
    first = read_ahead(split, device=cpu).inputs
    for column in first.values():
        column[torch.tensor([0])]
    monkeypatch.setattr("mla_core.data.samples.prefetch.room", lambda device: 0)
    again = read_ahead(split, device=cpu).inputs
    assert all(again[name] is column for name, column in first.items())
    del first, again, column
    assert isinstance(read_ahead(split, device=cpu).inputs["a"], ReadAhead)


def test_a_device_that_does_not_say_what_it_has_keeps_nothing():
    assert delivery.room(torch.device("mps")) == 0
