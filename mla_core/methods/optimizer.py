"""The optimiser that a configuration asks for."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Sequence
from typing import Any

import torch

from mla_core.config import ExperimentConfig


def _plain(step: Any) -> Any:
    """Return an optimiser's step without what torch wraps around it for its compiler.

    The wrapper breaks the compiler's graph and imports the compiler for that, which takes seconds
    before the first update of every process; nothing is compiled here.
    """
    return torch.no_grad()(inspect.unwrap(step))


class _SGD(torch.optim.SGD):
    step = _plain(torch.optim.SGD.step)


class _AdamW(torch.optim.AdamW):
    step = _plain(torch.optim.AdamW.step)


def make_optimizer(
    config: ExperimentConfig, parameters: Sequence[torch.nn.Parameter]
) -> torch.optim.Optimizer:
    """Return SGD with momentum or AdamW over these parameters."""
    _spare_the_compiler()
    rate, decay = config.learning_rate, config.weight_decay
    if config.optimizer == "adamw":
        return _AdamW(parameters, lr=rate, weight_decay=decay, fused=True)
    optimizer = _SGD(parameters, lr=rate, momentum=config.momentum, weight_decay=decay, fused=True)
    # The fused kernel wants all momenta or none, but encoders take their first step one by one. A
    # buffer of zeros gives the same first step as no buffer: 0 * momentum + gradient.
    for parameter in parameters:
        optimizer.state[parameter]["momentum_buffer"] = torch.zeros_like(parameter)
    return optimizer


def laid_out_as(parameter: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    """Return a copy of what an optimiser keeps of a parameter, on the CPU, with its strides.

    A fused step takes the strides of the parameter for those of the momentum, too.
    """
    like = parameter if parameter.shape == value.shape else value
    return torch.empty_like(like, device="cpu", dtype=value.dtype).detach().copy_(value)


def _spare_the_compiler() -> None:
    """Let optimisers be made without torch's compiler, too.

    Some of their other methods are wrapped so that the compiler leaves them alone, which imports it
    at the first call, unless it is noted that this was done.
    """
    if "torch._dynamo" in sys.modules:
        return
    for method in vars(torch.optim.Optimizer).values():
        plain = getattr(method, "__wrapped__", None)
        if plain is not None and not hasattr(plain, "__dynamo_disable"):
            plain.__dynamo_disable = plain  # noqa: SLF001 - there is no public way
