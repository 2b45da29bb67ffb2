"""Head gradient modification: P by recursive least squares, and its variants (MLA, eq. 3-5).

The shared head forgets one modality while it learns the next. MLA multiplies the head's gradient
by a matrix P that is small along the mean features seen so far, so that a step for one modality
barely changes the head's outputs for the others.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor

from mla_core.errors import ConfigError
from mla_core.head.variants import Variant, make
from mla_core.language import later, tr
from mla_core.plugins import Registry
from mla_core.references import user_named

VARIANTS: Registry[type[Any]] = Registry(
    "head_gradient",
    "head_gradients",
    {
        "paper": (
            "mla_core.head.variants:Paper",
            "eq. 3-5 with the current modality's mean feature (Algorithm 1)",
        ),
        "paper_previous": (
            "mla_core.head.variants:PaperPrevious",
            "eq. 3-5 with the mean feature of the PREVIOUS sub-step (the paper's prose)",
        ),
        "dataset_mean": (
            "mla_core.head.variants:DatasetMean",
            "eq. 3-5 with the mean over the whole training set, refreshed once per epoch",
        ),
        "released": (
            "mla_core.head.variants:Off",
            "what MLA's published code does: nothing, its test for the head's name never holds",
        ),
        "released_enabled": (
            "mla_core.head.variants:ReleasedEnabled",
            "the published code's own formulas, switched on: P is divided element by element "
            "and by its Frobenius norm; amplifies rounding",
        ),
        "additive": (
            "mla_core.head.variants:Additive",
            "BalanceBenchmark: the projected gradient is added to the gradient itself, "
            "G (I + P), with the P of released_enabled; amplifies rounding",
        ),
        "off": (
            "mla_core.head.variants:Off",
            "plain alternation: the head's gradient is used as it is",
        ),
    },
    check="mla_core.head.guest:check_variant",
)

ALPHA_SCHEDULES: dict[str, str] = {
    "auto": "what the variant's source uses: epoch_decay for released_enabled and additive, "
    "else constant",
    "constant": "alpha throughout (eq. 5)",
    "epoch_decay": "alpha * 0.1 ** (progress within the epoch), as in MLA's published code",
    "run_decay": "alpha * 0.1 ** (progress within the run), in the manner of OWM (2019)",
}


def rounding_note(variants: Iterable[str]) -> str:
    """Return what must be said beside results of these variants; empty where there is nothing.

    Examples
    --------
    >>> rounding_note(["off", "paper"])
    ''
    >>> rounding_note(["paper", "additive"])
    'additive amplifies rounding: on another machine the same run may end elsewhere.'
    """
    those = [
        name
        for name in dict.fromkeys(variants)
        if VARIANTS.known(name) and getattr(VARIANTS[name], "amplifies_rounding", False)
    ]
    if not those:
        return ""
    one = later("{names} amplifies rounding: on another machine the same run may end elsewhere.")
    many = later("{names} amplify rounding: on another machine the same run may end elsewhere.")
    return tr(one if len(those) == 1 else many, names=tr(" and ").join(those))


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
        schedule = getattr(VARIANTS[variant], "alpha_schedule", "constant")
    if schedule == "constant":
        return alpha
    progress = epoch_progress if schedule == "epoch_decay" else run_progress
    return float(alpha * 0.1**progress)


class HeadGradientModification:
    """What becomes of the head's gradient: the matrix P, in one of its variants.

    Parameters
    ----------
    dim : int
        Feature size s.
    alpha : float
        Added to the denominator of eq. 5; smaller means a stronger projection.
    variant : str
        A name in `VARIANTS`, or ``"module:Class"``.

    Attributes
    ----------
    inner : Variant
        The variant itself, see `mla_core.head.Variant`.

    Raises
    ------
    ConfigError
        When `alpha` is not a positive number, `dim` is below 1, or the variant is unknown.

    Notes
    -----
    With a mean feature h (eq. 4), eq. 5 reads ``q = P h / (alpha + h^T P h)``, ``P <- P - q h^T P``
    (Zhang et al., CVPR 2024). By Sherman-Morrison P is the inverse of ``I + sum h h^T / alpha``: its
    eigenvalues only fall, and with them the head's plasticity.

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
        VARIANTS.check_name(variant)
        if dim < 1:
            msg = f"dim must be at least 1, not {dim}"
            raise ConfigError(msg)
        _check_alpha(alpha)
        user_named(variant)
        self.dim = dim
        self.alpha = alpha
        self.variant = variant
        self.inner = make(VARIANTS[variant], dim, alpha)
        self._device = torch.device("cpu")

    def to(self, device: torch.device) -> HeadGradientModification:
        """Keep P on a device, and wait there for no number; what others see of it is on the CPU.

        A variant that is not able to (`Variant.to`) stays on the CPU, and what it reads travels.
        """
        if isinstance(self.inner, Variant) and self.inner.to(device):
            self._device = device
        return self

    @property
    def active(self) -> bool:
        """Whether this variant does anything at all."""
        return bool(getattr(self.inner, "active", True))

    @property
    def takes(self) -> str:
        """What `update` wants: the sub-step's features, or the mean over the ``"dataset"``."""
        return str(getattr(self.inner, "takes", "batch"))

    @property
    def first_step_is_plain(self) -> bool:
        """Whether the very first sub-step of a run goes by unseen (eq. 3)."""
        return bool(getattr(self.inner, "first_step_is_plain", False))

    @property
    def recursive(self) -> bool:
        """Whether P follows eq. 5."""
        return bool(getattr(self.inner, "recursive", False))

    @property
    def P(self) -> Tensor:  # noqa: N802 - the paper's name
        """(s, s) float64, the identity at first; symmetric and positive definite under eq. 3-5.

        Of a variant that keeps none: what it makes of the identity.
        """
        if not self.active:
            return torch.eye(self.dim, dtype=torch.float64)
        kept = getattr(self.inner, "P", None)
        return kept.cpu() if isinstance(kept, Tensor) else self.transform

    @property
    def transform(self) -> Tensor:
        """What a gradient is multiplied by from the right, (s, s) float64."""
        return self.project(torch.eye(self.dim, dtype=torch.float64))

    @property
    def taken_in(self) -> tuple[Tensor, float] | None:
        """The mean feature (s,) and the alpha of the last update; None where P took nothing in."""
        found: tuple[Tensor, float] | None = getattr(self.inner, "taken_in", None)
        return None if found is None else (found[0].cpu(), found[1])

    @property
    def plasticity(self) -> float:
        """trace(P)/s: the share of the head's gradient that is still let through, 1 at first."""
        known = getattr(self.inner, "trace", None)
        return (known if isinstance(known, float) else float(self.P.trace())) / self.dim

    def plasticity_there(self) -> Tensor | float:
        """Return the same, not read where P is on a device."""
        there = getattr(self.inner, "trace_there", None)
        return there / self.dim if isinstance(there, Tensor) else self.plasticity

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
        self.inner.alpha = alpha
        self.inner.update(features.detach().to(self._device))

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
        projected: Tensor = self.inner.project(gradient.to(self._device))
        return projected.to(gradient.device)

    def state_dict(self) -> dict[str, Tensor]:
        """Return copies of the tensors that define the state, empty where nothing is done."""
        return dict(self.inner.state_dict()) if self.active else {}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take back what `state_dict` gave."""
        if self.active:
            self.inner.load_state_dict(dict(state))


def _check_alpha(alpha: float) -> None:
    if not (alpha > 0 and math.isfinite(alpha)):
        msg = f"alpha must be a positive number, not {alpha}"
        raise ConfigError(msg)
