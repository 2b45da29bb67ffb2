"""A module of one's own as an encoder."""

import gc
import re
import weakref

import pytest
import torch
from torch import nn

from mla_core import ConfigError, ExperimentConfig, TrainingDivergedError, TrainingSession
from mla_core.catalogue import METHODS

SETTINGS = {"batch_size": 8, "probe_size": 9, "feature_size": 12, "epochs": 2}


def own(width=6, norm=True):
    """Return (B, 3, 16, 16) -> (B, width), with everything that makes trouble."""
    torch.manual_seed(3)
    layers = [nn.Conv2d(3, width, 5, stride=3), nn.BatchNorm2d(width), nn.ReLU(), nn.Dropout(0.3)]
    return nn.Sequential(*(layers if norm else layers[:1]), nn.AdaptiveAvgPool2d(1), nn.Flatten())


@pytest.mark.parametrize("method", METHODS)
def test_every_method_trains_a_copy_of_it(method, make_media, bits):
    names = ["image"] if method == "unimodal" else ["image", "numbers", "letters"]
    module = own()
    before = bits(module.state_dict())
    config = ExperimentConfig(method=method, **SETTINGS)
    session = TrainingSession(config, make_media(*names, missing=0.2), encoders={"image": module})
    list(session)
    assert bits(module.state_dict()) == before
    assert bits(session.method.model.encoders["image"].body.state_dict()) != before
    assert session.evaluate("test").features.shape == (len(names), 9, 12)


def test_a_fork_and_a_restored_session_go_on_alike(make_media, assert_same):
    data = make_media("image", "numbers")
    module = own()
    whole, parts = (
        TrainingSession(ExperimentConfig(**SETTINGS), data, {"image": module}) for _ in range(2)
    )
    list(whole)
    parts.advance(steps=3)
    early = parts.snapshot()
    parts.advance(steps=2)
    parts.restore(early)
    twin = parts.fork()
    for session in (parts, twin):
        list(session)
        assert_same(session, whole)


def test_its_features_reach_the_head_as_they_are_where_sizes_agree(make_media):
    data, module = make_media("image"), own(12, norm=False).eval()
    session = TrainingSession(ExperimentConfig(**SETTINGS), data, {"image": module})
    x = data.split("val").inputs["image"]
    torch.testing.assert_close(session.evaluate("val").features[0], module(x).detach())
    wide = TrainingSession(
        ExperimentConfig(**{**SETTINGS, "feature_size": "encoder"}), data, {"image": own(40)}
    )
    assert wide.method.feature_size == 40


def test_one_without_anything_to_train_is_used_as_it_is_and_asked_once(make_media):
    class Pooled(nn.Module):
        asked = 0

        def forward(self, x):
            Pooled.asked += len(x)
            return x.mean((2, 3))

    data = make_media("image", missing=0.0)
    session = TrainingSession(ExperimentConfig(**SETTINGS), data, {"image": Pooled()})
    list(session)
    assert Pooled.asked == 2 + 9 + 24  # a trial, the probe, the training split
    session.evaluate("val")
    assert Pooled.asked == 2 + 9 + 24 + 12


def test_a_frozen_one_that_is_changed_from_outside_is_asked_anew(make_media):
    data, module = make_media("image"), own(norm=False).requires_grad_(requires_grad=False)
    session = TrainingSession(ExperimentConfig(**SETTINGS), data, {"image": module})
    before = session.evaluate("val").features
    module[0].weight *= 2
    assert not torch.allclose(session.evaluate("val").features, before)


def test_kept_features_go_with_the_data(make_media):
    data, module = make_media("image"), nn.Flatten()
    encoder = adapted_to(module, data)
    kept = weakref.ref(encoder.observed(data.split("val").inputs["image"], encoder.observe))
    assert kept() is encoder.observed(data.split("val").inputs["image"], encoder.observe)
    del data
    gc.collect()
    assert kept() is None


def test_what_is_looked_at_once_leaves_nothing_at_the_encoder(make_media):
    """An explorer spoils a sample anew at every touch, and asks the same encoder about it."""
    data, module = make_media("image"), nn.Flatten()
    encoder = adapted_to(module, data)
    counts = []
    for _ in range(3):
        encoder.observed(torch.rand(2, 3, 16, 16), encoder.observe)
        gc.collect()
        counts.append(weakref.getweakrefcount(module))
    assert counts[0] == counts[1] == counts[2]


def adapted_to(module, data):
    """Return the encoder that a session makes of a module."""
    session = TrainingSession(ExperimentConfig(**SETTINGS), data, {"image": module})
    return session.method.model.encoders["image"]


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (nn.Linear(3, 4), r"the encoder Linear for 'image' cannot read image of shape \(3, 16, 16"),
        (
            nn.Identity(),
            r"must return features \(B, d\), but for two samples it returns \(2, 3, 16",
        ),
        (nn.Conv2d(1, 2, 3), "Conv2d for 'image' cannot read"),
        (nn.Flatten(0), r"it returns \(1536,\)"),
        (len, "must be a torch.nn.Module, not <built-in function len>"),
        ("resnet18", "must be a torch.nn.Module, not 'resnet18'"),
    ],
)
def test_a_module_that_does_not_fit_is_refused(module, message, make_media):
    with pytest.raises(ConfigError, match=message):
        TrainingSession(ExperimentConfig(), make_media("image"), {"image": module})


def test_two_encoders_for_one_modality_are_one_too_many(make_media):
    config = ExperimentConfig(encoders={"image": "small"})
    with pytest.raises(ConfigError, match=r"two encoders for 'image'.*encoders\['image'\]"):
        TrainingSession(config, make_media("image"), {"image": own()})
    with pytest.raises(ConfigError, match="unknown modality in encoders 'sound'"):
        TrainingSession(ExperimentConfig(), make_media("image"), {"sound": own()})


def test_a_refused_step_leaves_it_alone(make_media, bits):
    data = make_media("image", missing=0.0)
    session = TrainingSession(ExperimentConfig(**SETTINGS), data, {"image": own()})
    session.advance(steps=1)
    data.split("train").inputs["image"][:] = torch.nan
    before = bits(session.method.state_dict())
    with pytest.raises(TrainingDivergedError, match=re.escape("the loss is nan")):
        session.advance(steps=1)
    assert bits(session.method.state_dict()) == before
