"""Head gradient modification: P by recursive least squares, and its variants (MLA, eq. 3-5).

The shared head forgets one modality while it learns the next. MLA multiplies the head's gradient
by a matrix P that is small along the mean features seen so far, so that a step for one modality
barely changes the head's outputs for the others.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from mla_core.errors import ConfigError, one_of

VARIANTS: dict[str, str] = {
    "paper": "eq. 3-5 with the current modality's mean feature (Algorithm 1)",
    "paper_previous": "eq. 3-5 with the mean feature of the PREVIOUS sub-step (the paper's prose)",
    "dataset_mean": "eq. 3-5 with the mean over the whole training set, refreshed once per epoch",
    "released": "what MLA's published code does: nothing, its test for the head's name never holds",
    "released_enabled": "the published code's own formulas, switched on: P is divided element by "
    "element and by its Frobenius norm",
    "additive": "BalanceBenchmark: the projected gradient is added to the gradient itself, G (I + P)",
    "off": "plain alternation: the head's gradient is used as it is",
}
_RECURSIVE = frozenset({"paper", "paper_previous", "dataset_mean"})
ELEMENTWISE = frozenset({"released_enabled", "additive"})

ALPHA_SCHEDULES: dict[str, str] = {
    "auto": "what the variant's source uses: epoch_decay for released_enabled and additive, "
    "else constant",
    "constant": "alpha throughout (eq. 5)",
    "epoch_decay": "alpha * 0.1 ** (progress within the epoch), as in MLA's published code",
    "run_decay": "alpha * 0.1 ** (progress within the run), in the manner of OWM (2019)",
}


def alpha_at(
    schedule: str, alpha: float, *, variant: str, epoch_progress: float, run_progress: float
) -> float:
    """Return the value of alpha at one sub-step.

    Parameters
    ----------
    schedule : str
        A key of `ALPHA_SCHEDULES`.
    alpha : float
        The value at the start.
    variant : str
        Decides what ``"auto"`` means.
    epoch_progress, run_progress : float
        Both in [0, 1).

    Examples
    --------
    >>> at = {"variant": "paper", "epoch_progress": 0.5, "run_progress": 0.0}
    >>> round(alpha_at("epoch_decay", 0.1, **at), 4)
    0.0316
    """
    if schedule == "auto":
        schedule = "epoch_decay" if variant in ELEMENTWISE else "constant"
    if schedule == "constant":
        return alpha
    progress = epoch_progress if schedule == "epoch_decay" else run_progress
    return float(alpha * 0.1**progress)


class HeadGradientModification:
    """The matrix P and what it does to the head's gradient.

    Parameters
    ----------
    dim : int
        Feature size s.
    alpha : float
        Added to the denominator of eq. 5; smaller means a stronger projection.
    variant : str
        A key of `VARIANTS`.

    Attributes
    ----------
    P : Tensor
        (s, s) float64, the identity at first. Symmetric and positive definite in the variants
        that follow the equations.
    taken_in : tuple of Tensor and float, or None
        The mean feature (s,) and the alpha of the last update; None where P took nothing in.

    Raises
    ------
    ConfigError
        When `alpha` is not a positive number, `dim` is below 1, or the variant is unknown.

    Notes
    -----
    With a mean feature h (eq. 4), eq. 5 reads ``q = P h / (alpha + h^T P h)``, ``P <- P - q h^T P``
    (Zhang et al., CVPR 2024). By Sherman-Morrison P is the inverse of ``I + sum h h^T / alpha``: its
    eigenvalues only fall, and with them the head's plasticity.

    float64, since in float32 the eigenvalues, which fall towards 1e-7 in a few thousand updates,
    drown in rounding errors and P stops being positive definite.

    Examples
    --------
    >>> hgm = HeadGradientModification(dim=2, alpha=1e-9)
    >>> hgm.update(torch.tensor([[3.0, 0.0]]))
    >>> hgm.project(torch.tensor([[1.0, 1.0]])).round(decimals=6).tolist()
    [[0.0, 1.0]]
    >>> round(hgm.plasticity, 6)
    0.5
    """

    def __init__(self, dim: int, alpha: float = 0.1, variant: str = "paper") -> None:
        one_of("head_gradient", variant, VARIANTS)
        if dim < 1:
            msg = f"dim must be at least 1, not {dim}"
            raise ConfigError(msg)
        _check_alpha(alpha)
        self.dim = dim
        self.alpha = alpha
        self.variant = variant
        self.P = torch.eye(dim, dtype=torch.float64)
        self.taken_in: tuple[Tensor, float] | None = None
        self._p: Tensor | None = None
        self._previous: Tensor | None = None  # (s,), the mean waiting for the next sub-step

    @property
    def active(self) -> bool:
        """Whether this variant does anything at all."""
        return self.variant in _RECURSIVE or self.variant in ELEMENTWISE

    @property
    def plasticity(self) -> float:
        """trace(P)/s: the share of the head's gradient that is still let through, 1 at first."""
        return float(self.P.trace()) / self.dim

    def update(self, features: Tensor, alpha: float | None = None) -> None:
        """Take in one sub-step's features (eq. 4 and 5).

        Parameters
        ----------
        features : Tensor
            (B, s) encoder outputs of the current sub-step. For ``dataset_mean`` pass the mean over
            the training set as (1, s).
        alpha : float, optional
            Instead of the constant one, when it follows a schedule.
        """
        if not self.active:
            return
        alpha = self.alpha if alpha is None else alpha
        _check_alpha(alpha)
        mean: Tensor | None = features.detach().mean(0, dtype=self.P.dtype)  # (s,)
        if self.variant == "paper_previous":
            mean, self._previous = self._previous, mean
        self.taken_in = None if mean is None else (mean, alpha)
        if mean is None:
            return
        if self.variant in ELEMENTWISE:
            self._update_elementwise(mean, alpha)
        else:
            self._update_recursive(mean, alpha)

    def _update_recursive(self, mean: Tensor, alpha: float) -> None:
        k = self.P @ mean  # (s,)
        u = k.mul_((alpha + float(mean @ k)) ** -0.5)
        # u u^T is symmetric to the last bit, q h^T P is not; nor is addr_ for every size s.
        self.P.addcmul_(u[:, None], u[None], value=-1)

    def _update_elementwise(self, mean: Tensor, alpha: float) -> None:
        # As published: (s, s) / (s, s) where eq. 5 divides by a scalar, then the norm.
        k = self.P @ mean  # (s,)
        self.P -= torch.outer(k, k) / (alpha + torch.outer(k, mean))
        self.P /= torch.linalg.matrix_norm(self.P)

    def project(self, gradient: Tensor) -> Tensor:
        """Return the modified gradient (or update) of the head's weight (eq. 3).

        Parameters
        ----------
        gradient : Tensor
            (C, s).

        Returns
        -------
        Tensor
            (C, s), of the same type: ``G P``; for the published variants ``G P^T`` and
            ``G + G P^T``; the gradient itself where the variant does nothing.
        """
        if not self.active:
            return gradient
        # P is kept in float64, but one product does not need it. The copy has a place of its own,
        # since allocating (s, s) in every sub-step costs more than copying.
        if self._p is None or self._p.dtype != gradient.dtype:
            self._p = torch.empty_like(self.P, dtype=gradient.dtype)
        p = self._p.copy_(self.P)
        if self.variant not in ELEMENTWISE:
            return gradient @ p
        modified = gradient @ p.T
        return modified + gradient if self.variant == "additive" else modified

    def state_dict(self) -> dict[str, Tensor]:
        """Return copies of the tensors that define the state, empty where nothing is done."""
        if not self.active:
            return {}
        state = {"P": self.P.clone()}
        if self._previous is not None:
            state["previous"] = self._previous.clone()
        return state

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Take back what `state_dict` gave."""
        if self.active:
            self.P = state["P"].clone()
            self._previous = state["previous"].clone() if "previous" in state else None


def _check_alpha(alpha: float) -> None:
    if not (alpha > 0 and math.isfinite(alpha)):
        msg = f"alpha must be a positive number, not {alpha}"
        raise ConfigError(msg)
