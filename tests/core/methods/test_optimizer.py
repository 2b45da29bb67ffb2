"""The optimisers are torch's own, bit for bit."""

import functools

import pytest
import torch

import mla_core as mla
from mla_core.methods.optimizer import make_optimizer


@pytest.mark.parametrize("kind", ["sgd", "adamw"])
def test_the_optimizer_steps_as_torchs_own(kind):
    config = mla.ExperimentConfig(
        dataset="gaussian", optimizer=kind, learning_rate=0.1, weight_decay=0.01
    )
    start = torch.randn(5, 3, generator=torch.Generator().manual_seed(0))
    ours, theirs = (torch.nn.Parameter(start.clone()) for _ in range(2))
    kinds = {
        "sgd": functools.partial(torch.optim.SGD, momentum=config.momentum),
        "adamw": torch.optim.AdamW,
    }
    own = make_optimizer(config, [ours])
    plain = kinds[kind]([theirs], lr=0.1, weight_decay=0.01, fused=True)
    calls = []
    own.register_step_post_hook(lambda *_: calls.append(1))
    for factor in (1.0, -2.0, 0.5):
        for parameter, optimizer in ((ours, own), (theirs, plain)):
            parameter.grad = factor * parameter.detach()
            optimizer.step()
    assert torch.equal(ours, theirs)
    assert not torch.equal(ours, start)
    assert len(calls) == 3
