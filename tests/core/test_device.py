"""Where encoders compute and how precisely. On a machine with a GPU these tests use it, too."""

import subprocess
import sys

import pytest
import torch
from torch import nn

from mla_core import ConfigError, ExperimentConfig, TrainingDivergedError, TrainingSession
from mla_core.analysis import slow_step
from mla_core.catalogue import METHODS
from mla_core.encoders import placement
from mla_core.encoders.placement import Placement, available_devices, place

DEVICES = available_devices()
SETTINGS = {"batch_size": 8, "probe_size": 9, "feature_size": 12, "learning_rate": 0.01}
on_a_gpu = pytest.mark.skipif("cuda" not in DEVICES, reason="this machine has no CUDA device")


@pytest.fixture(autouse=True)
def every_device(monkeypatch):
    """Undo what keeps all other tests to the CPU."""
    monkeypatch.setattr(placement, "available_devices", available_devices)


@pytest.mark.parametrize(
    ("machine", "device", "large", "expected"),
    [
        (["cpu"], "auto", True, "cpu"),
        (["cpu", "mps"], "auto", True, "mps"),
        (["cpu", "mps"], "auto", False, "cpu"),
        (["cpu", "mps"], "cpu", True, "cpu"),
        (["cpu", "mps"], "mps", False, "mps"),
    ],
)
def test_auto_takes_a_gpu_for_large_encoders_alone(machine, device, large, expected, monkeypatch):
    monkeypatch.setattr(placement, "available_devices", lambda: machine)
    assert place(device, "auto", large=large) == Placement(torch.device(expected))


@pytest.mark.parametrize(
    ("precision", "dtype"),
    [("auto", torch.float32), ("float32", torch.float32), ("bfloat16", torch.bfloat16)],
)
def test_precision_on_the_cpu(precision, dtype):
    assert place("cpu", precision, large=True).dtype == dtype


@pytest.mark.parametrize("device", ["cuda", "mps"])
def test_a_device_that_is_not_there_is_refused(device, monkeypatch, tiny):
    monkeypatch.setattr(placement, "available_devices", lambda: ["cpu"])
    with pytest.raises(ConfigError, match=f"device='{device}', but this machine has cpu: use"):
        TrainingSession(tiny(device=device))


@pytest.mark.parametrize("field", ["device", "precision"])
def test_an_unknown_one_is_refused(field):
    with pytest.raises(ConfigError, match=rf"unknown {field} 'gpu': choose one of 'auto', '"):
        ExperimentConfig(**{field: "gpu"})


def on(device, precision, data, **changes):
    config = ExperimentConfig(
        encoders={"image": "resnet18"}, device=device, precision=precision, **SETTINGS
    )
    return TrainingSession(config.replace(**changes), data)


def large_on(device):
    """Return an encoder that a GPU is worth its while for; what a CPU does with it, others ask."""
    return "small" if device == "cpu" else "resnet18"


@pytest.mark.parametrize(
    ("device", "precision"),
    [(d, p) for d in DEVICES for p in ("float32", "bfloat16") if (d, p) != ("cpu", "bfloat16")],
)
@pytest.mark.parametrize("method", METHODS)
def test_every_method_trains_there_and_keeps_its_state_on_the_cpu(
    method, device, precision, make_media
):
    names = ["image"] if method == "unimodal" else ["image", "numbers", "text"]
    data = make_media(*names, sizes=(8, 3, 3))
    large = {"image": large_on(device)}
    session = on(device, precision, data, method=method, epochs=1, probe_size=3, encoders=large)
    list(session)
    encoder = session.method.model.encoders["image"]
    assert {p.device.type for p in encoder.parameters()} == {device}
    assert {p.dtype for p in encoder.parameters()} == {torch.float32}
    kept = session.snapshot().tensors.values()
    assert {x.device.type for x in kept} == {"cpu"}
    evaluation = session.evaluate("test")
    assert evaluation.features.dtype == evaluation.fused.dtype == torch.float32
    assert torch.isfinite(evaluation.fused).all()


@pytest.mark.parametrize("encoder", ["resnet18", "small"])
def test_convolutions_do_not_learn_in_bfloat16_on_a_cpu(encoder, make_media):
    """Their gradients differ each time they are asked for, some are not finite: torch's fault."""
    message = "precision='bfloat16' on a CPU gives the convolutions of 'image' wrong gradients"
    with pytest.raises(ConfigError, match=message):
        on("cpu", "bfloat16", make_media("image", "numbers"), encoders={"image": encoder})


@pytest.mark.parametrize("device", DEVICES)
def test_a_session_moves_from_the_cpu_to_another_device_and_back(device, make_media):
    data = make_media("image", "numbers")
    here, there = (on(d, "float32", data, epochs=2) for d in ("cpu", device))
    here.advance(steps=2)
    there.method.load_state_dict(here.method.state_dict())
    one, two = here.evaluate("val"), there.evaluate("val")
    torch.testing.assert_close(one.fused, two.fused, rtol=1e-3, atol=1e-3)
    there.advance(steps=2)
    here.method.load_state_dict(there.method.state_dict())


@pytest.mark.parametrize("device", DEVICES)
def test_mixed_precision_is_near_to_full_precision_and_is_not_the_same(device, make_media):
    kind = "numbers" if device == "cpu" else "image"
    data = make_media(kind)
    full, mixed = (
        on(device, p, data, encoders={} if device == "cpu" else {"image": "resnet18"})
        .evaluate("val")
        .features
        for p in ("float32", "bfloat16")
    )
    assert not torch.equal(full, mixed)
    distance = (full - mixed).norm() / full.norm()
    assert float(distance) < 0.05


