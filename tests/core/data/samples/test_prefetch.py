"""Batches of columns that are not in memory are read while the last one is learned from."""

import threading
from dataclasses import replace

import pytest
import torch

from mla_core import ExperimentConfig, TrainingSession
from mla_core.catalogue import METHODS
from mla_core.data.samples.prefetch import ReadAhead, fetch, read_ahead

SETTINGS = {"batch_size": 8, "probe_size": 9, "feature_size": 12, "epochs": 2}


class Stored:
    """A column that is read when asked, and notes by which thread."""

    def __init__(self, x):
        self.x, self.shape, self.dtype, self.readers = x, x.shape, x.dtype, []

    def __len__(self):
        return len(self.x)

    def __getitem__(self, indices):
        self.readers.append(threading.current_thread().name)
        return self.x[indices]

    def split(self, size):
        return self.x.split(size)

    def take(self, indices):
        return Stored(self.x[indices])


def lazy(split):
    return replace(split, inputs={m: Stored(x) for m, x in split.inputs.items()})


def session_of(method, make_data, *, stored):
    config = ExperimentConfig(
        dataset="gaussian", method=method, modalities=["a"] if method == "unimodal" else [],
        **SETTINGS,
    )  # fmt: skip
    session = TrainingSession(config, make_data(missing=0.3))
    if stored:
        session._route.train = read_ahead(lazy(session._route.train))
    return session


@pytest.mark.parametrize("method", METHODS)
def test_training_is_the_same_bit_for_bit(method, make_data, assert_same):
    plain, stored = (session_of(method, make_data, stored=s) for s in (False, True))
    list(plain)
    list(stored)
    assert_same(plain, stored)


@pytest.mark.parametrize("method", ["mla", "concat"])
def test_all_but_an_epochs_first_batches_are_read_ahead(method, make_data):
    session = session_of(method, make_data, stored=True)
    epoch = session.steps_per_epoch
    session.advance(epochs=1)
    readers = [name for x in session._route.train.inputs.values() for name in x.column.readers]
    ahead = [name for name in readers if name.startswith("read-ahead")]
    per_batch = 1 if method == "mla" else 2
    assert len(readers) == per_batch * epoch
    assert len(ahead) == per_batch * (epoch - 1)


def test_what_is_in_memory_stays_as_it_is(make_data):
    split = make_data().split("train")
    assert read_ahead(split) is split
    assert read_ahead(lazy(split), besides=["a", "b"]).inputs.keys() == {"a", "b"}
    one = read_ahead(lazy(split), besides=["a"])
    assert [isinstance(x, ReadAhead) for x in one.inputs.values()] == [False, True]


def test_other_samples_than_those_fetched_are_read_at_once(make_data):
    split = make_data().split("train")
    ahead = read_ahead(lazy(split))
    first, second = torch.tensor([4, 2]), torch.tensor([0])
    fetch(ahead, None, first)
    for indices in (second, first, first):
        assert torch.equal(ahead.inputs["a"][indices], split.inputs["a"][indices])
    assert len(ahead.inputs["a"]) == len(split)
    assert ahead.inputs["b"].shape == split.inputs["b"].shape
    assert torch.equal(torch.cat(list(ahead.inputs["b"].split(7))), split.inputs["b"])


def test_a_fault_while_reading_ahead_shows_when_the_batch_is_wanted(make_data):
    class Broken(Stored):
        def __getitem__(self, indices):
            raise OSError("disk gone")

    split = make_data().split("train")
    ahead = read_ahead(replace(split, inputs={m: Broken(x) for m, x in split.inputs.items()}))
    fetch(ahead, "a", torch.tensor([1]))
    with pytest.raises(OSError, match="disk gone"):
        ahead.inputs["a"][torch.tensor([1])]
