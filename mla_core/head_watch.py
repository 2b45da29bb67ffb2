"""What one sub-step does to the head, noted while the training code does it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import torch
from torch import Tensor, nn

from mla_core.methods.base import Method
from mla_core.methods.one_at_a_time import OneAtATime


class HeadWatch:
    """A context around one sub-step; torch's own hooks tell it what passes.

    The training code runs as always and is not repeated here: what is noted is what happened.

    Parameters
    ----------
    method : Method
    modality : str or None
        The one that is about to be trained.
    n_classes : int
        C; where all modalities learn at once, the head's matrices with C rows are watched, side by
        side.

    Attributes
    ----------
    features : dict of str to Tensor
        (B, s) of every modality that was encoded for the loss.
    gradient : Tensor
        (C, K) of the head's weight, as backpropagation gave it; K = s for one modality at a time.
    before, after : Tensor
        (C, K), the head's weight.

    Examples
    --------
    >>> from mla_core import ExperimentConfig, TrainingSession
    >>> session = TrainingSession(ExperimentConfig(dataset="gaussian", learning_rate=0.5))
    >>> with HeadWatch(session.method, "m0", 10) as watch:
    ...     record = next(session)
    >>> list(watch.features), abs(float(watch.gradient.norm()) - record.gradient_norm) < 1e-6
    (['m0'], True)
    """

    def __init__(self, method: Method, modality: str | None, n_classes: int) -> None:
        if isinstance(method, OneAtATime):
            self._weights: Sequence[Tensor] = [method.head_of(str(modality)).weight]
        else:
            self._weights = [
                p for p in method.model.head.parameters() if p.ndim == 2 and len(p) == n_classes
            ]
        self._encoders = dict(method.model.encoders.items())
        self.features: dict[str, Tensor] = {}
        self.before = self._together()
        self.after = self.before
        self._gradients = [torch.zeros_like(weight) for weight in self._weights]

    def __enter__(self) -> Self:
        self._hooks: list[Any] = [
            encoder.register_forward_hook(self._note_features(name))
            for name, encoder in self._encoders.items()
        ]
        self._hooks += [
            weight.register_hook(self._note_gradient(i)) for i, weight in enumerate(self._weights)
        ]
        return self

    def __exit__(self, *_: object) -> None:
        for hook in self._hooks:
            hook.remove()
        self.after = self._together()

    @property
    def gradient(self) -> Tensor:
        """(C, K), zero where nothing flowed back."""
        return torch.cat(self._gradients, 1)

    def _together(self) -> Tensor:
        return torch.cat([weight.detach() for weight in self._weights], 1)  # a copy

    def _note_features(self, name: str) -> Any:
        def note(_module: nn.Module, _inputs: Any, features: Tensor) -> None:
            # Only what the loss is made of: looks at the probe set and data set means need no
            # gradients.
            if torch.is_grad_enabled():
                self.features[name] = features.detach().clone()

        return note

    def _note_gradient(self, index: int) -> Any:
        def note(gradient: Tensor) -> None:
            self._gradients[index] = gradient.clone()

        return note
