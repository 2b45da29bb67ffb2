"""Head, loss and P where the encoders are, and what records tell read once a round.

On a CPU that is the same place, so that the same code must give the same records.
"""

from dataclasses import asdict, replace

import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from mla_core import ConfigError, ExperimentConfig, TrainingDivergedError, TrainingSession
from mla_core.catalogue import METHODS, method_class
from mla_core.containers import write_safetensors
from mla_core.data.samples import read_ahead
from mla_core.data.samples.delivery import OnDevice
from mla_core.head import VARIANTS
from mla_core.methods import OneAtATime
from mla_core.methods.model import last_channels
from mla_core.methods.optimizer import make_optimizer
from mla_core.records import load_snapshot, save_snapshot

KINDS = {
    **{variant: {"head_gradient": variant} for variant in VARIANTS},
    "update": {"projection": "update", "learning_rate_schedule": "cosine"},
    "wide": {"feature_size": 300, "epochs": 4},
    "order": {"order": ["m0", "m1", "m0", "m2", "m2"], "averaging": 1.0},
    "reset": {"reset": "round", "optimizer": "adamw", "learning_rate": 0.01},
    "missing": {"missing": {"train": 0.7}, "temperature": "fitted"},
    "ensemble": {"method": "ensemble", "order": "random"},
    "unimodal": {"method": "unimodal", "modalities": ["m1"]},
}


# Without P every bit is the same; with it, one square root is taken otherwise.
EXACT = {"off", "released", "released_enabled", "additive", "ensemble", "unimodal"}


