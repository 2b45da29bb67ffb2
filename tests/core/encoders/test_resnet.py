"""ResNet-18: its layers, its files, and what statistics over a batch must not do."""

import re
from dataclasses import replace

import pytest
import torch
from safetensors.torch import save_file
from torch.nn import functional as F

from mla_core import ConfigError, ExperimentConfig, TrainingDivergedError, TrainingSession
from mla_core.encoders.build import DEVIATION, MEAN, build_encoders
from mla_core.encoders.resnet import ResNet18, load_resnet18, random_resnet18

SETTINGS = {"batch_size": 8, "probe_size": 9, "evaluate_every": 0, "learning_rate": 0.01}


def seeded(number=0):
    return torch.Generator().manual_seed(number)


def lively(channels=3):
    """Return a network whose every weight and statistic matters."""
    network, source = random_resnet18(channels, seeded()), seeded(1)
    for tensor in network.state_dict().values():
        if tensor.ndim == 1:
            tensor.add_(torch.rand(tensor.shape, generator=source))
    return network.eval()


def by_hand(x, w):
    """He et al., CVPR 2016, table 1: 18 layers, written anew with functions alone."""

    def convolve(x, name, norm, stride=1, padding=1):
        x = F.conv2d(x, w[f"{name}.weight"], stride=stride, padding=padding)
        parts = (w[f"{norm}.{part}"] for part in ("running_mean", "running_var", "weight", "bias"))
        return F.batch_norm(x, *parts)

    x = F.max_pool2d(convolve(x, "conv1", "bn1", 2, 3).relu(), 3, 2, 1)
    for stage in range(1, 5):
        for block in range(2):
            name = f"layer{stage}.{block}"
            stride = 2 if stage > 1 and block == 0 else 1
            out = convolve(x, f"{name}.conv1", f"{name}.bn1", stride).relu()
            out = convolve(out, f"{name}.conv2", f"{name}.bn2")
            if stride == 2:
                x = convolve(x, f"{name}.downsample.0", f"{name}.downsample.1", 2, 0)
            x = (out + x).relu()
    return F.adaptive_avg_pool2d(x, 1).flatten(1)


def test_it_is_the_network_of_the_literature():
    network = lively()
    assert sum(p.numel() for p in network.parameters()) == 11_689_512 - 513_000  # less its fc
    x = torch.randn(2, 3, 50, 40, generator=seeded(2))
    torch.testing.assert_close(network(x), by_hand(x, network.state_dict()), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("name", "channels"), [("image", 3), ("grey", 1), ("audio", 1)])
def test_every_picture_becomes_512_features(name, channels, make_media):
    chosen = {name: "resnet18"}
    found = build_encoders(make_media(name).modalities, encoders=chosen, feature_size="encoder")
    assert found.size == 512
    assert found.encoders[name].body.conv1.in_channels == channels


def test_a_video_is_the_mean_of_its_frames(make_media):
    data = make_media("video")
    found = build_encoders(data.modalities, encoders={"video": "resnet18"}, feature_size=512)
    encoder = found.encoders["video"].eval()
    x = data.split("train").inputs["video"][:3]
    frames = [encoder.body.network(x[:, i]) for i in range(x.shape[1])]
    torch.testing.assert_close(encoder(x), torch.stack(frames).mean(0))


def test_weights_are_read_from_torchvisions_names_and_from_files_that_leave_counters_out(tmp_path):
    network = lively()
    file = tmp_path / "weights.safetensors"
    kept = {k: v for k, v in network.state_dict().items() if "num_batches" not in k}
    save_file({**kept, "fc.weight": torch.zeros(10, 512), "fc.bias": torch.zeros(10)}, file)
    x = torch.randn(2, 3, 32, 32)
    torch.testing.assert_close(load_resnet18(str(file)).eval()(x), network(x))