@pytest.mark.parametrize("device", DEVICES)
def test_a_frozen_model_observes_there_as_well(device, models, make_media):
    data = make_media("text", "numbers")
    entry = {"name": models("bert"), "train": "frozen"}
    config = ExperimentConfig(encoders={"text": entry}, device=device, epochs=1, **SETTINGS)
    session = TrainingSession(config, data)
    list(session)
    held = session.method.model.adapted["text"]._held[0]
    assert {p.device.type for p in held.parameters()} == {device}
    other = TrainingSession(config.replace(device="cpu"), data)
    torch.testing.assert_close(
        TrainingSession(config, data).evaluate("val").features,
        other.evaluate("val").features,
        rtol=1e-2,
        atol=1e-2,
    )


@pytest.mark.parametrize("device", DEVICES)
def test_the_same_numbers_every_time(device, make_media, assert_same):
    data = make_media("image", "numbers")
    one, two = (on(device, "auto", data, epochs=1) for _ in range(2))
    list(one)
    list(two)
    assert_same(one, two)


def chance():
    """Return (B, 5) -> (B, 8): it drops out and takes in statistics, in training alone."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(5, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.5))


@pytest.mark.parametrize("device", DEVICES)
def test_dropout_there_depends_on_seed_and_step_alone(device, tiny, assert_same):
    def begin():
        return TrainingSession(tiny(device=device, epochs=1), encoders={"m1": chance()})

    whole, parts = begin(), begin()
    list(whole)
    if device == "cuda":
        torch.cuda.manual_seed(5)
    torch.manual_seed(5)
    parts.advance(steps=3)
    early = parts.snapshot()
    parts.advance(steps=2)
    parts.restore(early)
    for session in (parts, parts.fork()):
        list(session)
        assert_same(session, whole)
    drawn = torch.rand(1), torch.rand(1, device=device)
    torch.manual_seed(5)
    for mine in drawn:  # nobody else's numbers are touched
        assert torch.equal(torch.rand(1, device=mine.device), mine)


@pytest.mark.parametrize("device", DEVICES)
def test_a_refused_step_leaves_the_statistics_there_alone(device, tiny, bits):
    session = TrainingSession(tiny(device=device), encoders={"m1": chance()})
    session.advance(steps=1)
    session.data.split("train").inputs["m1"][:] = torch.inf
    before = bits(session.method.state_dict())
    with pytest.raises(TrainingDivergedError, match="the loss is nan"):
        session.advance(steps=1)
    assert bits(session.method.state_dict()) == before


@pytest.mark.parametrize("kept", [0, 10**9])
@pytest.mark.parametrize("device", [device for device in DEVICES if device != "mps"])
def test_a_whole_sub_step_takes_place_there(device, kept, make_media, assert_same, monkeypatch):
    monkeypatch.setattr("mla_core.data.samples.prefetch.room", lambda device: kept)
    data = make_media("image", "audio", sizes=(16, 3, 3))
    large = dict.fromkeys(data.modalities, large_on(device))
    settings = {"encoders": large, "head_device": "same", "epochs": 1}
    here = on("cpu", "float32", data, **settings | {"head_device": "cpu"})
    one, two = (on(device, "float32", data, **settings) for _ in range(2))
    here.advance(steps=1)
    one.advance(steps=1)
    assert one.history.steps[0].loss == pytest.approx(here.history.steps[0].loss, rel=1e-3)
    middle = one.snapshot()
    assert {x.device.type for x in middle.tensors.values()} == {"cpu"}
    assert one.method.model.head.weight.device.type == device
    one.advance(epochs=1)
    two.advance(epochs=1)
    assert_same(one, two)
    one.restore(middle)
    one.advance(epochs=1)
    assert_same(one, two)
    assert one.evaluate("test").fused.device.type == "cpu"


@pytest.mark.parametrize("device", [device for device in DEVICES if device != "mps"])
def test_what_a_look_at_a_sub_step_shows_is_on_the_cpu(device, tiny):
    own = {name: nn.Linear(5, 8) for name in ("m0", "m1", "m2")}
    session = TrainingSession(tiny(device=device, head_device="same"), encoders=own)
    session.advance(steps=4)
    slow = slow_step(session)
    shown = [slow.features, slow.logits, slow.losses, *slow.projection.transforms]
    shown += [slow.head.gradient, slow.head.followed, slow.head.before, slow.head.after]
    assert {x.device.type for x in [*shown, *slow.head.means.values()]} == {"cpu"}
    assert slow.head.record == session.advance(steps=1)[0]


FIRST_BACKWARD = """
import torch
from mla_core import ExperimentConfig, TrainingSession
few = {"modalities": 2, "classes": 3, "dim": 5, "sizes": [32, 9, 9]}
config = ExperimentConfig(
    dataset="gaussian", dataset_options=few, batch_size=16, device="cuda", precision="float32"
)
own = {"m0": torch.nn.Linear(5, 7), "m1": torch.nn.Linear(5, 7)}
TrainingSession(config, encoders=own).advance(steps=2)
"""


@on_a_gpu
def test_the_first_backward_pass_of_a_process_warns_of_nothing():
    command = [sys.executable, "-W", "error", "-c", FIRST_BACKWARD]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
