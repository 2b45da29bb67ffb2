"""The variants of the head gradient modification, one small class each (MLA, eq. 3-5)."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor

from mla_core.head.recursive import RecursiveInverse


class Variant:
    """What a variant must be: it takes in features and says what becomes of a gradient.

    A variant of your own needs `update`, `project`, `state_dict` and `load_state_dict`, and a
    constructor that takes s and, if it wants it, ``alpha``; it need not derive from this class.

    Parameters
    ----------
    dim : int
        Feature size s.
    alpha : float
        The constant of eq. 5. It is set anew before every update, since it may follow a schedule.

    Attributes
    ----------
    active : bool
        Whether the variant does anything at all.
    alpha_schedule : str
        What ``alpha_schedule="auto"`` means for it.
    takes : {"batch", "dataset"}
        Whether `update` is given the sub-step's features (B, s), or the mean over the training set
        (1, s), refreshed once per epoch.
    first_step_is_plain : bool
        Whether the very first sub-step of a run goes by unseen (eq. 3).
    recursive : bool
        Whether P follows eq. 5, so that its numbers can be shown step by step.
    amplifies_rounding : bool
        Whether a rounding error grows from update to update, so that another machine may give
        other results; then `mla_core.head.rounding_note` is said beside them.

    Examples
    --------
    >>> class Halve(Variant):
    ...     def project(self, gradient):
    ...         return gradient / 2
    >>> Halve(dim=3, alpha=0.1).project(torch.ones(2, 3)).sum().item()
    3.0
    """

    active: ClassVar[bool] = True
    alpha_schedule: ClassVar[str] = "constant"
    takes: ClassVar[str] = "batch"
    first_step_is_plain: ClassVar[bool] = False
    recursive: ClassVar[bool] = False
    amplifies_rounding: ClassVar[bool] = False

    def __init__(self, dim: int, alpha: float) -> None:
        self.dim = dim
        self.alpha = alpha

    def update(self, features: Tensor) -> None:
        """Take in one sub-step's features (B, s)."""

    def project(self, gradient: Tensor) -> Tensor:
        """Return what becomes of a gradient (C, s), without changing it in place."""
        return gradient

    def to(self, device: torch.device) -> bool:  # noqa: ARG002 - for those that are able to
        """Compute on a device from now on, where this is able to; return whether it does."""
        return False

    def state_dict(self) -> dict[str, Tensor]:
        """Return copies of the tensors that decide how it goes on."""
        return {}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take back what `state_dict` gave."""


class Off(Variant):
    """Plain alternation."""

    active = False


class _WithP(Variant, ABC):
    """A variant that takes in mean features and multiplies gradients by a matrix P (s, s).

    Attributes
    ----------
    taken_in : tuple of Tensor and float, or None
        The mean feature (s,) and the alpha of the last update; None where P took nothing in.
    """

    def __init__(self, dim: int, alpha: float) -> None:
        super().__init__(dim, alpha)
        self.taken_in: tuple[Tensor, float] | None = None

    def update(self, features: Tensor) -> None:
        """Take in the mean feature (eq. 4)."""
        self._take(features.mean(0, dtype=torch.float64))

    def _take(self, mean: Tensor) -> None:
        self.taken_in = mean, self.alpha
        self._fold_in(mean)

    @abstractmethod
    def _fold_in(self, mean: Tensor) -> None:
        """Let P take in a mean feature (s,)."""


class Paper(_WithP):
    """Eq. 3 to 5 with the current modality's mean feature, as Algorithm 1 has it."""

    first_step_is_plain = True
    recursive = True

    def __init__(self, dim: int, alpha: float) -> None:
        super().__init__(dim, alpha)
        self._inverse = RecursiveInverse(dim)

    @property
    def P(self) -> Tensor:  # noqa: N802 - the paper's name
        """(s, s) float64."""
        return self._inverse.matrix()

    @property
    def trace(self) -> float:
        """Of P, without making it."""
        return self._inverse.trace

    @property
    def trace_there(self) -> Tensor:
        """The same, not read."""
        return self._inverse.trace_there

    def to(self, device: torch.device) -> bool:
        """Take P there."""
        self._inverse.to(device)
        return True

    def _fold_in(self, mean: Tensor) -> None:
        self._inverse.take_in(mean, self.alpha)

    def project(self, gradient: Tensor) -> Tensor:
        """Return ``G P`` (eq. 3)."""
        return self._inverse.times(gradient)

    def state_dict(self) -> dict[str, Tensor]:
        """Return what P is made of."""
        return self._inverse.state_dict()

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take P back."""
        self._inverse.load_state_dict(state)


class PaperPrevious(Paper):
    """The mean feature of the PREVIOUS sub-step, as the paper's prose has it."""

    first_step_is_plain = False

    def __init__(self, dim: int, alpha: float) -> None:
        super().__init__(dim, alpha)
        self._previous: Tensor | None = None  # (s,), the mean waiting for the next sub-step

    def _take(self, mean: Tensor) -> None:
        self.taken_in, waiting, self._previous = None, self._previous, mean
        if waiting is not None:
            super()._take(waiting)

    def state_dict(self) -> dict[str, Tensor]:
        """Return P and the mean that waits."""
        mean = self._previous
        waiting = {} if mean is None else {"previous": mean.to("cpu", copy=True)}
        return super().state_dict() | waiting

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take both back."""
        super().load_state_dict(state)
        mean = state.get("previous")
        self._previous = None if mean is None else mean.to(self._inverse.device, copy=True)


class DatasetMean(Paper):
    """The mean over the whole training set."""

    takes = "dataset"


class ReleasedEnabled(_WithP):
    """The published code's own formulas, switched on: (s, s) / (s, s) where eq. 5 has a scalar.

    Notes
    -----
    Entries of the denominator come close to 0 as soon as P has negative ones, and rounding errors
    grow. On features of the spoken digits P in float32 and in float64 differ by 1e-6 after two
    updates, 1e-3 after four, and have nothing in common after ten, where eq. 5 stays at 1e-7
    (`mla_core.head.rounding_spread`). In float64 it takes some thirty updates more. No order of the
    sums changes that: it is what the formulas do.
    """

    alpha_schedule = "epoch_decay"
    amplifies_rounding = True

    def __init__(self, dim: int, alpha: float) -> None:
        super().__init__(dim, alpha)
        self.P = torch.eye(dim, dtype=torch.float64)
        self._p: Tensor | None = None

    def _fold_in(self, mean: Tensor) -> None:
        k = self.P @ mean  # (s,)
        self.P -= torch.outer(k, k) / (self.alpha + torch.outer(k, mean))
        self.P /= torch.linalg.matrix_norm(self.P)

    def project(self, gradient: Tensor) -> Tensor:
        """Return ``G P^T``."""
        # P is kept in float64, but one product does not need it. The copy has a place of its own,
        # since allocating (s, s) in every sub-step costs more than copying.
        if self._p is None or self._p.dtype != gradient.dtype:
            self._p = torch.empty_like(self.P, dtype=gradient.dtype)
        return gradient @ self._p.copy_(self.P).T

    def state_dict(self) -> dict[str, Tensor]:
        """Return P."""
        return {"P": self.P.clone()}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take P back."""
        self.P = state["P"].clone()


class Additive(ReleasedEnabled):
    """BalanceBenchmark's: the projected gradient is added to the gradient itself."""

    def project(self, gradient: Tensor) -> Tensor:
        """Return ``G + G P^T``."""
        return super().project(gradient) + gradient


def make(cls: Any, dim: int, alpha: float) -> Any:
    """Return an instance for features of size `dim`; `alpha` goes to those that ask for it."""
    known = inspect.signature(cls).parameters
    takes_all = any(p.kind is p.VAR_KEYWORD for p in known.values())
    given = {"alpha": alpha} if "alpha" in known or takes_all else {}
    return cls(dim, **given) if known else cls()
