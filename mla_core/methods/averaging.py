"""Weights averaged over the last few epochs: what predicts, while the live ones go on learning."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from mla_core.methods.model import MultimodalModel


class AveragedWeights:
    """A running mean of a model's weights, in a model of its own.

    Parameters
    ----------
    live : MultimodalModel
        Whose weights are averaged. What it does not train is shared, not copied.

    Attributes
    ----------
    model : MultimodalModel
        With the averaged weights.

    Notes
    -----
    ``w_bar <- d w_bar + (1 - d) w`` with ``d = min(1 - 1 / (h n), (1 + t) / (10 + t))``, where t
    counts the rounds that were taken in before, n are the rounds of an epoch and h is the horizon
    in epochs: an exponential mean, shorter while the run is young. It costs no pass through an
    encoder. Averages of the iterates go back to Polyak and Juditsky (1992); for networks see
    Izmailov et al. (UAI 2018).

    Examples
    --------
    >>> live = MultimodalModel({"x": nn.Linear(1, 1, bias=False)}, nn.Linear(1, 1))
    >>> _ = nn.init.constant_(live.encoders["x"].weight, 0.0)
    >>> averaged = AveragedWeights(live)
    >>> _ = nn.init.constant_(live.encoders["x"].weight, 1.0)
    >>> averaged.take(live, rounds=100.0)
    >>> round(averaged.model.encoders["x"].weight.item(), 6)
    0.9
    """

    def __init__(self, live: MultimodalModel) -> None:
        self.model = live.twin()
        self.model.temperature = live.temperature  # the same ones
        self._taken = 0

    @torch.no_grad()
    def take(self, live: MultimodalModel, rounds: float) -> None:
        """Take the live weights in.

        Parameters
        ----------
        live : MultimodalModel
        rounds : float
            h n, how many rounds the mean reaches back.
        """
        t = self._taken
        new = 1 - min(1 - 1 / max(rounds, 1.0), (1 + t) / (10 + t))
        mean, now = _floats(self.model), _floats(live)
        torch._foreach_lerp_(list(mean.values()), [now[name] for name in mean], new)
        counts = dict(live.named_buffers())
        for name, buffer in self.model.named_buffers():
            if name not in mean:  # such as how many batches a normalisation has seen
                buffer.copy_(counts[name])
        self._taken = t + 1

    def state_dict(self) -> dict[str, Tensor]:
        """Return copies of all that decides how the mean goes on."""
        kept = _kept(self.model)
        return {
            **{name: x.detach().to("cpu", copy=True) for name, x in kept.items()},
            "taken": torch.tensor(self._taken),
        }

    @torch.no_grad()
    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take back what `state_dict` gave."""
        for name, x in _kept(self.model).items():
            x.copy_(state[name])
        self._taken = int(state["taken"])


def _floats(model: nn.Module) -> dict[str, Tensor]:
    """Return the tensors that are averaged: what is trained, and statistics of activations."""
    return {name: x for name, x in _kept(model).items() if x.is_floating_point()}


def _kept(model: nn.Module) -> dict[str, Tensor]:
    trained = {name: p for name, p in model.named_parameters() if p.requires_grad}
    buffers = {name: b for name, b in model.named_buffers() if name != "temperature"}
    return {**trained, **buffers}