def test_pretrained_weights_see_pictures_as_they_were_trained_on(tmp_path, make_media):
    """Grey ones are repeated, and all are standardised as ImageNet's were."""
    network, file = lively(), tmp_path / "weights.safetensors"
    save_file(network.state_dict(), file)
    data = make_media("grey")
    entry = {"name": "resnet18", "weights": str(file), "train": "frozen"}
    session = TrainingSession(
        ExperimentConfig(encoders={"grey": entry}, feature_size="encoder"), data
    )
    x = session.data.split("val").inputs["grey"]
    colours = (x.repeat(1, 3, 1, 1) - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(
        DEVIATION
    ).view(3, 1, 1)
    found = session.method.model.features({"grey": x})[0]
    torch.testing.assert_close(found, network(colours).detach())


def test_the_last_blocks_alone_are_trained(tmp_path, make_media, bits):
    file = tmp_path / "weights.safetensors"
    save_file(lively().state_dict(), file)
    entry = {"name": "resnet18", "weights": str(file), "train": "last"}
    config = ExperimentConfig(encoders={"image": entry}, epochs=1, **SETTINGS)
    session = TrainingSession(config, make_media("image"))
    body = session.method.model.encoders["image"].body
    before = bits(body.state_dict())
    list(session)
    after = bits(body.state_dict())
    moved = {name for name in before if before[name] != after[name]}
    assert moved == {name for name in before if name.startswith("1.layer4.")}


FAULTS = {
    "missing": (lambda file, w: None, "there is no file of weights"),
    "pickle": (lambda file, w: torch.save(w, file), "no safetensors file.*any code"),
    "text": (lambda file, w: file.write_text("weights"), "no safetensors file"),
    "lacks": (
        lambda file, w: save_file({k: v for k, v in w.items() if k != "bn1.bias"}, file),
        r"bn1.bias must be \(64,\), not none",
    ),
    "shape": (
        lambda file, w: save_file({**w, "bn1.bias": torch.zeros(3)}, file),
        r"bn1.bias must be \(64,\), not \(3,\)",
    ),
    "deeper": (
        lambda file, w: save_file({**w, "layer1.2.bn1.bias": torch.zeros(3)}, file),
        "it has the weight 'layer1.2.bn1.bias'",
    ),
    "other": (lambda file, w: save_file({"x": torch.zeros(3)}, file), "no conv1.weight"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_bad_file_is_refused_with_its_name_and_fault(fault, tmp_path):
    write, message = FAULTS[fault]
    file = tmp_path / "weights.safetensors"
    write(file, ResNet18().state_dict())
    with pytest.raises(ConfigError, match=message) as caught:
        load_resnet18(str(file))
    assert repr(str(file)) in str(caught.value)


@pytest.mark.parametrize("name", ["letters", "text", "numbers", "wave"])
def test_what_is_no_picture_is_refused(name, make_media):
    config = ExperimentConfig(encoders={name: "resnet18"})
    with pytest.raises(ConfigError, match=f"'resnet18' reads images.*modality '{name}' is"):
        TrainingSession(config, make_media(name))


# ---------------------------------------------------------------------- statistics over a batch


def started(data, method="concat", **changes):
    names = {m: "resnet18" for m, x in data.modalities.items() if x.kind != "vector"}
    config = ExperimentConfig(method=method, encoders=names, **{**SETTINGS, **changes})
    return TrainingSession(config, data)


def test_a_prediction_does_not_depend_on_its_neighbours(make_media):
    session = started(make_media("image", "audio"))
    session.advance(steps=2)
    split = session.data.split("val")
    whole, alone = session.evaluate(split), session.evaluate(split.subset(torch.tensor([4])))
    torch.testing.assert_close(whole.fused[4:5], alone.fused, rtol=1e-4, atol=1e-4)


def test_the_same_numbers_however_it_is_driven(make_media, assert_same):
    data = make_media("image", "numbers")
    whole, parts = started(data, "mla", epochs=2), started(data, "mla", epochs=2)
    list(whole)
    parts.advance(steps=2)
    early = parts.snapshot()
    parts.advance(steps=3)
    parts.restore(early)
    twin = parts.fork()
    for session in (parts, twin):
        list(session)
        assert_same(session, whole)


def test_absent_parts_leave_no_trace_in_the_statistics(make_media, bits):
    data = make_media("numbers", "image", missing=0.5)
    train = data.split("train")
    garbage = replace(train, inputs={**train.inputs, "image": train.inputs["image"].clone()})
    garbage.inputs["image"][~train.present[1]] = 7.0
    states = []
    for split in (train, garbage):
        session = started(data)
        session._route.train = split
        session.advance(steps=2)
        states.append(bits(session.method.state_dict()))
    assert states[0] == states[1]


def test_a_batch_of_one_has_no_statistics_but_teaches(make_media, bits):
    session = started(make_media("grey", missing=0.0), "mla", batch_size=1)
    encoder = session.method.model.encoders["grey"]
    means, weights = (
        {k: v.clone() for k, v in encoder.state_dict().items() if ("running" in k) == statistic}
        for statistic in (True, False)
    )
    session.advance(steps=1)
    now = encoder.state_dict()
    assert all(torch.equal(now[name], mean) for name, mean in means.items())
    assert any(not torch.equal(now[name], weight) for name, weight in weights.items())


@pytest.mark.parametrize("method", ["mla", "qmf"])
def test_a_refused_step_leaves_the_statistics_alone(method, make_media, bits):
    session = started(make_media("image", missing=0.0), method)
    session.advance(steps=1)
    session._route.train.inputs["image"][:] = torch.inf
    before = bits(session.method.state_dict())
    with pytest.raises(TrainingDivergedError, match=re.escape("the loss is nan")):
        session.advance(steps=1)
    assert bits(session.method.state_dict()) == before