def own():
    """Return (B, 5) -> (B, 8): it drops out and takes in statistics, in training alone."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(5, 8), nn.BatchNorm1d(8), nn.Dropout(0.5))


def assert_near(one, two):
    assert len(one.history.steps) == len(two.history.steps)
    for a, b in zip(map(asdict, one.history.steps), map(asdict, two.history.steps), strict=True):
        assert a.pop("instruments") == b.pop("instruments")
        assert a.pop("forgetting") == pytest.approx(b.pop("forgetting"), rel=1e-4, abs=1e-6)
        assert a.pop("modality") == b.pop("modality")
        assert a == pytest.approx(b, rel=1e-4, abs=1e-6)
    a, b = one.method.state_dict(), two.method.state_dict()
    torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-6, equal_nan=True)


@pytest.mark.parametrize("kind", KINDS)
def test_the_records_are_those_of_a_head_on_the_cpu(kind, tiny, assert_same):
    here, there = (TrainingSession(tiny(**KINDS[kind], head_device=d)) for d in ("cpu", "same"))
    list(here)
    there.advance(epochs=99)
    (assert_same if kind in EXACT else assert_near)(there, here)


@pytest.mark.parametrize("variant", ["off", "paper", "paper_previous"])
def test_large_encoders_draw_the_same_chance_however_it_is_driven(variant, tiny, assert_same):
    config = tiny(head_device="same", head_gradient=variant, feature_size=300)
    whole, parts = (TrainingSession(config, encoders={"m1": own()}) for _ in range(2))
    list(whole)
    parts.advance(steps=5)
    middle = parts.snapshot()
    parts.advance(epochs=99)
    assert_same(parts, whole)
    parts.restore(middle)
    for session in (parts, parts.fork()):
        session.advance(epochs=99)
        assert_same(session, whole)


class Reads(TorchDispatchMode):
    """Counts what waits for a GPU: a number that is read, a mask whose true places are counted."""

    count = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func.overloadpacket
        masked = name is torch.ops.aten.index and any(
            x is not None and x.dtype == torch.bool for x in args[1]
        )
        aten = torch.ops.aten
        self.count += masked or name in {aten._local_scalar_dense, aten.nonzero}
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("kind", ["paper", "paper_previous", "off", "update", "wide", "ensemble"])
def test_nothing_is_read_within_a_round(kind, tiny, monkeypatch):
    session = TrainingSession(tiny(**KINDS[kind], head_device="same", evaluate_every=100))
    lengths = []
    steps = OneAtATime.steps

    def noting(self, turns, train):
        lengths.append(len(turns))
        return steps(self, turns, train)

    monkeypatch.setattr(OneAtATime, "steps", noting)
    lists = []
    tolist = torch.Tensor.tolist
    monkeypatch.setattr(torch.Tensor, "tolist", lambda x: lists.append(x) or tolist(x))
    with Reads() as reads:
        session.advance(steps=6)
    assert lengths == [3, 3]
    assert reads.count == 0
    assert len(lists) == 2, "one for each round"


def test_what_came_before_a_divergence_counts(tiny, make_data, assert_same):
    def spoilt(device) -> TrainingSession:
        config = tiny(evaluate_every=100, head_gradient="off", head_device=device)
        session = TrainingSession(config, make_data())
        fourth = session._place.plan[3]
        session.data.split("train").inputs[fourth.modality][fourth.indices[0]] = torch.inf
        return session

    there, here = spoilt("same"), spoilt("cpu")
    for session in (there, here):
        for _ in range(2):  # whoever asks again hears the same
            with pytest.raises(TrainingDivergedError, match=r"sub-step 4 .*modality b"):
                session.advance(steps=6)
            assert session.step == 3
    assert there.history.steps == here.history.steps
    there.snapshot()  # makes good what had gone too far
    assert_same(there, here)


@pytest.mark.parametrize("method", METHODS)
def test_a_head_that_stays_on_the_cpu_says_so(method, of):
    if method_class(method).head_travels:
        assert TrainingSession(of(method, head_device="same")).advance(steps=1)
        return
    with pytest.raises(ConfigError, match=f"method '{method}' keeps its head on the CPU: leave"):
        TrainingSession(of(method, head_device="same"))


def test_a_session_says_where_it_computes(tiny, make_data):
    session = TrainingSession(tiny())
    told = "Encoders compute on 'cpu' in float32, head, loss and P on the CPU. No CUDA graph is"
    assert session.describe() == f"{told} captured. Training samples are in memory."
    data = make_data().split("train")
    cpu = torch.device("cpu")
    session._route.train = read_ahead(data, device=cpu)
    assert session.describe().endswith("are sent to the device ahead of each batch.")
    session._route.train = replace(data, inputs={"a": OnDevice(data.inputs["a"], cpu)})
    assert session.describe().endswith("are on the device, all of them.")


def test_convolutions_with_channels_last_are_saved_as_all_others(make_media, tmp_path, bits):
    module = nn.Sequential(nn.Conv2d(3, 6, 5, stride=3), nn.ReLU(), nn.Flatten())
    config = ExperimentConfig(batch_size=8, probe_size=9, feature_size=12, epochs=1)
    data = make_media("image", missing=0.0)
    plain, last = (TrainingSession(config, data, {"image": module}) for _ in range(2))
    last_channels(last.method.model.encoders)
    assert not last.method.model.encoders["image"].body[0].weight.is_contiguous()
    for session in (plain, last):
        list(session)
    one, two = plain.evaluate("test"), last.evaluate("test")
    torch.testing.assert_close(one.fused, two.fused, rtol=1e-4, atol=1e-5)
    save_snapshot(last.snapshot(), tmp_path)
    write_safetensors(tmp_path / "model", last.method.model.state_dict())
    again = TrainingSession(config, data, {"image": module})
    again.restore(load_snapshot(tmp_path))
    assert bits(again.method.state_dict()) == bits(last.method.state_dict())


def test_convolutions_with_channels_last_go_on_from_a_snapshot_as_without(make_media, bits):
    module = nn.Sequential(nn.Conv2d(3, 6, 5, stride=3), nn.ReLU(), nn.Flatten())
    config = ExperimentConfig(batch_size=8, probe_size=9, feature_size=12, epochs=2)
    data = make_media("image", missing=0.0)
    through, restored = (TrainingSession(config, data, {"image": module}) for _ in range(2))
    for session in (through, restored):
        last_channels(session.method.model.encoders)
        session.method.optimizer = make_optimizer(config, list(session.method.model.parameters()))
        session.advance(epochs=1)
    restored.restore(restored.snapshot())
    for session in (through, restored):
        list(session)
    assert bits(restored.method.state_dict()) == bits(through.method.state_dict())
